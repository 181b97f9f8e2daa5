# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: steps that make a host a member of an etcd cluster, a voter, or no member any more.

Each plan starts from what is true now, so a run that was cut short anywhere is continued by the next one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence
from typing import Optional

from ansible_collections.quorate.kubernetes.plugins.module_utils import _quorum
from ansible_collections.quorate.kubernetes.plugins.module_utils._etcd import Cluster, Member

STOP, ASIDE, REMOVE, ADD, PROMOTE, UPDATE, MOVE_LEADER = "stop", "aside", "remove", "add", "promote", "update", "move_leader"


class Refused(Exception):
    """A change that could lose the cluster, or that makes no sense; maybe only for now."""


class NotYet(Refused):
    """A member that has been added, but has not told its name yet."""


@dataclasses.dataclass(frozen=True)
class Data:
    """What lies in the data directory of a host.

    Attributes:
        filled: whether there is a member's data.
        member: number of the member it belongs to; None if it cannot be told.
        cluster: number of its cluster.
        logged: whether there is a write-ahead log. Without one nothing else there can be a member's.
    """

    filled: bool = False
    member: Optional[int] = None
    cluster: Optional[int] = None
    logged: bool = True

    def belongs_to(self, cluster: Cluster, member: Member) -> bool:
        return self.filled and (self.member, self.cluster) == (member.identity, cluster.identity)


@dataclasses.dataclass(frozen=True)
class Host:
    """A host that is to be a member.

    Attributes:
        name: name of the member.
        peers: its peer URLs.
        data: what its data directory holds.
        running: whether its unit runs.
    """

    name: str
    peers: tuple[str, ...]
    data: Data = Data()
    running: bool = False


@dataclasses.dataclass(frozen=True)
class Step:
    """One change: what is done, to which member (0 for none), and the sentence that tells of it."""

    verb: str
    sentence: str
    member: int = 0

    def __str__(self) -> str:
        return self.sentence


def entries_of(cluster: Cluster, name: str, peers: Collection[str]) -> list[Member]:
    """Entries of the member list that are this host: by its name, or by its address (a member has no name before its first start)."""
    return [member for member in cluster.members if member.name == name or set(member.peers) & set(peers)]


def member_of(cluster: Cluster, host: Host) -> Optional[Member]:
    """The entry that this host's data belongs to, or that waits for its first start."""
    return next((member for member in entries_of(cluster, host.name, host.peers) if _is_own(cluster, member, host)), None)


def join(cluster: Cluster, host: Host, *, wanted: Optional[Collection[str]] = None, replaces: Collection[str] = ()) -> list[Step]:
    """Make this host a learner, or find the member that it is already.

    Args:
        cluster: the cluster as it is.
        host: the host that joins; its own data directory decides which entry is its own.
        wanted: names of all that belong to the cluster; a learner of another name is removed. None: all do.
        replaces: names of dead members that go first, since etcd adds none while one is down.
    """
    entry = member_of(cluster, host)
    if entry is None:
        dead = _bury(cluster, replaces)
        if dead:
            return dead + join(_without(cluster, dead), host, wanted=wanted)
    steps = [step for other in entries_of(cluster, host.name, host.peers) if other is not entry for step in _forget(cluster, host, other)]
    if entry is not None:
        return [*steps, *_readdress(entry, host.name, host.peers)]
    if host.data.filled:
        steps += _stop(host, steps)
        steps.append(Step(ASIDE, f"Move the data directory of {host.name} aside: what it holds belongs to no member of this cluster."))
    steps += _clear_learners(cluster, [*entries_of(cluster, host.name, host.peers)], wanted)
    _check(_quorum.may_add(_peers_after(cluster, steps), host.name))
    return [*steps, Step(ADD, f"Add {host.name} as a learner at {', '.join(host.peers)}.")]


def vote(cluster: Cluster, name: str, peers: Sequence[str]) -> list[Step]:
    """Make a member that has been started a voter, at these peer URLs (none: where it is)."""
    entry = next((member for member in cluster.members if member.name == name), None)
    entry = entry or next(iter(entries_of(cluster, name, peers)), None)
    if entry is None:
        names = ", ".join(member.label for member in cluster.members)
        kind = Refused if all(member.name for member in cluster.members) else NotYet
        raise kind(f"{name} is not in the member list ({names}). Add it first, with state learner, from its own host, and start it.")
    steps = _readdress(entry, name, peers) if peers else []
    if entry.learner:
        steps.append(Step(PROMOTE, f"Give {name} a vote when it has caught up with the leader.", entry.identity))
    return steps


def is_last(cluster: Cluster, identity: int, wanted: Optional[Collection[str]]) -> bool:
    """Whether no change of the members follows when this learner has its vote: those that vote then are all that belong to the cluster."""
    voting = {member.name for member in cluster.members if not member.learner or member.identity == identity}
    return wanted is not None and voting == set(wanted)


def foretold(name: str, *, learner: bool, replaces: Collection[str] = ()) -> list[str]:
    """What will be done once the host has what it needs to ask the cluster: in check mode a fresh host has no certificate."""
    if not learner:
        return [f"Give {name} a vote when it has caught up with the leader."]
    return [*(f"Remove the member {gone}, if it is dead still." for gone in replaces), f"Add {name} as a learner."]


def leave(cluster: Cluster, name: str, peers: Sequence[str] = (), *, force: bool = False, cleared: Optional[Host] = None) -> list[Step]:
    """Take a member out, and then clear the host that it ran on, if one is given."""
    steps: list[Step] = []
    for entry in entries_of(cluster, name, peers):
        _check(_quorum.may_remove(peers_of(cluster), entry.label, force=force))
        steps += _hand_over(cluster, entry)
        steps.append(Step(REMOVE, f"Remove the member {entry.label}.", entry.identity))
    if cleared and cleared.running:
        steps.append(Step(STOP, f"Stop the process on {name}."))
    if cleared and cleared.data.filled:
        steps.append(Step(ASIDE, f"Move the data directory of {name} aside."))
    return steps


def heir(cluster: Cluster, name: str) -> Optional[Member]:
    """Who leads when this member does not any more: the last healthy voter by name. None if it does not lead, or nobody else can."""
    leader = cluster.leader
    if leader is None or leader.name != name or not cluster.is_healthy(leader):
        return None
    return max(
        (member for member in cluster.voters() if member != leader and cluster.is_healthy(member)), key=lambda one: one.name, default=None
    )


def peers_of(cluster: Cluster) -> list[_quorum.Peer]:
    """The cluster as the arithmetic of quorum sees it."""
    peers = []
    for member in cluster.members:
        health = cluster.of(member)
        leader, term = (health.status.leader, health.status.term) if health.status else (0, 0)
        healthy = cluster.is_healthy(member)
        peers.append(_quorum.Peer(member.label, learner=member.learner, healthy=healthy, cause=health.cause, leader=leader, term=term))
    return peers


def initial_cluster(cluster: Cluster, steps: Sequence[Step], *, name: str, peers: Sequence[str]) -> str:
    """The setting of that name with which this host starts, when the steps have been done."""
    gone = {step.member for step in steps if step.verb == REMOVE}
    pairs = {f"{name}={url}" for url in peers} if any(step.verb == ADD for step in steps) else set()
    for member in cluster.members:
        if member.identity not in gone:
            own = member.name or (name if set(member.peers) & set(peers) else f"{member.identity:x}")
            pairs |= {f"{own}={url}" for url in member.peers}
    return ",".join(sorted(pairs))


def _is_own(cluster: Cluster, member: Member, host: Host) -> bool:
    if host.data.filled and host.data.logged and host.data.member is None:
        # Without knowing whose data it is, only what is seen alive is known to be right, and nothing is moved or removed.
        if host.running and cluster.of(member).live:
            return True
        raise Refused(
            f"It cannot be told which member the data on {host.name} belongs to: its write-ahead log is damaged, or lies elsewhere. "
            "Start the member, or move its data directory aside, and run again."
        )
    return host.data.belongs_to(cluster, member) or _waits(member, host)


def _waits(member: Member, host: Host) -> bool:
    """Whether this is an entry that was added for the host and has not been started yet. Only a learner can be: a voter's log may have been lost."""
    return member.learner and not member.clients and not host.data.filled and set(member.peers) == set(host.peers)


def _forget(cluster: Cluster, host: Host, entry: Member) -> list[Step]:
    """Remove an entry that is this host's by name or address, but whose data the host has not got (any more)."""
    steps: list[Step] = []
    if cluster.of(entry).live:
        if not host.running:
            raise Refused(
                f"The member {entry.label} ({entry.identity:x}) answers at {', '.join(entry.clients)}, but this host ({host.name}) does not hold its data. "
                "Two hosts have the same name or address: correct the inventory, or stop the other one."
            )
        _check(_quorum.may_restart(peers_of(cluster), entry.label))
        steps.append(Step(STOP, f"Stop the member on {host.name}: it runs without its data directory."))
    dead = [peer if peer.name != entry.label else dataclasses.replace(peer, healthy=False) for peer in peers_of(cluster)]
    _check(_quorum.may_remove(dead, entry.label))
    return [
        *steps,
        Step(REMOVE, f"Remove the member {entry.label} ({entry.identity:x}), whose data this host has not got any more.", entry.identity),
    ]


def _bury(cluster: Cluster, names: Collection[str]) -> list[Step]:
    """Remove members that are dead and do not come back, one after the other."""
    steps: list[Step] = []
    for entry in [member for member in cluster.members if member.name in names]:
        if cluster.of(entry).live:
            raise Refused(
                f"{entry.name} was to be replaced, but it answers again at {', '.join(entry.clients)}. Nothing was changed. Run the playbook heal: it "
                "takes its replacement back."
            )
        _check(_quorum.may_remove(_peers_after(cluster, steps), entry.label))
        steps.append(Step(REMOVE, f"Remove the member {entry.label} ({entry.identity:x}), which is dead and is replaced.", entry.identity))
    return steps


def _without(cluster: Cluster, steps: Sequence[Step]) -> Cluster:
    """The cluster once these members have been removed."""
    gone = {step.member for step in steps}
    return dataclasses.replace(cluster, members=tuple(member for member in cluster.members if member.identity not in gone))


def _stop(host: Host, steps: Sequence[Step]) -> list[Step]:
    if not host.running or any(step.verb == STOP for step in steps):
        return []
    return [Step(STOP, f"Stop the process on {host.name}, which belongs to no member of this cluster.")]


def _readdress(entry: Member, name: str, peers: Sequence[str]) -> list[Step]:
    if set(entry.peers) == set(peers):
        return []
    return [Step(UPDATE, f"Change the peer address of {name} from {', '.join(entry.peers)} to {', '.join(peers)}.", entry.identity)]


def _clear_learners(cluster: Cluster, ours: Collection[Member], wanted: Optional[Collection[str]]) -> list[Step]:
    """There is room for one learner only: what a former run left behind gets its vote if it lives, and goes if it does not."""
    steps = []
    for other in cluster.members:
        if not other.learner or other in ours:
            continue
        if cluster.of(other).live and (wanted is None or other.name in wanted):
            steps.append(Step(PROMOTE, f"Give {other.label} a vote, which a former run had left to do.", other.identity))
        else:
            steps.append(Step(REMOVE, f"Remove the learner {other.label}, which a former run had left behind.", other.identity))
    return steps


def _peers_after(cluster: Cluster, steps: Sequence[Step]) -> list[_quorum.Peer]:
    """Who is there when the steps have been done."""
    gone = {step.member for step in steps if step.verb == REMOVE}
    voting = {step.member for step in steps if step.verb == PROMOTE}
    pairs = [(member, peer) for member, peer in zip(cluster.members, peers_of(cluster)) if member.identity not in gone]
    return [dataclasses.replace(peer, learner=peer.learner and member.identity not in voting) for member, peer in pairs]


def _hand_over(cluster: Cluster, entry: Member) -> list[Step]:
    """Move leadership away from a member before it goes, so that no write waits for an election."""
    next_leader = heir(cluster, entry.name)
    if next_leader is None:
        return []
    return [Step(MOVE_LEADER, f"Move leadership from {entry.label} to {next_leader.name}.", next_leader.identity)]


def _check(decision: _quorum.Decision) -> None:
    if not decision.allowed:
        raise Refused(decision.explanation)
