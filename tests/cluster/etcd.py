"""Members of etcd as an administrator sees them, and who uses them meanwhile."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

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
