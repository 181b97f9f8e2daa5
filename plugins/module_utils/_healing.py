# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: which members of etcd are replaced by spares, and when. Observations in, a decision with its reason out.

What counts is what the members themselves say: each was asked on its own host, and answers only what the quorum agrees to. A member is dead if its
process answers none of them. Whether the control node reaches it says nothing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Optional

from ansible_collections.quorate.kubernetes.plugins.module_utils import _quorum, _version

NOTHING, WAIT, HEAL, REFUSE, FORGET = "nothing", "wait", "heal", "refuse", "forget"
DAY = 86400.0
# How Ansible begins what a connection said.
WRAPPED = "Task failed: "


@dataclasses.dataclass(frozen=True)
class Entry:
    """What a view says of one entry of the member list."""

    identity: str
    voter: bool
    live: bool
    healthy: bool
    cause: str = ""
    version: str = ""


@dataclasses.dataclass(frozen=True)
class View:
    """The cluster as one member sees it: its number, and the entries by name. None for a member list means that it gave no answer."""

    cluster: str = ""
    entries: Optional[Mapping[str, Entry]] = None
    cause: str = ""


@dataclasses.dataclass(frozen=True)
class State:
    """What a majority says together.

    Attributes:
        problem: why nothing can be concluded; everything else is empty then.
        passes: whether that goes away by itself.
        entries: the entries by name; live and healthy only if nobody saw it otherwise.
        dead: voters whose process answers nobody.
        ill: voters that answer, but not through the quorum.
    """

    problem: str = ""
    passes: bool = False
    entries: Mapping[str, Entry] = dataclasses.field(default_factory=dict)
    dead: tuple[str, ...] = ()
    ill: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Limits:
    """How patient healing is. All zero for a person who asks for it.

    Attributes:
        after: seconds that a member has to be dead.
        pause: seconds between two healings.
        per_day: how many healings a day; 0 for any number.
    """

    after: float = 0.0
    pause: float = 0.0
    per_day: int = 0


@dataclasses.dataclass(frozen=True)
class Memory:
    """What is kept from look to look.

    Attributes:
        looked: when a majority answered last.
        since: since when each dead member has been seen dead, without a break.
        attempts: when healings were begun.
    """

    looked: float = 0.0
    since: Mapping[str, float] = dataclasses.field(default_factory=dict)
    attempts: tuple[float, ...] = ()

    def as_data(self) -> dict[str, Any]:
        return {"looked": self.looked, "since": dict(self.since), "attempts": list(self.attempts)}

    @staticmethod
    def of(data: Any) -> Memory:
        """What was kept; nothing if it cannot be read, so that waiting starts over."""
        try:
            return Memory(
                looked=float(data["looked"]),
                since={str(name): float(time) for name, time in data["since"].items()},
                attempts=tuple(sorted(float(time) for time in data["attempts"])),
            )
        except (AttributeError, KeyError, TypeError, ValueError):
            return Memory()


@dataclasses.dataclass(frozen=True)
class Decision:
    """What is done now, with which members, and why."""

    action: str
    reason: str
    members: tuple[str, ...] = ()


def view_of(answer: Any) -> View:
    """What the module etcd_info said on one host; a host that could not be asked gives a view without an answer."""
    if not isinstance(answer, Mapping) or not answer.get("reachable"):
        found = answer if isinstance(answer, Mapping) else {}
        cause = str(found.get("cause") or found.get("msg") or "it could not be asked")
        return View(cause=cause[len(WRAPPED) :] if cause.startswith(WRAPPED) else cause)
    entries = {
        str(one["name"] or one["id"]): Entry(
            str(one["id"]), not one["learner"], bool(one["live"]), bool(one["healthy"]), str(one["cause"]), one.get("version") or ""
        )
        for one in answer["members"]
    }
    return View(cluster=str(answer["cluster_id"]), entries=entries)


def state(views: Mapping[str, View]) -> State:
    """What the views of the members' hosts say together."""
    given = {name: view for name, view in views.items() if view.entries is not None}
    silent = "; ".join(f"{name}: {view.cause}" for name, view in sorted(views.items()) if view.entries is None)
    if not given:
        return State(
            problem=f"No member of etcd answers through the quorum ({silent}). Without quorum nothing is replaced: see the playbook restore."
        )
    # By their numbers: a member that has just been started tells its name meanwhile.
    lists = {(view.cluster, frozenset((one.identity, one.voter) for one in (view.entries or {}).values())) for view in given.values()}
    if len(lists) > 1:
        return State(problem=f"The members {', '.join(sorted(given))} do not agree on the member list now; it changes.", passes=True)
    together = _together([view.entries or {} for view in given.values()])
    voters = sorted(name for name, one in together.items() if one.voter)
    asked = [name for name in voters if name in given]
    if len(asked) < _quorum.quorum(len(voters)):
        return State(
            problem=(
                f"Of {len(voters)} voters ({', '.join(voters)}) only {', '.join(asked) or 'none'} could be asked, and {_quorum.quorum(len(voters))} are a "
                f"majority ({silent}). Nothing is replaced on the word of fewer."
            )
        )
    dead = tuple(name for name in voters if not together[name].live)
    ill = tuple(name for name in voters if together[name].live and not together[name].healthy)
    return State(entries=together, dead=dead, ill=ill)


def _together(views: Sequence[Mapping[str, Entry]]) -> dict[str, Entry]:
    """One entry for each name: dead only if all say so, healthy only if all say so."""
    found: dict[str, Entry] = {}
    for name, first in views[0].items():
        all_of = [one for view in views for one in view.values() if one.identity == first.identity]
        cause = next((one.cause for one in all_of if one.cause), "")
        found[name] = dataclasses.replace(
            first, live=any(one.live for one in all_of), healthy=all(one.healthy for one in all_of), cause=cause
        )
    return found


def remember(memory: Memory, seen: State, *, now: float, gap: float) -> Memory:
    """The memory after a look. After a gap without looks nobody knows whether a member was dead all the time: waiting starts over."""
    if seen.problem:
        return memory
    continued = 0 <= now - memory.looked <= gap
    since = {name: min(memory.since.get(name, now), now) if continued else now for name in seen.dead}
    return Memory(looked=now, since=since, attempts=tuple(time for time in memory.attempts if 0 <= now - time < DAY))


def decide(
    seen: State, *, memory: Memory, limits: Limits, now: float, members: Sequence[str], spares: Sequence[str], replaced: Mapping[str, str]
) -> Decision:
    """What to do after a look.

    Args:
        seen: what a majority says.
        memory: the memory, this look included.
        limits: how patient to be.
        now: the time.
        members: who belongs to etcd by the inventory and the record of replacements.
        spares: spares that are left.
        replaced: replacements that the inventory does not know yet, some of which may not have been brought to their end.
    """
    if seen.problem:
        return Decision(WAIT if seen.passes else REFUSE, seen.problem)
    open_ = {member: spare for member, spare in replaced.items() if spare in members and not _votes(seen, spare)}
    back = tuple(member for member in open_ if member in seen.entries and seen.entries[member].live)
    if back:
        return Decision(FORGET, f"{_names(back)} answers again before a spare took its place, so it stays.", back)
    if open_:
        unfinished = Decision(HEAL, f"A former run did not come to its end: {_pairs(open_)}.", tuple(sorted(open_)))
        # No pause before it: until it has ended, a member is missing.
        return _within(dataclasses.replace(limits, pause=0), memory, now, unfinished)
    if not seen.dead:
        return Decision(NOTHING, _well(seen))
    strange = [name for name in seen.dead if name not in members]
    if strange:
        return Decision(
            REFUSE, f"{_names(strange)} does not answer, but is no member by the inventory. Remove it from etcd, or name it there."
        )
    return _replace(seen, memory=memory, limits=limits, now=now, spares=spares)


def _replace(seen: State, *, memory: Memory, limits: Limits, now: float, spares: Sequence[str]) -> Decision:
    waited = {name: now - memory.since.get(name, now) for name in seen.dead}
    young = [name for name in seen.dead if waited[name] < limits.after]
    if young:
        shown = ", ".join(f"{name} for {waited[name]:.0f} s" for name in seen.dead)
        return Decision(WAIT, f"No answer from {shown}. A member is replaced after {limits.after:.0f} s.", seen.dead)
    refusal = _quorum_problem(seen)
    if refusal:
        return Decision(REFUSE, refusal, seen.dead)
    if len(spares) < len(seen.dead):
        left = f"the group etcd_spares has {_names(spares)} left" if spares else "the group etcd_spares has no host left"
        return Decision(REFUSE, f"{_names(seen.dead)} would be replaced, but {left}. Add a host to it.", seen.dead)
    causes = "; ".join(f"{name}: {seen.entries[name].cause or 'no answer'}" for name in seen.dead)
    return _within(
        limits, memory, now, Decision(HEAL, f"{_names(seen.dead)} is dead ({causes}), and the others keep their quorum.", seen.dead)
    )


def _within(limits: Limits, memory: Memory, now: float, wanted: Decision) -> Decision:
    """The decision, if the limits allow a healing now."""
    recent = [time for time in memory.attempts if 0 <= now - time < DAY]
    if limits.per_day and len(recent) >= limits.per_day:
        reason = f"{wanted.reason} But {len(recent)} healings were begun in the last 24 h, and no more than {limits.per_day} are allowed."
        return Decision(REFUSE, f"{reason} See to the cause, and run the playbook heal yourself.", wanted.members)
    if recent and now - recent[-1] < limits.pause:
        return Decision(
            WAIT,
            f"{wanted.reason} But the last healing began {now - recent[-1]:.0f} s ago; the pause is {limits.pause:.0f} s.",
            wanted.members,
        )
    return wanted


def _quorum_problem(seen: State) -> str:
    """Why the dead cannot be taken out one after the other; empty if they can."""
    left = dict(seen.entries)
    for name in seen.dead:
        decision = _quorum.may_remove(_peers(left), name)
        if not decision.allowed:
            return decision.explanation
        del left[name]
    if seen.ill:
        return f"{_names(seen.ill)} answers, but not through the quorum, and etcd adds members only while all others are well."
    return ""


def _peers(entries: Mapping[str, Entry]) -> list[_quorum.Peer]:
    return [_quorum.Peer(name, learner=not one.voter, healthy=one.healthy, cause=one.cause) for name, one in sorted(entries.items())]


def version_problem(seen: State, wanted: str) -> str:
    """Why a spare may not join with a version: the minor version of no member that runs. An upgrade is for the playbook upgrade, never for a healing."""
    running = sorted({one.version for one in seen.entries.values() if one.live and one.version})
    if not running or _version.parse(wanted).line in {_version.parse(version).line for version in running}:
        return ""
    return (
        f"The inventory says etcd {wanted}, but {', '.join(running)} runs, and a healing changes no version. "
        "Run the playbook upgrade, or put the version back."
    )


def _votes(seen: State, name: str) -> bool:
    return name in seen.entries and seen.entries[name].voter


def _well(seen: State) -> str:
    voters = [name for name, one in sorted(seen.entries.items()) if one.voter]
    words = f"All voters ({', '.join(voters)}) answer"
    return f"{words}, but {_names(seen.ill)} not through the quorum: see to it." if seen.ill else f"{words}."


def pair(
    dead: Sequence[str], *, candidates: Mapping[str, str], zones: Mapping[str, str], fixed: Mapping[str, str]
) -> tuple[dict[str, str], str]:
    """A spare for each dead member, and why there is none for all; of the zone of the dead one if there is such a spare.

    Args:
        dead: members to replace.
        candidates: hosts that were looked at, each with what is wrong with it as a spare (nothing: empty).
        zones: zone of each host.
        fixed: pairs that a former run has chosen. Where such a spare is lost too, another one takes its place.
    """
    free = sorted(name for name, problem in candidates.items() if not problem and name not in fixed.values())
    pairs: dict[str, str] = {}
    for name in dead:
        former = fixed.get(name, "")
        if former and not candidates.get(former, "it could not be looked at"):
            pairs[name] = former
            continue
        chosen = min(free, key=lambda spare: (zones.get(spare, "") != zones.get(name, ""), spare), default="")
        if not chosen:
            wrong = "; ".join(f"{spare}: {problem}" for spare, problem in sorted(candidates.items()) if problem)
            return {}, f"There is no fit spare for {name}{f' ({wrong})' if wrong else ''}. See to the hosts of the group etcd_spares."
        free.remove(chosen)
        pairs[former or name] = chosen
    return pairs, ""


def _pairs(pairs: Mapping[str, str]) -> str:
    return ", ".join(f"{member} is replaced by {spare}" for member, spare in sorted(pairs.items()))


def _names(names: Sequence[str]) -> str:
    return " and ".join(names)
