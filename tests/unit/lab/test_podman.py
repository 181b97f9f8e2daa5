"""What the lab prepares on the machine before it makes hosts."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab import image, podman
from lab.paths import Cache


def test_the_folder_of_shared_connections_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ssh does not make it: the first login with an empty cache would fail."""
    monkeypatch.setattr(image, "ensure", lambda **_all: "image")
    monkeypatch.setattr(podman, "existing", list)
    cache = Cache(root=tmp_path)
    podman.Lab(cache=cache, architecture="amd64").make([], inventory=Path("inventories/lab"), fresh=False)
    assert cache.sockets.stat().st_mode & 0o777 == 0o700
