# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: the arithmetic of quorum. May a member of etcd be stopped, removed or added now?

Voters come from the member list, never from an inventory, and whether one is healthy it said itself.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Optional

from ansible_collections.quorate.kubernetes.plugins.module_utils import _etcd

RESTART, REMOVE, ADD, CONFIRM = "restart", "remove", "add", "confirm"


@dataclasses.dataclass(frozen=True)
class Peer:
    """One entry of the member list together with what the member answered.

    Attributes:
        name: its name; for an entry that never started, something else to recognise it by.
        learner: whether it has no vote yet.
        healthy: whether it answers and a read through the cluster's quorum succeeds on it (a learner: whether it answers).
        cause: why it is not healthy.
        leader: the leader that it knows; 0 for none.
        term: the raft term that it is in.
    """

    name: str
    learner: bool = False
    healthy: bool = True
    cause: str = ""
    leader: int = 0
    term: int = 0


@dataclasses.dataclass(frozen=True)
class Sum:
    """The sum behind a decision; the last three say how it would be afterwards."""

    voters: int
    healthy: int
    learners: int
    quorum: int
    voters_after: int
    healthy_after: int
    quorum_after: int


@dataclasses.dataclass(frozen=True)
class Decision:
    """Whether it may be done, the sum, and the sum in words."""

    allowed: bool
    sum: Sum
    explanation: str


def quorum(voters: int) -> int:
    """How many voters must agree."""
    return voters // 2 + 1


def voters_of(peers: Iterable[Peer]) -> list[Peer]:
    return [peer for peer in peers if not peer.learner]


def may_restart(peers: Sequence[Peer], name: str, *, alarms: Sequence[str] = (), downtime: int = 0) -> Decision:
    """May this member be stopped for a moment? Also one whose stop alone stops the whole cluster, if that has no more voters than downtime says."""
    peer, voters = _find(peers, name), voters_of(peers)
    if peer is None:
        return _decision(False, peers, f"{name} may not be stopped as a member: {_unknown(peers)}")
    if peer.learner:
        return _decision(True, peers, f"{name} may be stopped: it is a learner and has no vote.")
    # Not healthy may mean slow, or not reached at an address that has changed: it may have a part in the quorum all the same.
    remain = _healthy(voters) - peer.healthy
    after = _sum(peers, healthy_after=remain)
    # One that is ill may be mended beside a full database, but none is touched while the data of members differ.
    if [alarm for alarm in alarms if peer.healthy or alarm.startswith(_etcd.CORRUPT)]:
        return Decision(
            False, after, f"{name} may not be stopped: there are alarms: {', '.join(alarms)}. Run the maintenance of etcd first."
        )
    if remain >= quorum(len(voters)):
        return Decision(True, after, f"{name} may be stopped: {_state(peers)}; without {name} {_remain(remain)}.")
    if len(voters) == 1 or (len(voters) == 2 and remain == 1 and peer.healthy):
        if len(voters) <= downtime:
            return Decision(True, after, f"{name} may be stopped: the cluster is down meanwhile, which was asked for. {_state(peers)}.")
        reason = f"{_state(peers)}, so the cluster is down while {name} is. Ask for the down time explicitly, or add members first"
    else:
        reason = f"{_state(peers)}; without {name} {_remain(remain)}. {_bring_back(voter for voter in voters if voter is not peer)}"
    return Decision(False, after, f"{name} may not be stopped: {reason}.")


def may_remove(peers: Sequence[Peer], name: str, *, force: bool = False) -> Decision:
    """May this member be taken out for good? With force, one of two may."""
    peer, voters = _find(peers, name), voters_of(peers)
    if peer is None:
        return _decision(True, peers, f"There is no member {name} to remove: {_state(peers)}.")
    if peer.learner:
        return _decision(True, peers, f"{name} may be removed: it is a learner and has no vote.")
    left = len(voters) - 1
    healthy = _healthy(voters) - (1 if peer.healthy else 0)
    after = _sum(peers, voters_after=left, healthy_after=healthy)
    if left == 0:
        reason = "it is the only voter, and without it there is no cluster. To give up the whole cluster, reset it"
    elif healthy < quorum(left):
        others = [other for other in voters if other is not peer]
        reason = (
            f"{_state(peers)}; of the {left} left {healthy} would be healthy, and their quorum is {quorum(left)}. {_bring_back(others)}"
        )
    elif len(voters) == 2 and not force:
        reason = f"{_state(peers)}, and if the other one fails during the change nothing can be decided any more. Add a member first, or force it"
    else:
        return Decision(
            True,
            after,
            f"{name} may be removed: {_state(peers)}; of the {left} left {healthy} are healthy, and their quorum is {quorum(left)}.",
        )
    return Decision(False, after, f"{name} may not be removed: {reason}.")


def may_add(peers: Sequence[Peer], name: str) -> Decision:
    """May a member be added now (as a learner, to vote later)?"""
    voters = voters_of(peers)
    learners = [peer.name for peer in peers if peer.learner and peer.name != name]
    after = _sum(peers, voters_after=len(voters) + 1, healthy_after=_healthy(voters) + 1)
    if _healthy(voters) < len(voters):
        reason = f"{_state(peers)}, and members are added only while all are. {_bring_back(voters)}, or remove what does not come back"
        return Decision(False, after, f"{name} may not be added: {reason}.")
    if learners:
        return Decision(False, after, f"{name} may not be added: {_names(learners)} is still a learner, and there is one change at a time.")
    return Decision(True, after, f"{name} may be added: {_state(peers)}. It joins without a vote and gets one when it has caught up.")


def confirm(peers: Sequence[Peer], name: str, alarms: Sequence[str] = ()) -> Decision:
    """Has this member come back after a restart, so that the next one may go?"""
    peer, ready = _find(peers, name), [peer for peer in voters_of(peers) if peer.healthy]
    views = {(peer.leader, peer.term) for peer in ready}
    if peer is None:
        reason = _unknown(peers)
    elif peer.learner:
        reason = "it is a learner still"
    elif not peer.healthy:
        reason = f"it is not ready ({peer.cause})"
    elif len(views) > 1:
        reason = "the members do not agree: " + "; ".join(f"{peer.name} knows leader {peer.leader:x} in term {peer.term}" for peer in ready)
    elif not peer.leader:
        reason = "no member knows a leader"
    elif alarms:
        reason = f"there are alarms: {', '.join(alarms)}. Run the maintenance of etcd first"
    else:
        return _decision(True, peers, f"{name} is back: {_state(peers)}, and they agree on leader {peer.leader:x} in term {peer.term}.")
    return _decision(False, peers, f"{name} has not come back: {reason}.")


def _find(peers: Iterable[Peer], name: str) -> Optional[Peer]:
    return next((peer for peer in peers if peer.name == name), None)


def _healthy(voters: Iterable[Peer]) -> int:
    return sum(peer.healthy for peer in voters)


def _decision(allowed: bool, peers: Sequence[Peer], explanation: str) -> Decision:
    return Decision(allowed, _sum(peers), explanation)


def _sum(peers: Sequence[Peer], *, voters_after: Optional[int] = None, healthy_after: Optional[int] = None) -> Sum:
    voters = voters_of(peers)
    healthy = _healthy(voters)
    count = len(voters) if voters_after is None else voters_after
    return Sum(
        voters=len(voters),
        healthy=healthy,
        learners=len(peers) - len(voters),
        quorum=quorum(len(voters)),
        voters_after=count,
        healthy_after=healthy if healthy_after is None else healthy_after,
        quorum_after=quorum(count),
    )


def _state(peers: Sequence[Peer]) -> str:
    voters = voters_of(peers)
    names = _names(peer.name for peer in voters)
    if len(voters) == 1 and voters[0].healthy:
        return f"the only voter ({names}) is healthy, and quorum is 1"
    if all(peer.healthy for peer in voters):
        return f"all {len(voters)} voters ({names}) are healthy, and quorum is {quorum(len(voters))}"
    sick = ", ".join(f"{peer.name} is not ({peer.cause or 'no cause given'})" for peer in voters if not peer.healthy)
    healthy = _healthy(voters)
    return f"of {len(voters)} voters ({names}) {healthy} {'is' if healthy == 1 else 'are'} healthy, {sick}, and quorum is {quorum(len(voters))}"


def _remain(count: int) -> str:
    return f"{count} {'remains' if count == 1 else 'remain'}"


def _unknown(peers: Sequence[Peer]) -> str:
    return f"the members are {_names(peer.name for peer in peers)}"


def _bring_back(voters: Iterable[Peer]) -> str:
    sick = [peer.name for peer in voters if not peer.healthy]
    return f"Bring back {_names(sick)} first" if sick else "Add a member first"


def _names(names: Iterable[str]) -> str:
    found = list(names)
    return " and ".join([", ".join(found[:-1]), found[-1]]) if len(found) > 1 else "".join(found) or "none"
