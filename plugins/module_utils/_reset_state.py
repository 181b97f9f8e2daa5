# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: what is left of the collection on a host."""

from __future__ import annotations

import glob
import os
import shutil
from collections.abc import Iterable, Sequence
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
RECORDS = ("components", "artifacts.json", "artifact_digests.json", "certificates.json", "digests.json", "objects.json")
INTERFACES = "/sys/class/net"
SHIM = "containerd-shim"
# Of version 2, and of each hierarchy of version 1, of which systemd knows some only.
POD_CGROUPS = tuple(f"/sys/fs/cgroup/{hierarchy}{name}" for hierarchy in ("", "*/") for name in ("kubepods", "kubepods.slice"))


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
        entries={path: tuple(sorted(os.listdir(path))) for path in folders if can_be_removed(path)},
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
                running=not state.ended,
                enabled=state.enabled and not state.static,
                stale=state.active == "failed" or (state.loaded and not os.path.exists(component.unit_path)),
            )
        )
    return tuple(units)


def can_be_removed(path: str) -> bool:
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
        mounts=tuple(mounted(directories)),
        links=tuple(_links()),
        routes=tuple(_remains.pod_routes(told("ip", "-4", "route", "show", "root", network))) if network else (),
        namespaces=tuple(os.path.join(_reset.NAMESPACES, name) for name in names_in(_reset.NAMESPACES) if name.startswith("cni-")),
        chains={family: _remains.without_our_rules(told(f"{family}-save"))[1] for family in FAMILIES},
        tables=tuple(_remains.our_tables(told("nft", "list", "tables"))),
        directories=tuple(path for path in directories if (os.path.isdir(path) if can_be_removed(path) else names_in(path))),
    )


def _links() -> list[str]:
    """Our interfaces, and those that connect pods to them."""
    ours = sorted(name for name in os.listdir(INTERFACES) if _remains.is_our_link(name))
    lower = [name.partition("_")[2] for link in ours for name in names_in(f"{INTERFACES}/{link}") if name.startswith("lower_veth")]
    return [*lower, *ours]


def told(*arguments: str) -> str:
    """What a program prints; nothing where it is not installed, since nobody has used it then."""
    if shutil.which(arguments[0], path=_host.SEARCH_PATH) is None:
        return ""
    return _host.run(arguments).out


def mounted(directories: Iterable[str]) -> list[str]:
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
