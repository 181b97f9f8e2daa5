"""The nodes are there, ready, and what the inventory says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lab.versions import DEFAULT
from tests.cluster.api import Api

MASTER = "node-role.kubernetes.io/control-plane"
WORKER = "node-role.kubernetes.io/worker"
ZONE = "topology.kubernetes.io/zone"


def test_all_nodes_are_ready(nodes: Mapping[str, Any], node_names: list[str]) -> None:
    conditions = {
        name: {condition["type"]: condition["status"] for condition in node["status"]["conditions"]} for name, node in nodes.items()
    }
    assert {name: found["Ready"] for name, found in conditions.items()} == dict.fromkeys(node_names, "True")


def test_all_run_the_version_of_the_inventory(
    api: Api, nodes: Mapping[str, Any], variables: Mapping[str, Mapping[str, Any]], members: Callable[[str], list[str]]
) -> None:
    wanted = {name: f"v{variables[name].get('cluster_version', DEFAULT['kubernetes'])}" for name in nodes}
    assert {name: node["status"]["nodeInfo"]["kubeletVersion"] for name, node in nodes.items()} == wanted
    port = api.port
    servers = {name: api.at(f"https://{variables[name]['ansible_host']}:{port}") for name in members("masters")}
    assert {name: server.get("/version")["gitVersion"] for name, server in servers.items()} == {name: wanted[name] for name in servers}


def test_nodes_carry_roles_and_zones(
    nodes: Mapping[str, Any], variables: Mapping[str, Mapping[str, Any]], members: Callable[[str], list[str]]
) -> None:
    def wanted(name: str) -> dict[str, str]:
        roles = {MASTER: name in members("masters"), WORKER: name in members("workers")}
        zone = variables[name].get("node_zone")
        return {role: "" for role, has in roles.items() if has} | ({ZONE: zone} if zone else {})

    labels = {name: node["metadata"]["labels"] for name, node in nodes.items()}
    found = {name: {key: values[key] for key in (MASTER, WORKER, ZONE) if key in values} for name, values in labels.items()}
    assert found == {name: wanted(name) for name in nodes}


def test_only_masters_that_are_no_workers_are_tainted(nodes: Mapping[str, Any], members: Callable[[str], list[str]]) -> None:
    found = {name: [f"{taint['key']}:{taint['effect']}" for taint in node["spec"].get("taints", [])] for name, node in nodes.items()}
    only_masters = set(members("masters")) - set(members("workers"))
    assert found == {name: [f"{MASTER}:NoSchedule"] if name in only_masters else [] for name in nodes}


def test_nodes_are_reached_at_their_own_address(nodes: Mapping[str, Any], addresses: Mapping[str, str]) -> None:
    internal = {
        name: [entry["address"] for entry in node["status"]["addresses"] if entry["type"] == "InternalIP"] for name, node in nodes.items()
    }
    assert internal == {name: [addresses[name]] for name in nodes}


def test_dns_runs(api: Api) -> None:
    status = api.get("/apis/apps/v1/namespaces/kube-system/deployments/coredns")["status"]
    assert status["readyReplicas"] == status["replicas"] >= 1
