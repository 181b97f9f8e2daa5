"""One host does everything."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.cluster.wait import until


def test_pods_of_users_run_beside_the_control_plane(kubectl: Callable[..., str], node_names: list[str], image: str) -> None:
    """Without a toleration: the only node is no master that keeps to itself."""
    name = "quorate-test-plain"
    kubectl("delete", "pod", name, "--ignore-not-found", "--grace-period=0", "--force")
    kubectl("run", name, f"--image={image}", "--image-pull-policy=Never", "--", "pause")

    def status() -> dict[str, Any]:
        pod = json.loads(kubectl("get", "pod", name, "--output=json"))
        return dict(pod) if pod["status"]["phase"] == "Running" else {}

    try:
        assert [until("the pod runs", status, within=60)["spec"]["nodeName"]] == node_names
    finally:
        kubectl("delete", "pod", name, "--grace-period=0", "--force")
