"""Snapshots as the control node sees them, without etcd's programs."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from ansible_collections.quorate.kubernetes.plugins.lookup.snapshot_facts import BLOCK_BYTES, facts

DATABASE = b"x" * (BLOCK_BYTES + 1024)


def snapshot(path: Path, *, database: bytes = DATABASE, digest: bytes | None = None) -> Path:
    path.write_bytes(database + (hashlib.sha256(DATABASE).digest() if digest is None else digest))
    return path


def test_a_sound_snapshot(tmp_path: Path) -> None:
    path = snapshot(tmp_path / "one.db")
    found = facts(path)
    assert (found["problem"], found["size"]) == ("", len(DATABASE) + 32)
    assert found["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert found["modified"].endswith("Z")


@pytest.mark.parametrize(
    ("database", "digest", "words"),
    [
        pytest.param(DATABASE.replace(b"x", b"y", 1), None, "is damaged", id="a flipped byte in the first block"),
        pytest.param(DATABASE[:-1] + b"y", None, "is damaged", id="a flipped byte in the last block"),
        pytest.param(DATABASE, b"", "no digest at its end", id="a copy of a data directory"),
        pytest.param(DATABASE[:700], None, "no digest at its end", id="cut off"),
        pytest.param(b"", b"", "no digest at its end", id="empty"),
    ],
)
def test_what_is_no_sound_snapshot(tmp_path: Path, database: bytes, digest: bytes | None, words: str) -> None:
    assert words in facts(snapshot(tmp_path / "one.db", database=database, digest=digest))["problem"]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert "cannot be read on the control node: No such file" in facts(tmp_path / "none.db")["problem"]
