# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: the authorities and keys of the control node in one encrypted file.

It is a compressed tar archive, sealed as ansible-vault seals: so whoever has the passphrase and any Ansible at all can open it.
"""

from __future__ import annotations

import gzip
import io
import os
import re
import tarfile
from collections.abc import Iterable, Iterator, Mapping

from ansible_collections.quorate.kubernetes.plugins.plugin_utils import _authority

NAME = re.compile(r"\d{8}T\d{6}Z\.pki\.vault")


class ArchiveError(Exception):
    """An archive could not be made, or does not hold what it should."""


def files_of(directory: str) -> dict[str, bytes]:
    """Content of all files below a directory by their path in it; links are followed, locks and files half written are left out."""
    return dict(_files(directory))


def _files(directory: str) -> Iterator[tuple[str, bytes]]:
    for folder, folders, names in os.walk(directory, followlinks=True):
        folders.sort()
        for name in sorted(names):
            if not name.startswith("."):
                path = os.path.join(folder, name)
                with open(path, "rb") as file:
                    yield os.path.relpath(path, directory), file.read()


def packed(files: Mapping[str, bytes]) -> bytes:
    """The files as a compressed tar archive; the same files always give the same bytes."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in sorted(files.items()):
            entry = tarfile.TarInfo(f"pki/{name}")
            entry.size, entry.mode = len(content), 0o600
            archive.addfile(entry, io.BytesIO(content))
    return gzip.compress(buffer.getvalue(), mtime=0)


def unpacked(content: bytes) -> dict[str, bytes]:
    """The files of an archive by their path below the directory."""
    files: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
            for entry in archive.getmembers():
                file = archive.extractfile(entry) if entry.isfile() and entry.name.startswith("pki/") else None
                if file is None:
                    raise ArchiveError(f"It holds {entry.name}, which is no file of pki.")
                files[entry.name.partition("/")[2]] = file.read()
    except (tarfile.TarError, OSError, EOFError) as error:
        raise ArchiveError(f"It cannot be unpacked: {error}.") from None
    return files


def sealed(files: Mapping[str, bytes], passphrase: str) -> bytes:
    return _authority.sealed(packed(files), passphrase)


def opened(content: bytes, passphrase: str) -> dict[str, bytes]:
    """The files of a sealed archive."""
    try:
        return unpacked(_authority.unsealed(content, passphrase))
    except _authority.AuthorityError as error:
        raise ArchiveError(str(error)) from None


def expired(names: Iterable[str], keep: int) -> list[str]:
    """Names of the archives that are older than those to keep; 0 keeps all."""
    return sorted(name for name in names if NAME.fullmatch(name))[:-keep] if keep else []
