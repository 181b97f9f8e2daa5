"""What the module node sends to the API, also where somebody else was quicker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils import _kubernetes, _node
from ansible_collections.quorate.kubernetes.plugins.modules import node

PARAMETERS: dict[str, Any] = {
    "name": "w1",
    "nodes": [],
    "state": "drained",
    "cordoned_by": "quorate",
    "force": False,
    "wait_timeout": 5,
    "wait_part": None,
    "wait_ready": [],
    "wait_pods": [],
}


class Client:
    """An API with one node, of which the first change comes too late."""

    def __init__(self, *, cordoned: bool) -> None:
        metadata: dict[str, Any] = {"name": "w1", "resourceVersion": "1", "annotations": {_node.CORDONED_BY: "quorate"} if cordoned else {}}
        self._node = {"metadata": metadata, "spec": {"unschedulable": True} if cordoned else {}}
        self._late = True
        self.patches: list[Mapping[str, Any]] = []

    def collection(self, _path: str) -> list[dict[str, Any]]:
        return [self._node]

    def merge(self, _path: str, patch: Mapping[str, Any], *, manager: str) -> dict[str, Any]:
        assert manager
        if self._late:
            self._late = False
            self._node["metadata"]["resourceVersion"] = "2"
            raise _kubernetes.KubernetesError("conflict", status=409)
        self.patches.append(patch)
        return {}


@pytest.mark.parametrize(
    ("state", "cordoned", "closed"),
    [
        pytest.param("", False, True, id="cordoned before it is drained"),
        pytest.param("uncordoned", True, None, id="uncordoned because it could not be drained"),
    ],
)
def test_after_a_conflict_the_same_is_done_again(state: str, cordoned: bool, closed: bool | None) -> None:
    client = Client(cordoned=cordoned)
    nodes = node.Nodes(client, PARAMETERS)  # type: ignore[arg-type]
    nodes._apply(nodes._changes(nodes._live(), state=state), state=state)
    assert [(patch["metadata"]["resourceVersion"], patch["spec"]["unschedulable"]) for patch in client.patches] == [("2", closed)]
