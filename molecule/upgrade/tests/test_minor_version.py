"""What is asked of every cluster is asked of one that comes from the minor version before."""

from __future__ import annotations

from typing import Any

from lab import versions
from tests.cluster.api import Api


def test_all_kubelets_have_the_new_minor_version(api: Api) -> None:
    nodes: list[dict[str, Any]] = api.get("/api/v1/nodes")["items"]
    assert {node["status"]["nodeInfo"]["kubeletVersion"] for node in nodes} == {f"v{versions.DEFAULT['kubernetes']}"}
