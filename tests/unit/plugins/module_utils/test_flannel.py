"""What of flannel's network can change while pods run."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils import _flannel

STORED = {"Network": "10.244.0.0/16", "Backend": {"Type": "vxlan", "VNI": 1}}


@pytest.mark.parametrize(
    ("wanted", "changes"),
    [
        pytest.param(STORED, [], id="same"),
        pytest.param({**STORED, "Backend": {"Type": "vxlan", "VNI": 1, "DirectRouting": True}}, [], id="option of the backend"),
        pytest.param({**STORED, "Network": "10.0.0.0/16"}, ['Network from "10.244.0.0/16" to "10.0.0.0/16"'], id="network"),
        pytest.param({**STORED, "Backend": {"Type": "host-gw"}}, ['Backend.Type from "vxlan" to "host-gw"'], id="backend"),
        pytest.param({**STORED, "EnableIPv6": True}, ["EnableIPv6 from false to true"], id="dual stack"),
        pytest.param({**STORED, "EnableIPv4": True, "EnableIPv6": False}, [], id="what flannel takes by itself"),
        pytest.param({**STORED, "EnableNFTables": True}, [], id="of each node by itself"),
        pytest.param({**STORED, "SubnetLen": 24}, [], id="the length that flannel takes by itself"),
        pytest.param({**STORED, "SubnetLen": 26}, ["SubnetLen from 24 to 26"], id="length"),
        pytest.param({**STORED, "IPv6SubnetLen": 80}, ["IPv6SubnetLen from null to 80"], id="length of IPv6"),
        pytest.param({**STORED, "SubnetMin": "10.244.1.0", "SubnetMax": "10.244.255.0"}, [], id="the bounds that flannel takes by itself"),
        pytest.param({**STORED, "SubnetMin": "10.244.16.0"}, ['SubnetMin from null to "10.244.16.0"'], id="beginning of the range"),
        pytest.param({**STORED, "SubnetMax": "10.244.16.0"}, ['SubnetMax from null to "10.244.16.0"'], id="end of the range"),
        pytest.param({**STORED, "SubnetLen": 99}, ["SubnetLen from 24 to 99"], id="a length that cannot be"),
        pytest.param({"Network": "10.244.0.0/16"}, ['Backend.Type from "vxlan" to null'], id="no backend"),
    ],
)
def test_differences(wanted: dict[str, Any], changes: list[str]) -> None:
    assert _flannel.differences(wanted, STORED) == changes


@pytest.mark.parametrize(
    ("bounds", "changes"),
    [
        pytest.param({}, [], id="no bounds any more"),
        pytest.param({"SubnetMin": "10.244.8.0", "SubnetMax": "10.244.64.0"}, [], id="wider"),
        pytest.param({"SubnetMin": "10.244.16.0", "SubnetMax": "10.244.31.0"}, ['SubnetMax from "10.244.32.0" to "10.244.31.0"'], id="end"),
        pytest.param({"SubnetMin": "10.244.17.0"}, ['SubnetMin from "10.244.16.0" to "10.244.17.0"'], id="beginning"),
    ],
)
def test_a_range_may_only_become_wider(bounds: dict[str, Any], changes: list[str]) -> None:
    assert _flannel.differences({**STORED, **bounds}, {**STORED, "SubnetMin": "10.244.16.0", "SubnetMax": "10.244.32.0"}) == changes


@pytest.mark.parametrize(
    ("wanted", "changes"),
    [
        pytest.param({**STORED, "SubnetLen": 26, "SubnetMin": "10.244.16.0", "IPv6SubnetLen": 80}, [], id="of no effect"),
        pytest.param({**STORED, "Backend": {"Type": "host-gw"}}, ['Backend.Type from "vxlan" to "host-gw"'], id="backend"),
    ],
)
def test_where_kubernetes_gives_subnets_only_the_network_counts(wanted: dict[str, Any], changes: list[str]) -> None:
    assert _flannel.differences(wanted, STORED, leases=False) == changes


def problems(backend: Any = None, *, leases: bool = True, pods: str = "10.244.0.0/16", **further: Any) -> list[str]:
    found = list(_flannel.problems(backend={"Type": "vxlan"} if backend is None else backend, further=further, pods=pods, leases=leases))
    assert all(what and remedy for what, remedy in found)
    return [what for what, _remedy in found]


@pytest.mark.parametrize(
    ("settings", "leases"),
    [
        pytest.param({}, True, id="default"),
        pytest.param({"backend": {"Type": "host-gw"}}, True, id="backend"),
        pytest.param({"backend": {}, "Backend": {"Type": "wireguard"}}, True, id="backend in the other variable"),
        pytest.param({"backend": {"Type": "my-vpc"}}, True, id="a backend of later versions"),
        pytest.param({"EnableNFTables": True, "SubnetMin": None, "Etag": "x"}, True, id="further keys, a null, and one of later versions"),
        pytest.param({"SubnetLen": 26, "SubnetMin": "10.244.0.64", "SubnetMax": "10.244.255.192"}, True, id="subnets"),
        pytest.param({"Network": "10.244.0.0/16"}, True, id="the same network"),
        pytest.param({"SubnetLen": 31}, False, id="Kubernetes gives subnets"),
        pytest.param({"pods": "no network"}, True, id="a network that is told of elsewhere"),
    ],
)
def test_what_flannel_can_run_with(settings: dict[str, Any], leases: bool) -> None:
    assert problems(**settings, leases=leases) == []


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        pytest.param({"backend": {"VNI": 1}}, "with flannel_backend, the Type of flannel's Backend is null", id="no type"),
        pytest.param({"backend": {"Type": ""}}, 'with flannel_backend, the Type of flannel\'s Backend is ""', id="empty type"),
        pytest.param(
            {"backend": {"Type": ["vxlan"]}}, 'with flannel_backend, the Type of flannel\'s Backend is ["vxlan"]', id="type as list"
        ),
        pytest.param({"Backend": None}, "with flannel_network, the Type of flannel's Backend is null", id="backend taken away"),
        pytest.param({"Backend": {"Type": None}}, "with flannel_network, the Type of flannel's Backend is null", id="type taken away"),
        pytest.param({"backend": {"Type": "hostgw"}}, '"hostgw" in flannel_backend is no backend of flannel', id="misspelt type"),
        pytest.param({"Network": "10.0.0.0/8"}, 'Network in flannel_network is "10.0.0.0/8", but all else', id="another network"),
        pytest.param({"Network": None}, "Network in flannel_network is null, but all else", id="network taken away"),
        pytest.param({"SubnetLen": "24"}, 'SubnetLen in flannel_network is "24", but a whole number is needed', id="number as text"),
        pytest.param({"SubnetLen": True}, "SubnetLen in flannel_network is true, but a whole number", id="truth as number"),
        pytest.param({"EnableNFTables": "yes"}, 'EnableNFTables in flannel_network is "yes", but true or false', id="text as truth"),
        pytest.param({"SubnetMin": "10.244.1"}, 'SubnetMin in flannel_network is "10.244.1", but an IPv4 address', id="address"),
        pytest.param({"subnetLen": 26}, '"subnetLen" in flannel_network is no key that flannel knows', id="misspelt key"),
        pytest.param(
            {"SubnetLen": 17}, "the subnets of nodes would be /17, but in cluster_pod_network 10.244.0.0/16", id="too few subnets"
        ),
        pytest.param({"SubnetLen": 31}, "the subnets of nodes would be /31", id="subnets too small"),
        pytest.param({"pods": "10.244.0.0/29"}, "the subnets of nodes would be /31", id="network too small"),
        pytest.param({"SubnetMin": "10.244.1.7"}, "SubnetMin 10.244.1.7 in flannel_network is not the beginning", id="inside a subnet"),
        pytest.param({"SubnetMax": "10.245.1.0"}, "SubnetMax 10.245.1.0 in flannel_network is not the beginning", id="outside the network"),
    ],
)
def test_what_flannel_cannot_run_with(settings: dict[str, Any], what: str) -> None:
    found = problems(**settings)
    assert len(found) == 1, found
    assert found[0].startswith(what)


@pytest.mark.parametrize(
    ("flags", "what"),
    [
        pytest.param({}, "", id="default"),
        pytest.param({"v": 4, "etcd-endpoints": ["https://192.0.2.1:2379"]}, "", id="others"),
        pytest.param({"etcd-keyfile": "/srv/key"}, "", id="another key"),
        pytest.param({"etcd-certfile": None}, "takes etcd-certfile away: flannel would ask etcd without TLS", id="certificate"),
        pytest.param({"etcd-keyfile": None}, "takes etcd-keyfile away: flannel would ask etcd without TLS", id="key"),
        pytest.param({"etcd-keyfile": ""}, "takes etcd-keyfile away: flannel would ask etcd without TLS", id="empty key"),
        pytest.param({"etcd-cafile": None}, "takes etcd-cafile away: flannel would ask etcd without TLS", id="authority"),
        pytest.param(
            {"etcd-keyfile": None, "etcd-certfile": None}, "takes etcd-certfile and etcd-keyfile away", id="all but the authority"
        ),
        pytest.param(dict.fromkeys(_flannel.TLS_FLAGS), "", id="no TLS at all is meant"),
    ],
)
def test_flags_that_take_the_tls_of_etcd_away(flags: dict[str, Any], what: str) -> None:
    found = list(_flannel.flag_problems(flags))
    assert [what in problem for problem, _remedy in found] == ([True] if what else [])
    assert all(remedy.endswith("out of flannel_flags") for _problem, remedy in found)


def test_refuse_says_what_and_what_to_do() -> None:
    _flannel.refuse([], "/k")
    with pytest.raises(_flannel.FlannelError, match=r"/k would change Network from 1 to 2.*down time.*force"):
        _flannel.refuse(["Network from 1 to 2"], "/k")


def test_parse() -> None:
    assert _flannel.parse(None) is None
    assert _flannel.parse(b'{"Network": "10.244.0.0/16"}') == {"Network": "10.244.0.0/16"}
    assert _flannel.parse(b"[", damaged_too=True) is None
    for damaged in (b"", b"[]", b"{"):
        with pytest.raises(_flannel.FlannelError, match="no JSON object"):
            _flannel.parse(damaged)


def test_printed_is_stable() -> None:
    assert _flannel.printed({"b": 1, "a": {"c": True}}) == '{"a":{"c":true},"b":1}'
