# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: which files a host needs, what pins them, and what is to be done. Pure."""

from __future__ import annotations

import dataclasses
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.quorate.kubernetes.plugins.module_utils._problem import show

ARCHITECTURES = ("amd64", "arm64")
_ALIASES = {"x86_64": "amd64", "aarch64": "arm64"}
# Packages, versions and files become parts of paths and of URLs.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*\Z")
_DIGEST = re.compile(r"[0-9a-f]{64}\Z")


class ArtifactError(Exception):
    """Artifacts that make no sense, or that are not what they are pinned to."""


@dataclasses.dataclass(frozen=True)
class Artifact:
    """One file of a package, for one architecture.

    Attributes:
        folder: where it lies on the host.
        mode: permission bits as four octal digits.
        url: official address of the file, or of the archive that holds it; empty if there is none.
        member: path inside the archive; empty if the address is that of the file itself.
        checksum: official address of the SHA-256 of what the URL holds; empty if upstream publishes none.
        linked: whether people call it, so that it gets a link on the path.
    """

    package: str
    version: str
    architecture: str
    file: str
    folder: str
    mode: str
    url: str
    member: str
    checksum: str
    linked: bool

    @property
    def key(self) -> str:
        """Its name in lock files, folders and mirrors."""
        return f"{self.package}/{self.version}/{self.architecture}/{self.file}"

    @property
    def path(self) -> str:
        """Where it lies on the host."""
        return posixpath.join(self.folder, self.file)


@dataclasses.dataclass(frozen=True)
class Target:
    """What is to be known of a host to tell which files it needs.

    Attributes:
        kinds: what the host is; None for files of any kind of host.
        versions: version of each package.
        architecture: as Go or as the kernel names it.
        destination: folder on the host, below which each version of each package has its own.
        images: whether archives of container images are wanted.
    """

    kinds: frozenset[str] | None
    versions: Mapping[str, str]
    architecture: str
    destination: str
    images: bool


@dataclasses.dataclass(frozen=True)
class Pinned:
    """An artifact and what it has to be.

    Attributes:
        digest: SHA-256; empty if it is not known before the download, which check mode does not do.
        source: path on the control node; empty if the file is not there.
        size: number of bytes; 0 if that is not known.
    """

    artifact: Artifact
    digest: str
    source: str
    size: int


@dataclasses.dataclass(frozen=True)
class Link:
    """A symbolic link on the host."""

    path: str
    target: str


# --- the catalogue -----------------------------------------------------------------------------------------------------


def expand(packages: Mapping[str, Any], target: Target) -> tuple[Artifact, ...]:
    """Files that a host needs, in the order of the catalogue. All that is wrong is told at once."""
    architecture = _ALIASES.get(target.architecture, target.architecture)
    if not architecture:
        raise ArtifactError("The host's architecture is not known. Run host_facts on it before, or give the architecture.")
    if architecture not in ARCHITECTURES:
        raise ArtifactError(
            f"The host's architecture is {architecture}, but there are artifacts for {' and '.join(ARCHITECTURES)} only. "
            "Take the host out of the inventory."
        )
    artifacts: list[Artifact] = []
    wrong: list[str] = []
    for name, package in packages.items():
        if package.get("image") and not target.images:
            continue
        files = {file: about or {} for file, about in (package.get("files") or {}).items()}
        needed = {file: about for file, about in files.items() if _needs(target.kinds, about)}
        if not needed:
            continue
        version = str(target.versions.get(name) or package.get("version") or "")
        bad = [part for part in (name, version, *needed) if not _NAME.match(part)]
        if bad:
            wrong.append(_wrong_name(name, version, bad[0]))
            continue
        values = {"package": name, "version": version, "architecture": architecture}
        for file, about in needed.items():
            try:
                artifacts.append(_artifact({**package, **about}, {**values, "file": file}, target.destination))
            except ArtifactError as error:
                wrong.append(str(error))
    if wrong:
        raise ArtifactError("\n".join(wrong))
    return tuple(artifacts)


def _needs(kinds: frozenset[str] | None, about: Mapping[str, Any]) -> bool:
    wanted = about.get("kinds")
    return kinds is None or not wanted or bool(kinds.intersection(wanted))


def _wrong_name(package: str, version: str, bad: str) -> str:
    if not version:
        return f"The package {package} has no version. Give it one among the cluster's versions, or in its entry in artifacts_extra."
    return f"The package {package} has the part {bad!r}, which cannot be a part of a path. Use letters, digits and ._+- only."


def _artifact(about: Mapping[str, Any], values: Mapping[str, str], destination: str) -> Artifact:
    return Artifact(
        **values,
        folder=posixpath.join(destination, values["package"], values["version"]),
        mode="0644" if about.get("image") else str(about.get("mode") or "0755"),
        url=_filled(about.get("url"), values),
        member=_filled(about.get("member"), values),
        checksum=_filled(about.get("checksum"), values),
        linked=bool(about.get("link")),
    )


def _filled(template: str | None, values: Mapping[str, str]) -> str:
    def value(found: re.Match[str]) -> str:
        if found[1] not in values:
            raise ArtifactError(
                f"{template} of the package {values['package']} has the unknown part {found[0]}. Known: {', '.join(values)}."
            )
        return values[found[1]]

    return re.sub(r"\{(\w*)\}", value, template or "")


# --- where they come from ----------------------------------------------------------------------------------------------


def source_problems(settings: Mapping[str, Any], *, is_folder: bool) -> Iterator[tuple[str, str]]:
    """What keeps source, mirror, directory and delivery from working together, each with what to do.

    Args:
        settings: these four.
        is_folder: whether the directory is there.
    """
    source, mirror, directory = settings["source"], settings["mirror"] or "", settings["directory"] or ""
    if source == "directory" and not (directory and is_folder):
        yield (
            f"artifacts_directory {show(directory) if directory else '(not set)'} is no folder on the control node",
            "It is to hold PACKAGE/VERSION/ARCHITECTURE/FILE",
        )
    if source == "mirror" and not mirror.startswith(("http://", "https://")):
        yield f"artifacts_mirror {show(mirror) if mirror else '(not set)'} is no URL", "Give the address of the mirror"
    if settings["delivery"] == "pull" and source != "mirror":
        yield (
            f"artifacts_delivery pull needs artifacts_source mirror, but the source is {source}",
            "Hosts can download from a mirror only: set artifacts_source to mirror or artifacts_delivery to push",
        )


# --- what pins them ----------------------------------------------------------------------------------------------------


def parse_lock(text: str, path: str) -> dict[str, str]:
    """Digest by key from the text of a lock file, which has the lines that sha256sum prints."""
    lock: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        digest, _space, key = line.strip().partition("  ")
        if line.strip() and (not _DIGEST.match(digest) or not key or lock.get(key, digest) != digest):
            raise ArtifactError(
                f"Line {number} of the lock file {path} is not a SHA-256, two spaces and PACKAGE/VERSION/ARCHITECTURE/FILE, each file "
                "once. Put back the last good version of the file."
            )
        if key:
            lock[key] = digest
    return lock


def lock_text(lock: Mapping[str, str]) -> str:
    """Text of a lock file, sorted, so that its history is easy to read and C(sha256sum --check) can use it."""
    return "".join(f"{lock[key]}  {key}\n" for key in sorted(lock))


def mismatch(key: str, *, expected: str, found: str, where: str, lock_file: str) -> str:
    """What to say about a file that is not the one that is pinned."""
    return (
        f"{key}: {lock_file} expects SHA-256 {expected}, but {where} has {found}. If the new file is what you want, "
        f"remove the entry from {lock_file} and run again; otherwise put the right file there."
    )


def published_digest(text: str, name: str) -> str | None:
    """SHA-256 of the file `name` from what upstream publishes: a bare digest, or lines as sha256sum prints them."""
    for line in text.splitlines():
        words = line.split()
        if not words or not _DIGEST.match(words[0].lower()):
            continue
        if len(words) == 1 or posixpath.basename(words[-1].lstrip("*")) == name:
            return words[0].lower()
    return None


# --- the plan ----------------------------------------------------------------------------------------------------------


def missing(pinned: Iterable[Pinned], observed: Mapping[str, Any]) -> tuple[Pinned, ...]:
    """Files that the host does not have as they are pinned."""
    return tuple(entry for entry in pinned if not entry.digest or observed.get(entry.artifact.path) != entry.digest)


def links(artifacts: Iterable[Artifact], folder: str) -> tuple[Link, ...]:
    """Links for the files that people call."""
    return tuple(Link(posixpath.join(folder, artifact.file), artifact.path) for artifact in artifacts if artifact.linked and folder)


def is_foreign(state: str | None, destination: str) -> bool:
    """Whether something that is not ours is at the place of a link. It then stays as it is."""
    return state is not None and not state.startswith(f"link:{destination.rstrip('/')}/")


def missing_links(wanted: Iterable[Link], observed: Mapping[str, Any], destination: str) -> tuple[Link, ...]:
    """Links that are to be made or turned."""
    return tuple(
        link for link in wanted if observed.get(link.path) != f"link:{link.target}" and not is_foreign(observed.get(link.path), destination)
    )


def sentences(files: Sequence[Pinned], new_links: Sequence[Link], observed: Mapping[str, Any]) -> list[str]:
    """The plan in words, a line each."""
    lines = []
    for entry in files:
        about = [f"sha256 {entry.digest[:12]}..." if entry.digest else "sha256 not known before the download"]
        if entry.size:
            about.append(f"{max(1, round(entry.size / 1e6))} MB")
        sign = "~" if observed.get(entry.artifact.path) else "+"
        lines.append(f"{sign} {entry.artifact.path} ({', '.join(about)})")
    return lines + [f"{'~' if observed.get(link.path) else '+'} {link.path} -> {link.target}" for link in new_links]


def shortage(*, path: str, free: int, needed: int) -> str | None:
    """What to say if a file system has too little room; None if it has enough."""
    # Some room is left, so that the host goes on writing its logs.
    if free >= needed + 64_000_000:
        return None
    return (
        f"The file system of {path} has {free / 1e6:.0f} MB free, but {needed / 1e6:.0f} MB and 64 MB to spare are needed. "
        "Make room (former versions lie beside the current ones) or mount a larger disk. Nothing was installed."
    )
