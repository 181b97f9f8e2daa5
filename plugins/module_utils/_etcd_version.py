# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: from which version of etcd to which one may go, and in what way."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Mapping

Version = tuple[int, int, int]

KEEP, PATCH, UPGRADE, DOWNGRADE = "keep", "patch", "upgrade", "downgrade"

# These lose data: https://groups.google.com/a/kubernetes.io/g/dev/c/B7gJs88XtQc
NEVER = ((3, 5, 0), (3, 5, 1), (3, 5, 2))

# From the last of one minor version to the next: the version below which members of both do not work together, and the one to have.
FLOORS: Mapping[tuple[int, int], tuple[Version, Version]] = {
    (3, 5): ((3, 5, 26), (3, 5, 32)),
    (3, 6): ((3, 6, 11), (3, 6, 11)),
}

# The first version that members can be brought back to one at a time.
FIRST_DOWNGRADE = (3, 5)


class VersionError(Exception):
    """What is no version."""


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What the change is, what stands against it, and what is worth knowing."""

    kind: str
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def parse(text: str) -> Version:
    """Numbers of a version, with or without a v before or a pre-release behind."""
    found = re.match(r"v?(\d+)\.(\d+)\.(\d+)", text)
    if not found:
        raise VersionError(f"{text!r} is no version of etcd, such as 3.7.3.")
    return int(found[1]), int(found[2]), int(found[3])


def judge(members: Mapping[str, str], target: str, *, v2_content: bool = False) -> Verdict:
    """Judge a change of all members to one version. Members that a former run changed already may have the target's.

    Args:
        members: the version of each member, as it says itself.
        target: the version to go to.
        v2_content: whether anything is stored in the old v2 store, which 3.6 cannot read.
    """
    goal, versions = parse(target), {name: parse(version) for name, version in members.items()}
    others = {name: version for name, version in versions.items() if version != goal}
    kind = _kind(others.values(), goal)
    problems = [f"etcd {target} must not be used: it can lose data."] if goal in NEVER else []
    problems += _strays(others, goal)
    warnings: list[str] = []
    if kind == UPGRADE:
        floor_problems, warnings = _floors(others)
        problems += floor_problems
        if v2_content and goal[:2] == (3, 6):
            problems.append("There is content in the v2 store, which etcd 3.6 does not have any more: move it to v3 or delete it first.")
    if kind == DOWNGRADE:
        problems += _back(goal)
    return Verdict(kind, tuple(problems), tuple(warnings))


def preparation(kind: str, target: str, *, under_way: str) -> list[tuple[tuple[str, ...], str]]:
    """Calls of etcdctl before the first member gets another program, each with its sentence.

    Args:
        kind: what the change is.
        target: the version to go to.
        under_way: the version that the cluster is on its way back to already; empty if it is not.
    """
    minor = _text(parse(target)).rsplit(".", 1)[0]
    there = bool(under_way) and parse(under_way)[:2] == parse(target)[:2]
    steps: list[tuple[tuple[str, ...], str]] = []
    if under_way and not there:
        steps.append((("downgrade", "cancel"), f"Cancel the way back to {under_way}."))
    if kind == DOWNGRADE and not there:
        steps.append((("downgrade", "validate", minor), f"Ask etcd whether it can go back to {minor}."))
        steps.append((("downgrade", "enable", minor), f"Bring the stored data back to {minor}, so that its programs can read it."))
    return steps


def can_go_back(members: Mapping[str, str], target: str) -> bool:
    """Whether members can be brought back by starting the former program: only while a member of the former minor version is left."""
    goal = parse(target)
    return any(parse(version)[:2] <= goal[:2] for version in members.values())


def is_mixed(versions: Mapping[str, str]) -> bool:
    """Whether members have different minor versions, so a change of version is under way."""
    return len({parse(version)[:2] for version in versions.values()}) > 1


def _kind(versions: Collection[Version], goal: Version) -> str:
    found = list(versions)
    if not found:
        return KEEP
    if all(version[:2] == goal[:2] for version in found):
        return PATCH
    return UPGRADE if min(found) < goal else DOWNGRADE


def _strays(versions: Mapping[str, Version], goal: Version) -> list[str]:
    """Members that are more than one minor version away, or on the other side than the rest."""
    far = {name: version for name, version in versions.items() if version[0] != goal[0] or abs(version[1] - goal[1]) > 1}
    problems = [
        f"{name} has etcd {_text(version)}, and {_text(goal)} is more than one minor version away: go through {goal[0]}.{_between(version, goal)} first."
        for name, version in sorted(far.items())
    ]
    minors = {version[:2] for version in versions.values()}
    if not far and min(minors, default=goal[:2]) < goal[:2] < max(minors, default=goal[:2]):
        problems.append(
            f"Some members have an older and some a newer minor version than {_text(goal)}: finish the change that was begun first."
        )
    return problems


def _between(version: Version, goal: Version) -> int:
    return version[1] + 1 if version < goal else version[1] - 1


def _floors(versions: Mapping[str, Version]) -> tuple[list[str], list[str]]:
    problems, warnings = [], []
    for name, version in sorted(versions.items()):
        hard, recommended = FLOORS.get(version[:2], ((0, 0, 0), (0, 0, 0)))
        if version < hard:
            problems.append(
                f"{name} has etcd {_text(version)}: bring all members to {_text(recommended)} first, below {_text(hard)} the upgrade can fail."
            )
        elif version < recommended:
            warnings.append(f"{name} has etcd {_text(version)}: {_text(recommended)} is the better one to upgrade from.")
    return problems, warnings


def _back(goal: Version) -> list[str]:
    if goal[:2] < FIRST_DOWNGRADE:
        return [
            f"etcd cannot be brought back to {_text(goal)}: 3.6 is the first version that can be downgraded. Restore a snapshot instead."
        ]
    hard, _recommended = FLOORS.get(goal[:2], ((0, 0, 0), (0, 0, 0)))
    return (
        [f"Of etcd {goal[0]}.{goal[1]}, {_text(hard)} is the first that works beside newer members: choose that or a later one."]
        if goal < hard
        else []
    )


def _text(version: Version) -> str:
    return ".".join(str(number) for number in version)
