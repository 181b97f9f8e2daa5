# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: what is left of the collection on a host, and how each thing is taken away."""

from __future__ import annotations

import contextlib
import glob
import os
import shutil
import signal
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.quorate.kubernetes.plugins.module_utils import (
    _artifact_files,
    _certificate_files,
    _component,
    _component_files,
    _host,
    _remains,
    _reset,
)

FAMILIES = ("iptables", "ip6tables")
RECORDS = ("components", "artifacts.json", "artifact_digests.json", "certificates.json", "digests.json")
SHIM = "containerd-shim"
# Of version 2, and of each hierarchy of version 1, of which systemd knows some only.
POD_CGROUPS = tuple(f"/sys/fs/cgroup/{hierarchy}{name}" for hierarchy in ("", "*/") for name in ("kubepods", "kubepods.slice"))
SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
INTERFACES = "/sys/class/net"
STOP_SECONDS = 30.0
GONE_SECONDS = 10.0


# --- observation -------------------------------------------------------------------------------------------------------


def observe(runtime_directories: Sequence[str]) -> _reset.Observed:
    """All that is left. A host without records has nothing of ours, whatever runs on it."""
    state = _host.STATE_DIRECTORY
    if not os.path.isdir(state):
        return _reset.Observed()
    records = _component_files.read_records()
    is_node = bool(_reset.NODE_COMPONENTS.intersection(records))
    runtime = runtime_directories if is_node else ()
    given = [path for record in records.values() for path in record.get("directories", []) if path not in runtime]
    files = _files(records)
    folders = _reset.own_directories(files, [*given, *(_reset.SHARED_DIRECTORIES if is_node else ())])
    names = os.listdir(state)
    kept = [name for name in names if name not in RECORDS and not _reset.is_leftover(name)]
    return _reset.Observed(
        units=_units(records),
        files=tuple(path for path in files if os.path.lexists(path)),
        entries={path: tuple(sorted(os.listdir(path))) for path in folders if _can_be_removed(path)},
        data=tuple(path for path in _reset.outermost(given) if _reset.is_data(path, runtime=runtime) and data_in(path)),
        users=tuple(_host.made_users()),
        runtime=_runtime(runtime) if is_node else _reset.Runtime(),
        records=not names or len(kept) < len(names),
        kept=tuple(sorted(kept)),
        state_directory=state,
    )


def _files(records: dict[str, dict[str, Any]]) -> list[str]:
    """Files by their records: what is started from them first, then keys and certificates, then programs."""
    certificates, artifacts = _certificate_files.read_record(), _artifact_files.record()
    paths = [path for record in records.values() for path in record.get("files", [])]
    pairs = [path for path, entry in certificates["certificates"].items() for path in (path, entry["key"])]
    paths += [*pairs, *certificates["trust"]]
    paths += [path for path, mode in artifacts.items() if mode != _artifact_files.LINK or _is_our_link(path, artifacts)]
    # What a run that died was about to put in place.
    return [name for path in dict.fromkeys(paths) for name in (path, path + _certificate_files.NEW, os.path.join(*_dotted(path)))]


def _dotted(path: str) -> tuple[str, str]:
    folder, name = os.path.split(path)
    return folder, f".{name}.new"


def _is_our_link(path: str, artifacts: dict[str, str]) -> bool:
    state = _host.link_state(path) or ""
    return state.startswith("link:") and state.partition(":")[2] in artifacts


def _units(records: dict[str, dict[str, Any]]) -> tuple[_reset.Unit, ...]:
    components = {name: _component.Component(name=name) for name in records}
    states = _host.unit_states(component.service for component in components.values())
    units = []
    for name, component in components.items():
        state = states[component.service]
        units.append(
            _reset.Unit(
                name,
                own=component.unit_path in records[name].get("files", []),
                running=state.active not in ("inactive", "failed"),
                enabled=state.enabled and not state.static,
                stale=state.active == "failed" or (state.loaded and not os.path.exists(component.unit_path)),
            )
        )
    return tuple(units)


def _can_be_removed(path: str) -> bool:
    return os.path.isdir(path) and not os.path.islink(path) and not os.path.ismount(path)


def names_in(path: str) -> list[str]:
    """Names in a directory; none if it is not there."""
    try:
        return sorted(os.listdir(path))
    except (FileNotFoundError, NotADirectoryError):
        return []


def data_in(path: str) -> list[str]:
    """Names in a directory without what was moved aside there."""
    aside = os.path.basename(path) + ".aside-"
    return [name for name in names_in(path) if not name.startswith(aside)]


def _runtime(directories: Sequence[str]) -> _reset.Runtime:
    network = _remains.pod_network((_host.read_file("/run/flannel/subnet.env") or b"").decode("utf-8", "replace"))
    slices = _host.unit_states(["kubepods.slice"])
    return _reset.Runtime(
        processes=len(pod_processes()),
        slice=slices["kubepods.slice"].active == "active",
        cgroups=tuple(sorted(path for pattern in POD_CGROUPS for path in glob.glob(pattern))),
        mounts=tuple(_mounted(directories)),
        links=tuple(_links()),
        routes=tuple(_remains.pod_routes(_told("ip", "-4", "route", "show", "root", network))) if network else (),
        namespaces=tuple(os.path.join(_reset.NAMESPACES, name) for name in names_in(_reset.NAMESPACES) if name.startswith("cni-")),
        chains={family: _remains.without_our_rules(_told(f"{family}-save"))[1] for family in FAMILIES},
        tables=tuple(_remains.our_tables(_told("nft", "list", "tables"))),
        directories=tuple(path for path in directories if (os.path.isdir(path) if _can_be_removed(path) else names_in(path))),
    )


def _links() -> list[str]:
    """Our interfaces, and those that connect pods to them."""
    ours = sorted(name for name in os.listdir(INTERFACES) if _remains.is_our_link(name))
    lower = [name.partition("_")[2] for link in ours for name in names_in(f"{INTERFACES}/{link}") if name.startswith("lower_veth")]
    return [*lower, *ours]


def _told(*arguments: str) -> str:
    """What a program prints; nothing where it is not installed, since nobody has used it then."""
    if shutil.which(arguments[0], path=SEARCH_PATH) is None:
        return ""
    return _host.run(arguments).out


def _mounted(directories: Iterable[str]) -> list[str]:
    roots = {os.path.realpath(path) for path in directories}
    return _remains.to_unmount(_remains.mounts((_host.read_file("/proc/self/mountinfo") or b"").decode("utf-8", "replace")), roots)


def pod_processes() -> dict[int, str]:
    """Processes of pods, and of the programs that hold their containers, with the program of each."""
    found = {}
    for pid in (int(name) for name in os.listdir("/proc") if name.isdigit()):
        cgroup = (_host.read_file(f"/proc/{pid}/cgroup") or b"").decode("utf-8", "replace")
        program = _host.process_program(pid)
        # Another containerd, such as Docker's, brings a shim of its own.
        if _remains.is_of_pod(cgroup) or (os.path.basename(program).startswith(SHIM) and program in _artifact_files.record()):
            found[pid] = program
    return found


# --- actions -----------------------------------------------------------------------------------------------------------


def stop(unit: str) -> None:
    """Stop a unit. One that waits for what will not come, such as an API server without etcd, is killed."""

    def has_ended() -> bool:
        return _host.unit_states([unit])[unit].active in ("inactive", "failed")

    _host.systemctl("stop", "--no-block", unit)
    if not _host.wait_until(has_ended, timeout=STOP_SECONDS):
        _host.systemctl("kill", "--signal", "KILL", unit)
        if not _host.wait_until(has_ended, timeout=GONE_SECONDS):
            raise _host.HostError(f"{unit} does not end, although it was killed. Restart the host and run again.")


def end_processes(grace: float) -> None:
    """Ask the processes of pods to end, and end those that do not."""
    for number, seconds in ((signal.SIGTERM, grace), (signal.SIGKILL, GONE_SECONDS)):
        for pid in pod_processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        if _host.wait_until(lambda: not pod_processes(), timeout=seconds):
            return
    left = ", ".join(f"{pid} ({program or 'unknown program'})" for pid, program in pod_processes().items())
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
    if done.code and name in os.listdir(INTERFACES):
        raise _host.HostError(f"Removing the interface {name} failed: {done.err.strip()}")


def remove_rules(family: str) -> None:
    rules, _count = _remains.without_our_rules(_told(f"{family}-save"))
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
    if still := _mounted([path]):
        raise _host.HostError(
            f"{path} was not deleted, because something is mounted there still: {', '.join(still)}. Unmount it and run again."
        )
    _empty(path, names)
    if _can_be_removed(path):
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
    names = [name for name in os.listdir(state) if name in RECORDS or _reset.is_leftover(name)]
    _empty(state, sorted(names, key=lambda name: name == RECORDS[0]))
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
