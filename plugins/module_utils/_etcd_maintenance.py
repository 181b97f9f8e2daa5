# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: maintenance of etcd. What is compacted, which members are defragmented and in which order, which alarms end."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from ansible_collections.quorate.kubernetes.plugins.module_utils import _etcd, _etcd_version, _version
from ansible_collections.quorate.kubernetes.plugins.module_utils._etcd import ANYBODY, CORRUPT, NOSPACE, Cluster, Member

NEEDED, ALWAYS, NEVER = "needed", "always", "never"
FORGET, CANCEL, COMPACT, DEFRAGMENT, DISARM = "forget", "cancel", "compact", "defragment", "disarm"

# An alarm that ends while the database is as good as full comes back with the next writes.
FULL_PERCENT = 80

# Defragmenting copies what is in use, and blocks only those who ask this member: a leader goes on leading meanwhile. Handing leadership over
# costs writers more, as etcd drops, without an answer, what followers forward at that moment. So that is for databases that take seconds.
HAND_OVER_BYTES = 256 << 20

# Beside the copy of what is in use, the log goes on meanwhile: a segment of it is 64 MB.
SPARE_BYTES = 64 << 20


class MaintenanceRefused(Exception):
    """Maintenance that would do harm now."""


@dataclasses.dataclass(frozen=True)
class Options:
    """When to do what.

    Attributes:
        compact: when to forget former revisions: V(needed) means when the database is full.
        defragment: when to give free space back: V(needed) means when the database is full, or beyond the threshold.
        threshold: percentage of a database that may be free space.
        minimum: size in bytes below which a database is left alone.
        retain: revisions that a compaction leaves.
    """

    compact: str = NEEDED
    defragment: str = NEEDED
    threshold: int = 45
    minimum: int = 100 << 20
    retain: int = 1000


@dataclasses.dataclass(frozen=True)
class Step:
    """One piece of work: what, on which member (0 for the cluster), up to which revision, and the sentence that tells of it."""

    verb: str
    sentence: str
    member: int = 0
    revision: int = 0

    def __str__(self) -> str:
        return self.sentence


def plan(cluster: Cluster, options: Options, free: Mapping[str, int]) -> list[Step]:
    """All work that there is, in its order; an error if the cluster is in no state for it.

    Args:
        cluster: what is known of it.
        options: when to do what.
        free: free bytes of the disk that holds a member's data, by the member's name, as far as they are known.
    """
    refuse_corruption(cluster)
    compaction, defragmentation = _compaction(cluster, options), _defragmentation(cluster, options)
    if compaction or defragmentation:
        _refuse_during_upgrade(cluster)
    # A compaction leaves less to copy; then each member is looked at when its turn comes.
    if not compaction:
        refuse_without_room(cluster, [step.member for step in defragmentation], free)
    gone, left = _alarms(cluster, gone=True), _alarms(cluster, gone=False)
    # Before anything else: as long as one says CORRUPT, etcd compacts nothing, and no member counts as back after it was blocked.
    forgetting = [Step(FORGET, f"End the alarms of members that are gone: {gone}.")] if gone else []
    disarming = [Step(DISARM, f"End the alarms: {left}.")] if left else []
    given_up = _way_back(cluster)
    cancelling = [Step(CANCEL, f"Cancel the way back to {given_up}, which no member has gone.")] if given_up else []
    return [*forgetting, *cancelling, *compaction, *defragmentation, *disarming]


def _way_back(cluster: Cluster) -> str:
    """The version that etcd was to go back to, if it was told so and none of its members has it; empty otherwise.

    Who prepares that changes the first member at once: this is what a failure left.
    """
    statuses = [status for status in (health.status for health in cluster.health.values()) if status]
    target = next((status.downgrade for status in statuses if status.downgrade), "")
    if not target or any(_version.parse(status.version).line == _version.parse(target).line for status in statuses):
        return ""
    return target


def fragmented(cluster: Cluster, member: Member, options: Options) -> bool:
    """Whether so much of a member's database is free that it is worth the time that defragmenting blocks it."""
    status = cluster.of(member).status
    return status is not None and status.size >= options.minimum and 100 * (status.size - status.used) >= options.threshold * status.size


def refuse_without_room(cluster: Cluster, members: Sequence[int], free: Mapping[str, int]) -> None:
    """An error that names those of the members whose disk does not hold the second copy that defragmenting writes."""
    short = []
    for member in cluster.members:
        status = cluster.of(member).status
        if member.identity in members and status and free.get(member.name, status.used + SPARE_BYTES) < status.used + SPARE_BYTES:
            short.append(f"{member.label} has {free[member.name] >> 20} MiB free and needs {(status.used + SPARE_BYTES) >> 20}")
    if short:
        raise MaintenanceRefused(
            f"Defragmenting writes what is in use anew, beside the old file: {'; '.join(short)}. It was left as it is. Make room on the disk of its data "
            "directory, and run again."
        )


def refuse_corruption(cluster: Cluster) -> None:
    """The alarm of a member that is still there is evidence; that of one that was replaced has done its work."""
    names = {member.identity: member.label for member in cluster.members}
    bad = sorted({names[alarm.member] for alarm in cluster.alarms if alarm.kind == CORRUPT and alarm.member in names})
    if bad:
        raise MaintenanceRefused(
            f"The data of {', '.join(bad)} differs from that of the others (alarm CORRUPT). Nothing is touched. Run the playbook maintain_etcd with "
            f"-e etcd_corrupt_member={bad[0]}, which lets it leave, keeps its data as evidence and ends the alarm, and then site, with which it joins again."
        )
    if any(alarm.kind == CORRUPT and alarm.member == ANYBODY for alarm in cluster.alarms):
        raise MaintenanceRefused(
            "The data of the members differ, and etcd cannot tell whose is right (alarm CORRUPT). Nothing is touched. Keep copies of all data directories as "
            "evidence, and restore a snapshot from before; or remove whose data is wrong, if you know it, and end the alarm with 'etcdctl alarm disarm'."
        )


def hands_over(cluster: Cluster, member: Member) -> bool:
    """Whether defragmenting this member takes so long that it should not lead meanwhile."""
    status = cluster.of(member).status
    return status is not None and status.used >= HAND_OVER_BYTES


def still_full(cluster: Cluster) -> list[str]:
    """Members on which an alarm of space would come back at once."""
    known = [(member, cluster.of(member).status) for member in cluster.members]
    return [member.label for member, status in known if status and status.quota and 100 * status.size >= FULL_PERCENT * status.quota]


def _alarms(cluster: Cluster, *, gone: bool) -> str:
    """The alarms of members that are gone, or of those that are there, in words."""
    present = {member.identity for member in cluster.members}
    chosen = tuple(alarm for alarm in cluster.alarms if (alarm.member not in present) is gone)
    return ", ".join(dataclasses.replace(cluster, alarms=chosen).alarms_in_words())


def _is_full(cluster: Cluster) -> bool:
    return any(alarm.kind == NOSPACE for alarm in cluster.alarms)


def _compaction(cluster: Cluster, options: Options) -> list[Step]:
    if options.compact == NEVER or (options.compact == NEEDED and not _is_full(cluster)):
        return []
    # A full database needs every byte: no revision but the last is kept.
    retain = 0 if _is_full(cluster) else options.retain
    newest = max((status.revision for status in (health.status for health in cluster.health.values()) if status), default=0)
    return [Step(COMPACT, f"Forget the revisions before {newest - retain}.", revision=newest - retain)] if newest > retain else []


def _defragmentation(cluster: Cluster, options: Options) -> list[Step]:
    if options.defragment == NEVER:
        return []
    everyone = options.defragment == ALWAYS or _is_full(cluster)
    chosen = [member for member in cluster.members if member.clients and (everyone or fragmented(cluster, member, options))]
    return [Step(DEFRAGMENT, f"Defragment {member.label}.", member.identity) for member in _etcd.leader_last(chosen, cluster.leader)]


def _refuse_during_upgrade(cluster: Cluster) -> None:
    versions = {member.label: status.version for member, status in ((one, cluster.of(one).status) for one in cluster.members) if status}
    if _etcd_version.is_mixed(versions):
        found = ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
        raise MaintenanceRefused(f"A change of version is under way ({found}), and defragmenting blocks a member. Finish the change first.")
