"""Whose data of etcd a host holds, as far as that can be told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils import _host
from ansible_collections.quorate.kubernetes.plugins.modules import host_facts

HEAD = (Path(__file__).parents[1] / "module_utils/fixtures/etcd/wal-3.6.16.head").read_bytes()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    folder = tmp_path / "member/wal"
    folder.mkdir(parents=True)
    (folder / "0-0.wal").write_bytes(HEAD)
    return folder


def owner(*arguments: Any) -> tuple[str | None, str | None]:
    seen = host_facts._etcd(*arguments)
    assert seen
    return seen["member"], seen["cluster"]


def test_numbers_as_etcd_writes_them(log: Path, tmp_path: Path) -> None:
    expected = (f"{3319814642761637952:x}", f"{324952591200643719:x}")
    assert owner(str(tmp_path), None) == expected
    assert owner("/var/lib/etcd", str(log)) == expected
    assert owner(str(tmp_path), str(tmp_path / "none")) == (None, None)
    assert host_facts._etcd(None, str(log)) is None


@pytest.mark.parametrize("error", [_host.HostError("bad sector"), OSError("bad sector")])
def test_a_disk_that_cannot_be_read_tells_nothing_and_ends_nothing(
    log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def read_file(*_arguments: Any, **_options: Any) -> bytes:
        raise error

    monkeypatch.setattr(_host, "read_file", read_file)
    assert log.exists()
    assert owner(str(tmp_path), None) == (None, None)
