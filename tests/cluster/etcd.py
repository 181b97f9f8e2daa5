"""Members of etcd as an administrator sees them, and who uses them meanwhile."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .sampler import Health

Etcdctl = Callable[..., str]


def listed(etcdctl: Etcdctl, name: str) -> dict[str, Any]:
    """The member list as a member knows it through the quorum."""
    return dict(json.loads(etcdctl(name, "member", "list", "--write-out=json")))


def members(etcdctl: Etcdctl, name: str) -> dict[str, str]:
    """Voter or learner, by name."""
    return {entry.get("name", ""): "learner" if entry.get("isLearner") else "voter" for entry in listed(etcdctl, name)["members"]}


def identities(etcdctl: Etcdctl, name: str) -> dict[str, int]:
    """The number of each member, which is a new one for one that joins again."""
    return {entry.get("name", ""): entry["ID"] for entry in listed(etcdctl, name)["members"]}


def cluster(etcdctl: Etcdctl, name: str) -> int:
    """The number of the cluster; a second one would have another."""
    return int(listed(etcdctl, name)["header"]["cluster_id"])


def voters(names: Iterable[str]) -> Mapping[str, str]:
    return dict.fromkeys(names, "voter")


def status(etcdctl: Etcdctl, name: str) -> dict[str, Any]:
    """What a member says of itself, asked on its own host."""
    return dict(json.loads(etcdctl(name, "endpoint", "status", "--write-out=json"))[0]["Status"])


def leader(etcdctl: Etcdctl, names: Iterable[str]) -> str:
    """Which of some members leads."""
    statuses = {name: status(etcdctl, name) for name in names}
    return next(name for name, one in statuses.items() if one["leader"] == one["header"]["member_id"])


def lives(addresses: Mapping[str, str], names: Iterable[str], *, client: ssl.SSLContext) -> dict[str, Health]:
    """What tells of each member whether its process answers; a member without a leader does."""
    return {name: Health(f"https://{addresses[name]}:2379/livez", context=client) for name in names}
