# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: where artifacts come from, and their way into the cache, verified."""

from __future__ import annotations

import contextlib
import hashlib
import os
import posixpath
import tarfile
import urllib.error
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import IO, Any

from ansible.module_utils.urls import open_url

from ansible_collections.quorate.kubernetes.plugins.module_utils import _artifacts
from ansible_collections.quorate.kubernetes.plugins.module_utils._artifacts import Artifact, ArtifactError, Pinned
from ansible_collections.quorate.kubernetes.plugins.plugin_utils import _artifact_cache
from ansible_collections.quorate.kubernetes.plugins.plugin_utils._artifact_cache import BLOCK, Cache, LockFile

PARALLEL = 4


class Unresolved(ArtifactError):
    """Files that are not to be had, or that are not what they are pinned to.

    Attributes:
        found: what the others are.
    """

    def __init__(self, problems: Sequence[str], found: Sequence[Pinned]) -> None:
        super().__init__("\n".join(problems))
        self.found = list(found)


@dataclass(frozen=True)
class Origin:
    """Where a file is to be had: a URL, the path inside it if it is an archive, and the URL of its SHA-256."""

    url: str
    member: str
    checksum: str
    # A mirror may have checksums; upstream has them, and then they count.
    checksum_needed: bool


class Resolver:
    """Finds and verifies the files of one host, and pins those that are new."""

    def __init__(self, settings: Mapping[str, Any], *, check: bool, progress: Callable[[str], None]) -> None:
        self._settings = settings
        self._source = settings["source"]
        self._directory = os.path.expanduser(settings["directory"] or "")
        self._mirror = (settings["mirror"] or "").rstrip("/")
        self._pull = settings["delivery"] == "pull"
        self._check = check
        self._progress = progress
        self.cache = Cache(settings["cache"])
        self._lock_file = LockFile(settings["lock_file"] or "", self.cache)
        self._lock: dict[str, str] = {}

    def resolve(self, wanted: Sequence[Artifact], *, everything: Sequence[Artifact], observed: Mapping[str, Any]) -> list[Pinned]:
        """What each file has to be. Files that the host has as pinned are not looked for, except in a folder.

        Args:
            wanted: what this host needs.
            everything: what any host may need: archives are unpacked once for all.
            observed: digest by path on the host.
        """
        problems = _artifacts.source_problems(self._settings, is_folder=os.path.isdir(self._directory))
        if wrong := [f"{what}. {remedy}." for what, remedy in problems]:
            raise ArtifactError("\n".join(wrong))
        self._lock = self._lock_file.read()
        if self._source == "directory":
            pinned, wrong = self._resolve_directory(wanted, observed)
        else:
            pinned, wrong = self._resolve_web(wanted, everything, observed)
        if wrong:
            raise Unresolved(wrong, pinned)
        if not self._check:
            self._lock_file.add({entry.artifact.key: entry.digest for entry in pinned if entry.artifact.key not in self._lock})
        return pinned

    def url(self, artifact: Artifact) -> str:
        """Where a host finds the file itself."""
        return f"{self._mirror}/{artifact.key}"

    # --- a folder

    def _resolve_directory(self, wanted: Sequence[Artifact], observed: Mapping[str, Any]) -> tuple[list[Pinned], list[str]]:
        paths = {artifact: os.path.join(self._directory, artifact.key) for artifact in wanted}
        digests = self.cache.digests(path for path in paths.values() if os.path.isfile(path))
        pinned, wrong = [], []
        for artifact, path in paths.items():
            expected = self._lock.get(artifact.key, "")
            found = digests.get(path)
            if found is None and expected and observed.get(artifact.path) == expected:
                pinned.append(Pinned(artifact, expected, "", 0))
            elif found is None:
                wrong.append(f"{artifact.key} is not in the folder {self._directory}. Put it there, or choose another artifacts_source.")
            elif expected not in ("", found):
                wrong.append(self._mismatch(artifact, found, path))
            else:
                pinned.append(Pinned(artifact, found, path, os.path.getsize(path)))
        return pinned, wrong

    # --- upstream and mirrors

    def _resolve_web(
        self, wanted: Sequence[Artifact], everything: Sequence[Artifact], observed: Mapping[str, Any]
    ) -> tuple[list[Pinned], list[str]]:
        known = {artifact: self._lock.get(artifact.key, "") for artifact in wanted}
        done = [Pinned(artifact, digest, "", 0) for artifact, digest in known.items() if digest and observed.get(artifact.path) == digest]
        rest = [artifact for artifact in wanted if artifact not in {entry.artifact for entry in done}]
        together: dict[str, list[Artifact]] = {}
        wrong: list[str] = []
        for artifact in rest:
            try:
                together.setdefault(self._origin(artifact).url, []).append(artifact)
            except ArtifactError as error:
                wrong.append(str(error))
        siblings = {url: [artifact for artifact in everything if artifact.member and artifact.url == url] for url in together}

        def one(url: str) -> tuple[list[Pinned], str]:
            try:
                return self._resolve_url(together[url], siblings[url]), ""
            except ArtifactError as error:
                return [], str(error)

        with ThreadPoolExecutor(PARALLEL) as threads:
            for found, problem in threads.map(one, together):
                done += found
                wrong += [problem] if problem else []
        order = {artifact: number for number, artifact in enumerate(wanted)}
        return sorted(done, key=lambda entry: order[entry.artifact]), wrong

    def _origin(self, artifact: Artifact) -> Origin:
        if self._source == "mirror":
            return Origin(self.url(artifact), "", self.url(artifact) + ".sha256", checksum_needed=False)
        if not artifact.url:
            raise ArtifactError(
                f"{artifact.key} has no official address. Set artifacts_source to mirror or directory, give the package a url in "
                "artifacts_extra, or, for container images, set artifacts_images to registry."
            )
        return Origin(artifact.url, artifact.member, artifact.checksum, checksum_needed=True)

    def _cached(self, artifact: Artifact) -> str:
        # What a mirror gave must not pass for what upstream gave.
        name = "official" if self._source == "official" else "mirror-" + hashlib.sha256(self._mirror.encode()).hexdigest()[:12]
        return self.cache.path(name, artifact.key)

    def _resolve_url(self, artifacts: Sequence[Artifact], siblings: Sequence[Artifact]) -> list[Pinned]:
        """Files that one URL holds."""
        origin = self._origin(artifacts[0])
        if self._pull and (known := self._known_without_download(artifacts[0], origin)):
            return known
        with self.cache.locked(origin.url):
            fresh = [artifact for artifact in artifacts if self._in_cache(artifact) is None]
            if fresh and self._check:
                return self._foreseen(artifacts, origin)
            if fresh:
                self._download(origin, siblings or artifacts)
        return [self._verified(artifact) for artifact in artifacts]

    def _known_without_download(self, artifact: Artifact, origin: Origin) -> list[Pinned]:
        digest = self._lock.get(artifact.key) or self._published(origin)
        return [Pinned(artifact, digest, "", 0)] if digest else []

    def _in_cache(self, artifact: Artifact) -> str | None:
        """Digest of the cached file; None if there is none, or if it is not the one that is pinned."""
        path = self._cached(artifact)
        if not os.path.isfile(path):
            return None
        digest = self.cache.digests([path])[path]
        return digest if self._lock.get(artifact.key, digest) == digest else None

    def _verified(self, artifact: Artifact) -> Pinned:
        path = self._cached(artifact)
        digest = self.cache.digests([path])[path]
        if self._lock.get(artifact.key, digest) != digest:
            raise ArtifactError(self._mismatch(artifact, digest, self._origin(artifact).url))
        return Pinned(artifact, digest, path, os.path.getsize(path))

    def _mismatch(self, artifact: Artifact, found: str, where: str) -> str:
        expected = self._lock[artifact.key]
        return _artifacts.mismatch(artifact.key, expected=expected, found=found, where=where, lock_file=self._lock_file.path)

    def _foreseen(self, artifacts: Sequence[Artifact], origin: Origin) -> list[Pinned]:
        """What can be said without a download: that the file is there, and its digest if it is pinned or published."""
        with _answer(origin.url, method="HEAD") as answer:
            size = 0 if origin.member else int(answer.headers.get("Content-Length") or 0)
        published = "" if origin.member else self._published(origin)
        entries = [Pinned(artifact, self._lock.get(artifact.key) or published, "", size) for artifact in artifacts]
        for entry in entries:
            if published not in ("", entry.digest):
                raise ArtifactError(self._mismatch(entry.artifact, published, origin.checksum))
        return entries

    def _published(self, origin: Origin) -> str:
        """SHA-256 that is published for a URL; empty if there is none."""
        if not origin.checksum:
            return ""
        try:
            with _answer(origin.checksum) as answer:
                text = answer.read(BLOCK).decode("utf-8", "replace")
        except ArtifactError as error:
            if not origin.checksum_needed and isinstance(error.__cause__, urllib.error.HTTPError):
                return ""
            raise
        digest = _artifacts.published_digest(text, posixpath.basename(origin.url))
        if digest is None:
            raise ArtifactError(
                f"{origin.checksum} has no SHA-256 for {posixpath.basename(origin.url)}. See what is there, then run again."
            )
        return digest

    def _download(self, origin: Origin, artifacts: Sequence[Artifact]) -> None:
        self._progress(f"artifacts: download {origin.url}")
        published = self._published(origin)
        target = self._cached(artifacts[0]) + (".archive" if origin.member else "")
        found = hashlib.sha256()
        with _artifact_cache.temporary(target) as file, _answer(origin.url) as answer:
            for block in _blocks(answer, origin.url):
                found.update(block)
                file.write(block)
            # Checked before the file gets its name, so that nothing wrong is ever in the cache.
            if published not in ("", found.hexdigest()):
                raise ArtifactError(
                    f"{origin.url} has SHA-256 {found.hexdigest()}, but {origin.checksum} says {published}. Nothing was kept. "
                    "Run again; if it stays so, do not use this source."
                )
        if origin.member:
            try:
                self._unpack(target, origin.url, artifacts)
            finally:
                os.unlink(target)

    def _unpack(self, archive: str, url: str, artifacts: Iterable[Artifact]) -> None:
        wanted = {posixpath.normpath(artifact.member): artifact for artifact in artifacts}
        try:
            with tarfile.open(archive) as content:
                for member in content:
                    artifact = wanted.pop(posixpath.normpath(member.name), None)
                    stream = content.extractfile(member) if artifact else None
                    if artifact and stream:
                        _save(stream, self._cached(artifact))
        except (tarfile.TarError, EOFError) as error:
            raise ArtifactError(f"{url} is no archive that can be read: {error}. Nothing was kept; run again.") from error
        if wanted:
            raise ArtifactError(
                f"{url} has no {', '.join(wanted)}. See whether this version has another layout, and give it in artifacts_extra."
            )


def _save(stream: IO[bytes], path: str) -> None:
    with _artifact_cache.temporary(path) as file:
        while block := stream.read(BLOCK):
            file.write(block)


def _blocks(answer: Any, url: str) -> Iterator[bytes]:
    while True:
        try:
            block = answer.read(BLOCK)
        except Exception as error:  # open_url has no common class for what it raises
            raise ArtifactError(f"Downloading {url} was cut off: {error}. Nothing was kept; run again.") from error
        if not block:
            return
        yield block


@contextlib.contextmanager
def _answer(url: str, method: str = "GET") -> Iterator[Any]:
    try:
        answer = open_url(url, method=method, timeout=30)
    except urllib.error.HTTPError as error:
        raise ArtifactError(
            f"{url} is not to be had: HTTP {error.code} {error.reason}. See whether the version exists and the source has it. Nothing was installed."
        ) from error
    except Exception as error:  # open_url has no common class for what it raises
        raise ArtifactError(
            f"{url} cannot be reached from the control node: {error}. See its network and proxy, or set artifacts_source to mirror or "
            "directory. Nothing was installed."
        ) from error
    with answer:
        yield answer
