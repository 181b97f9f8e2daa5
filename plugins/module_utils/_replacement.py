# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: members of etcd that healing has replaced by spares, as the file beside the inventory records them.

An inventory is its user's, and is not rewritten. So the record says what has become of it: a spare that took a member's place counts as a member, and
the host whose place it took no longer does, until the user has changed the inventory accordingly; then the line means nothing any more.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from ansible_collections.quorate.kubernetes.plugins.module_utils._problem import Problem, show

FILE = "etcd_replaced.txt"
HEADING = (
    "# Members of etcd that the playbook heal replaced by spares: member, spare, time. The playbooks read this file, so keep it with the inventory.\n"
    "# A line means nothing any more once the inventory names the spare in the group etcd, and the member no longer.\n"
)
LINE = re.compile(r"(\S+) replaced by (\S+) at (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)")


class ReplacementError(Exception):
    """The record cannot be read."""


@dataclasses.dataclass(frozen=True)
class Replacement:
    """A member, the spare that took its place, and when (a time in UTC)."""

    member: str
    spare: str
    time: str

    def __str__(self) -> str:
        return f"{self.member} replaced by {self.spare} at {self.time}"


@dataclasses.dataclass(frozen=True)
class Effective:
    """Who belongs to etcd, all replacements considered.

    Attributes:
        members: names of the members.
        spares: names of the spares that are left.
        replaced: of each host that lost its place the spare that took it. A spare may have lost it again.
    """

    members: tuple[str, ...]
    spares: tuple[str, ...]
    replaced: Mapping[str, str]


def parse(text: str) -> list[Replacement]:
    """The lines of a record."""
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        content = line.partition("#")[0].strip()
        if not content:
            continue
        match = LINE.fullmatch(content)
        if not match:
            raise ReplacementError(
                f"Line {number} of {FILE} cannot be read: {show(content)}. Write it as: MEMBER replaced by SPARE at 2026-11-21T12:00:00Z"
            )
        found.append(Replacement(*match.groups()))
    return found


def render(replacements: Iterable[Replacement]) -> str:
    return HEADING + "".join(f"{one}\n" for one in replacements)


def effective(*, members: Iterable[str], spares: Iterable[str], replacements: Iterable[Replacement]) -> Effective:
    """Apply the replacements that the inventory does not know yet, in their order."""
    voting, left, replaced = set(members), set(spares), {}
    for one in replacements:
        if one.member in voting and one.spare in left:
            voting = voting - {one.member} | {one.spare}
            left = left - {one.spare}
            replaced[one.member] = one.spare
    return Effective(members=tuple(sorted(voting)), spares=tuple(sorted(left)), replaced=replaced)


def remaining(*, members: Collection[str], replacements: Sequence[Replacement]) -> list[Replacement]:
    """The replacements without those that the inventory has caught up with: they would come to life again if it ever named the same hosts as before."""
    after = {one.member: one.spare for one in replacements}

    def last(spare: str) -> str:
        seen: set[str] = set()
        while spare in after and spare not in members and spare not in seen:
            seen.add(spare)
            spare = after[spare]
        return spare

    return [one for one in replacements if one.member in members or last(one.spare) not in members]


def problems(*, members: Collection[str], spares: Collection[str], replacements: Sequence[Replacement]) -> Iterator[Problem]:
    """An inventory that was changed to half of what a replacement means."""
    known = effective(members=members, spares=spares, replacements=replacements)
    for one in replacements:
        if one.member in known.replaced or any(later.member == one.spare for later in replacements):
            continue
        if one.member in members and one.spare in members:
            yield Problem(
                hosts=(one.member,),
                what=f"it is a member of etcd in the inventory, but {one.spare}, which is one too, has taken its place on {one.time}",
                remedy=f"Take it out of the group etcd; or, if it is to be a member again, remove its line from {FILE}",
            )
        if one.member not in members and one.spare in spares:
            yield Problem(
                hosts=(one.spare,),
                what=f"it has taken the place of {one.member} in etcd on {one.time}, but is still in the group etcd_spares",
                remedy=f"Put it into the group etcd instead; or, if it is no member any more, remove its line from {FILE}",
            )


def advice(known: Effective, *, own_group: bool) -> list[str]:
    """What the user changes in the inventory, a line each."""
    gone = [name for name in known.replaced if name not in known.replaced.values()]
    joined = [name for name in known.replaced.values() if name in known.members]
    if not joined:
        return []
    group = (
        f"in the group etcd: remove {', '.join(gone)}, add {', '.join(joined)}"
        if own_group
        else f"make a group etcd of {', '.join(known.members)}"
    )
    return [group, f"in the group etcd_spares: remove {', '.join(sorted(known.replaced.values()))}"]
