# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: how all members of etcd get another version. Which versions may follow each other is told by `_version`."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping

from ansible_collections.quorate.kubernetes.plugins.module_utils import _version
from ansible_collections.quorate.kubernetes.plugins.module_utils._version import Version

KEEP, PATCH, UPGRADE, DOWNGRADE = "keep", "patch", "upgrade", "downgrade"


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What the change is, what stands against it, and what is worth knowing."""

    kind: str
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def judge(members: Mapping[str, str], target: str) -> Verdict:
    """Judge a change of all members to one version. Members that a former run changed already may have the target's.

    Args:
        members: the version of each member, as it says itself.
        target: the version to go to.
    """
    goal = _version.parse(target)
    versions = {name: _version.parse(text) for name, text in sorted(members.items())}
    others = {name: version for name, version in versions.items() if version != goal}
    problems = _by_reason({name: _version.etcd_upgrade_problem(current=version, target=goal) for name, version in others.items()})
    steps = {goal.minors_ahead_of(version) for version in others.values()} if not problems else set()
    if {-1, 1} <= steps:
        problems = [f"Some members have an older and some a newer minor version than {goal}: finish the change that was begun first."]
    warnings = _by_reason({name: _version.etcd_upgrade_advice(current=version, target=goal) for name, version in others.items()})
    return Verdict(_kind(others.values(), goal), tuple(problems), tuple(warnings))


def preparation(members: Mapping[str, str], target: str, *, under_way: str) -> list[tuple[tuple[str, ...], str]]:
    """Calls of etcdctl before the first member gets another program, each with its sentence.

    Args:
        members: the version of each member, as it says itself.
        target: the version to go to.
        under_way: the version that the cluster is on its way back to already; empty if it is not.
    """
    goal = _version.parse(target)
    line = goal.line
    there = bool(under_way) and _version.parse(under_way).line == line
    steps: list[tuple[tuple[str, ...], str]] = []
    if under_way and not there:
        steps.append((("downgrade", "cancel"), f"Cancel the way back to {under_way}."))
    # As long as one member has the older version etcd as a whole has it, and the newer ones have left its data as it is: an upgrade that stopped half way.
    if not there and all(_version.parse(version).minors_ahead_of(goal) > 0 for version in members.values()):
        steps.append((("downgrade", "validate", line), f"Ask etcd whether it can go back to {line}."))
        steps.append((("downgrade", "enable", line), f"Bring the stored data back to {line}, so that its programs can read it."))
    return steps


def is_mixed(versions: Mapping[str, str]) -> bool:
    """Whether members have different minor versions, so a change of version is under way."""
    return len({_version.parse(version).line for version in versions.values()}) > 1


def _kind(versions: Collection[Version], goal: Version) -> str:
    if not versions:
        return KEEP
    if all(version.line == goal.line for version in versions):
        return PATCH
    return UPGRADE if min(versions) < goal else DOWNGRADE


def _by_reason(reasons: Mapping[str, str]) -> list[str]:
    """A sentence for each reason, with the members that it holds for."""
    found: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        if reason:
            found.setdefault(reason, []).append(name)
    return [f"{reason} (members: {', '.join(names)})." for reason, names in found.items()]
