# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: the control node's cache. Forks of one play, and plays side by side, share it.

It holds downloads below the name of their source, C(packed/DIGEST.PACKING) (compressed, once for all hosts), C(bundles) while they
are sent, and locks.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import IO, Any

from ansible_collections.quorate.kubernetes.plugins.module_utils import _artifacts, _host, _packing

BLOCK = 1 << 20


class _Digests(_host.Digests):
    """Digests of files on the control node, where people are not root."""

    def save(self) -> None:
        if self._dirty:
            write_text(self._path, json.dumps(self._known, indent=1, sort_keys=True))
            self._dirty = False


@dataclass(frozen=True)
class Part:
    """Where a file lies in a bundle."""

    digest: str
    offset: int
    length: int


class Cache:
    """A folder that several processes use at once."""

    def __init__(self, root: str) -> None:
        self.root = root

    def path(self, *names: str) -> str:
        return os.path.join(self.root, *names)

    @contextlib.contextmanager
    def locked(self, name: str) -> Iterator[None]:
        """One at a time does the work of this name; the others wait and find it done."""
        path = self.path("locks", hashlib.sha256(name.encode()).hexdigest()[:32])
        _make_folder(path)
        with open(path, "w", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def digests(self, paths: Iterable[str]) -> dict[str, str]:
        """SHA-256 of files; each is read again only if it changed."""
        with self.locked("digests"):
            known = _Digests(self.path("digests.json")).load()
            found = {}
            for path in paths:
                with _explained(f"Reading {path}", "See that it is a file that you may read."):
                    found[path] = known.of(path)
            known.save()
        return found

    def pack(self, sources: Mapping[str, str], packing: str) -> None:
        """Compress files (path by digest), each once for all hosts and plays."""
        with ThreadPoolExecutor(os.cpu_count() or 1) as threads:
            list(threads.map(lambda digest: self._pack(digest, sources[digest], packing), sources))

    def _packed(self, digest: str, packing: str) -> str:
        return self.path("packed", f"{digest}.{packing}")

    def _pack(self, digest: str, source: str, packing: str) -> None:
        target = self._packed(digest, packing)
        with self.locked(target):
            if os.path.exists(target):
                return
            with temporary(target) as file, open(source, "rb") as content:
                verified = hashlib.sha256()
                for part in _packing.packed(_blocks(content, verified), packing):
                    file.write(part)
                if verified.hexdigest() != digest:
                    raise _artifacts.ArtifactError(f"{source} changed while it was read. Run again when nothing writes to it.")

    @contextlib.contextmanager
    def bundle(self, sources: Mapping[str, str], packing: str) -> Iterator[tuple[str, list[Part]]]:
        """One file with the packed content of several (path by digest).

        Hosts that lack the same files share it. Whoever is the last to use it removes it.
        """
        self.pack(sources, packing)
        contents = {digest: self._packed(digest, packing) for digest in sources}
        key = hashlib.sha256("\n".join(contents.values()).encode()).hexdigest()[:32]
        path = self.path("bundles", key)
        with self.locked(path):
            if not os.path.exists(path):
                _concatenate(list(contents.values()), path)
            user: IO[Any] = open(path, "rb")  # noqa: SIM115 - its lock is held until the bundle is sent
            fcntl.flock(user, fcntl.LOCK_SH)
        try:
            yield path, _parts(contents)
        finally:
            user.close()
            with self.locked(path):
                _remove_unused(path)


def _blocks(content: IO[bytes], digest: Any) -> Iterator[bytes]:
    """The content of a file, which the digest takes in meanwhile."""
    for block in iter(lambda: content.read(BLOCK), b""):
        digest.update(block)
        yield block


def _concatenate(paths: Sequence[str], target: str) -> None:
    with temporary(target) as file:
        for path in paths:
            with open(path, "rb") as content:
                shutil.copyfileobj(content, file, BLOCK)


def _parts(contents: Mapping[str, str]) -> list[Part]:
    parts = []
    offset = 0
    for digest, path in contents.items():
        length = os.path.getsize(path)
        parts.append(Part(digest, offset, length))
        offset += length
    return parts


def _remove_unused(path: str) -> None:
    with contextlib.suppress(FileNotFoundError, BlockingIOError), open(path, "rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.unlink(path)


def _make_folder(path: str) -> None:
    folder = os.path.dirname(path)
    with _explained(f"Making the folder {folder}", "For the cache, give artifacts_cache a folder that you may write."):
        os.makedirs(folder, mode=0o700, exist_ok=True)


@contextlib.contextmanager
def temporary(path: str, *, mode: int = 0o600) -> Iterator[IO[bytes]]:
    """A file that takes the place of `path` when it is complete, and never before. Whoever writes it holds a lock.

    Its name is always the same: what a killed run left is overwritten by the next.
    """
    _make_folder(path)
    name = os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.part")
    with _explained(f"Writing {path}", "See that the folder may be written and that its file system has room."):
        try:
            with open(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, mode), "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.rename(name, path)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name)
            raise


def write_text(path: str, text: str, *, mode: int = 0o600) -> None:
    with temporary(path, mode=mode) as file:
        file.write(text.encode())


@contextlib.contextmanager
def _explained(what: str, remedy: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _artifacts.ArtifactError(f"{what} failed on the control node: {error.strerror or error}. {remedy}") from error


class LockFile:
    """The digests that a cluster's files are pinned to, beside its inventory. Without a path nothing is pinned."""

    def __init__(self, path: str, cache: Cache) -> None:
        self.path = path
        self._cache = cache

    def read(self) -> dict[str, str]:
        try:
            with open(self.path, encoding="utf-8") as file:
                return _artifacts.parse_lock(file.read(), self.path)
        except FileNotFoundError:
            return {}

    def add(self, additions: Mapping[str, str]) -> None:
        """Pin what was not pinned. Another host's fork may have been faster."""
        if not self.path or not additions:
            return
        with self._cache.locked(self.path):
            known = self.read()
            for key, digest in additions.items():
                if known.get(key, digest) != digest:
                    raise _artifacts.ArtifactError(
                        _artifacts.mismatch(key, expected=known[key], found=digest, where="the source", lock_file=self.path)
                    )
            if additions.keys() - known.keys():
                write_text(self.path, _artifacts.lock_text({**known, **additions}), mode=0o644)
