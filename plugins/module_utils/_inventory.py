# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: an inventory as data, and the groups, names and addresses in it that are wrong."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Optional

from ansible_collections.quorate.kubernetes.plugins.module_utils import _replacement
from ansible_collections.quorate.kubernetes.plugins.module_utils._names import (
    address,
    address_problem,
    closest,
    host_name_problem,
    label_key_problem,
    label_value_problem,
    taint_problem,
)
from ansible_collections.quorate.kubernetes.plugins.module_utils._problem import Problem, show, show_hosts, show_name

GROUPS = ("masters", "workers", "etcd", "etcd_spares")
# Made by the playbook remove: hosts that leave the cluster, and hosts of which only the member of etcd goes.
LEAVING, LEAVING_ETCD = "leaving", "leaving_etcd"
# What other tools call them.
OTHER_NAMES = {
    "control_plane": "masters",
    "controlplane": "masters",
    "controllers": "masters",
    "kube_control_plane": "masters",
    "kube_master": "masters",
    "kube_masters": "masters",
    "kube_node": "workers",
    "kube_nodes": "workers",
    "node": "workers",
    "nodes": "workers",
    "agents": "workers",
    "etcd_members": "etcd",
}

# The kubelet refuses to start with other labels of these domains.
RESERVED_DOMAINS = ("kubernetes.io", "k8s.io")
FREE_DOMAINS = ("kubelet.kubernetes.io", "node.kubernetes.io")
FREE_LABELS = ("topology.kubernetes.io/zone", "topology.kubernetes.io/region")


@dataclasses.dataclass(frozen=True)
class Inventory:
    """What the inventory says.

    Attributes:
        groups: the hosts of every group.
        variables: of each host, its checked variables of the collection.
        connections: of each host, its ansible_host.
        defaults: the default of each variable that has one value for the whole cluster.
        replacements: members of etcd that healing has replaced by spares.
    """

    groups: Mapping[str, Sequence[str]]
    variables: Mapping[str, Mapping[str, Any]]
    connections: Mapping[str, str]
    defaults: Mapping[str, Any]
    replacements: Sequence[_replacement.Replacement] = ()

    def group(self, name: str) -> list[str]:
        return sorted(set(self.groups.get(name, ())))

    def staying(self, name: str) -> list[str]:
        """The hosts of a group that do not leave the cluster."""
        leaving = set(self.group(LEAVING))
        return [host for host in self.group(name) if host not in leaving]

    @functools.cached_property
    def masters(self) -> list[str]:
        return self.staying("masters")

    @functools.cached_property
    def workers(self) -> list[str]:
        return self.staying("workers")

    @functools.cached_property
    def named_members(self) -> list[str]:
        """Hosts of etcd by the groups. Without a group of its own etcd runs on the masters."""
        return self.group("etcd") or self.group("masters")

    @functools.cached_property
    def _effective(self) -> _replacement.Effective:
        return _replacement.effective(members=self.named_members, spares=self.group("etcd_spares"), replacements=self.replacements)

    @functools.cached_property
    def etcd_replaced(self) -> Mapping[str, str]:
        """Of each host whose place in etcd a spare has taken, that spare."""
        return self._effective.replaced

    @functools.cached_property
    def members(self) -> list[str]:
        """Hosts of etcd, with spares that have replaced one, and with those that leave it."""
        return list(self._effective.members)

    @functools.cached_property
    def etcd(self) -> list[str]:
        leaving = {*self.group(LEAVING), *self.group(LEAVING_ETCD)}
        return [host for host in self.members if host not in leaving]

    @functools.cached_property
    def etcd_spares(self) -> list[str]:
        return [host for host in self._effective.spares if host not in self.group(LEAVING)]

    @functools.cached_property
    def hosts(self) -> list[str]:
        gone = set(self.etcd_replaced).difference(self.masters, self.workers, self.etcd)
        return sorted({host for name in GROUPS for host in self.staying(name)} - gone)

    @functools.cached_property
    def leaving(self) -> dict[str, tuple[str, ...]]:
        """What each host that leaves was, and will not be any more."""
        was = {"etcd": self.members, "master": self.group("masters"), "worker": self.group("workers")}
        found = {host: tuple(kind for kind, hosts in was.items() if host in hosts) for host in self.group(LEAVING)}
        return {**{host: ("etcd",) for host in self.group(LEAVING_ETCD) if host in self.members}, **found}

    def of(self, host: str, name: str, default: Any) -> Any:
        """A host's own value of a variable."""
        value = self.variables.get(host, {}).get(name)
        return default if value is None else value

    def address(self, host: str) -> str:
        """Where the other hosts reach a host: node_address, or ansible_host."""
        return str(self.of(host, "node_address", "") or self.connections.get(host) or host)

    def values(self, name: str, hosts: Optional[Iterable[str]] = None) -> dict[str, list[str]]:
        """The different values of a variable that should have one, as JSON, and who of the hosts (by default all) has them."""
        found: dict[str, list[str]] = {}
        for host in self.hosts if hosts is None else hosts:
            value = self.of(host, name, self.defaults.get(name))
            found.setdefault(json.dumps(value, sort_keys=True, default=str), []).append(host)
        return found

    def setting(self, name: str) -> Any:
        """The value of a variable that has one value for the whole cluster; the commonest if it has several."""
        found = self.values(name)
        if not found:
            return self.defaults[name]
        return json.loads(max(found, key=lambda value: len(found[value])))


def inventory_problems(inventory: Inventory) -> Iterator[Problem]:
    """Groups, names, addresses, and variables that differ though they must not."""
    yield from _group_problems(inventory)
    yield from _misspelt_groups(inventory)
    yield from _etcd_problems(inventory)
    yield from _spare_problems(inventory)
    yield from _name_problems(inventory.hosts)
    yield from _address_problems(inventory)
    yield from _differences(inventory)
    for host in inventory.hosts:
        yield from _placement_problems(inventory, host)


def _group_problems(inventory: Inventory) -> Iterator[Problem]:
    if not inventory.masters and inventory.group("masters"):
        yield Problem(
            place="group masters",
            what="no host of it would stay, and so no cluster",
            remedy="Let one stay, or take the whole cluster away with the playbook reset",
        )
    elif not inventory.masters:
        yield Problem(
            place="group masters",
            what="there is no host in it, so there would be no API server",
            remedy="Put one host, or better three, into the group masters of the inventory",
        )
    elif not inventory.workers:
        yield Problem(
            place="group workers",
            what="there is no host in it, so no pod could run: masters take none unless they are workers too",
            remedy="Put hosts into the group workers; for a cluster without hosts of their own, the masters",
        )
    both = set(inventory.group("etcd")) & set(inventory.group("etcd_spares"))
    if both:
        yield Problem(
            hosts=tuple(sorted(both)),
            what="in the groups etcd and etcd_spares, but a spare is no member yet",
            remedy="Take it out of one of the two groups",
        )
    yield from _replacement.problems(
        members=inventory.named_members, spares=inventory.group("etcd_spares"), replacements=inventory.replacements
    )


def _misspelt_groups(inventory: Inventory) -> Iterator[Problem]:
    for name in sorted(inventory.groups):
        meant = "" if name in (*GROUPS, LEAVING, LEAVING_ETCD, "all", "ungrouped") else OTHER_NAMES.get(name) or closest(name, GROUPS)
        if not meant:
            continue
        lost = sorted(set(inventory.groups[name]) - set(inventory.group(meant)))
        if lost:
            yield Problem(
                place=f"group {show_name(name)}",
                what=f"no group of quorate.kubernetes, and {show_hosts(lost)} not in {meant}",
                remedy=f"Did you mean {meant}? Rename it, or put it below {meant} as a child; if it is something else, call it otherwise",
            )


def _etcd_problems(inventory: Inventory) -> Iterator[Problem]:
    count = len(inventory.etcd)
    if inventory.members and not count:
        yield Problem(
            place="group etcd",
            what="no member of it would stay, and so no cluster",
            remedy="Let one stay, add others first, or take the whole cluster away with the playbook reset",
        )
    # On the way to another number of members an even one cannot be helped.
    if count % 2 or not count or inventory.leaving or inventory.setting("cluster_allow_even_etcd"):
        return
    own = bool(inventory.group("etcd"))
    yield Problem(
        place="group etcd" if own else "group masters",
        what=(
            f"{count} etcd members{'' if own else ' (the masters, as there is no group etcd)'}: "
            f"an even number survives the loss of {count // 2 - 1}, no more than {count - 1} would, and is likelier to lose one"
        ),
        remedy=f"Make it {count - 1} or {count + 1}"
        + ("" if own else ", or name an odd number of hosts in the group etcd")
        + "; cluster_allow_even_etcd: true accepts it",
    )


def _spare_problems(inventory: Inventory) -> Iterator[Problem]:
    """A spare becomes a member when nobody is there to look at its settings."""
    for name in sorted({name for host in inventory.members for name in inventory.variables.get(host, {}) if name.startswith("etcd_")}):
        found = inventory.values(name, inventory.members)
        if len(found) > 1:
            continue  # there is no value that a spare has to have
        [value] = found
        for own, spares in inventory.values(name, inventory.etcd_spares).items():
            if own != value:
                yield Problem(
                    hosts=tuple(spares),
                    what=f"{name} is {show(json.loads(value))} on the members of etcd, but {'not set' if own == 'null' else show(json.loads(own))} here",
                    remedy=f"Set {name} in group_vars/all.yml: a spare has to be what the member was whose place it takes",
                )


def _name_problems(hosts: Iterable[str]) -> Iterator[Problem]:
    same: dict[str, list[str]] = {}
    for host in hosts:
        same.setdefault(host.lower(), []).append(host)
        reason = host_name_problem(host)
        if reason:
            yield Problem(
                hosts=(host,), what=f"the name {show(host)} {reason}", remedy="Rename it in the inventory; ansible_host keeps its address"
            )
    for names in same.values():
        if len(names) > 1:
            yield Problem(
                hosts=tuple(names),
                what=f"{' and '.join(show(name) for name in names)} differ only in upper and lower case, so they are one node",
                remedy="Remove one of them from the inventory, or rename it",
            )


def _address_problems(inventory: Inventory) -> Iterator[Problem]:
    same: dict[str, list[str]] = {}
    for host in inventory.hosts:
        text = inventory.address(host)
        same.setdefault(text, []).append(host)
        reason = address_problem(text)
        if not reason:
            continue
        if inventory.of(host, "node_address", ""):
            what = f"node_address {show(text)} {reason}"
        else:
            what = f"node_address is not set, and {'ansible_host' if inventory.connections.get(host) else 'the name'} {show(text)} {reason}"
        yield Problem(
            hosts=(host,),
            what=what,
            remedy="Set node_address, in the variables of the host, to the IPv4 address by which the other hosts reach it",
        )
    for text, hosts in same.items():
        if len(hosts) > 1 and address(text):
            yield Problem(
                hosts=tuple(hosts),
                what=f"{show_hosts(hosts)} have the same address {text}",
                remedy="Give each its own node_address or ansible_host, or remove the hosts that are named twice",
            )


def _differences(inventory: Inventory) -> Iterator[Problem]:
    for name in sorted(inventory.defaults):
        found = inventory.values(name)
        if len(found) < 2:
            continue
        default = json.dumps(inventory.defaults[name], sort_keys=True, default=str)
        order = Counter({value: len(hosts) for value, hosts in found.items()}).most_common()
        shown = [
            f"{show(json.loads(value))}{' (the default)' if value == default else ''} on {show_hosts(found[value])}"
            for value, _count in order
        ]
        yield Problem(
            place="all hosts",
            what=f"{name} must be the same everywhere, but is {'; '.join(shown)}",
            remedy=f"Set {name} once, in group_vars/all.yml, and nowhere else",
        )


def _placement_problems(inventory: Inventory, host: str) -> Iterator[Problem]:
    def problem(what: str) -> Problem:
        return Problem(hosts=(host,), what=what, remedy="Correct it; it becomes a property of the Kubernetes node")

    for name in ("node_zone", "node_region"):
        value = inventory.of(host, name, "")
        if label_value_problem(value):
            yield problem(f"{name} {show(value)} {label_value_problem(value)}")
    for key, value in inventory.of(host, "node_labels", {}).items():
        reason = label_key_problem(key) or _reserved(key)
        if reason:
            yield problem(f"the key {show(key)} in node_labels {reason}")
        if not isinstance(value, str):
            yield problem(f"the value {show(value)} of {show(key)} in node_labels is no text: quote it")
        elif label_value_problem(value):
            yield problem(f"the value {show(value)} of {show(key)} in node_labels {label_value_problem(value)}")
    for taint in inventory.of(host, "node_taints", []):
        if taint_problem(taint):
            yield problem(f"{show(taint)} in node_taints {taint_problem(taint)}")


def _reserved(key: str) -> str:
    domain = key.rpartition("/")[0]

    def below(domains: Sequence[str]) -> bool:
        return any(domain == parent or domain.endswith(f".{parent}") for parent in domains)

    if key in FREE_LABELS or not below(RESERVED_DOMAINS) or below(FREE_DOMAINS):
        return ""
    return "belongs to Kubernetes: a kubelet that gives itself this label does not start"
