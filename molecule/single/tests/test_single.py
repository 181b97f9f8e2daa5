"""One host does everything."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from testinfra.host import Host

from tests.cluster.hosts import look, said
from tests.cluster.playbook import fine, play, unchanged
from tests.cluster.wait import until


def test_pods_of_users_run_beside_the_control_plane(kubectl: Callable[..., str], node_names: list[str], image: str) -> None:
    """Without a toleration: the only node is no master that keeps to itself. The scheduler is the one that the inventory adds."""
    name = "quorate-test-plain"
    kubectl("delete", "pod", name, "--ignore-not-found", "--grace-period=0", "--force")
    scheduler = f"--overrides={json.dumps({'spec': {'schedulerName': 'second-scheduler'}})}"
    kubectl("run", name, f"--image={image}", "--image-pull-policy=Never", scheduler, "--", "pause")

    def status() -> dict[str, Any]:
        pod = json.loads(kubectl("get", "pod", name, "--output=json"))
        return dict(pod) if pod["status"]["phase"] == "Running" else {}

    try:
        assert [until("the pod runs", status, within=60)["spec"]["nodeName"]] == node_names
    finally:
        kubectl("delete", "pod", name, "--grace-period=0", "--force")


def test_a_controller_that_is_taken_away_does_not_run(hosts: Mapping[str, Host]) -> None:
    [host] = hosts.values()
    [manager] = [it for it in look(host, "processes") if it["program"] == "kube-controller-manager"]
    assert "--controllers=*,-ttl-after-finished-controller" in manager["arguments"]


def test_the_log_of_etcd_lies_apart(hosts: Mapping[str, Host]) -> None:
    [host] = hosts.values()
    assert said(host, "ls /var/lib/etcd-log/wal").split()
    assert not host.file("/var/lib/etcd/member/wal").exists


def test_a_template_of_the_operator_is_used(hosts: Mapping[str, Host]) -> None:
    [host] = hosts.values()
    assert said(host, "head -1 /etc/sysctl.d/90-kubernetes.conf").startswith("# Written by a template of the operator, for ")


def test_a_runtime_that_kubelet_could_not_use_is_put_back(inventory: Path, kubectl: Callable[..., str], node_names: list[str]) -> None:
    """containerd itself would run with it, without the plugin that kubelet speaks to."""
    settings = {"plugins": {"io.containerd.cri.v1.runtime": {"containerd": {"default_runtime_name": "absent"}}}}
    run = play("site", f"--extra-vars={json.dumps({'container_runtime_config': settings})}", inventory=inventory)
    assert run.code != 0, run.output
    words = ["containerd did not become ready", "it runs again", 'default_runtime_name = "absent"']
    assert [word for word in words if word not in run.flat] == [], run.end
    kubectl("wait", "--for=condition=Ready", f"node/{node_names[0]}", "--timeout=60s")
    unchanged(fine(play("site", inventory=inventory)))
