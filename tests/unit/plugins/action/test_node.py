"""What was seen on the hosts themselves, and results of several executions for one wait."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.quorate.kubernetes.plugins.action import node


def test_together() -> None:
    first = {"changed": True, "nodes": ["w1"], "evicted": ["a/x"], "diff": ["d"], "waiting": ["pod"], "left": ["l"]}
    last = {"changed": False, "nodes": ["w2"], "evicted": ["a/x", "a/y"], "diff": [], "waiting": [], "left": ["m"], "failed": True}
    assert node.together(first, last) == {
        "changed": True,
        "nodes": ["w1", "w2"],
        "evicted": ["a/x", "a/y"],
        "diff": ["d"],
        "waiting": [],
        "left": ["m"],
        "failed": True,
    }


def seen(*, ready: bool = True, labels: dict[str, str] | None = None) -> dict[str, Any]:
    """What is observed of a host with a node."""
    condition = {"type": "Ready", "status": str(ready), "reason": "KubeletNotReady", "message": "no network"}
    applied = '{"labels": ["rack"]}'
    metadata = {"name": "w1", "labels": labels or {"rack": "7"}, "annotations": {"quorate.io/applied": applied}}
    return {
        "node": {
            "metadata": metadata,
            "spec": {"taints": None},
            "status": {"conditions": [condition], "nodeInfo": {"kubeletVersion": "v1.37.1"}},
        }
    }


@pytest.mark.parametrize(
    ("arguments", "observed", "satisfied"),
    [
        pytest.param({}, seen(), True, id="all is there"),
        pytest.param({"wait_ready": ["w1"]}, seen(), True, id="and ready"),
        pytest.param({"wait_ready": ["w1"], "wait_version": "1.37.1"}, seen(), True, id="in its version"),
        pytest.param({"wait_ready": ["w1"], "wait_version": "1.38.0"}, seen(), False, id="in another version"),
        pytest.param({"wait_ready": ["w1"]}, seen(ready=False), False, id="not ready"),
        pytest.param({"wait_ready": ["w1", "w2"]}, seen(), False, id="one is waited for of which nothing is known"),
        pytest.param({}, seen(labels={"rack": "8"}), False, id="another label"),
        pytest.param({}, {"node": None}, False, id="nobody answered"),
        pytest.param({}, {}, False, id="the host was not observed"),
        pytest.param({"state": "uncordoned"}, seen(), False, id="another state"),
    ],
)
def test_is_satisfied(arguments: dict[str, Any], observed: dict[str, Any], satisfied: bool) -> None:
    nodes = [{"name": "w1", "labels": {"rack": "7"}}]
    assert node.is_satisfied({"nodes": nodes, **arguments}, {"w1": observed}) is satisfied
