"""Results of several executions for one wait."""

from __future__ import annotations

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
