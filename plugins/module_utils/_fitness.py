# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: whether a host is fit to be part of a cluster, judged by what was observed of it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ansible_collections.quorate.kubernetes.plugins.module_utils import _artifacts

# What other programs could run already under the name that this collection gives it.
SERVICES = {
    "etcd": ("etcd",),
    "master": ("kube-apiserver", "kube-controller-manager", "kube-scheduler"),
    "node": ("containerd", "flanneld", "kube-proxy", "kubelet"),
}
OLDEST_PYTHON = (3, 9)
MEBIBYTE, GIBIBYTE = 1 << 20, 1 << 30

NEARLY_FULL = GIBIBYTE
"""Free bytes below which a disk is told of: a member of etcd ends when it cannot write, and a node loses its pods before that."""

ADVICE = {
    "ALARM NOSPACE": " The database is full, and nobody can write to it. Run the playbook maintain_etcd.",
    "ALARM CORRUPT": " Its data differs from that of the others. docs/etcd.md tells what to do.",
}
"""By what etcd answers at /health: what to do."""


def problems(
    observation: Mapping[str, Any],
    *,
    kinds: Collection[str],
    clock_skew: float,
    free_space: int,
    features: Sequence[str],
    cgroup_v1: bool = False,
) -> list[str]:
    """What keeps a host from being part of a cluster, a sentence each with what to do; empty if nothing does.

    Args:
        observation: the fact host_observation.
        kinds: what it is to be: C(etcd), C(master), C(worker), C(node) for any of the latter two, which run pods.
        clock_skew: seconds that its clock may differ from the control node's.
        free_space: bytes that a host without anything of ours needs below /opt and /var/lib.
        features: what its kernel has to be able to do, see host_facts.
        cgroup_v1: whether kubelet was told to run with cgroups of version 1, which it refuses since Kubernetes 1.35.
    """
    platform, node = observation["platform"], "node" in kinds
    found = []
    if platform["architecture"] not in _artifacts.ARCHITECTURES:
        found.append(
            f"Its architecture is {platform['architecture']}: there are programs for {' and '.join(_artifacts.ARCHITECTURES)} only."
        )
    # Not a semantic version: 3.14.0rc2, and distributions have 3.11.2+.
    if tuple(int(number) for number in re.findall(r"\d+", platform["python"])[:2]) < OLDEST_PYTHON:
        found.append(f"Its Python is {platform['python']}: install Python 3.9 or later.")
    if abs(observation["clock_skew"]) > clock_skew:
        found.append(
            f"Its clock is off by {observation['clock_skew']:+.1f} s, {clock_skew:g} s are allowed (node_clock_skew): "
            "certificates and leases need one time. Set up time synchronisation, such as chrony."
        )
    if not observation["components"]:
        for path in ("/opt", "/var/lib"):
            free = observation["space"][path]
            if free < free_space:
                found.append(f"{path} has {free / GIBIBYTE:.1f} GiB free, {free_space / GIBIBYTE:.1f} GiB are needed (node_free_space).")
    found += [
        f"Its {name}.service runs, and is not of this collection, which would put its own in its place: stop and disable it, and move its data aside."
        for name in observation["strangers"]
        if any(name in SERVICES.get(kind, ()) for kind in kinds)
    ]
    # Members of etcd leave by steps of their own.
    left = [name for kind, names in SERVICES.items() if kind not in ("etcd", *kinds) for name in names]
    if former := [name for name in left if name in observation["components"]]:
        found.append(
            f"It has {', '.join(former)} of what it was before: that would go on in the cluster, in its old version. Name it in its former group again, or "
            "take it out with the playbook remove first."
        )
    if node and observation["kernel"]["cgroup"] == 1 and not cgroup_v1:
        found.append(
            "It has cgroups of version 1, with which kubelet does not start: boot it with systemd.unified_cgroup_hierarchy=1, "
            "or set failCgroupV1: false in workers_kubelet_config."
        )
    if node and not observation["kernel"]["modules"]:
        known = observation["kernel"]["features"]
        found += [f"Its kernel lacks {name} and cannot load modules: use a kernel that has it." for name in features if not known.get(name)]
    return found


def concerns(observation: Mapping[str, Any]) -> list[str]:
    """What an operator should know of a host before its cluster is worked on, a sentence each; nothing of it forbids the work."""
    etcd = observation.get("etcd") or {}
    space: dict[int, list[str]] = {}
    for path, free in [*observation["space"].items(), *([("the data directory of etcd", etcd["free"])] if etcd else [])]:
        space.setdefault(free, []).append(path)
    found = [
        f"There are {free / MEBIBYTE:.0f} MiB free below {', '.join(paths)}. Make room: etcd and kubelet stop their work on a full disk."
        for free, paths in sorted(space.items())
        if free < NEARLY_FULL
    ]
    if etcd.get("trouble"):
        found.append(f"Its member of etcd says that it is not well: {etcd['trouble']}.{ADVICE.get(etcd['trouble'], '')}")
    return found
