"""The role addons against a real API server: its objects are taken, and give the rights that they are for."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import yaml

from . import harness

TOPOLOGY: dict[str, Any] = {
    "domain": "cluster.local",
    "flannel_store": "kubernetes",
    "versions": {"coredns": "1.15.0"},
    "services": {"api": "10.96.0.1", "dns": "10.96.0.10"},
    "nodes": ["localhost"],
    "hosts": {
        "localhost": {
            "name": "node-of-the-role",
            "kinds": ["master", "node", "worker"],
            "zone": "a",
            "region": "",
            "labels": {"disk": "fast"},
            "taints": ["gpu=yes:NoSchedule"],
        }
    },
}


def converge(cluster: harness.Cluster, *, entry: str = "main", check_mode: bool = False) -> dict[str, Any]:
    """Run the role as a playbook does; what Ansible counted."""
    api = {"local": cluster.server, "port": int(cluster.server.rsplit(":", 1)[1])}
    role = {"name": "Run the role", "ansible.builtin.import_role": {"name": "quorate.kubernetes.addons", "tasks_from": entry}}
    own = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "of-the-user"}, "data": {"a": "1"}}
    variables = {
        "cluster_topology": {**TOPOLOGY, "api": api},
        "addons_pki_directory": str(cluster.folder / "pki"),
        "addons_objects": [own],
    }
    hosts = cluster.folder / "hosts.yml"
    hosts.write_text(yaml.safe_dump({"all": {"hosts": {"localhost": {"ansible_python_interpreter": sys.executable}}}}), encoding="utf-8")
    play = {"hosts": "localhost", "gather_facts": False, "connection": "local", "vars": variables, "tasks": [role]}
    book = cluster.folder / "addons.yml"
    book.write_text(yaml.safe_dump([play]), encoding="utf-8")
    environment = {**os.environ, "ANSIBLE_CONFIG": str(harness.ROOT / "ansible.cfg")}
    state = cluster.folder / "state"
    state.mkdir(exist_ok=True)
    # What is remembered of the objects is remembered of this machine for that long only.
    isolated = ["unshare", "--mount", "sh", "-c", f'mount --bind {state} /var/lib && exec "$@"', "sh"]
    command = [*isolated, "ansible-playbook", "--inventory", str(hosts), "--diff", *(["--check"] if check_mode else []), str(book)]
    done = subprocess.run(command, cwd=harness.ROOT, env=environment, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    counted = done.stdout.rsplit("localhost", 1)[1]
    return {"changed": "changed=0" not in counted, "output": done.stdout}


def may(cluster: harness.Cluster, *question: str, user: str, group: str = "") -> bool:
    who = ["--as", user, *(["--as-group", group] if group else [])]
    return cluster.kubectl("auth", "can-i", *question, *who, check=False).strip() == "yes"


def test_objects_of_the_operator_and_dns(cluster: harness.Cluster) -> None:
    assert converge(cluster, check_mode=True)["changed"]
    assert cluster.get("deployment", "coredns", "--namespace", "kube-system") is None
    cluster.node("dns-1")
    with harness.Life(cluster, "kube-system", nodes=["dns-1"]):
        assert converge(cluster)["changed"]
        assert not converge(cluster)["changed"]

    assert cluster.get("service", "kube-dns", "--namespace", "kube-system")["spec"]["clusterIP"] == "10.96.0.10"
    pod = cluster.get("deployment", "coredns", "--namespace", "kube-system")["spec"]["template"]["spec"]
    assert pod["containers"][0]["image"] == "registry.k8s.io/coredns/coredns:v1.15.0"
    assert pod["containers"][0]["securityContext"]["readOnlyRootFilesystem"]
    assert "kubernetes cluster.local" in cluster.get("configmap", "coredns", "--namespace", "kube-system")["data"]["Corefile"]
    assert cluster.get("configmap", "of-the-user")["data"] == {"a": "1"}
    assert may(cluster, "watch", "endpointslices.discovery.k8s.io", user="system:serviceaccount:kube-system:coredns")
    assert not may(cluster, "get", "secrets", user="system:serviceaccount:kube-system:coredns")


def test_rights(cluster: harness.Cluster) -> None:
    assert converge(cluster, entry="access", check_mode=True)["changed"]
    assert not may(cluster, "delete", "secrets", user="alice", group="quorate:admins")
    assert converge(cluster, entry="access")["changed"]
    assert not converge(cluster, entry="access")["changed"]

    assert may(cluster, "delete", "secrets", user="alice", group="quorate:admins")
    assert not may(cluster, "delete", "secrets", user="alice")
    assert may(cluster, "create", "nodes", "--subresource", "proxy", user="kube-apiserver-kubelet-client")
    assert may(cluster, "patch", "nodes", "--subresource", "status", user="flannel:w1", group="quorate:flannel")
    assert may(cluster, "watch", "nodes", user="flannel:w1", group="quorate:flannel")
    assert not may(cluster, "patch", "nodes", user="flannel:w1", group="quorate:flannel")
    assert not may(cluster, "get", "secrets", user="flannel:w1", group="quorate:flannel")


def test_nodes(cluster: harness.Cluster) -> None:
    cluster.node("node-of-the-role")
    assert converge(cluster, entry="nodes")["changed"]
    made = cluster.get("node", "node-of-the-role")
    assert (
        made["metadata"]["labels"].items()
        >= {
            "node-role.kubernetes.io/control-plane": "",
            "topology.kubernetes.io/zone": "a",
            "disk": "fast",
        }.items()
    )
    assert {"key": "gpu", "value": "yes", "effect": "NoSchedule"} in made["spec"]["taints"]
    assert not converge(cluster, entry="nodes")["changed"]
