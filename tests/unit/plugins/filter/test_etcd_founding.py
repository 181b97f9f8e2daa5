"""What of an observation the founding of etcd is decided on."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.quorate.kubernetes.plugins.filter.etcd_founding import BOOTSTRAP, etcd_founding

LOG = "/var/lib/etcd/member/wal"
TOPOLOGY: dict[str, Any] = {"run": "now", "etcd": ["m1", "m2"], "masters": ["m1", "m2"], "hosts": {"m1": {}, "m2": {}}}
STOPPED, RUNS, FAILS = "inactive", "active", "activating"


def host(active: str, *, cluster: str | None = "a", quorum: bool = False, etcd: bool = True) -> dict[str, Any]:
    observation: dict[str, Any] = {
        "run": "now",
        "probes": {LOG: "filled"},
        "contents": {BOOTSTRAP: "ETCD_INITIAL_CLUSTER_STATE=existing\n"},
        "components": {"etcd": {"unit": {"active": active}}},
        "etcd": {"free": 1, "quorum": quorum, "member": "1" if cluster else None, "cluster": cluster} if etcd else None,
    }
    return {"ansible_facts": {"host_observation": observation}}


@pytest.mark.parametrize(
    ("first", "second", "actions"),
    [
        pytest.param(host(RUNS, quorum=True), host(RUNS, quorum=True), "keep keep", id="well"),
        pytest.param(host(RUNS, quorum=True), host(STOPPED), "keep join", id="stopped beside a quorum"),
        pytest.param(host(RUNS, quorum=True), host(FAILS), "keep join", id="ending again and again beside a quorum"),
        pytest.param(host(RUNS, quorum=False), host(STOPPED), "keep keep", id="stopped, and so the other one has no quorum"),
        pytest.param(host(RUNS), host(STOPPED), "keep keep", id="nobody answers"),
        pytest.param(host(RUNS, quorum=True), host(STOPPED, cluster=None), "keep keep", id="a disk that cannot be read"),
        pytest.param(host(RUNS, etcd=False), host(STOPPED, etcd=False), "keep keep", id="nobody asked for it"),
        pytest.param(host(RUNS, quorum=True), host(RUNS, cluster="b", quorum=True), "refuse refuse", id="two clusters"),
    ],
)
def test_etcd_founding(first: dict[str, Any], second: dict[str, Any], actions: str) -> None:
    found = etcd_founding(TOPOLOGY, {"m1": first, "m2": second}, data=LOG, cluster="", token="t")
    assert " ".join(one["action"] for one in found.values()) == actions
    # All of them have data: whoever joins was a member.
    assert [one["returns"] for one in found.values()] == [action == "join" for action in actions.split()]


@pytest.mark.parametrize(
    ("component", "action"), [("kube-apiserver", "refuse"), ("kubelet", "refuse"), ("containerd", "found"), ("haproxy", "found")]
)
def test_users_of_a_founded_cluster(component: str, action: str) -> None:
    topology = {"run": "now", "etcd": ["e1"], "masters": ["m1"], "hosts": {"e1": {}, "m1": {}}}
    fresh = {"run": "now", "probes": {LOG: "absent"}, "contents": {}, "components": {}, "etcd": None}
    given = {"e1": fresh, "m1": {**fresh, "components": {component: {}}}}
    hostvars = {name: {"ansible_facts": {"host_observation": one}} for name, one in given.items()}
    assert etcd_founding(topology, hostvars, data=LOG, cluster="", token="t")["e1"]["action"] == action
    # With --limit, or where it is silent: nobody knows.
    del hostvars["m1"]["ansible_facts"]
    unseen = etcd_founding(topology, hostvars, data=LOG, cluster="", token="t")["e1"]
    assert unseen["action"] == "refuse"
    assert "m1 could not be looked at" in unseen["reason"]
