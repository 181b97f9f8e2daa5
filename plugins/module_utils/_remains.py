# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: what pods and their network leave on a node, found in what the tools of a host print."""

from __future__ import annotations

import dataclasses
import posixpath
import re
from collections.abc import Collection, Sequence

_OUR_CHAIN = re.compile(r"(KUBE|CNI|FLANNEL)-")
_OUR_JUMP = re.compile(r" (-j|-g) (KUBE|CNI|FLANNEL)-")
_OUR_COMMENT = re.compile(r' --comment "flanneld ')
_OUR_TABLE = re.compile(r"table (\S+ (?:kube-proxy|flannel-ipv[46]|cni_hostport))$", re.MULTILINE)
_OUR_LINK = re.compile(r"cni0|flannel(-v6)?\.\d+|flannel-wg(-v6)?")
_POD_CGROUP = re.compile(r"[:/]kubepods(\.slice|[/-]|$)", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Mount:
    """A mount point, and whether the directory is only mounted on itself, as kubelet does to share what is mounted inside."""

    point: str
    on_itself: bool = False


def mounts(mountinfo: str) -> list[Mount]:
    """What is mounted, in the order in which it was, from C(/proc/self/mountinfo)."""
    rows = [line.split(" ") for line in mountinfo.splitlines()]
    by_number = {row[0]: row for row in rows if len(row) > 4}
    found = []
    for row in by_number.values():
        parent = by_number.get(row[1])
        on_itself = parent is not None and parent[2] == row[2] and posixpath.join(parent[3], posixpath.relpath(row[4], parent[4])) == row[3]
        found.append(Mount(re.sub(r"\\([0-7]{3})", lambda number: chr(int(number[1], 8)), row[4]), on_itself))
    return found


def to_unmount(mounted: Sequence[Mount], roots: Collection[str]) -> list[str]:
    """Mount points inside the roots, the last one first. A root itself may be a disk of its own, and stays."""
    prefixes = tuple(f"{root}/" for root in roots)
    return [mount.point for mount in reversed(mounted) if mount.point.startswith(prefixes) or (mount.on_itself and mount.point in roots)]


def is_of_pod(cgroup: str) -> bool:
    """Whether a process belongs to a pod, by its C(/proc/PID/cgroup)."""
    return bool(_POD_CGROUP.search(cgroup))


def is_our_link(name: str) -> bool:
    return bool(_OUR_LINK.fullmatch(name))


def pod_network(subnet_file: str) -> str:
    """The network of all pods from flannel's C(subnet.env); empty if it does not say."""
    found = re.search(r"^FLANNEL_NETWORK=([0-9./]+)$", subnet_file, re.MULTILINE)
    return found[1] if found else ""


def pod_routes(routes: str) -> list[str]:
    """Routes to the pods of other nodes, from C(ip route show root NETWORK). Those of our own interfaces go with them."""
    found = (re.match(r"(\S+ via \S+ dev (\S+))", line) for line in routes.splitlines())
    return [route[1] for route in found if route and not is_our_link(route[2])]


def our_tables(tables: str) -> list[str]:
    """Tables of kube-proxy, flannel and CNI from C(nft list tables), each as family and name."""
    return _OUR_TABLE.findall(tables)


def without_our_rules(saved: str) -> tuple[str, int]:
    """Input for C(iptables-restore --noflush) that takes our chains, and the rules that lead to them, away; number of chains.

    Rules of others are not named in it, so what they change meanwhile is not lost.
    """
    parts, count = [], 0
    for table in re.split(r"^(?=\*)", saved, flags=re.MULTILINE):
        lines = table.splitlines()
        chains = [line[1:].split(" ")[0] for line in lines if line.startswith(":") and _OUR_CHAIN.match(line[1:])]
        rules = [line for line in lines if line.startswith("-A ") and not _OUR_CHAIN.match(line[3:]) and _is_ours(line)]
        if chains or rules:
            flushed = [f":{chain} - [0:0]" for chain in chains]
            removed = [f"-D {rule[3:]}" for rule in rules] + [f"-X {chain}" for chain in chains]
            parts.append("\n".join([lines[0], *flushed, *removed, "COMMIT\n"]))
            count += len(chains)
    return "".join(parts), count


def _is_ours(rule: str) -> bool:
    # What somebody wrote into a comment is no jump.
    return bool(_OUR_JUMP.search(re.sub(r'"[^"]*"', '""', rule)) or _OUR_COMMENT.search(rule))
