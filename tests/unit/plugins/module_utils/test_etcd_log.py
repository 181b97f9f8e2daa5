"""Whose a write-ahead log is, by its first bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils import _etcd_log

HEAD = (Path(__file__).parent / "fixtures/etcd/wal-3.6.16.head").read_bytes()
OWNER = (3319814642761637952, 324952591200643719)


@pytest.mark.parametrize(
    ("head", "owner"),
    [
        pytest.param(HEAD, OWNER, id="real log"),
        pytest.param(HEAD[:24], None, id="cut off"),
        pytest.param(bytes(256), None, id="preallocated but never written"),
        pytest.param(b"", None, id="empty"),
        pytest.param(b"\xff" * 64, None, id="noise"),
    ],
)
def test_owner_by(head: bytes, owner: tuple[int, int] | None) -> None:
    assert _etcd_log.owner_by(head) == owner


@pytest.mark.parametrize(
    ("files", "owner"),
    [
        pytest.param(None, None, id="no log"),
        pytest.param({}, None, id="empty"),
        pytest.param({"0-0.wal": HEAD}, OWNER, id="one file"),
        pytest.param({"0-0.wal": HEAD, "0.tmp": b"x"}, OWNER, id="one that is prepared"),
        pytest.param({"0-0.wal": bytes(256), "1-9.wal": HEAD}, OWNER, id="the first tells nothing"),
        pytest.param({"0-0.wal": bytes(256)}, None, id="none tells"),
    ],
)
def test_owner(tmp_path: Path, files: dict[str, bytes] | None, owner: tuple[int, int] | None) -> None:
    log = tmp_path / "wal"
    if files is not None:
        log.mkdir()
        for name, content in files.items():
            (log / name).write_bytes(content)
    assert _etcd_log.owner(_etcd_log.files(str(log))) == owner
