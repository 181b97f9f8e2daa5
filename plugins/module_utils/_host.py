# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: files, processes and systemd of a host. What else touches one does it through this, where it can.

Everything raises L(HostError) with a sentence that names what was tried, on which thing, and why it failed.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import glob
import grp
import hashlib
import json
import math
import os
import pwd
import shutil
import stat
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

STATE_DIRECTORY = "/var/lib/quorate"
"""Records of what on this host is ours, and what was moved aside."""

LOCK_DIRECTORY = "/run"
"""Empty after a boot, as locks have to be."""

USER_MARK = "quorate.kubernetes"
"""The comment of a user says who made it: a user of that name may also be one of the operating system's packages."""

POLL_SECONDS = 0.15


class HostError(Exception):
    """Something on this host could not be read or done."""


# --- files -------------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class FileState:
    """What there is to know about a file without its content.

    Attributes:
        digest: SHA-256 of the content, in hexadecimal.
        mode: permission bits as four octal digits, such as C(0600).
        owner: name of the owner, or the number where it has no name.
        group: name of the group, or the number where it has no name.
        changed: time of the last change of content or attributes, in seconds since the epoch.
    """

    digest: str
    mode: str
    owner: str
    group: str
    changed: float


class Digests:
    """SHA-256 of files, remembered as long as inode, size and times stay what they were.

    A change that keeps all four is not possible without setting the clock back: the kernel sets the change time itself.
    """

    def __init__(self, path: str = STATE_DIRECTORY + "/digests.json") -> None:
        self._path = path
        self._known: dict[str, list[Any]] = {}
        self._dirty = False

    def load(self) -> Digests:
        known = read_json(self._path)
        self._known = known if isinstance(known, dict) else {}
        return self

    def of(self, path: str) -> str:
        status = os.stat(path)
        key = [status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns]
        known = self._known.get(path)
        if known and known[:4] == key:
            return str(known[4])
        digest = _sha256(path)
        # A file that was changed within the clock's resolution could change again unseen: do not remember it yet.
        if time.time_ns() - status.st_ctime_ns > 50_000_000:
            self._known[path] = [*key, digest]
            self._dirty = True
        return digest

    def remember(self, path: str, digest: str) -> None:
        """Note the digest of a file that was computed while it was written."""
        status = os.stat(path)
        self._known[path] = [status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns, digest]
        self._dirty = True

    def save(self) -> None:
        if self._dirty:
            self._known = {path: known for path, known in self._known.items() if os.path.exists(path)}
            # Whoever looks at a host does not wait for those who work on it.
            write_json(self._path, self._known, beside=f".digests.{os.getpid()}.new")
            self._dirty = False


def _sha256(path: str) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def file_state(path: str, digests: Digests | None = None) -> FileState | None:
    """State of a regular file; None if there is none (a directory or a device at its place is an error)."""
    try:
        status = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    if stat.S_ISLNK(status.st_mode):
        return FileState("link:" + os.readlink(path), "0777", _user(status.st_uid), _group(status.st_gid), status.st_ctime)
    if not stat.S_ISREG(status.st_mode):
        raise HostError(f"{path} is to be a regular file, but it is something else. Move it away and run again.")
    return FileState(
        digest=(digests.of(path) if digests else _sha256(path)),
        mode=f"{stat.S_IMODE(status.st_mode):04o}",
        owner=_user(status.st_uid),
        group=_group(status.st_gid),
        changed=status.st_ctime,
    )


def read_file(path: str, limit: int = -1) -> bytes | None:
    """Content of a file, or the first `limit` bytes of it; None if there is none."""
    try:
        with open(path, "rb") as file:
            return file.read(limit)
    except (FileNotFoundError, NotADirectoryError, ProcessLookupError):
        # A file of /proc ends with its process, also while it is read.
        return None
    except OSError as error:
        raise HostError(f"Reading {path} failed: {error.strerror}.") from error


def write_file(path: str, content: bytes, *, mode: str = "0644", owner: str = "root", group: str = "root", beside: str = "") -> None:
    """Write a file so that a crash leaves either the old or the new content, and nobody sees it with loose modes.

    What is written first has a name C(beside) it, which is always the same unless the caller gives one that nobody else has at the same time.
    """
    folder = os.path.dirname(path)
    user, users = user_id(owner), group_id(group)
    # So what a run that was killed has left of a secret goes with the next one.
    temporary = os.path.join(folder, beside or f".{os.path.basename(path)}.new")
    try:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb") as file:
            file.write(content)
            os.fchown(file.fileno(), user, users)
            os.fchmod(file.fileno(), int(mode, 8))
            file.flush()
            os.fsync(file.fileno())
        os.rename(temporary, path)
        sync_directory(folder)
    except OSError as error:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise HostError(f"Writing {path} failed: {error.strerror}. The old content, if any, is unchanged.") from error


def write_blocks(path: str, blocks: Iterable[bytes], *, mode: str = "0644") -> str:
    """Write a large file of root's block by block and return its SHA-256. Not atomic: give it a name beside, then rename_file."""
    digest = hashlib.sha256()
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "wb") as file:
            for block in blocks:
                digest.update(block)
                file.write(block)
            os.fchown(file.fileno(), 0, 0)
            os.fchmod(file.fileno(), int(mode, 8))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise HostError(f"Writing {path} failed: {error.strerror or error}.") from error
    return digest.hexdigest()


def read_blocks(path: str, *, offset: int = 0, length: int) -> Iterator[bytes]:
    """A part of a file, block by block."""
    try:
        with open(path, "rb") as file:
            file.seek(offset)
            while length > 0:
                block = file.read(min(length, 1 << 20))
                if not block:
                    raise HostError(f"{path} is shorter than it should be. It was cut off; run again.")
                length -= len(block)
                yield block
    except OSError as error:
        raise HostError(f"Reading {path} failed: {error.strerror}. Run again.") from error


def rename_file(path: str, target: str) -> None:
    """Put a file at its place, over the former one if there is one. Sync the directory when the last one is there."""
    try:
        os.rename(path, target)
    except OSError as error:
        raise HostError(f"Renaming {path} to {target} failed: {error.strerror}.") from error


def link_state(path: str) -> str | None:
    """C(link:) and the target of a symbolic link, C(other) for anything else; None if there is nothing."""
    try:
        return f"link:{os.readlink(path)}"
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        return "other"


def make_link(path: str, target: str) -> None:
    """Make a symbolic link, or turn an existing one, so that there is one at any time."""
    temporary = os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.new")
    try:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        os.symlink(target, temporary)
        os.rename(temporary, path)
    except OSError as error:
        raise HostError(f"Linking {path} to {target} failed: {error.strerror}.") from error


def set_attributes(path: str, *, mode: str, owner: str, group: str) -> None:
    """Give an existing file or directory its owner and mode."""
    try:
        os.chown(path, user_id(owner), group_id(group))
        os.chmod(path, int(mode, 8))
    except OSError as error:
        raise HostError(f"Setting owner and mode of {path} failed: {error.strerror}.") from error


def directory_state(path: str) -> tuple[str, str, str] | None:
    """Mode, owner and group of a directory; None if there is none."""
    try:
        status = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    if not stat.S_ISDIR(status.st_mode):
        raise HostError(f"{path} is to be a directory, but it is a file. Move it away and run again.")
    return f"{stat.S_IMODE(status.st_mode):04o}", _user(status.st_uid), _group(status.st_gid)


def make_directory(path: str, *, mode: str = "0755", owner: str = "root", group: str = "root") -> None:
    """Make a directory with its parents (those get 0755 root); give an existing one its mode and owner."""
    try:
        parent = os.path.dirname(path)
        if not os.path.isdir(parent):
            make_directory(parent)
        if not os.path.isdir(path):
            os.mkdir(path, 0o700)
        set_attributes(path, mode=mode, owner=owner, group=group)
    except OSError as error:
        raise HostError(f"Making the directory {path} failed: {error.strerror}.") from error


def make_directory_of(path: str) -> None:
    """Make the directory that a file is to lie in, if it is not there."""
    if not os.path.isdir(os.path.dirname(path)):
        make_directory(os.path.dirname(path))


def remove_file(path: str) -> None:
    """Remove a file that the collection wrote itself; none there is fine."""
    try:
        os.unlink(path)
        sync_directory(os.path.dirname(path))
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise HostError(f"Removing {path} failed: {error.strerror}.") from error


def remove_old_files(directory: str, pattern: str, *, seconds: float) -> None:
    """Remove files of ours that were last written longer ago, such as what a killed run left."""
    for path in glob.glob(os.path.join(glob.escape(directory), pattern)):
        with contextlib.suppress(FileNotFoundError):
            if os.stat(path).st_mtime < time.time() - seconds:
                os.unlink(path)


def move_aside(path: str) -> str | None:
    """Rename a file or directory to a free name beside it and return that name; None if there was nothing.

    Data is never deleted: the operator removes what was moved aside.
    """
    if not os.path.lexists(path):
        return None
    prefix = os.path.basename(path) + ".aside-"
    # A mount point cannot be renamed: its entries move into a folder inside it.
    folder = path if os.path.ismount(path) else os.path.dirname(path)
    target = first = os.path.join(folder, prefix + time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()))
    number = 0
    while os.path.lexists(target):
        number += 1
        target = f"{first}-{number}"
    try:
        if folder == path:
            os.mkdir(target, 0o700)
            for entry in os.listdir(path):
                if not entry.startswith(prefix):
                    os.rename(os.path.join(path, entry), os.path.join(target, entry))
        else:
            os.rename(path, target)
        sync_directory(folder)
    except OSError as error:
        raise HostError(f"Moving {path} aside failed: {error.strerror}. Nothing was deleted.") from error
    return target


def sync_directory(path: str) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_json(path: str) -> Any:
    """Parsed content of a file of ours; None if there is none or it is damaged (it is then made anew)."""
    content = read_file(path)
    try:
        return None if content is None else json.loads(content)
    except ValueError:
        return None


def write_json(path: str, value: Any, *, mode: str = "0600", beside: str = "") -> None:
    if not os.path.isdir(os.path.dirname(path)):
        make_directory(os.path.dirname(path), mode="0700")
    write_file(path, json.dumps(value, sort_keys=True, indent=1).encode() + b"\n", mode=mode, beside=beside)


def free_bytes(path: str) -> int:
    """Free space of the file system that holds path or its nearest existing parent."""
    while not os.path.exists(path):
        path = os.path.dirname(path)
    return shutil.disk_usage(path).free


@contextlib.contextmanager
def locked(name: str, *, timeout: float = 60.0) -> Iterator[None]:
    """Hold the lock `name` of this host: two runs never change the same thing at once."""
    path = f"{LOCK_DIRECTORY}/quorate-{name}.lock"
    with open(path, "a+", encoding="utf-8") as file:
        if not wait_until(lambda: _try_lock(file), timeout=timeout):
            file.seek(0)
            raise HostError(f"Another run holds {path} ({file.read().strip() or 'unknown holder'}). Wait for it or stop it.")
        file.seek(0)
        file.truncate()
        file.write(f"process {os.getpid()} since {time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())}\n")
        file.flush()
        yield


def _try_lock(file: Any) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


# --- users -------------------------------------------------------------------------------------------------------------


def user_exists(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def make_system_user(name: str) -> None:
    """Make a system user with a group of its name, no shell and no home."""
    if not user_exists(name):
        home = ["--no-create-home", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin"]
        run(["useradd", "--system", "--user-group", *home, "--comment", USER_MARK, name])


def made_users() -> list[str]:
    """System users that were made here, and not by the operating system."""
    return sorted(entry.pw_name for entry in pwd.getpwall() if entry.pw_gecos == USER_MARK)


def user_id(name: str) -> int:
    try:
        return int(name) if name.isdigit() else pwd.getpwnam(name).pw_uid
    except KeyError:
        raise HostError(f"There is no user {name} on this host.") from None


def group_id(name: str) -> int:
    try:
        return int(name) if name.isdigit() else grp.getgrnam(name).gr_gid
    except KeyError:
        raise HostError(f"There is no group {name} on this host.") from None


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


# --- processes ---------------------------------------------------------------------------------------------------------

SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where programs lie, whatever the environment of the login says."""


@dataclasses.dataclass(frozen=True)
class Completed:
    """A finished process: exit code and both outputs, decoded."""

    code: int
    out: str
    err: str


def run(
    arguments: Sequence[str],
    *,
    stdin: bytes | None = None,
    timeout: float = 60.0,
    check: bool = True,
    environment: Mapping[str, str] | None = None,
) -> Completed:
    """Run a program without a shell. With check, an exit code other than 0 is an error with the program's own words."""
    shown = " ".join(arguments)
    variables = {**os.environ, "LC_ALL": "C.UTF-8", **(environment or {})}
    variables["PATH"] = f"{variables.get('PATH', '')}:{SEARCH_PATH}"
    try:
        done = subprocess.run(arguments, input=stdin, capture_output=True, timeout=timeout, check=False, env=variables)
    except FileNotFoundError:
        raise HostError(f"There is no program {arguments[0]} on this host.") from None
    except subprocess.TimeoutExpired:
        raise HostError(f"'{shown}' gave no answer in {timeout:g} s.") from None
    except OSError as error:
        raise HostError(f"'{shown}' cannot be run: {error.strerror}.") from error
    completed = Completed(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))
    if check and completed.code != 0:
        words = (completed.err.strip() or completed.out.strip())[-2000:]
        raise HostError(f"'{shown}' failed with exit code {completed.code}: {words}")
    return completed


def process_environment(pid: int) -> dict[str, str]:
    """Environment that a running process was started with; empty if it is gone."""
    content = read_file(f"/proc/{pid}/environ") or b""
    pairs = (entry.split("=", 1) for entry in content.decode("utf-8", "replace").split("\0") if "=" in entry)
    return dict(pairs)


def process_program(pid: int) -> str:
    """Path of the program that a process runs, also if the file is gone; empty if the process is."""
    try:
        return os.readlink(f"/proc/{pid}/exe").removesuffix(" (deleted)")
    except OSError:
        return ""


def process_started(pid: int) -> float | None:
    """When a process was started, in seconds since the epoch; None if it is gone."""
    content = read_file(f"/proc/{pid}/stat")
    if not content:
        return None
    ticks = int(content.rsplit(b")", 1)[1].split()[19])
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) + ticks / os.sysconf("SC_CLK_TCK")


# --- systemd -----------------------------------------------------------------------------------------------------------

# Which start of a unit a line of its journal belongs to: the unit's own lines, and those of systemd about it.
_INVOCATION = ("_SYSTEMD_INVOCATION_ID", "INVOCATION_ID")
ENDED = ("inactive", "failed")
_STATIC = ("static", "generated", "indirect")
_UNIT_PROPERTIES = "LoadState,ActiveState,UnitFileState,MainPID,InvocationID,NeedDaemonReload,ActiveEnterTimestampMonotonic,NRestarts"


@dataclasses.dataclass(frozen=True)
class UnitState:
    """State of a systemd unit.

    Attributes:
        loaded: whether systemd knows the unit.
        active: systemd's ActiveState, such as C(active), C(activating), C(failed), C(inactive).
        enabled: whether it is started at boot.
        static: whether that cannot be chosen, because its unit file does not say how it is enabled.
        pid: main process; 0 if there is none.
        invocation: what systemd calls this start of it; empty if it never was started.
        reload_needed: whether unit files changed since systemd read them.
        activated: when it became active, in seconds since the epoch; 0 if it never did.
        restarts: how often systemd restarted it by itself.
    """

    loaded: bool
    active: str
    enabled: bool
    static: bool
    pid: int
    invocation: str
    reload_needed: bool
    activated: float
    restarts: int

    @property
    def ended(self) -> bool:
        """Whether nothing of it runs, nor is on its way to or from there."""
        return self.active in ENDED


def unit_states(units: Iterable[str]) -> dict[str, UnitState]:
    """States of several units by name, asked in one call."""
    names = list(units)
    if not names:
        return {}
    answer = run(["systemctl", "show", "--property", _UNIT_PROPERTIES, *names]).out
    boot = time.time() - time.monotonic()
    states = {}
    for name, block in zip(names, answer.strip().split("\n\n")):
        found = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        entered = int(found.get("ActiveEnterTimestampMonotonic") or 0)
        states[name] = UnitState(
            loaded=found.get("LoadState") == "loaded",
            active=found.get("ActiveState", "inactive"),
            enabled=found.get("UnitFileState") in ("enabled", "enabled-runtime", "alias", *_STATIC),
            static=found.get("UnitFileState") in _STATIC,
            pid=int(found.get("MainPID") or 0),
            invocation=found.get("InvocationID", ""),
            reload_needed=found.get("NeedDaemonReload") == "yes",
            activated=boot + entered / 1e6 if entered else 0.0,
            restarts=int(found.get("NRestarts") or 0),
        )
    return states


def systemctl(*arguments: str, timeout: float = 180.0) -> None:
    run(["systemctl", *arguments], timeout=timeout)


def journal_tail(unit: str, lines: int = 15) -> str:
    """Last lines of a unit's journal, for the cause in an error. Where systemd is starting it again, those of what ended before."""
    fields = ",".join(("MESSAGE", *_INVOCATION))
    command = ["journalctl", "--unit", unit, "--lines", str(lines * 20), "--no-pager", "--output", "json", f"--output-fields={fields}"]
    with contextlib.suppress(HostError, ValueError):
        # A start that runs before or after the journal was read was perhaps read half.
        before = unit_states([unit])[unit]
        entries = [json.loads(line) for line in run(command, check=False).out.splitlines()]
        states = (before, unit_states([unit])[unit])
        begun_again = {one.invocation for one in states if one.restarts and (one.pid or one.invocation != before.invocation)}
        ended = [entry for entry in entries if begun_again.isdisjoint(entry.get(field) for field in _INVOCATION)]
        return "\n".join(_message(entry) for entry in (ended or entries)[-lines:]).strip()
    return ""


def _message(entry: Mapping[str, Any]) -> str:
    text = entry.get("MESSAGE") or ""
    # What is not plain text comes as a list of bytes.
    return bytes(text).decode("utf-8", "replace") if isinstance(text, list) else str(text)


# --- time --------------------------------------------------------------------------------------------------------------


def wait_until(predicate: Callable[[], bool], *, timeout: float, poll: float = POLL_SECONDS, lasting: float = 0.0) -> bool:
    """Ask until the predicate holds, and has held at every look for `lasting` seconds; False if it did not within `timeout` seconds.

    Asked once at least.
    """
    end, since = time.monotonic() + timeout, math.inf
    while True:
        since = min(since, time.monotonic()) if predicate() else math.inf
        if time.monotonic() - since >= lasting:
            return True
        if time.monotonic() >= end:
            return False
        time.sleep(poll)
