"""In which order a run changes hosts, and what came of it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.utils.helpers import pct_to_int

from ansible_collections.quorate.kubernetes.plugins.module_utils import _upgrade_plan
from ansible_collections.quorate.kubernetes.plugins.module_utils._upgrade_plan import Order, Plans, Restart

CONTROLLERS = ("kube-controller-manager", "kube-scheduler")


def changed(*units: str) -> dict[str, Any]:
    sentences = [
        sentence for unit in units for sentence in (f"write /etc/{unit} (content)", f"restart {unit}.service (it runs with other inputs)")
    ]
    return {"step": "change", "plan": sentences}


def master() -> Plans:
    return Plans({"etcd": changed("etcd"), "masters": changed("kube-apiserver", *CONTROLLERS), "workers": changed("kubelet", "kube-proxy")})


def worker() -> Plans:
    return Plans({"etcd": {"step": "keep", "plan": []}, "workers": changed("kubelet", "kube-proxy")})


MASTERS = ("m1", "m2", "m3")
CLUSTER = {name: master() for name in MASTERS} | {name: worker() for name in ("w1", "w2", "w3", "w4")}


def told(plans: dict[str, Plans], order: Order) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(step.stage, step.host, step.restarts) for step in _upgrade_plan.steps(plans, order)]


def test_leaders_come_last() -> None:
    order = Order(masters=MASTERS, leader="m1", leaders={"kube-controller-manager": "m1", "kube-scheduler": "m2"})
    found = told({name: CLUSTER[name] for name in MASTERS}, order)
    assert [host for stage, host, _units in found if stage == "etcd"] == ["m2", "m3", "m1"]
    assert [host for stage, host, _units in found if stage == "api-servers"] == ["m1", "m2", "m3"]
    assert [(host, units) for stage, host, units in found if stage == "controllers"] == [
        ("m1", ("kube-scheduler",)),
        ("m2", ("kube-controller-manager",)),
        ("m3", CONTROLLERS),
        ("m1", ("kube-controller-manager",)),
        ("m2", ("kube-scheduler",)),
    ]


def test_what_does_not_run_comes_first() -> None:
    order = Order(masters=MASTERS, leader="m1", down={("m3", "kube-apiserver"), ("m2", "etcd"), ("m1", "kubelet")})
    found = told(CLUSTER, order)
    assert [host for stage, host, _units in found if stage == "etcd"] == ["m2", "m3", "m1"]
    assert [host for stage, host, _units in found if stage == "api-servers"] == ["m3", "m1", "m2"]


def test_order_of_the_stages() -> None:
    found = told(CLUSTER, Order(masters=MASTERS))
    assert list(dict.fromkeys(stage for stage, _host, _units in found)) == ["etcd", "api-servers", "controllers", "nodes"]
    assert [host for stage, host, _units in found if stage == "nodes"] == ["m1", "m2", "m3", "w1", "w2", "w3", "w4"]


@pytest.mark.parametrize(
    ("plans", "found"),
    [
        pytest.param({"w1": Plans({})}, [], id="nothing to do"),
        pytest.param({"w1": Plans({"workers": {"step": "build", "plan": ["start kubelet.service (it is inactive)"]}})}, [], id="built"),
        pytest.param(
            {"m1": Plans({"masters": changed("kube-scheduler")})}, [("controllers", "m1", ("kube-scheduler",))], id="scheduler only"
        ),
        pytest.param(
            {"w1": Plans({"workers": changed("containerd", "kubelet")})},
            [("nodes", "w1", ("containerd", "kubelet"))],
            id="runtime before kubelet",
        ),
    ],
)
def test_only_what_is_disturbed_is_a_step(plans: dict[str, Plans], found: list[Any]) -> None:
    assert told(plans, Order(masters=["m1"])) == found


@pytest.mark.parametrize(
    ("hosts", "size", "batches"),
    [
        pytest.param([], "1", [], id="none"),
        pytest.param(["a"], "5", [["a"]], id="one"),
        pytest.param(["a", "b", "c"], "1", [["a"], ["b"], ["c"]], id="one at a time"),
        pytest.param(["a", "b", "c", "d"], "2", [["a"], ["b", "c"], ["d"]], id="a number"),
        pytest.param(["a", "b", "c", "d"], "50%", [["a"], ["b", "c"], ["d"]], id="a percentage of all"),
        pytest.param(["a", "b", "c"], "10%", [["a"], ["b"], ["c"]], id="a percentage below one"),
    ],
)
def test_batches(hosts: list[str], size: str, batches: list[list[str]]) -> None:
    assert _upgrade_plan.batches(hosts, size) == batches


def test_a_percentage_is_rounded_as_ansible_does() -> None:
    hosts = [str(number) for number in range(200)]
    different = [
        (count, share)
        for count in range(1, len(hosts) + 1)
        for share in range(1, 101)
        for found in [_upgrade_plan.batches(hosts[:count], f"{share}%")]
        if len(found) > 1 and len(found[1]) != min(pct_to_int(f"{share}%", count), count - 1)
    ]
    assert different == []


def test_steps_of_a_batch_share_its_number_and_say_what_they_wait_for() -> None:
    found = [step for step in _upgrade_plan.steps(CLUSTER, Order(masters=MASTERS, batch="2", undrained=["w2"])) if step.stage == "nodes"]
    assert [step.batch for step in found] == [0, 1, 2, 3, 4, 4, 5]
    assert [step.host for step in found if "pods have moved" not in str(step)] == ["w2"]
    assert found[0].as_data()["restarts"] == ["kubelet", "kube-proxy"]


@pytest.mark.parametrize(
    ("spans", "most"),
    [
        pytest.param([], 0, id="none"),
        pytest.param([(0, 5), (5, 5), (10, 5)], 1, id="one after another"),
        pytest.param([(0, 5), (4, 5), (20, 1)], 2, id="together"),
        pytest.param([(0, 10), (1, 1), (3, 1)], 2, id="one long"),
    ],
)
def test_most_at_once(spans: list[tuple[float, float]], most: int) -> None:
    assert _upgrade_plan.most_at_once(Restart("m1", "etcd", at, seconds) for at, seconds in spans) == most


@pytest.mark.parametrize(
    ("skews", "most"),
    [
        pytest.param({}, 2, id="none was seen"),
        pytest.param({"m1": 3.0, "m2": -4.0}, 1, id="one after another, by clocks that differ"),
        pytest.param({"m1": 0.5, "m2": 0.5}, 2, id="together, by clocks that are off alike"),
    ],
)
def test_restarts_are_compared_by_one_clock(skews: dict[str, float], most: int) -> None:
    at = {"m1": 100.0, "m2": 98.0}
    found = _upgrade_plan.restarts(
        {
            host: {"restarts": {"etcd": {"at": moment, "seconds": 4.0}}, **({"clock_skew": skews[host]} if skews else {})}
            for host, moment in at.items()
        }
    )
    assert _upgrade_plan.most_at_once(found) == most


def test_summary_of_what_the_hosts_noted() -> None:
    observations = {
        "m1": {"restarts": {"etcd": {"at": 20.0, "seconds": 1.0}, "kubelet": {"at": 50.0, "seconds": 2.0}}},
        "m2": {"restarts": {"etcd": {"at": 10.0, "seconds": 3.5}}},
        "w1": {},
    }
    found = _upgrade_plan.restarts(observations)
    assert [(restart.host, restart.component) for restart in found] == [("m2", "etcd"), ("m1", "etcd"), ("m1", "kubelet")]
    assert _upgrade_plan.summary(found) == [
        "etcd: restarted on m2, m1; away for 3.5 s at most (m2), 1 at a time",
        "kubelet: restarted on m1; away for 2.0 s at most (m1), 1 at a time",
    ]
