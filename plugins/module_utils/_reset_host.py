# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: how each thing that is left of the collection is taken off a host."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
from collections.abc import Callable, Iterable, Mapping, Sequence

from ansible_collections.quorate.kubernetes.plugins.module_utils import _host, _remains, _reset, _reset_state

STOP_SECONDS = 30.0
GONE_SECONDS = 10.0


def stop(unit: str) -> None:
    """Stop a unit. One that waits for what will not come, such as an API server without etcd, is killed."""

    def has_ended() -> bool:
        return _host.unit_states([unit])[unit].ended

    _host.systemctl("stop", "--no-block", unit)
    if not _host.wait_until(has_ended, timeout=STOP_SECONDS):
        _host.systemctl("kill", "--signal", "KILL", unit)
        if not _host.wait_until(has_ended, timeout=GONE_SECONDS):
            raise _host.HostError(f"{unit} does not end, although it was killed. Restart the host and run again.")


def end_processes(grace: float) -> None:
    """Ask the processes of pods to end, and end those that do not."""
    for number, seconds in ((signal.SIGTERM, grace), (signal.SIGKILL, GONE_SECONDS)):
        for pid in _reset_state.pod_processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        if _host.wait_until(lambda: not _reset_state.pod_processes(), timeout=seconds):
            return
    left = ", ".join(f"{pid} ({program or 'unknown program'})" for pid, program in _reset_state.pod_processes().items())
    raise _host.HostError(f"Ending the processes of pods failed: {left} did not end. Restart the host and run again.")


def remove_cgroup(path: str) -> None:
    """Remove a cgroup with those inside. It may be gone already, and it may take a moment until its last process is."""

    def is_gone() -> bool:
        for folder, _folders, _files in os.walk(path, topdown=False):
            remove_directory(folder)
        return not os.path.exists(path)

    if not _host.wait_until(is_gone, timeout=GONE_SECONDS):
        raise _host.HostError(f"Removing the cgroup {path} failed: it is in use still. Run again.")


def remove_namespace(path: str) -> str:
    """Remove a named network namespace; what stays of it, in words."""
    _host.run(["umount", path], check=False)
    try:
        _host.remove_file(path)
    except _host.HostError:
        # ip mounts the folder on itself for namespaces of its own, and hides what was mounted inside before.
        return f"{path} stays until the next boot, because somebody has mounted something over it. It holds nothing."
    return ""


def remove_interface(name: str) -> None:
    """Remove a network interface. It may be gone already: it goes with the other end of its link."""
    done = _host.run(["ip", "link", "delete", name], check=False)
    if done.code and name in os.listdir(_reset_state.INTERFACES):
        raise _host.HostError(f"Removing the interface {name} failed: {done.err.strip()}")


def remove_rules(family: str) -> None:
    rules, _count = _remains.without_our_rules(_reset_state.told(f"{family}-save"))
    if rules:
        _host.run([f"{family}-restore", "--noflush", "--wait", "30"], stdin=rules.encode())


def unmount(path: str) -> None:
    """Unmount what is mounted last at a path."""
    if _host.run(["umount", path], check=False).code == 0:
        return
    # What somebody still looks into goes when they leave; from here it is gone at once.
    _host.run(["umount", "--lazy", path])


def clear(path: str, names: Sequence[str]) -> None:
    """Delete what a directory holds under these names, and itself, unless it is a mount point, a link, or holds more."""
    # Else the data on what is mounted, which may be somebody's volume, would be deleted.
    if still := _reset_state.mounted([path]):
        raise _host.HostError(
            f"{path} was not deleted, because something is mounted there still: {', '.join(still)}. Unmount it and run again."
        )
    _empty(path, names)
    if _reset_state.can_be_removed(path):
        remove_directory(path)


def _empty(path: str, names: Iterable[str]) -> None:
    try:
        for name in names:
            inside = os.path.join(path, name)
            if os.path.isdir(inside) and not os.path.islink(inside):
                shutil.rmtree(inside)
            else:
                os.unlink(inside)
    except OSError as error:
        raise _host.HostError(f"Deleting {error.filename or path} failed: {error.strerror}. Mend that and run again.") from error


def move_data_aside(path: str) -> str:
    """Move data aside, where only root gets at it: the number of its former owner may be given to another user."""
    target = _host.move_aside(path)
    if target is None:
        raise _host.HostError(f"{path} vanished while it was to be moved aside. Run again.")
    _host.set_attributes(target, mode="0700", owner="root", group="root")
    return target


def remove_directory(path: str) -> None:
    """Remove a directory, if nobody has put something there meanwhile."""
    with contextlib.suppress(OSError):
        os.rmdir(path)


def _run(*arguments: str) -> None:
    _host.run(arguments)


def remove_user(name: str) -> None:
    """Remove a system user, and its group where that does not go with it."""
    _host.run(["userdel", name])
    with contextlib.suppress(_host.HostError):
        _host.group_id(name)
        _host.run(["groupdel", name])


def forget() -> None:
    """Remove the records, those of the components last."""
    state = _host.STATE_DIRECTORY
    names = [name for name in os.listdir(state) if name in _reset_state.RECORDS or _reset.is_leftover(name)]
    _empty(state, sorted(names, key=lambda name: name == _reset_state.RECORDS[0]))
    remove_directory(state)


def remove_locks() -> None:
    """Remove the lock files of this host, which hold nothing."""
    for name in os.listdir(_host.LOCK_DIRECTORY):
        if name.startswith("quorate-") and name.endswith(".lock"):
            _host.remove_file(os.path.join(_host.LOCK_DIRECTORY, name))


REMOVALS: Mapping[str, Callable[[str], str | None]] = {
    "remove": _host.remove_file,
    "remove cgroup": remove_cgroup,
    "remove directory": remove_directory,
    "remove interface": remove_interface,
    "remove network namespace": remove_namespace,
    "remove route": lambda route: _run("ip", "-4", "route", "delete", *route.split()),
    "remove rules": remove_rules,
    "remove table": lambda table: _run("nft", "delete", "table", *table.split()),
    "remove user": remove_user,
    "unmount": unmount,
}
"""How each kind of thing is removed, by the verb of its step. What has to stay nevertheless is told."""
