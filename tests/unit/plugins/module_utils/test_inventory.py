"""What is wrong with the groups, names and addresses of an inventory."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils._inventory import Inventory, inventory_problems

DEFAULTS = {"cluster_name": "kubernetes", "cluster_allow_even_etcd": False}


def inventory(groups: dict[str, str], *, connections: dict[str, str] | None = None, **variables: dict[str, Any]) -> Inventory:
    """An inventory of groups with space-separated hosts; each host has an address of its own unless `connections` says otherwise."""
    split = {name: hosts.split() for name, hosts in groups.items()}
    names = sorted({host for hosts in split.values() for host in hosts})
    addresses = {name: f"192.0.2.{number}" for number, name in enumerate(names, start=1)}
    return Inventory(groups=split, variables=variables, connections={**addresses, **(connections or {})}, defaults=DEFAULTS)


def whats(problem: Inventory) -> list[str]:
    return [f"{found.place or '+'.join(found.hosts)}: {found.what}" for found in inventory_problems(problem)]


@pytest.mark.parametrize(
    "groups",
    [
        pytest.param({"masters": "a", "workers": "a"}, id="one host"),
        pytest.param({"masters": "a b c", "workers": "d"}, id="stacked"),
        pytest.param({"masters": "a b", "workers": "c", "etcd": "d e f"}, id="external, two masters"),
        pytest.param({"masters": "a b c", "workers": "d", "etcd": "", "etcd_spares": "e"}, id="empty etcd, a spare"),
        pytest.param({"masters": "a", "workers": "b", "worker": "b", "worker2": "b"}, id="misspelt, but below the right one"),
        pytest.param({"masters": "a", "workers": "b", "nodes": "b", "kube_node": ""}, id="another tool's group, below ours or empty"),
        pytest.param({"masters": "a", "workers": "b", "workers_gpu": "c", "web": "d"}, id="groups of others"),
        pytest.param({"masters": "a.x b.x c.x", "workers": "a.y"}, id="same first label"),
        pytest.param({"masters": "a b c", "workers": "d", "leaving": "c"}, id="two stay while one leaves"),
        pytest.param(
            {"masters": "a b c", "workers": "d", "etcd": "a b c d e f", "leaving_etcd": "a b c"}, id="on the way to external etcd"
        ),
    ],
)
def test_inventory_without_problems(groups: dict[str, str]) -> None:
    assert whats(inventory(groups)) == []


@pytest.mark.parametrize(
    ("groups", "found"),
    [
        pytest.param({}, ["group masters: there is no host in it"], id="nothing at all"),
        pytest.param({"masters": "", "workers": "b"}, ["group masters: there is no host in it"], id="no masters"),
        pytest.param({"masters": "a"}, ["group workers: there is no host in it"], id="no workers"),
        pytest.param(
            {"masters": "a", "workers": "b", "leaving": "a"},
            ["group masters: no host of it would stay", "group etcd: no member of it would stay"],
            id="the last master",
        ),
        pytest.param(
            {"masters": "a", "workers": "b", "etcd": "c", "leaving_etcd": "c"},
            ["group etcd: no member of it would stay"],
            id="the last member, and no other group",
        ),
        pytest.param({"masters": "a b", "workers": "c"}, [r"group masters: 2 etcd members \(the masters"], id="two masters, stacked"),
        pytest.param(
            {"masters": "a", "workers": "c", "etcd": "d e f g"},
            [r"group etcd: 4 etcd members: an even number survives the loss of 1, no more than 3 would"],
            id="four etcd",
        ),
        pytest.param(
            {"master": "a b c", "workers": "c"},
            ["group masters: there is no host in it", "group master: no group of quorate.kubernetes, and a, b, c not in masters"],
            id="master",
        ),
        pytest.param({"masters": "a b c", "workers": "d", "etcds": "a"}, ["group etcds: .* a not in etcd"], id="etcds"),
        pytest.param(
            {"masters": "a", "workers": "b", "kube_node": "c"}, ["group kube_node: .* c not in workers"], id="another tool's name"
        ),
        pytest.param(
            {"masters": "a", "workers": "b", "etcd": "c", "etcd_spares": "c"}, ["c: in the groups etcd and etcd_spares"], id="spare"
        ),
        pytest.param({"masters": "a A c", "workers": "c"}, ["A: the name", "A\\+a: .* differ only in"], id="same but for case"),
        pytest.param({"masters": "a;b", "workers": "../c"}, [r'\.\./c: the name "\.\./c"', 'a;b: the name "a;b"'], id="not RFC 1123"),
    ],
)
def test_groups_and_names(groups: dict[str, str], found: list[str]) -> None:
    problems = whats(inventory(groups))
    assert len(problems) == len(found), problems
    assert [expected for expected, problem in zip(found, problems) if not re.match(expected, problem)] == []


def test_even_number_can_be_accepted() -> None:
    accepted = {"cluster_allow_even_etcd": True}
    assert whats(inventory({"masters": "a b", "workers": "a"}, a=accepted, b=accepted)) == []


@pytest.mark.parametrize(
    ("member", "other", "spare", "found"),
    [
        pytest.param({}, {}, {}, "", id="defaults"),
        pytest.param({"etcd_quota_bytes": 1}, {"etcd_quota_bytes": 1}, {"etcd_quota_bytes": 1}, "", id="the same"),
        pytest.param(
            {"etcd_quota_bytes": 1}, {"etcd_quota_bytes": 1}, {}, "1 on the members of etcd, but not set here", id="group of members only"
        ),
        pytest.param({"etcd_flags": {"a": 1}}, {"etcd_flags": {"a": 1}}, {"etcd_flags": {}}, '{"a": 1} on the members', id="another"),
        pytest.param({"etcd_quota_bytes": 1}, {"etcd_quota_bytes": 2}, {}, "", id="members differ themselves"),
        pytest.param({}, {}, {"node_zone": "a"}, "", id="what is not of etcd"),
    ],
)
def test_a_spare_is_what_members_are(member: dict[str, Any], other: dict[str, Any], spare: dict[str, Any], found: str) -> None:
    groups = {"masters": "a", "workers": "a", "etcd": "b c d", "etcd_spares": "e"}
    problems = whats(inventory(groups, b=member, c=other, d=member, e=spare))
    assert len(problems) == bool(found), problems
    assert not found or (problems[0].startswith("e: ") and found in problems[0])


@pytest.mark.parametrize(
    ("connection", "node_address", "found"),
    [
        pytest.param("192.0.2.9", None, "", id="connection is the address"),
        pytest.param("a.example.com", "192.0.2.9", "", id="both"),
        pytest.param("a.example.com", None, 'a: node_address is not set, and ansible_host "a.example.com" is no IPv4 address', id="name"),
        pytest.param("", None, 'a: node_address is not set, and the name "a" is no IPv4 address', id="neither"),
        pytest.param("192.0.2.9", "x", 'a: node_address "x" is no IPv4 address', id="node_address is no address"),
        pytest.param("127.0.0.1", None, 'a: node_address is not set, and ansible_host "127.0.0.1" cannot be reached', id="loopback"),
        pytest.param("192.0.2.2", None, "a+b: a, b have the same address 192.0.2.2", id="twice"),
        pytest.param("192.0.2.9", "192.0.2.2", "a+b: a, b have the same address 192.0.2.2", id="twice, one by node_address"),
    ],
)
def test_addresses(connection: str, node_address: str | None, found: str) -> None:
    problems = whats(inventory({"masters": "a", "workers": "b"}, connections={"a": connection}, a={"node_address": node_address}))
    assert len(problems) == bool(found), problems
    assert not found or problems[0].startswith(found)


def test_what_differs_between_hosts_names_them_and_the_default() -> None:
    problems = whats(inventory({"masters": "a", "workers": "b c"}, a={"cluster_name": "prod"}, b={"cluster_name": "prod"}))
    assert problems == ['all hosts: cluster_name must be the same everywhere, but is "prod" on a, b; "kubernetes" (the default) on c']


@pytest.mark.parametrize(
    ("variables", "found"),
    [
        pytest.param({"node_zone": "a", "node_labels": {"disk": "ssd"}, "node_taints": ["gpu:NoSchedule"]}, "", id="fine"),
        pytest.param({"node_labels": {"node.kubernetes.io/rack": "7", "topology.kubernetes.io/zone": "a"}}, "", id="allowed to kubelets"),
        pytest.param({"node_zone": "a b"}, 'node_zone "a b" is no value', id="zone"),
        pytest.param({"node_region": "-"}, 'node_region "-" is no value', id="region"),
        pytest.param({"node_labels": {"a b": "c"}}, 'the key "a b" in node_labels is no key', id="key"),
        pytest.param({"node_labels": {"a": "c d"}}, 'the value "c d" of "a" in node_labels is no value', id="value"),
        pytest.param({"node_labels": {"a": True}}, 'the value true of "a" in node_labels is no text: quote it', id="not quoted"),
        pytest.param({"node_labels": {"node-role.kubernetes.io/worker": ""}}, "the key .* belongs to Kubernetes", id="reserved"),
        pytest.param({"node_taints": ["gpu"]}, '"gpu" in node_taints is no taint', id="taint"),
    ],
)
def test_placement(variables: dict[str, Any], found: str) -> None:
    problems = whats(inventory({"masters": "a", "workers": "a"}, a=variables))
    assert len(problems) == bool(found), problems
    assert not found or re.match(f"a: {found}", problems[0])


def test_what_leaves_is_no_part_of_the_cluster_any_more() -> None:
    found = inventory({"masters": "a b c", "workers": "a d", "etcd": "a b c e", "leaving": "a d", "leaving_etcd": "b"})
    assert (found.masters, found.workers, found.etcd, found.hosts) == (["b", "c"], [], ["c", "e"], ["b", "c", "e"])
    assert found.leaving == {"a": ("etcd", "master", "worker"), "b": ("etcd",), "d": ("worker",)}
