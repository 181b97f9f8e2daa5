"""The filters of an upgrade take from the variables of hosts what the decisions need."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.quorate.kubernetes.plugins.filter import (
    batch_size,
    failure_report,
    upgrade_findings,
    upgrade_steps,
    upgrade_summary,
)

TOPOLOGY: dict[str, Any] = {
    "run": "7",
    "hosts": {"m1": {}, "w1": {}},
    "masters": ["m1"],
    "versions": {"kubernetes": "1.37.1", "etcd": "3.7.3"},
}
RESTART = {"step": "change", "plan": ["restart kubelet.service (it runs with other inputs)"]}


def host(name: str, *, version: str = "1.36.4", run: str = "7", **variables: Any) -> dict[str, Any]:
    unit = {"program": f"/opt/quorate/kubernetes/{version}/kubelet", "active": "active"}
    observation = {"run": run, "platform": {"hostname": f"{name}.example.com"}, "components": {"kubelet": {"unit": unit}}}
    return {"ansible_facts": {"host_observation": {**observation, **variables.pop("observed", {})}}, **variables}


def test_findings_of_hosts_that_were_seen_in_this_run() -> None:
    found = upgrade_findings.upgrade_findings(TOPOLOGY, {"m1": host("m1", version="1.37.1"), "w1": host("w1", version="1.33.1")})
    assert [problem for problem in found["refusals"] if "kubelet 1.33.1" in problem]
    old = upgrade_findings.upgrade_findings(TOPOLOGY, {"m1": host("m1", version="1.37.1"), "w1": host("w1", version="1.33.1", run="6")})
    assert old == {"refusals": [], "notes": []}
    assert found["refusals"][-1] == "kubelet 1.33.1 runs, 1.37.1 is wanted (on w1)."


def test_findings_take_what_one_host_asked() -> None:
    cluster = {"servers": {"m1": {"version": "1.36.4", "cause": ""}, "m2": {"version": "", "cause": "no answer"}}}
    hosts = {"m1": host("m1", upgrade_cluster={"skipped": True}), "w1": host("w1", upgrade_cluster=cluster)}
    assert upgrade_findings.upgrade_findings(TOPOLOGY, hosts, minor=True)["refusals"][2:] == [
        "The API server of m2 is not ready: no answer"
    ]


def test_findings_where_kubernetes_and_etcd_stay() -> None:
    """What a host that is left out runs is not judged; health of the run is."""
    nodes = [{"name": "w1", "version": "v1.37.1", "ready": False, "reason": "NetworkNotReady"}]
    cluster = {"servers": {}, "nodes": [*nodes, {"name": "m1", "version": "v1.37.1", "ready": True}, {"name": "w9", "version": "v1.30.0"}]}
    hosts = {"m1": host("m1", version="1.37.1", upgrade_cluster=cluster), "w1": host("w1", version="1.37.1")}
    assert [line.partition(":")[0] for line in upgrade_findings.upgrade_findings(TOPOLOGY, hosts)["refusals"][2:]] == [
        "The node w1 is not ready"
    ]


@pytest.mark.parametrize("asked", ["upgrade_cluster", "masters_cluster"])
def test_steps_know_hosts_by_the_name_that_leads(asked: str) -> None:
    masters = {"step": "change", "plan": ["restart kube-scheduler.service (x)", "restart kube-controller-manager.service (x)"]}
    answer: dict[str, Any] = {asked: {"leaders": {"kube-scheduler": "m1.example.com"}}}
    hosts = {
        "m1": host("m1", masters_plan=masters, **answer),
        "w1": host("w1", workers_plan=RESTART),
    }
    found = upgrade_steps.upgrade_steps(TOPOLOGY, hosts)
    assert [(step["host"], step["restarts"]) for step in found] == [
        ("m1", ["kube-controller-manager"]),
        ("m1", ["kube-scheduler"]),
        ("w1", ["kubelet"]),
    ]
    assert found[2]["text"].startswith("3. w1: restart kubelet; before, its pods have moved")


@pytest.mark.parametrize(
    ("masters", "workers", "batches", "emptied"),
    [
        pytest.param({}, {}, [0, 1, 2, 3], ["m1", "w1", "w2", "w3"], id="defaults"),
        pytest.param({}, {"upgrade_batch": "100%"}, [0, 1, 2, 2], ["m1", "w1", "w2", "w3"], id="batch of the group of workers"),
        pytest.param({"upgrade_batch": 1}, {"workers_batch": 2}, [0, 1, 2, 2], ["m1", "w1", "w2", "w3"], id="masters have another"),
        pytest.param({}, {"upgrade_drain": False}, [0, 1, 2, 3], ["m1"], id="workers are not emptied"),
        pytest.param({"upgrade_drain": "no"}, {}, [0, 1, 2, 3], ["w1", "w2", "w3"], id="masters are not, as the command line says it"),
    ],
)
def test_steps_of_nodes_are_as_each_of_them_says(
    masters: dict[str, Any], workers: dict[str, Any], batches: list[int], emptied: list[str]
) -> None:
    hosts = {"m1": host("m1", workers_plan=RESTART, **masters)} | {
        name: host(name, workers_plan=RESTART, **workers) for name in ("w1", "w2", "w3")
    }
    found = upgrade_steps.upgrade_steps({**TOPOLOGY, "hosts": {name: {} for name in hosts}}, hosts)
    assert [step["batch"] for step in found] == batches
    assert [step["host"] for step in found if "pods have moved" in step["waits"]] == emptied


def test_summary() -> None:
    hosts = {"m1": host("m1"), "w1": host("w1", observed={"restarts": {"kubelet": {"at": 5.0, "seconds": 1.5}}})}
    found = upgrade_summary.upgrade_summary(TOPOLOGY, hosts)
    assert found["restarts"] == [{"host": "w1", "component": "kubelet", "at": 5.0, "seconds": 1.5}]
    assert found["lines"] == ["kubelet: restarted on w1; away for 1.5 s at most (w1), 1 at a time"]


@pytest.mark.parametrize(
    ("hosts", "size"),
    [
        pytest.param({"w1": {}, "w2": {}}, 1, id="default"),
        pytest.param({"w1": {"workers_batch": 2}, "w2": {}}, 2, id="as for site"),
        pytest.param({"w1": {"workers_batch": 2}, "w2": {"upgrade_batch": "25%"}}, "25%", id="of its own"),
        pytest.param({"w2": {"upgrade_batch": 2}, "w1": {"upgrade_batch": 3}}, 3, id="the first by name"),
    ],
)
def test_batch_size(hosts: dict[str, Any], size: Any) -> None:
    assert batch_size.batch_size(list(hosts), hosts) == size


def test_failure_report_names_the_version_to_go_on_with() -> None:
    hosts = {"m1": {"cluster_topology": TOPOLOGY, "ansible_failed_result": {"msg": "no room"}}}
    text = failure_report.failure_report(["m1"], hosts)
    assert "m1: no room" in text
    assert "restarted" not in text
    assert text.endswith("-e cluster_version=1.37.1")


def test_failure_report_tells_what_was_restarted_before() -> None:
    failed: dict[str, Any] = {"cluster_topology": TOPOLOGY, "ansible_failed_result": {"msg": "no room"}}
    hosts = {"m1": host("m1", observed={"restarts": {"kubelet": {"at": 5.0, "seconds": 1.5}}}), "w1": host("w1", **failed)}
    assert "\n  kubelet: restarted on m1; away for 1.5 s at most (m1), 1 at a time\n" in failure_report.failure_report(["w1"], hosts)
