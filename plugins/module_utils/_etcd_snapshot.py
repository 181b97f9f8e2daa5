# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: snapshots of etcd. What one says of itself, whether it is sound, and how it is restored."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Optional

from ansible_collections.quorate.kubernetes.plugins.module_utils import _etcd

# etcdctl appends the SHA-256 of the database to the file; a database comes in whole pages.
DIGEST_BYTES = 32
PAGE_BYTES = 512

# So far that no watcher's revision lies before it: clients that lived through the restore then notice, and list anew.
BUMP_REVISION = 1_000_000_000

# What a restore needs beside the snapshot itself, and room for what comes first after it.
SPARE_BYTES = 256 << 20


class SnapshotError(Exception):
    """A snapshot that is not sound, or that may not be restored here."""


@dataclasses.dataclass(frozen=True)
class Info:
    """What a snapshot holds."""

    revision: int
    keys: int
    size: int
    version: str
    digest: int


def parse_info(text: str) -> Info:
    """What C(etcdutl snapshot status) says, as JSON."""
    try:
        answer = json.loads(text)
        return Info(
            revision=int(answer["revision"]),
            keys=int(answer["totalKey"]),
            size=int(answer["totalSize"]),
            version=str(answer.get("version", "")),
            digest=int(answer["hash"]),
        )
    except (ValueError, KeyError, TypeError):
        raise SnapshotError(f"etcdutl's answer cannot be read: {text[:200]!r}") from None


def source(cluster: _etcd.Cluster, nearest: Optional[int]) -> _etcd.Member:
    """The member to save from: a healthy voter, and no member whose data differs from that of the others is one.

    Args:
        cluster: the members, how each of them answered, and the alarms.
        nearest: number of the member that is preferred.
    """
    if any(alarm.kind == _etcd.CORRUPT and alarm.member == _etcd.ANYBODY for alarm in cluster.alarms):
        raise SnapshotError("The data of the members differ, and etcd cannot tell whose is right (alarm CORRUPT). Nothing was saved.")
    healthy = [member for member in cluster.voters() if cluster.is_healthy(member)]
    if not healthy:
        causes = "; ".join(f"{member.label}: {cluster.of(member).cause}" for member in cluster.voters())
        raise SnapshotError(f"There is no healthy member to save from ({causes}). Nothing was saved.")
    return next((member for member in healthy if member.identity == nearest), healthy[0])


def expired(names: Iterable[str], keep: int) -> list[str]:
    """Files of a folder that are older snapshots than those to keep. Only names that are a time in UTC count; 0 keeps all."""
    snapshots = sorted(name for name in names if re.fullmatch(r"\d{8}T\d{6}Z\.db", name))
    return snapshots[:-keep] if keep else []


def has_digest(size: int) -> bool:
    """Whether the file ends in a digest; a database copied from a data directory does not."""
    return size > PAGE_BYTES and size % PAGE_BYTES == DIGEST_BYTES


@dataclasses.dataclass(frozen=True)
class Digests:
    """SHA-256 of a whole snapshot, and whether its database has the one at its end."""

    whole: str
    matches: bool


def digests(database: Iterable[bytes], tail: bytes) -> Digests:
    """Of the blocks of the database, and what follows it."""
    inner, whole = hashlib.sha256(), hashlib.sha256()
    for block in database:
        inner.update(block)
        whole.update(block)
    whole.update(tail)
    return Digests(whole=whole.hexdigest(), matches=tail == inner.digest())


def file_problem(path: str, found: Optional[Digests]) -> str:
    """Why the file is no sound snapshot; found is None if its size says that it has no digest."""
    if found is None:
        return f"{path} has no digest at its end: it was cut off, or it is a copy of a data directory and not saved by etcdctl. Use another snapshot."
    if not found.matches:
        return f"{path} is damaged: its content does not match the digest at its end. Use another snapshot."
    return ""


def version_problem(path: str, *, written: str, program: str) -> str:
    """Why programs of a version of etcd cannot read a snapshot; empty if they can.

    Args:
        path: the snapshot.
        written: the version of what is in it, as it says; before 3.6 it said none.
        program: what C(etcdutl version) says.
    """
    has, reads = (re.search(r"(\d+)\.(\d+)", text) for text in (written, program))
    if not has or not reads or [int(part) for part in has.groups()] <= [int(part) for part in reads.groups()]:
        return ""
    return (
        f"{path} was saved by etcd {has[0]}, and the programs here are of {reads[0]}, which cannot read it. Restore it with etcd {has[0]} (the variable "
        "cluster_versions), or use an older snapshot."
    )


def same_members(record: Optional[Mapping[str, Any]], wanted: Mapping[str, Any]) -> bool:
    """Whether what was restored already is what is wanted now."""
    return record is not None and all(record.get(name) == value for name, value in wanted.items())


def restore_arguments(wanted: Mapping[str, Any], *, path: str, target: str) -> Sequence[str]:
    """How etcdutl is called to restore for one member."""
    return [
        "snapshot",
        "restore",
        path,
        f"--name={wanted['name']}",
        f"--initial-cluster={wanted['initial_cluster']}",
        f"--initial-cluster-token={wanted['token']}",
        f"--initial-advertise-peer-urls={wanted['peer_urls']}",
        f"--data-dir={target}",
        f"--bump-revision={BUMP_REVISION}",
        "--mark-compacted",
    ]


def check_member(wanted: Mapping[str, Any]) -> None:
    """The member must be part of the cluster that is restored, at the address given."""
    pairs = {f"{wanted['name']}={url}" for url in wanted["peer_urls"].split(",")}
    missing = sorted(pairs - set(wanted["initial_cluster"].split(",")))
    if missing:
        raise SnapshotError(
            f"The initial cluster ({wanted['initial_cluster']}) lacks {', '.join(missing)}: give the same one to all members."
        )


def check_restored(restored: Info, snapshot: Info) -> None:
    """A restored database holds the snapshot, at later revisions."""
    if restored.revision < snapshot.revision + BUMP_REVISION or restored.keys < snapshot.keys:
        raise SnapshotError(
            f"The restored database has revision {restored.revision} and {restored.keys} keys, where the snapshot has revision {snapshot.revision} and "
            f"{snapshot.keys} keys. Nothing was changed; restore another snapshot."
        )
