# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: what the hosts of an etcd cluster do at their start. Found a cluster, go on, or join.

A second cluster must never be founded beside a living one, nor an abandoned one used beside it. So a host founds only if every etcd host of the
inventory was looked at and none of them belongs to a founded cluster, nothing on other hosts has used one, and the data of all has to be of one cluster.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from typing import Optional

FOUND, KEEP, JOIN, REFUSE = "found", "keep", "join", "refuse"
NEW, EXISTING, JOINING, ABSENT = "new", "existing", "joining", "absent"


@dataclasses.dataclass(frozen=True)
class Observation:
    """What was seen of one etcd host.

    Attributes:
        data: whether its data directory holds a member.
        state: what its bootstrap file says: V(new) until the first cluster had quorum, V(joining) from joining until it votes, then
            V(existing); V(absent) if there is none or it cannot be read.
        running: whether its process runs.
        started: whether systemd counts it as started, which it does once the member had its quorum.
        cluster: the initial cluster that its bootstrap file names; empty if unknown.
        token: the token of the founding that its bootstrap file names; empty if unknown.
        number: number of the cluster that its data belongs to; empty if it cannot be told.
        quorum: whether its process answers through a quorum.
    """

    data: bool
    state: str = ABSENT
    running: bool = False
    started: bool = False
    cluster: str = ""
    token: str = ""
    number: str = ""
    quorum: bool = False


@dataclasses.dataclass(frozen=True)
class Founding:
    """What one host does, and why.

    Attributes:
        action: V(found) a new cluster together, V(keep) on with its data, V(join) through a learner, or V(refuse).
        reason: a sentence for people.
        aside: whether its data is moved aside first.
        token: with V(found), what tells this cluster from all others that ever had the same names and addresses.
        returns: with V(join), whether it was a member that is only down. None is added while one is, so it comes before others.
    """

    action: str
    reason: str
    aside: bool = False
    token: str = ""
    returns: bool = False


def parse_bootstrap(text: str) -> Observation:
    """What a bootstrap file says; a file that is missing or says nothing of use counts as absent.

    While a host joins, its file names the cluster that it joins; a member needs no such setting any more.
    """
    known = {name.strip(): value.strip().strip("\"'") for name, _equals, value in (line.partition("=") for line in text.splitlines())}
    state = known.get("ETCD_INITIAL_CLUSTER_STATE", "")
    cluster, token = known.get("ETCD_INITIAL_CLUSTER", ""), known.get("ETCD_INITIAL_CLUSTER_TOKEN", "")
    if state == EXISTING and cluster:
        return Observation(data=False, state=JOINING, cluster=cluster)
    return Observation(data=False, state=state if state in (NEW, EXISTING) else ABSENT, cluster=cluster, token=token)


def decide(
    hosts: Mapping[str, Optional[Observation]],
    *,
    cluster: str = "",
    token: str = "",
    outside: Optional[Mapping[str, Observation]] = None,
    users: Collection[str] = (),
    blind: Collection[str] = (),
) -> dict[str, Founding]:
    """What each observed host does. Hosts that were not observed (down, left out by a limit) are given as None.

    Args:
        hosts: every etcd host of the topology.
        cluster: the initial cluster that a founding would use now; founded members of another one start over.
        token: what a founding that begins now is told from all others by. One that goes on has the token that it began with.
        outside: what was seen of hosts that are no etcd hosts (any more).
        users: hosts with something of Kubernetes that is set up only once etcd was founded.
        blind: masters that were not observed, of which nobody knows whether they are such hosts.
    """
    seen = {name: observation for name, observation in hosts.items() if observation is not None}
    founders = sorted(name for name, one in seen.items() if one.state in (EXISTING, JOINING) or (one.running and one.quorum))
    numbers = _numbers(seen)
    # What never had quorum may be of as many clusters as there were attempts: nothing is in it.
    if len(numbers) > 1 and (founders or any(one.data and one.state == ABSENT for one in seen.values())):
        return dict.fromkeys(seen, Founding(REFUSE, _divided(numbers, seen)))
    if founders:
        return {name: _in_founded(name, seen, founders) for name in seen}
    elsewhere = sorted(name for name, one in (outside or {}).items() if one.data and one.state in (EXISTING, JOINING))
    if elsewhere:
        return dict.fromkeys(seen, Founding(REFUSE, _moved_away(elsewhere, sorted(hosts))))
    unseen = sorted({*hosts, *blind} - set(seen))
    if unseen:
        return {name: _unsure(one, unseen) for name, one in seen.items()}
    if users and not any(one.data for one in seen.values()):
        return dict.fromkeys(seen, Founding(REFUSE, _lost(sorted(users), sorted(hosts))))
    return _founding(seen, cluster, token)


def _numbers(seen: Mapping[str, Observation]) -> dict[str, list[str]]:
    """The clusters that data belongs to, as far as that can be told, each with the hosts that hold it."""
    found: dict[str, list[str]] = {}
    for name, one in sorted(seen.items()):
        if one.data and one.number:
            found.setdefault(one.number, []).append(name)
    return found


def _divided(numbers: Mapping[str, list[str]], seen: Mapping[str, Observation]) -> str:
    def shown(number: str) -> str:
        answering = [name for name in numbers[number] if seen[name].quorum]
        quorum = f"it has its quorum, says {', '.join(answering)}" if answering else "none of them says that it has its quorum"
        return f"{', '.join(numbers[number])}: cluster {number} ({quorum})"

    return (
        f"The etcd hosts hold data of different clusters, as after a restore that not all of them took part in. {'; '.join(map(shown, numbers))}. "
        "Both would be read and written. If a restore was cut short, run it again. Otherwise take the hosts of the cluster that is given up back to what "
        "they were, all at once (the playbook reset with --limit HOST,HOST and -e reset_confirmed=true, which moves their data aside), and run the playbook "
        "site again: they join the other one."
    )


def _in_founded(name: str, seen: Mapping[str, Observation], founders: list[str]) -> Founding:
    one = seen[name]
    says = f"{', '.join(founders)} {'belongs' if len(founders) == 1 else 'belong'} to a cluster that was founded"
    if not one.data:
        return Founding(JOIN, f"{says}, and this host has no data: it joins as a learner.")
    if one.state == JOINING:
        return Founding(JOIN, f"{says}, and this host was on its way to join: it goes on.")
    answering = sorted(other for other, that in seen.items() if that.quorum and that.number == one.number)
    if one.number and answering and not (one.started or one.quorum):
        # Joining asks the cluster: a member is only started, and the data of one that was removed is moved aside.
        reason = f"The cluster has its quorum, says {', '.join(answering)}, but not on this host: it starts, or joins anew if it is no member any more."
        return Founding(JOIN, reason, returns=True)
    return Founding(KEEP, f"{says}, and this host has its data.")


def _moved_away(elsewhere: list[str], hosts: list[str]) -> str:
    return (
        f"{', '.join(elsewhere)} {'holds' if len(elsewhere) == 1 else 'hold'} a cluster that was founded, but the etcd hosts of the inventory "
        f"({', '.join(hosts)}) are fresh: they would found a second one beside it, without its objects. To move etcd, name the old hosts and the new ones "
        "in the group etcd, run site, and take the old members out with the playbook remove and remove_members."
    )


def _lost(users: list[str], hosts: list[str]) -> str:
    return (
        f"{', '.join(users)} {'belongs' if len(users) == 1 else 'belong'} to a cluster that was founded, but no etcd host of the inventory "
        f"({', '.join(hosts)}) holds any of its data: they would found a second one, without its objects. If other hosts are the members, name them in the "
        "group etcd. If all data was lost, run the playbook restore with a snapshot. To begin anew, run the playbook reset for all hosts."
    )


def _unsure(one: Observation, unseen: list[str]) -> Founding:
    if one.data and one.state == NEW:
        # Nothing may say that it was founded before it has its quorum.
        return Founding(FOUND, "The cluster never had quorum: founding goes on with the same members.", token=one.token)
    if one.data:
        return Founding(KEEP, "This host has data, and starting with it is always safe.")
    return Founding(
        REFUSE,
        f"No host that was reached belongs to a founded cluster, but {', '.join(unseen)} could not be looked at. "
        "A cluster is founded only when all are known to be fresh: make them reachable, leave out --limit, or take them out of the inventory.",
    )


def _founding(seen: Mapping[str, Observation], cluster: str, token: str) -> dict[str, Founding]:
    strange = sorted(name for name, one in seen.items() if one.data and one.state == ABSENT)
    if strange and len(strange) == sum(one.data for one in seen.values()) == len(seen):
        return dict.fromkeys(seen, Founding(KEEP, "Every etcd host has data, so the cluster was founded."))
    if strange:
        reason = (
            f"{', '.join(strange)} has data of etcd, but nothing says of which cluster, and other hosts have none. Founding a cluster beside it could "
            "split or lose it: put its bootstrap file back, or move its data directory aside, and run again."
        )
        return dict.fromkeys(seen, Founding(REFUSE, reason))
    begun = sorted({one.token for one in seen.values() if one.data})
    aside = _moved(seen, cluster) or len(begun) > 1
    return {name: _founder(one, aside=aside, token=begun[0] if begun and not aside else token) for name, one in seen.items()}


def _moved(seen: Mapping[str, Observation], cluster: str) -> bool:
    """Whether names or addresses have changed since a founding that never had quorum."""
    started = [one.cluster for one in seen.values() if one.data and one.cluster]
    return bool(cluster) and any(_members(former) != _members(cluster) for former in started)


def _founder(one: Observation, *, aside: bool, token: str) -> Founding:
    if not one.data:
        return Founding(FOUND, "No etcd host belongs to a founded cluster.", token=token)
    if aside:
        reason = "Names or addresses have changed since a founding that never had quorum, or there was more than one: all start over."
        return Founding(FOUND, reason, aside=True, token=token)
    return Founding(FOUND, "The cluster never had quorum: founding goes on with the same members.", token=token)


def _members(cluster: str) -> frozenset[str]:
    return frozenset(cluster.split(","))
