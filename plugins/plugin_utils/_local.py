# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: secret files of the control node, written as whoever runs Ansible."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import tempfile
import time
from collections.abc import Iterator
from typing import Optional

DIRECTORY_MODE = 0o700
FILE_MODE = 0o600
LOCK_SECONDS = 60.0


class LocalError(Exception):
    """A file of the control node could not be read or written."""


def read(path: str) -> Optional[bytes]:
    """Content of a file; None if there is none."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise LocalError(f"Reading {path} on the control node failed: {error.strerror}.") from error


def write_private(path: str, content: bytes) -> None:
    """Write a file that only its owner can read, from its first byte on. A crash leaves the old or the new content."""
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(prefix=".", suffix=".new", dir=os.path.dirname(path))
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _sync(os.path.dirname(path))
    except OSError as error:
        if temporary:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
        raise LocalError(f"Writing {path} on the control node failed: {error.strerror}. Nothing was changed.") from error


def make_private_directory(path: str) -> bool:
    """Make a directory that only its owner can enter; its parents get what the umask says. False if it was there."""
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.mkdir(path, DIRECTORY_MODE)
        os.chmod(path, DIRECTORY_MODE)
        return True
    except FileExistsError:
        return False
    except OSError as error:
        raise LocalError(f"Making the directory {path} on the control node failed: {error.strerror}.") from error


def mode_of(path: str) -> int:
    try:
        return stat.S_IMODE(os.stat(path).st_mode)
    except OSError as error:
        raise LocalError(f"Reading the mode of {path} on the control node failed: {error.strerror}.") from error


def set_mode(path: str, mode: int) -> None:
    try:
        os.chmod(path, mode)
    except OSError as error:
        raise LocalError(f"Setting the mode of {path} on the control node failed: {error.strerror}.") from error


@contextlib.contextmanager
def locked(path: str) -> Iterator[None]:
    """Hold a lock file. Forks of one run wait for each other here, and a second run for the first."""
    try:
        file = open(path, "a+", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, FILE_MODE))  # noqa: SIM115
    except OSError as error:
        raise LocalError(f"Opening the lock {path} on the control node failed: {error.strerror}.") from error
    with file:
        end = time.monotonic() + LOCK_SECONDS
        while not _try_lock(file.fileno()):
            if time.monotonic() >= end:
                file.seek(0)
                holder = file.read().strip() or "unknown"
                raise LocalError(f"Another run holds {path} (process {holder}). Wait for it or stop it.")
            time.sleep(0.05)
        file.seek(0)
        file.truncate()
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def _try_lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _sync(path: str) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
