"""When a snapshot that is sound is refused all the same; saving and restoring is tested on real members."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils import _host
from ansible_collections.quorate.kubernetes.plugins.module_utils._etcd_snapshot import SnapshotError
from ansible_collections.quorate.kubernetes.plugins.modules import etcd_snapshot

MIB = 1 << 20


@pytest.mark.parametrize(
    ("directory", "free", "fits"),
    [
        pytest.param("data", 456, True, id="just enough"),
        pytest.param("data", 455, False, id="not enough to restore it"),
        pytest.param(None, 0, True, id="it is not to be restored here"),
    ],
)
def test_verified_looks_for_the_room_to_restore_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, directory: str | None, free: int, fits: bool
) -> None:
    path = tmp_path / "one.db"
    with path.open("wb") as file:
        # It has no blocks: nothing is written.
        file.truncate(100 * MIB)
    monkeypatch.setattr(etcd_snapshot.EtcdSnapshot, "verify", lambda _self, _path: {"revision": 1})
    monkeypatch.setattr(etcd_snapshot.EtcdSnapshot, "refuse_a_newer_version", lambda _self: None)
    monkeypatch.setattr(_host, "free_bytes", lambda _path: free * MIB)
    params: dict[str, Any] = {"path": str(path), "state": "verified", "data_directory": directory}
    module: Any = SimpleNamespace(params=params, check_mode=False)
    snapshot = etcd_snapshot.EtcdSnapshot(params)
    if fits:
        assert etcd_snapshot.run(module, snapshot) == (False, "")
        return
    with pytest.raises(SnapshotError, match="data has 455 MiB left, and restoring needs 456 MiB"):
        etcd_snapshot.run(module, snapshot)
