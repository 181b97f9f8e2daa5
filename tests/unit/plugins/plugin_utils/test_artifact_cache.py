# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils import _packing
from ansible_collections.quorate.kubernetes.plugins.module_utils._artifacts import ArtifactError
from ansible_collections.quorate.kubernetes.plugins.plugin_utils import _artifact_cache
from ansible_collections.quorate.kubernetes.plugins.plugin_utils._artifact_cache import Cache, LockFile

A, B = "a" * 64, "b" * 64


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(str(tmp_path / "cache"))


def sources(tmp_path: Path, *contents: bytes) -> dict[str, str]:
    paths = {}
    for content in contents:
        digest = hashlib.sha256(content).hexdigest()
        (tmp_path / digest[:8]).write_bytes(content)
        paths[digest] = str(tmp_path / digest[:8])
    return paths


def test_digests_notice_changes(cache: Cache, tmp_path: Path) -> None:
    path = tmp_path / "file"
    for content in (b"one", b"two"):
        path.write_bytes(content)
        assert cache.digests([str(path)]) == {str(path): hashlib.sha256(content).hexdigest()}


def test_digests_are_remembered(cache: Cache, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"one")
    status = path.stat()
    known = [status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns, "known"]
    _artifact_cache.write_text(cache.path("digests.json"), f'{{"{path}": {str(known).replace(chr(39), chr(34))}}}')
    assert cache.digests([str(path)]) == {str(path): "known"}


def test_unreadable_file_is_named(cache: Cache, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"Reading .*/none failed on the control node: No such file"):
        cache.digests([str(tmp_path / "none")])


def unpacked(content: bytes) -> bytes:
    return b"".join(_packing.unpacked([content]))


@pytest.mark.parametrize("packing", _packing.known())
def test_bundle_holds_all_and_is_shared(cache: Cache, tmp_path: Path, packing: str) -> None:
    contents = [b"first" * 1000, b"second" * 5000]
    wanted = sources(tmp_path, *contents)
    with cache.bundle(wanted, packing) as (path, parts):
        bundle = Path(path).read_bytes()
        assert [unpacked(bundle[part.offset : part.offset + part.length]) for part in parts] == contents
        assert [part.digest for part in parts] == list(wanted)
        assert len(bundle) == sum(part.length for part in parts) < 1000
        with cache.bundle(wanted, packing) as (shared, same):
            assert (shared, same) == (path, parts)
        assert os.path.exists(path), "removed while another host still uses it"
    assert not os.path.exists(path)


def test_bundle_goes_when_sending_fails(cache: Cache, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), cache.bundle(sources(tmp_path, b"x"), "zlib") as (path, _parts):
        raise RuntimeError
    assert not os.path.exists(path)


def test_each_file_is_packed_once(cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed: list[str] = []
    packing = "zlib"
    original = _packing.packed
    monkeypatch.setattr(_packing, "packed", lambda blocks, packing: packed.append(packing) or original(blocks, packing))  # type: ignore[func-returns-value]
    wanted = sources(tmp_path, b"x" * 100_000, b"y" * 100_000)
    hosts = [threading.Thread(target=cache.pack, args=[wanted, packing]) for _host in range(5)]
    for host in hosts:
        host.start()
    for host in hosts:
        host.join()
    assert len(packed) == 2


def test_a_file_that_changes_is_not_packed(cache: Cache, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"new")
    with pytest.raises(ArtifactError, match="changed while it was read"):
        cache.pack({A: str(tmp_path / "file")}, "zlib")
    assert os.listdir(os.path.dirname(cache.path("packed", A))) == []


def test_an_unfinished_file_never_has_its_name(cache: Cache) -> None:
    path = cache.path("folder", "file")

    def killed() -> None:
        with _artifact_cache.temporary(path) as file:
            file.write(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        killed()
    assert os.listdir(os.path.dirname(path)) == []


def test_cache_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ArtifactError, match="give artifacts_cache a folder"):
        Cache(str(tmp_path / "file")).pack({A: "source"}, "zlib")


class TestLockFile:
    def test_it_grows(self, cache: Cache, tmp_path: Path) -> None:
        lock = LockFile(str(tmp_path / "lock"), cache)
        assert lock.read() == {}
        lock.add({"p/1/amd64/f": A})
        lock.add({"p/1/amd64/e": B})
        assert (tmp_path / "lock").read_text() == f"{B}  p/1/amd64/e\n{A}  p/1/amd64/f\n"
        assert (tmp_path / "lock").stat().st_mode & 0o777 == 0o644

    def test_it_is_not_written_without_need(self, cache: Cache, tmp_path: Path) -> None:
        lock = LockFile(str(tmp_path / "lock"), cache)
        lock.add({"p/1/amd64/f": A})
        before = (tmp_path / "lock").stat().st_ino
        lock.add({"p/1/amd64/f": A})
        lock.add({})
        assert (tmp_path / "lock").stat().st_ino == before

    def test_a_pin_is_never_replaced(self, cache: Cache, tmp_path: Path) -> None:
        lock = LockFile(str(tmp_path / "lock"), cache)
        lock.add({"p/1/amd64/f": A})
        with pytest.raises(ArtifactError, match=f"expects SHA-256 {A}, but the source has {B}"):
            lock.add({"p/1/amd64/f": B})
        assert lock.read() == {"p/1/amd64/f": A}

    def test_none(self, cache: Cache) -> None:
        lock = LockFile("", cache)
        lock.add({"p/1/amd64/f": A})
        assert lock.read() == {}

    def test_hosts_pin_at_once(self, cache: Cache, tmp_path: Path) -> None:
        path = str(tmp_path / "lock")
        hosts = [threading.Thread(target=LockFile(path, cache).add, args=[{f"p/1/amd64/{number}": A}]) for number in range(8)]
        for host in hosts:
            host.start()
        for host in hosts:
            host.join()
        assert len(LockFile(path, cache).read()) == 8
