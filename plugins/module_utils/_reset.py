# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: what has to be done so that nothing of the collection is left on a host.

Everything is decided from what is there, and the records go last. So a reset that died anywhere is finished by the next one.
"""

from __future__ import annotations

import dataclasses
import posixpath
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.quorate.kubernetes.plugins.module_utils import _quorum

NODE_COMPONENTS = frozenset({"containerd", "flanneld", "kube-proxy", "kubelet"})
"""Who of these ran here has left more than files: processes, mounts, interfaces, rules."""

RUNTIME_DIRECTORIES = (
    "/var/lib/kubelet",
    "/var/lib/containerd",
    "/run/containerd",
    "/run/flannel",
    "/run/nri",
    "/var/lib/cni",
    "/var/log/pods",
    "/var/log/containers",
    "/opt/containerd",
)

NAMESPACES = "/run/netns"

SHARED_DIRECTORIES = (NAMESPACES, "/etc/cni/net.d", "/usr/libexec/kubernetes/kubelet-plugins/volume/exec")
"""A node has them too, but what others put there is not ours."""

# kubelet would start anew what is ended. What others need goes late, since a program that misses it is slow to stop.
_STOP_FIRST = ("kubelet",)
_STOP_LAST = ("kube-apiserver", "api-load-balancer", "etcd", "container-images", "containerd")

# What every system has, besides whatever lies at the root. It stays also if it is empty.
_STANDARD = frozenset(
    [
        *(f"/etc/{name}" for name in ("default", "modules-load.d", "ssl", "sysctl.d", "systemd", "systemd/system")),
        *(f"/usr/{name}" for name in ("bin", "lib", "libexec", "local", "local/bin", "local/lib", "local/sbin", "sbin")),
        *(f"/var/{name}" for name in ("cache", "lib", "log", "spool", "tmp")),
    ]
)

_LEFTOVER = re.compile(r"\..+\.new")


class ResetError(Exception):
    """What was asked for would take away what is not ours."""


@dataclasses.dataclass(frozen=True)
class Unit:
    """A unit that a component ran as.

    Attributes:
        name: name of the component.
        own: whether its unit file is ours; otherwise it is one of the operating system, which goes on.
        running: whether it runs.
        enabled: whether it is started at boot, and that can be chosen.
        stale: whether systemd remembers it as failed, or by files that it has no longer.
    """

    name: str
    own: bool = True
    running: bool = False
    enabled: bool = False
    stale: bool = False

    @property
    def service(self) -> str:
        return self.name + ".service"


@dataclasses.dataclass(frozen=True)
class Runtime:
    """What pods and their network have left on a node.

    Attributes:
        processes: number of processes of pods and of the programs that hold containers.
        slice: whether systemd has a slice of pods.
        cgroups: directories of the cgroup of pods, one in each hierarchy.
        mounts: mount points below the directories of pods, the last one first.
        links: network interfaces, those of pods first.
        routes: routes to the pods of other nodes, as C(ip) takes them.
        namespaces: files of network namespaces.
        chains: number of chains by family, which is C(iptables) or C(ip6tables).
        tables: tables of nftables, family and name.
        directories: directories that are there, or that hold something if they have to stay.
    """

    processes: int = 0
    slice: bool = False
    cgroups: tuple[str, ...] = ()
    mounts: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    chains: Mapping[str, int] = dataclasses.field(default_factory=dict)
    tables: tuple[str, ...] = ()
    directories: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Observed:
    """What is left of the collection on a host.

    Attributes:
        units: units of the components.
        files: files of ours that are there, in the order in which they go.
        entries: names in each directory of ours that is neither a mount point nor a link.
        data: directories that components were given to keep data in, and that hold some.
        users: system users that were made.
        runtime: what pods have left.
        records: whether there are records, or an empty directory of them.
        kept: what else lies in the directory of records, such as snapshots.
        state_directory: the directory of records.
    """

    units: tuple[Unit, ...] = ()
    files: tuple[str, ...] = ()
    entries: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    data: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    runtime: Runtime = Runtime()
    records: bool = False
    kept: tuple[str, ...] = ()
    state_directory: str = "/var/lib/quorate"


@dataclasses.dataclass(frozen=True)
class Step:
    """One thing to do: the verb, on what, and more about it in words."""

    verb: str
    target: str
    about: str = ""

    def __str__(self) -> str:
        return f"{self.verb} {self.target}" + (f" ({self.about})" if self.about else "")


def plan(observed: Observed, *, delete_data: bool) -> list[Step]:
    """All that has to be done, in order. Empty if nothing of ours is left."""
    files = [*observed.files, *leftovers(observed.entries, observed.files)]
    steps = [*_stop(observed.units), *_end_pods(observed.runtime)]
    steps += [Step("remove", path) for path in files]
    if any(unit.stale or unit.running or unit.enabled for unit in observed.units if unit.own) or _touches_systemd(files):
        steps.append(Step("reload", "systemd"))
    steps += [Step("clear", path) for path in observed.runtime.directories]
    data_verb = "delete" if delete_data else "move aside"
    steps += [Step(data_verb, path) for path in observed.data]
    steps += [Step("remove directory", path) for path in emptied(observed.entries, _gone(observed, delete_data=delete_data))]
    steps += [Step("remove user", name) for name in observed.users]
    if observed.records:
        steps.append(Step("forget", observed.state_directory))
    if observed.kept:
        steps.append(Step(data_verb, observed.state_directory, ", ".join(observed.kept)))
    return steps


def foreign(observed: Observed) -> dict[str, list[str]]:
    """By directory of ours what somebody else has put there, and what therefore stays."""
    gone = {*_gone(observed, delete_data=True), *observed.entries}
    found = {
        directory: [name for name in names if posixpath.join(directory, name) not in gone and ".aside-" not in name]
        for directory, names in observed.entries.items()
        if directory not in SHARED_DIRECTORIES and directory not in observed.data
    }
    return {directory: names for directory, names in found.items() if names}


def _gone(observed: Observed, *, delete_data: bool) -> list[str]:
    files = [*observed.files, *leftovers(observed.entries, observed.files)]
    runtime = [*observed.runtime.namespaces, *observed.runtime.directories]
    return [*files, *runtime, *(observed.data if delete_data else ())]


def _stop(units: Sequence[Unit]) -> list[Step]:
    steps = []
    for unit in sorted((unit for unit in units if unit.own), key=_rank):
        if unit.running:
            steps.append(Step("stop", unit.service))
        if unit.enabled:
            steps.append(Step("disable", unit.service))
    return steps


def _rank(unit: Unit) -> tuple[int, str]:
    if unit.name in _STOP_LAST:
        return 2 + _STOP_LAST.index(unit.name), unit.name
    return (0 if unit.name in _STOP_FIRST else 1), unit.name


def _end_pods(runtime: Runtime) -> list[Step]:
    """In this order: what holds a thing goes before the thing itself."""
    steps = [Step("end", "the processes of pods", str(runtime.processes))] if runtime.processes else []
    if runtime.slice:
        steps.append(Step("stop", "kubepods.slice"))
    steps += [Step("remove cgroup", path) for path in runtime.cgroups]
    steps += [Step("unmount", path) for path in runtime.mounts]
    steps += [Step("remove route", route) for route in runtime.routes]
    steps += [Step("remove interface", name) for name in runtime.links]
    steps += [Step("remove network namespace", path) for path in runtime.namespaces]
    steps += [Step("remove rules", family, f"{count} chains") for family, count in runtime.chains.items() if count]
    return steps + [Step("remove table", table) for table in runtime.tables]


def _touches_systemd(files: Iterable[str]) -> bool:
    return any(path.startswith("/etc/systemd/system/") for path in files)


# --- files and directories ---------------------------------------------------------------------------------------------


def own_directories(files: Iterable[str], directories: Iterable[str]) -> list[str]:
    """Directories that components were given, and those that files of ours lie in, without what every system has."""
    found: dict[str, None] = {}
    for path in [*directories, *(posixpath.dirname(path) for path in files)]:
        while not _is_standard(path) and path not in found:
            found[path] = None
            path = posixpath.dirname(path)
    return list(found)


def _is_standard(path: str) -> bool:
    return path.count("/") < 2 or path in _STANDARD


def leftovers(entries: Mapping[str, Sequence[str]], files: Collection[str]) -> list[str]:
    """Files that a run which died had begun to write."""
    paths = [posixpath.join(directory, name) for directory, names in entries.items() for name in names if is_leftover(name)]
    return [path for path in paths if path not in files]


def is_leftover(name: str) -> bool:
    return bool(_LEFTOVER.fullmatch(name))


def emptied(entries: Mapping[str, Sequence[str]], gone: Iterable[str]) -> list[str]:
    """Directories that hold nothing once the paths are gone, those inside others first."""
    removed, found = set(gone), []
    for directory in sorted(entries, key=lambda path: (-path.count("/"), path)):
        if directory not in removed and all(posixpath.join(directory, name) in removed for name in entries[directory]):
            found.append(directory)
            removed.add(directory)
    return found


def outermost(paths: Iterable[str]) -> list[str]:
    """The paths that lie in none of the others."""
    chosen: list[str] = []
    for path in sorted(set(paths)):
        if not any(path.startswith(f"{outer}/") for outer in chosen):
            chosen.append(path)
    return chosen


def is_data(path: str, *, runtime: Collection[str]) -> bool:
    """Whether a directory that a component was given is for data: not for configuration, and not for what pods leave."""
    return not path.startswith(("/etc/", "/run/")) and path not in runtime


def check_directories(paths: Iterable[str]) -> None:
    """Refuse to clear a directory that every system has."""
    for path in paths:
        if not path.startswith("/") or posixpath.normpath(path) != path or _is_standard(path):
            raise ResetError(f"{path!r} cannot be cleared: give the absolute path of a directory that only pods use. Nothing was changed.")


# --- the cluster that stays --------------------------------------------------------------------------------------------


def cost(members: Iterable[Mapping[str, Any]], leaving: Sequence[str]) -> str:
    """Why the members of etcd cannot go, one after the other, without danger for those that stay; empty if they can."""
    peers = [
        _quorum.Peer(member["name"] or member["id"], learner=member["learner"], healthy=member["healthy"], cause=member["cause"])
        for member in members
    ]
    for name in leaving:
        decision = _quorum.may_remove(peers, name)
        if not decision.allowed:
            return decision.explanation
        peers = [peer for peer in peers if peer.name != name]
    return ""
