"""The module node against a real API server with the controllers of disruption budgets, seen by kubectl."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from . import harness

ROLE = "node-role.kubernetes.io/control-plane"


@pytest.fixture
def place(cluster: harness.Cluster) -> str:
    """A namespace of its own. It goes with the cluster."""
    name = f"drain-{uuid.uuid4().hex[:8]}"
    cluster.kubectl("create", "namespace", name)
    return name


def pod(name: str, *, place: str, node: str, **spec: Any) -> dict[str, Any]:
    containers = [{"name": "web", "image": "example.com/web:1"}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": place},
        "spec": {"nodeName": node, "containers": containers, **spec},
    }


def workload(place: str, *, kind: str = "Deployment") -> dict[str, Any]:
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "web", "image": "example.com/web:1"}]}}
    spec: dict[str, Any] = {"selector": {"matchLabels": labels}, "template": template}
    if kind == "Deployment":
        spec["replicas"] = 2
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "web", "namespace": place}, "spec": spec}


def budget(place: str, *, minimum: int) -> dict[str, Any]:
    spec = {"minAvailable": minimum, "selector": {"matchLabels": {"app": "web"}}}
    return {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "web", "namespace": place}, "spec": spec}


def pods(cluster: harness.Cluster, node: str) -> list[str]:
    found = (cluster.get("pods", "--all-namespaces", "--field-selector", f"spec.nodeName={node}") or {}).get("items", [])
    return [entry["metadata"]["name"] for entry in found if not entry["metadata"].get("deletionTimestamp")]


def healthy(cluster: harness.Cluster, place: str) -> int:
    return int(cluster.get("pdb", "web", "--namespace", place)["status"].get("currentHealthy", 0))


def test_labels_and_taints(cluster: harness.Cluster) -> None:
    cluster.node("m1")
    cluster.kubectl("label", "node", "m1", "theirs=1")
    cluster.kubectl("taint", "node", "m1", "theirs=1:NoSchedule")
    entry = {"name": "m1", "labels": {ROLE: "", "rack": 7}, "taints": [f"{ROLE}:NoSchedule"]}

    assert cluster.run("node", nodes=[entry], check_mode=True)["changed"]
    assert "rack" not in cluster.get("node", "m1")["metadata"]["labels"]
    assert cluster.run("node", nodes=[entry])["changed"]
    made = cluster.get("node", "m1")
    assert {"theirs": "1", ROLE: "", "rack": "7"}.items() <= made["metadata"]["labels"].items()
    assert {taint["key"] for taint in made["spec"]["taints"]} >= {"theirs", ROLE}
    assert not cluster.run("node", nodes=[entry])["changed"]

    fewer = {"name": "m1", "labels": {ROLE: ""}, "taints": []}
    assert cluster.run("node", nodes=[fewer])["changed"]
    made = cluster.get("node", "m1")
    assert "rack" not in made["metadata"]["labels"]
    assert ROLE not in [taint["key"] for taint in made["spec"]["taints"]]
    assert "theirs" in [taint["key"] for taint in made["spec"]["taints"]]
    assert not cluster.run("node", name="m1", labels={ROLE: ""}, taints=[])["changed"]


def test_many_nodes_are_one_execution(cluster: harness.Cluster) -> None:
    cluster.create(*({"apiVersion": "v1", "kind": "Node", "metadata": {"name": f"many-{number}"}} for number in range(200)))
    nodes = [{"name": f"many-{number}", "labels": {"rack": str(number % 10)}} for number in range(200)]
    done = cluster.run("node", nodes=nodes)
    assert (done["changed"], len(done["nodes"])) == (True, 200)
    assert not cluster.run("node", nodes=nodes)["changed"]
    gone = cluster.run("node", nodes=[{"name": entry["name"]} for entry in nodes], state="absent")
    assert gone["changed"]
    assert not [entry for entry in cluster.get("nodes")["items"] if entry["metadata"]["name"].startswith("many-")]


def test_waiting_for_nodes(cluster: harness.Cluster) -> None:
    cluster.node("r1")
    cluster.node("r2", ready=False)
    assert not cluster.run("node", wait_ready=["r1"], wait_version="1.37.1")["changed"]
    failed = cluster.run("node", wait_ready=["r1", "r2", "r3"], wait_timeout=5)
    assert failed["failed"]
    assert "node r2: KubeletNotReady: cni plugin not initialized" in failed["msg"]
    assert "node r3: it has not registered" in failed["msg"]
    assert "node r1" not in failed["msg"]
    assert "reports version v1.37.1, not 1.38.0" in cluster.run("node", wait_ready=["r1"], wait_version="1.38.0", wait_timeout=5)["msg"]


def test_cordon_is_taken_back_only_if_it_was_ours(cluster: harness.Cluster) -> None:
    cluster.node("c1")
    assert cluster.run("node", name="c1", state="cordoned", check_mode=True)["changed"]
    assert cluster.run("node", name="c1", state="cordoned")["changed"]
    assert cluster.get("node", "c1")["spec"]["unschedulable"]
    assert not cluster.run("node", name="c1", state="cordoned")["changed"]
    assert cluster.run("node", name="c1", state="uncordoned")["changed"]
    assert not cluster.get("node", "c1")["spec"].get("unschedulable")
    assert not cluster.run("node", name="c1", state="uncordoned")["changed"]

    cluster.kubectl("cordon", "c1")
    assert not cluster.run("node", name="c1", state="cordoned")["changed"]
    assert not cluster.run("node", name="c1", state="uncordoned")["changed"]
    assert cluster.get("node", "c1")["spec"]["unschedulable"]
    assert cluster.run("node", name="c1", state="uncordoned", force=True)["changed"]
    assert "no node nobody" in cluster.run("node", name="nobody", state="cordoned")["msg"]


def test_pods_move_one_at_a_time_as_the_budget_allows(cluster: harness.Cluster, place: str) -> None:
    cluster.node("d1")
    cluster.node("d2")
    static = pod("static", place=place, node="d1")
    static["metadata"]["annotations"] = {"kubernetes.io/config.mirror": "x"}
    cluster.create(workload(place), budget(place, minimum=1), static)
    with harness.Life(cluster, place, nodes=["d1", "d2"]):
        harness.wait_for(lambda: healthy(cluster, place) == 2, what="pods")
        assert len(pods(cluster, "d1")) == 3
        predicted = cluster.run("node", name="d1", state="drained", check_mode=True)
        assert len(predicted["evicted"]) == 2
        assert not cluster.get("node", "d1")["spec"].get("unschedulable")

        drained = cluster.run("node", name="d1", state="drained", wait_timeout=60)
        assert not drained.get("failed"), drained["msg"]
        assert drained["left"] == [f"pod {place}/static: it is a static pod"]
        assert sorted(drained["evicted"]) == sorted(predicted["evicted"])
        assert pods(cluster, "d1") == ["static"]
        assert cluster.get("node", "d1")["spec"]["unschedulable"]
        harness.wait_for(lambda: len(pods(cluster, "d2")) == 2, what="pods on the other node")
        assert not cluster.run("node", name="d1", state="drained")["changed"]


def test_a_budget_that_never_allows_it_is_named(cluster: harness.Cluster, place: str) -> None:
    cluster.node("b1")
    cluster.create(workload(place), budget(place, minimum=2))
    with harness.Life(cluster, place, nodes=["b1"]):
        harness.wait_for(lambda: healthy(cluster, place) == 2, what="budget")
        told = f"PodDisruptionBudget {place}/web allows no disruption: 2 pods are healthy, 2 are needed"
        assert told in cluster.run("node", name="b1", state="drained", check_mode=True)["blocked"][0]
        failed = cluster.run("node", name="b1", state="drained", wait_timeout=2, uncordon_on_failure=True)
        assert failed["failed"]
        assert told in failed["msg"]
        assert len(pods(cluster, "b1")) == 2
        assert not cluster.get("node", "b1")["spec"].get("unschedulable")


def test_a_node_is_open_again_after_an_eviction_that_can_never_be(cluster: harness.Cluster, place: str) -> None:
    cluster.node("e1")
    second = budget(place, minimum=1)
    second["metadata"]["name"] = "second"
    cluster.create(workload(place), budget(place, minimum=1), second)
    with harness.Life(cluster, place, nodes=["e1"]):
        harness.wait_for(lambda: healthy(cluster, place) == 2, what="pods")
        failed = cluster.run("node", name="e1", state="drained", wait_timeout=20, uncordon_on_failure=True)
    assert failed["failed"]
    assert "more than one PodDisruptionBudget" in failed["msg"]
    assert not cluster.get("node", "e1")["spec"].get("unschedulable")


def test_pods_of_daemon_sets_stay(cluster: harness.Cluster, place: str) -> None:
    cluster.node("a1")
    cluster.create(workload(place, kind="DaemonSet"))
    with harness.Life(cluster, place, nodes=["a1"]):
        harness.wait_for(lambda: len(pods(cluster, "a1")) == 1, what="the pod of the daemon set")
        refused = cluster.run("node", name="a1", state="drained", ignore_daemonsets=False)
        assert "the DaemonSet web would make it again at once" in refused["msg"]
        done = cluster.run("node", name="a1", state="drained", wait_timeout=60)
        assert not done.get("failed"), done["msg"]
        assert done["left"] == [f"pod {place}/{pods(cluster, 'a1')[0]}: it belongs to the DaemonSet web"]
    cluster.kubectl("delete", "daemonset", "web", "--namespace", place, "--wait=false")


def test_what_would_be_lost_is_refused_before_anything_is_changed(cluster: harness.Cluster, place: str) -> None:
    cluster.node("l1")
    cluster.create(
        pod("bare", place=place, node="l1"),
        pod("scratch", place=place, node="l1", volumes=[{"name": "cache", "emptyDir": {}}]),
    )
    failed = cluster.run("node", name="l1", state="drained", wait_timeout=5)
    assert failed["failed"]
    assert f"l1 cannot be drained, and nothing was changed: pod {place}/bare: no controller made it" in failed["msg"]
    assert not cluster.get("node", "l1")["spec"].get("unschedulable")
    # As where such a pod comes while others are waited for: the node is closed by then.
    assert cluster.run("node", name="l1", state="cordoned")["changed"]
    failed = cluster.run("node", name="l1", state="drained", wait_timeout=5, uncordon_on_failure=True)
    assert f"l1 cannot be drained: pod {place}/bare: no controller made it" in failed["msg"]
    assert not cluster.get("node", "l1")["spec"].get("unschedulable")
    failed = cluster.run("node", name="l1", state="drained", force=True, wait_timeout=5)
    assert f"pod {place}/scratch: its emptyDir volumes (cache) would be lost" in failed["msg"]
    with harness.Life(cluster, place, nodes=["l1"]):
        done = cluster.run("node", name="l1", state="drained", force=True, delete_emptydir_data=True, wait_timeout=60)
    assert not done.get("failed"), done["msg"]
    assert pods(cluster, "l1") == []


def test_a_silent_node_is_not_waited_for(cluster: harness.Cluster, place: str) -> None:
    cluster.node("s1", ready=False)
    cluster.create(pod("lost", place=place, node="s1"))
    cluster.pod_status("lost", place)
    done = cluster.run("node", name="s1", state="drained", force=True, wait_timeout=20)
    assert not done.get("failed"), done.get("msg")
    assert done["evicted"] == [f"{place}/lost"]


def test_removing(cluster: harness.Cluster) -> None:
    cluster.node("x1")
    assert cluster.run("node", name="x1", state="absent", check_mode=True)["changed"]
    assert cluster.get("node", "x1") is not None
    assert cluster.run("node", name="x1", state="absent")["changed"]
    assert cluster.get("node", "x1") is None
    assert not cluster.run("node", name="x1", state="absent")["changed"]


def test_with_the_action(cluster: harness.Cluster) -> None:
    cluster.node("p1")
    done = cluster.play("node", name="p1", labels={"rack": "1"}, wait_ready=["p1"])
    assert (done["changed"], done["executions"], done["nodes"]) == (True, 1, ["p1"])
    assert "PRIVATE KEY" not in done["output"]
    predicted = cluster.play("node", name="p1", labels={}, pki_directory="/nonexistent", check_mode=True)
    assert (predicted["changed"], predicted["executions"]) == (True, 0)


def test_reading(cluster: harness.Cluster) -> None:
    cluster.node("i1", ready=False, version="v1.36.4")
    cluster.kubectl("cordon", "i1")
    found = cluster.run("nodes_info")
    entry = next(entry for entry in found["nodes"] if entry["name"] == "i1")
    assert not found["changed"]
    assert (entry["ready"], entry["reason"], entry["version"]) == (False, "KubeletNotReady: cni plugin not initialized", "v1.36.4")
    assert (entry["cordoned"], entry["cordoned_by"]) == (True, "")
