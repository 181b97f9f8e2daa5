"""From an inventory to the topology of the cluster."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils import _topology, _version
from ansible_collections.quorate.kubernetes.plugins.module_utils._inventory import Inventory

DEFAULTS: dict[str, Any] = {
    "cluster_name": "kubernetes",
    "cluster_domain": "cluster.local",
    "cluster_version": "1.37.1",
    "cluster_versions": {},
    "cluster_pod_network": "10.244.0.0/16",
    "cluster_service_network": "10.96.0.0/16",
    "cluster_api_port": 6443,
    "cluster_api_local_port": 7443,
    "cluster_api_endpoint": "",
    "cluster_api_balanced": True,
    "cluster_api_names": [],
    "cluster_binaries_directory": "/opt/quorate",
    "cluster_allow_even_etcd": False,
}
STACKED = {"masters": ["m2", "m1", "m3"], "workers": ["w1", "w2"]}


def inventory(groups: dict[str, list[str]] | None = None, *, hosts: dict[str, dict[str, Any]] | None = None, **settings: Any) -> Inventory:
    """An inventory in which each host has the settings, and its own variables."""
    groups = STACKED if groups is None else groups
    names = sorted({host for members in groups.values() for host in members})
    return Inventory(
        groups=groups,
        variables={name: {**settings, **(hosts or {}).get(name, {})} for name in names},
        connections={name: f"192.0.2.{number}" for number, name in enumerate(names, start=11)},
        defaults=DEFAULTS,
    )


def fact(*args: Any, **settings: Any) -> dict[str, Any]:
    asked = inventory(*args, **settings)
    assert list(_topology.problems(asked)) == []
    return _topology.topology(asked).as_fact()


def test_stacked_cluster() -> None:
    found = fact(hosts={"m1": {"node_zone": "a"}, "w1": {"node_labels": {"disk": "ssd"}, "node_taints": ["gpu:NoSchedule"]}})
    assert {key: found[key] for key in ("name", "domain", "layout", "networks", "services")} == {
        "name": "kubernetes",
        "domain": "cluster.local",
        "layout": "stacked",
        "networks": {"pods": "10.244.0.0/16", "services": "10.96.0.0/16"},
        "services": {"api": "10.96.0.1", "dns": "10.96.0.10"},
    }
    assert found["masters"] == found["etcd"] == ["m1", "m2", "m3"]
    assert found["workers"] == ["w1", "w2"]
    assert found["nodes"] == ["m1", "m2", "m3", "w1", "w2"]
    assert found["etcd_spares"] == []
    assert found["in_use"] == ["m1", "m2", "m3", "w1", "w2"]
    assert found["etcd_urls"] == {"m1": "https://192.0.2.11:2379", "m2": "https://192.0.2.12:2379", "m3": "https://192.0.2.13:2379"}
    assert found["api"]["servers"] == {"m1": "https://192.0.2.11:6443", "m2": "https://192.0.2.12:6443", "m3": "https://192.0.2.13:6443"}
    assert found["hosts"]["m1"] == {
        "name": "m1",
        "address": "192.0.2.11",
        "kinds": ["etcd", "master", "node"],
        "zone": "a",
        "region": "",
        "labels": {},
        "taints": ["node-role.kubernetes.io/control-plane:NoSchedule"],
    }
    assert found["hosts"]["w1"]["labels"] == {"disk": "ssd"}
    assert found["hosts"]["w1"]["taints"] == ["gpu:NoSchedule"]


def test_fact_is_plain_data() -> None:
    found = fact()
    assert json.loads(json.dumps(found)) == found


def test_order_of_groups_changes_nothing() -> None:
    assert fact({"workers": ["w2", "w1"], "masters": ["m3", "m2", "m1"]}) == fact()


@pytest.mark.parametrize(
    ("groups", "layout", "kinds"),
    [
        pytest.param({"masters": ["a"], "workers": ["a"]}, "stacked", {"a": ["etcd", "master", "node", "worker"]}, id="single"),
        pytest.param(
            {"masters": ["a"], "workers": ["b"], "etcd": ["a"]},
            "stacked",
            {"a": ["etcd", "master", "node"], "b": ["node", "worker"]},
            id="etcd group is the masters",
        ),
        pytest.param(
            {"masters": ["a"], "workers": ["b"], "etcd": ["c"], "etcd_spares": ["d"]},
            "external",
            {"a": ["master", "node"], "b": ["node", "worker"], "c": ["etcd"], "d": ["etcd_spare"]},
            id="external",
        ),
        pytest.param(
            {"masters": ["a"], "workers": ["b"], "etcd": ["a", "c", "d"]},
            "external",
            {"a": ["etcd", "master", "node"], "b": ["node", "worker"], "c": ["etcd"], "d": ["etcd"]},
            id="on the way from stacked to external",
        ),
    ],
)
def test_layout_and_kinds(groups: dict[str, list[str]], layout: str, kinds: dict[str, list[str]]) -> None:
    found = fact(groups)
    assert found["layout"] == layout
    assert {name: host["kinds"] for name, host in found["hosts"].items()} == kinds
    assert found["in_use"] == sorted(name for name, its in kinds.items() if its != ["etcd_spare"])


@pytest.mark.parametrize(
    ("groups", "taints"),
    [
        pytest.param({"masters": ["a"], "workers": ["b"]}, ["x:NoSchedule", _topology.CONTROL_PLANE_TAINT], id="master only"),
        pytest.param({"masters": ["a"], "workers": ["a"]}, ["x:NoSchedule"], id="worker too"),
    ],
)
def test_masters_that_are_no_workers_are_tainted(groups: dict[str, list[str]], taints: list[str]) -> None:
    assert fact(groups, hosts={"a": {"node_taints": ["x:NoSchedule"]}})["hosts"]["a"]["taints"] == taints


def test_versions_and_binaries() -> None:
    found = fact(cluster_version="v1.36.4", cluster_versions={"runc": "1.1.5", "pause": "3.10"}, cluster_binaries_directory="/srv/bin")
    assert found["versions"] == {**_version.RELEASES["1.36"].packages, "runc": "1.1.5"}
    assert found["binaries"]["kubernetes"] == "/srv/bin/kubernetes/1.36.4"
    assert found["binaries"]["runc"] == "/srv/bin/runc/1.1.5"
    assert not {"pause", "coredns"} & set(found["binaries"])


@pytest.mark.parametrize(
    ("settings", "local", "endpoint"),
    [
        pytest.param({}, "https://127.0.0.1:7443", "https://192.0.2.11:6443", id="default"),
        pytest.param({"cluster_api_port": 443}, "https://127.0.0.1:7443", "https://192.0.2.11:443", id="port"),
        pytest.param(
            {"cluster_api_endpoint": "kube.example.com:443"}, "https://127.0.0.1:7443", "https://kube.example.com:443", id="endpoint"
        ),
        pytest.param(
            {"cluster_api_endpoint": "192.0.2.10:443", "cluster_api_balanced": False},
            "https://192.0.2.10:443",
            "https://192.0.2.10:443",
            id="the user's load balancer for nodes too",
        ),
    ],
)
def test_api_addresses(settings: dict[str, Any], local: str, endpoint: str) -> None:
    api = fact(**settings)["api"]
    assert (api["local"], api["endpoint"]) == (local, endpoint)


def test_certificates_carry_what_people_and_pods_use() -> None:
    api = fact(
        cluster_domain="example.org", cluster_api_endpoint="kube.example.com:443", cluster_api_names=["192.0.2.9", "k8s.example.com"]
    )["api"]
    assert api["names"] == [
        "k8s.example.com",
        "kube.example.com",
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        "kubernetes.default.svc.example.org",
        "localhost",
    ]
    assert api["addresses"] == ["10.96.0.1", "127.0.0.1", "192.0.2.9"]


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        pytest.param({"cluster_name": "a/../b"}, 'cluster_name "a/../b" is no name', id="name"),
        pytest.param({"cluster_domain": "Cluster.local"}, 'cluster_domain "Cluster.local" is no DNS name', id="domain"),
        pytest.param({"cluster_domain": "x\ny"}, 'cluster_domain "x\\ny" is no DNS name', id="newline"),
        pytest.param({"cluster_version": "1.99.0"}, 'cluster_version "1.99.0": Kubernetes 1.99 is not known', id="unknown version"),
        pytest.param({"cluster_version": "1.37"}, "cluster_version \"1.37\": '1.37' is no version", id="no patch version"),
        pytest.param({"cluster_versions": {"ectd": "3.7.3"}}, 'cluster_versions names "ectd"; did you mean etcd?', id="package"),
        pytest.param({"cluster_versions": {"docker": "1"}}, 'cluster_versions names "docker"; known are etcd', id="unknown package"),
        pytest.param({"cluster_versions": {"kubernetes": "1.36.4"}}, "cluster_versions names kubernetes", id="kubernetes among them"),
        pytest.param(
            {"cluster_versions": {"pause": 3.1}}, "cluster_versions says pause is 3.1, which is no text: quote it", id="not quoted"
        ),
        pytest.param(
            {"cluster_versions": {"runc": "../1"}}, 'cluster_versions says runc is "../1", which is no version', id="version as path"
        ),
        pytest.param({"cluster_versions": {"etcd": "3.6"}}, 'cluster_versions says etcd is "3.6"', id="etcd without patch"),
        pytest.param(
            {"cluster_versions": {"etcd": "3.5.1"}}, "cluster_versions says etcd 3.5.1: etcd 3.5.1 can lose data", id="broken etcd"
        ),
        pytest.param({"cluster_versions": {"etcd": "3.5.9"}}, "cluster_versions says etcd 3.5.9: etcd 3.5.9 is too old", id="old etcd"),
        pytest.param({"cluster_pod_network": "10.244.0.1/16"}, 'cluster_pod_network "10.244.0.1/16" is no IPv4 network', id="host bits"),
        pytest.param(
            {"cluster_pod_network": "10.244.0.0/22"}, "cluster_pod_network 10.244.0.0/22 has room for 4 nodes", id="no share left"
        ),
        pytest.param({"cluster_service_network": "172.0.0.0/8"}, "cluster_service_network 172.0.0.0/8 is too large", id="too large"),
        pytest.param({"cluster_service_network": "10.96.0.0/29"}, "cluster_service_network 10.96.0.0/29 is too small", id="too small"),
        pytest.param(
            {"cluster_pod_network": "10.0.0.0/8"}, "cluster_pod_network 10.0.0.0/8 overlaps cluster_service_network", id="overlap"
        ),
        pytest.param(
            {"cluster_pod_network": "192.0.2.12/30", "masters_controller_manager_flags": {"node-cidr-mask-size": 32}},
            "the address lies in cluster_pod_network 192.0.2.12/30",
            id="hosts inside, and shares that are told",
        ),
        pytest.param({"cluster_api_port": 0}, "cluster_api_port 0 is no port", id="port"),
        pytest.param({"cluster_api_local_port": 6443}, "cluster_api_local_port 6443 is cluster_api_port as well", id="same port"),
        pytest.param({"cluster_api_endpoint": "kube"}, 'cluster_api_endpoint "kube" is no HOST:PORT', id="endpoint"),
        pytest.param({"cluster_api_balanced": False}, "cluster_api_balanced is false, but there is no", id="nothing to reach"),
        pytest.param({"cluster_api_names": ["ok", "a b"]}, 'cluster_api_names contains "a b"', id="names"),
    ],
)
def test_problems(settings: dict[str, Any], what: str) -> None:
    found = [problem.what for problem in _topology.problems(inventory(**settings))]
    assert len(found) == 1, found
    assert found[0].startswith(what)


@pytest.mark.parametrize("quota", [(8 << 30) + 1, -1])
def test_etcd_grows_no_larger_than_it_can_bear(quota: int) -> None:
    [problem] = _topology.problems(inventory(hosts={"m1": {"etcd_quota_bytes": quota}}))
    assert problem.hosts == ("m1",)
    assert problem.what.startswith(f"etcd_quota_bytes is {quota}, but must be a number of bytes up to 8589934592")


def test_all_nodes_are_in_one_network_of_pods() -> None:
    [problem] = _topology.problems(inventory(hosts={"w1": {"flannel_store": "etcd"}}))
    assert problem.what.startswith("flannel_store is not the same for all nodes (w1: etcd; ")
    assert _topology.topology(inventory(flannel_store="etcd")).flannel_store == "etcd"
    assert _topology.topology(inventory()).flannel_store == "kubernetes"


def test_flags_of_etcd_are_those_of_its_version() -> None:
    """etcd does not start with one that it does not know."""
    flags = {"m1": {"etcd_flags": {"experimental-initial-corrupt-check": True}}}
    assert list(_topology.problems(inventory(hosts=flags, cluster_version="1.36.4"))) == []
    [problem] = _topology.problems(inventory(hosts=flags))
    assert problem.hosts == ("m1",)
    assert "not known to etcd 3.7" in problem.what
    assert list(_topology.problems(inventory(hosts={"w1": {"etcd_flags": {"nothing": 1}}}))) == [], "no etcd runs there"


def test_a_version_of_etcd_that_is_no_text_is_told_once() -> None:
    [problem] = _topology.problems(inventory(cluster_versions={"etcd": 3.7}, hosts={"m1": {"etcd_flags": {"nothing": 1}}}))
    assert "which is no text: quote it" in problem.what


def test_hosts_inside_a_network_are_named() -> None:
    shares = {"node-cidr-mask-size": 32}
    found = list(_topology.problems(inventory(cluster_pod_network="192.0.2.12/30", masters_controller_manager_flags=shares)))
    assert [problem.hosts for problem in found] == [("m2", "m3", "w1", "w2")]


def test_all_problems_are_found_at_once() -> None:
    asked = inventory({"masters": ["m1", "m2"]}, cluster_version="1.99.0", cluster_domain="-", cluster_api_port=70000)
    assert len(list(_topology.problems(asked))) == 5


def test_what_leaves_keeps_its_address_apart() -> None:
    groups = {"masters": ["m1", "m2", "m3"], "workers": ["w1"], "leaving": ["m3"], "leaving_etcd": ["m2"]}
    found = fact(groups)
    assert (sorted(found["hosts"]), found["etcd"], found["masters"]) == (["m1", "m2", "w1"], ["m1"], ["m1", "m2"])
    assert {name: (host["address"], host["kinds"]) for name, host in found["leaving"].items()} == {
        "m2": (found["hosts"]["m2"]["address"], ["etcd"]),
        "m3": ("192.0.2.13", ["etcd", "master"]),
    }
