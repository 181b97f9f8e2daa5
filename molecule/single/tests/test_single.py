"""One host does everything."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.cluster.playbook import play
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


def test_a_runtime_that_kubelet_could_not_use_is_put_back(inventory: Path, kubectl: Callable[..., str], node_names: list[str]) -> None:
    """containerd itself would run with it, without the plugin that kubelet speaks to."""
    settings = {"plugins": {"io.containerd.cri.v1.runtime": {"containerd": {"default_runtime_name": "absent"}}}}
    run = play("site", f"--extra-vars={json.dumps({'container_runtime_config': settings})}", inventory=inventory)
    assert run.code != 0, run.output
    words = ["containerd did not become ready", "it runs again", 'default_runtime_name = "absent"']
    assert [word for word in words if word not in run.flat] == [], run.end
    kubectl("wait", "--for=condition=Ready", f"node/{node_names[0]}", "--timeout=60s")
    again = play("site", inventory=inventory)
    assert again.code == 0, again.end
    assert {name: count for name, count in again.changed.items() if count} == {}, again.output
