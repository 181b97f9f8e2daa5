# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: what etcd says of itself, parsed; and in which order its members are changed."""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Optional

NOSPACE, CORRUPT = "NOSPACE", "CORRUPT"
ALARMS = {1: NOSPACE, 2: CORRUPT}
# The member of an alarm of corruption where etcd cannot tell whose data is right.
ANYBODY = 0
ACCESS = {0: "read", 1: "write", 2: "readwrite"}

# Refusals that pass: etcd adds a member only when a quorum has been connected for 5 s, and gives a vote only to a learner in sync with the leader.
PASSING = (
    "unhealthy cluster",
    "not enough started members",
    "in sync with leader",
    "leader changed",
    "no leader",
    "request timed out",
    "too many requests",
    "not leader",
    "connection refused",
    "connection error",
    "connection reset",
    "broken pipe",
    "error reading from server",
    "unavailable",
    "context deadline exceeded",
    "server stopped",
    "transport is closing",
)


class EtcdError(Exception):
    """etcd refused something, or could not be asked."""


@dataclasses.dataclass(frozen=True)
class Member:
    """An entry of the member list.

    Attributes:
        identity: etcd's number for it.
        name: its name; empty from its addition until its first start.
        peers: its peer URLs.
        clients: its client URLs; it publishes them when it has started and knows a leader, so none means that it never did.
        learner: whether it has no vote.
    """

    identity: int
    name: str
    peers: tuple[str, ...]
    clients: tuple[str, ...] = ()
    learner: bool = False

    @property
    def label(self) -> str:
        """A name for people."""
        return self.name or f"the new member at {', '.join(self.peers)}"


@dataclasses.dataclass(frozen=True)
class Status:
    """What one member says of itself; downgrade is the version that the cluster is on its way back to, if any."""

    identity: int
    version: str
    storage: str
    leader: int
    term: int
    index: int
    size: int
    used: int
    quota: int
    learner: bool
    revision: int = 0
    downgrade: str = ""


@dataclasses.dataclass(frozen=True)
class Alarm:
    """An alarm that a member has raised."""

    member: int
    kind: str


@dataclasses.dataclass(frozen=True)
class Health:
    """How a member answered.

    Attributes:
        live: whether its process serves reads from its own store.
        ready: whether a read through the quorum succeeds on it; never true for a learner.
        cause: why it is not ready.
        status: what it says of itself, if it could be asked.
    """

    live: bool
    ready: bool
    cause: str = ""
    status: Optional[Status] = None


@dataclasses.dataclass(frozen=True)
class Cluster:
    """The members as the quorum knows them, and how each of them answered."""

    identity: int
    members: tuple[Member, ...]
    health: Mapping[int, Health] = dataclasses.field(default_factory=dict)
    alarms: tuple[Alarm, ...] = ()

    def find(self, name: str) -> Optional[Member]:
        return next((member for member in self.members if member.name == name), None)

    def of(self, member: Member) -> Health:
        return self.health.get(member.identity, Health(live=False, ready=False, cause="it has never started"))

    def is_healthy(self, member: Member) -> bool:
        return self.of(member).live if member.learner else self.of(member).ready

    def voters(self) -> list[Member]:
        return [member for member in self.members if not member.learner]

    @property
    def leader(self) -> Optional[Member]:
        """The leader that most of the answering members know."""
        known = [status.leader for status in (health.status for health in self.health.values()) if status and status.leader]
        if not known:
            return None
        most = max(sorted(set(known)), key=known.count)
        return next((member for member in self.members if member.identity == most), None)

    def alarms_in_words(self, ignore: Iterable[str] = ()) -> list[str]:
        names = {ANYBODY: "an unknown member", **{member.identity: member.label for member in self.members}}
        return [
            f"{alarm.kind} on {names.get(alarm.member, format(alarm.member, 'x'))}"
            for alarm in self.alarms
            if alarm.kind not in set(ignore)
        ]


# --- parsing -----------------------------------------------------------------------------------------------------------


def parse_members(text: str) -> Cluster:
    answer = _parse(text)
    members = [
        Member(
            identity=int(entry["ID"]),
            name=entry.get("name", ""),
            peers=tuple(entry.get("peerURLs", ())),
            clients=tuple(entry.get("clientURLs", ())),
            learner=bool(entry.get("isLearner", False)),
        )
        for entry in answer["members"]
    ]
    return Cluster(int(answer["header"]["cluster_id"]), tuple(sorted(members, key=lambda member: (member.name, member.identity))))


def parse_statuses(text: str) -> dict[str, Status]:
    """Statuses by endpoint; those that did not answer are missing."""
    return {entry["Endpoint"]: _status(entry["Status"]) for entry in _parse(text) or []}


def _status(entry: Mapping[str, Any]) -> Status:
    return Status(
        identity=int(entry["header"]["member_id"]),
        version=entry.get("version", ""),
        storage=entry.get("storageVersion", ""),
        leader=int(entry.get("leader", 0)),
        term=int(entry.get("raftTerm", 0)),
        index=int(entry.get("raftIndex", 0)),
        size=int(entry.get("dbSize", 0)),
        used=int(entry.get("dbSizeInUse", 0)),
        quota=int(entry.get("dbSizeQuota", 0)),
        learner=bool(entry.get("isLearner", False)),
        revision=int(entry["header"].get("revision", 0)),
        downgrade=(entry.get("downgradeInfo") or {}).get("targetVersion", "") if (entry.get("downgradeInfo") or {}).get("enabled") else "",
    )


def parse_alarms(text: str) -> tuple[Alarm, ...]:
    entries = _parse(text).get("alarms", [])
    return tuple(Alarm(int(entry.get("memberID", 0)), ALARMS.get(int(entry.get("alarm", 0)), "UNKNOWN")) for entry in entries)


def parse_value(text: str) -> Optional[bytes]:
    """Value of a key; None if there is no such key."""
    pairs = _parse(text).get("kvs", [])
    return base64.b64decode(pairs[0].get("value", "")) if pairs else None


def parse_permissions(text: str) -> frozenset[tuple[str, str, str]]:
    """Permissions of a role: kind of access, first key, end of the range (empty for a single key)."""
    return frozenset(
        (ACCESS.get(int(entry.get("permType", 0)), "unknown"), _text(entry.get("key", "")), _text(entry.get("range_end", "")))
        for entry in _parse(text).get("perm", [])
    )


def parse_names(text: str, kind: str) -> list[str]:
    return list(_parse(text).get(kind, []))


def parse_flag(text: str, name: str) -> bool:
    return bool(_parse(text).get(name, False))


def _text(encoded: str) -> str:
    return base64.b64decode(encoded).decode("utf-8", "surrogateescape")


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise EtcdError(f"etcdctl's answer is not JSON ({error}): {text[:200]!r}") from None


def cause_of(stderr: str) -> str:
    """The words for people in what etcdctl prints beside its log."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    words = [line[len("Error: ") :] if line.startswith("Error: ") else line for line in lines if not line.startswith("{")]
    if words:
        return "; ".join(words[-3:])[-600:]
    return next((_logged(line) for line in reversed(lines)), "it gave no reason")


def _logged(line: str) -> str:
    try:
        entry = json.loads(line)
    except ValueError:
        return line[-600:]
    return str(entry.get("error") or entry.get("msg") or line)[-600:]


def passes(cause: str) -> bool:
    """Whether to try again: a refusal or a failure that goes away by itself."""
    return any(words in cause.lower() for words in PASSING)


# --- order -------------------------------------------------------------------------------------------------------------


def leader_last(members: Sequence[Member], leader: Optional[Member]) -> list[Member]:
    """The order to change members in: followers by name, then the leader."""
    return sorted(members, key=lambda member: (leader is not None and member.identity == leader.identity, member.name, member.identity))


def prefix_end(prefix: str) -> str:
    """End of the range of all keys with a prefix."""
    data = prefix.encode("utf-8", "surrogateescape")
    while data and data[-1] == 0xFF:
        data = data[:-1]
    return (data[:-1] + bytes([data[-1] + 1])).decode("utf-8", "surrogateescape") if data else "\0"
