"""etcd_access and flannel_network on real members."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .harness import NEWER, OLDER, Cluster

ACCESS: dict[str, Any] = {
    "roles": [{"name": "flannel", "permissions": [{"prefix": "/coreos.com/network/"}]}],
    "users": [
        {"name": "root", "roles": ["root"]},
        {"name": "kube-apiserver", "roles": ["root"]},
        {"name": "flannel", "roles": ["flannel"]},
    ],
    "enabled": True,
}
CONFIG: dict[str, Any] = {"Network": "10.244.0.0/16", "Backend": {"Type": "vxlan"}}


@pytest.mark.parametrize("version", [OLDER, NEWER])
def test_flannel_is_limited_to_its_prefix(cluster: Cluster, version: str) -> None:
    cluster.found("m1", version=version)
    cluster.etcdctl("put", "/registry/secrets/x", "hidden")
    predicted = cluster.module("etcd_access", check=True, **ACCESS)
    assert predicted["changed"]
    assert "hidden" in cluster.etcdctl("get", "/registry/secrets/x", certificate="flannel"), "check mode changed something"
    applied = cluster.module("etcd_access", **ACCESS)
    assert applied["plan"] == predicted["plan"]
    assert not cluster.module("etcd_access", **ACCESS)["changed"]

    assert "permission denied" in cluster.etcdctl("get", "/registry/secrets/x", certificate="flannel", check=False)
    assert "permission denied" in cluster.etcdctl("get", "", "--prefix", certificate="flannel", check=False)
    assert "OK" in cluster.etcdctl("put", "/coreos.com/network/subnets/10.244.1.0-24", "x", certificate="flannel")
    assert "hidden" in cluster.etcdctl("get", "/registry/secrets/x", certificate="kube-apiserver")

    # All that the guard needs works with access control on.
    info = cluster.module("etcd_info")
    assert info["members"][0]["healthy"]
    assert cluster.module("etcd_quorum", action="restart", name="m1", downtime=1)["allowed"]
    assert cluster.module("etcd_access", enabled=False)["changed"]
    assert "hidden" in cluster.etcdctl("get", "/registry/secrets/x", certificate="flannel")


def test_it_does_not_lock_itself_out(cluster: Cluster) -> None:
    cluster.found("m1")
    operator = str(cluster.authority.folder / "flannel")
    failed = cluster.module("etcd_access", certificate=f"{operator}.crt", key=f"{operator}.key", **ACCESS)
    assert "makes it the user flannel" in failed["msg"]
    assert json.loads(cluster.etcdctl("auth", "status", "-w", "json")).get("enabled", False) is False


def test_flannel_network(cluster: Cluster) -> None:
    cluster.found("m1")
    assert cluster.module("flannel_network", check=True, config=CONFIG)["changed"]
    assert cluster.etcdctl("get", "", "--prefix") == ""
    assert cluster.module("flannel_network", config=CONFIG)["changed"]
    stored = cluster.etcdctl("get", "/coreos.com/network/config", "--print-value-only")
    assert json.loads(stored) == CONFIG
    assert not cluster.module("flannel_network", config=CONFIG)["changed"]

    other: dict[str, Any] = {**CONFIG, "Backend": {"Type": "host-gw"}}
    refused = cluster.module("flannel_network", config=other)
    assert 'Backend.Type from "vxlan" to "host-gw"' in refused["msg"]
    assert cluster.module("flannel_network", config={**CONFIG, "Backend": {"Type": "vxlan", "MTU": 1400}})["changed"]
    assert cluster.module("flannel_network", config=other, force=True)["changed"]
    assert json.loads(cluster.etcdctl("get", "/coreos.com/network/config", "--print-value-only")) == other
