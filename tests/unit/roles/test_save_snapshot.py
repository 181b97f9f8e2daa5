"""The program of the timer that saves snapshots: whether there is room for one. The saving itself is tested on real members."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

SCRIPT = Path(__file__).resolve().parents[3] / "roles/etcd/files/save_snapshot.py"
MIB = 1 << 20


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("save_snapshot", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("database", "free", "fits"),
    [
        pytest.param(1000, 1256, True, id="just enough"),
        pytest.param(1000, 1255, False, id="the first snapshot of a big database"),
        pytest.param(0, 255, False, id="what has to stay free"),
    ],
)
def test_room_is_that_of_the_database_also_without_a_former_snapshot(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, database: int, free: int, fits: bool
) -> None:
    path = tmp_path / "data" / "member" / "snap" / "db"
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        # It has no blocks: nothing is written.
        file.truncate(database * MIB)
    monkeypatch.setattr(os, "statvfs", lambda _folder: SimpleNamespace(f_bavail=free, f_frsize=MIB))
    if fits:
        script.refuse_without_room(str(tmp_path), str(tmp_path / "data"))
        return
    with pytest.raises(script.SnapshotFailure, match=f"no room for another snapshot: {database + 256} MiB"):
        script.refuse_without_room(str(tmp_path), str(tmp_path / "data"))
