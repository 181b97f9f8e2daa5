# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: of two runs on one inventory at once, the second is refused.

Each module execution asks a guard of its own, so two runs could each be allowed to stop a member of etcd. The lock names the process of
Ansible that holds it, together with when that was started: it ends with the process, however that ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import getpass
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

NAME = ".quorate-run"


def refusal(folder: Path, *, process: int) -> str:
    """Take the lock of an inventory folder for a process; why it could not be taken, or an empty text.

    A folder that cannot be written to has no lock: whoever may only read an inventory is no less welcome.
    """
    with _alone(folder):
        return _take(folder, process=process)


def _take(folder: Path, *, process: int) -> str:
    path = folder / NAME
    try:
        holder = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        holder = {}
    pid = holder.get("process", 0)
    if pid and pid != process and _started(pid) == holder.get("started"):
        return (
            f"Another run is at work on {folder}: process {pid} of {holder.get('user')} on this machine, since {holder.get('since')} "
            f"({path}). Wait for it, or end it, and run again. Nothing was changed."
        )
    now = {
        "process": process,
        "started": _started(process),
        "user": getpass.getuser(),
        "since": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    try:
        temporary = path.with_name(f"{NAME}.{process}")
        temporary.write_text(json.dumps(now), "utf-8")
        temporary.replace(path)
    except OSError:
        return ""
    return ""


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Two runs that start in the same moment look one after the other. A file system without locks goes without."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        yield
        return
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _started(process: int) -> str:
    """When a process was started, in ticks since the machine was; empty if there is no such process."""
    try:
        return Path(f"/proc/{process}/stat").read_text("utf-8").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def this_run() -> int:
    """The process of Ansible itself: an action runs in a child of it."""
    return os.getppid()
