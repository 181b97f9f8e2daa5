"""A disk without room, which only a real file system shows: what is there stays as it is."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils import _artifact_files, _host

BYTES = 256 * 1024


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system that holds a file, and next to nothing more."""
    place = tmp_path / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={BYTES}", "tmpfs", str(place)], check=True)
    try:
        (place / "kept").write_bytes(b"former" * 1000)
        with contextlib.suppress(OSError), (place / "filling").open("wb", buffering=0) as file:
            while True:
                file.write(b"x" * 4096)
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_a_file_keeps_its_former_content(disk: Path) -> None:
    with pytest.raises(_host.HostError, match=r"kept failed: No space left on device. The old content, if any, is unchanged"):
        _host.write_file(str(disk / "kept"), b"new" * 100_000)
    assert (disk / "kept").read_bytes() == b"former" * 1000
    assert sorted(path.name for path in disk.iterdir()) == ["filling", "kept"]


def test_a_program_is_not_cut_off(disk: Path) -> None:
    with pytest.raises(_host.HostError, match="No space left on device"):
        _host.write_blocks(str(disk / "beside"), [b"y" * 4096] * 100)
    assert (disk / "kept").read_bytes() == b"former" * 1000


def test_records_keep_what_they_say(disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_artifact_files, "RECORD", str(disk / "artifacts.json"))
    (disk / "filling").unlink()
    _artifact_files.add_to_record({"/opt/one": "0755"})
    (disk / "filling").write_bytes(b"x" * (BYTES - 3 * 4096))
    with pytest.raises(_host.HostError, match="unchanged"):
        _artifact_files.add_to_record({f"/opt/{number}": "0755" for number in range(10_000)})
    assert _artifact_files.record() == {"/opt/one": "0755"}
