# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: what is done to take hosts out of a cluster, or only their members out of etcd.

What leaves is decided by what the cluster says of it, so a host that is dead, or that the inventory does not name any more, can go too.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.quorate.kubernetes.plugins.module_utils import _reset


@dataclasses.dataclass(frozen=True)
class Asked:
    """What is to be taken out.

    Attributes:
        hosts: names of hosts that go altogether.
        members: names of hosts of which only the member of etcd goes.
    """

    hosts: tuple[str, ...] = ()
    members: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        return [*self.hosts, *(name for name in self.members if name not in self.hosts)]


@dataclasses.dataclass(frozen=True)
class Known:
    """What is known of the cluster and of what leaves it.

    Attributes:
        leaving: by name, what each host of the inventory that leaves will not be any more.
        inventory: names of all hosts of the inventory.
        dead: hosts that leave and do not answer.
        etcd: members as C(etcd_info) lists them.
        nodes: nodes as C(nodes_info) lists them.
    """

    leaving: Mapping[str, Collection[str]]
    inventory: Collection[str]
    dead: Collection[str]
    etcd: Sequence[Mapping[str, Any]]
    nodes: Sequence[Mapping[str, Any]]


@dataclasses.dataclass(frozen=True)
class Removal:
    """What is done, and why it must not be.

    Attributes:
        problems: a sentence for each reason not to begin.
        members: names of the members that leave etcd, in their order.
        drained: nodes that are emptied first.
        forgotten: nodes that the cluster forgets in the end.
        sentences: all of it for people.
    """

    problems: tuple[str, ...]
    members: tuple[str, ...]
    drained: tuple[str, ...]
    forgotten: tuple[str, ...]
    sentences: tuple[str, ...]


def plan(asked: Asked, known: Known, *, force: bool = False) -> Removal:
    """Everything that is done, and everything that is wrong with it."""
    members = _members(asked, known)
    nodes = {str(node["name"]): bool(node["ready"]) for node in known.nodes}
    forgotten = tuple(name for name in asked.hosts if name in nodes)
    drained = tuple(name for name in forgotten if nodes[name] and name not in known.dead)
    return Removal(
        problems=tuple(_problems(asked, known, members=members, force=force)),
        members=members,
        drained=drained,
        forgotten=forgotten,
        sentences=tuple(_sentences(asked, known, members=members, drained=drained)),
    )


def _members(asked: Asked, known: Known) -> tuple[str, ...]:
    """Those that are dead first, since the others can spare them most easily."""
    listed = [str(member["name"]) for member in sorted(known.etcd, key=lambda member: bool(member["healthy"]))]
    # A member has no name in the list before its first start, so what the inventory says counts too.
    unlisted = [name for name in asked.names if "etcd" in known.leaving.get(name, ()) and name not in listed]
    return (*(name for name in listed if name in asked.names), *unlisted)


def _problems(asked: Asked, known: Known, *, members: Sequence[str], force: bool) -> Iterable[str]:
    limited = [name for name in asked.names if name in known.inventory and name not in known.leaving and name not in members]
    wrong = [name for name in limited if name in asked.members]
    if wrong:
        yield f"{', '.join(wrong)} {_is(wrong)} no etcd host, so there is no member to remove. remove_hosts removes a host altogether."
    cut = [name for name in limited if name not in wrong]
    if cut:
        yield f"{', '.join(cut)} {_is(cut)} not part of this run. Leave out --limit: what leaves is given with remove_hosts."
    nodes = {str(node["name"]) for node in known.nodes}
    unknown = [name for name in asked.names if name not in known.inventory and name not in members and name not in nodes]
    if unknown:
        yield (
            f"{', '.join(unknown)} {_is(unknown)} neither in the inventory, nor a member of etcd "
            f"({', '.join(str(member['name']) for member in known.etcd)}), nor a node ({', '.join(sorted(nodes))}). Correct the name."
        )
    cost = "" if force else _reset.cost(known.etcd, members)
    if cost:
        yield cost


def _sentences(asked: Asked, known: Known, *, members: Sequence[str], drained: Collection[str]) -> Iterable[str]:
    for name in asked.names:
        words = []
        if name in asked.hosts:
            words += ["its pods go elsewhere"] if name in drained else []
            words += ["the API servers and load balancers of the others do without it"] if "master" in known.leaving.get(name, ()) else []
        words += ["its member leaves etcd"] if name in members else []
        if name in asked.hosts:
            reached = name in known.leaving and name not in known.dead
            words += (
                ["the host is taken back to what it was, its data moved aside"]
                if reached
                else ["the host itself is not reached, and stays as it is"]
            )
            words += ["the cluster forgets the node"] if name in {str(node["name"]) for node in known.nodes} else []
        else:
            words.append("what etcd had on the host goes, its data is moved aside")
        yield f"{name}: {'; '.join(words)}."


def _is(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"
