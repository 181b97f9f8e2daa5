"""Readiness of objects: what their status says, and why they are not ready."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils import _readiness


def thing(kind: str, status: dict[str, Any], *, generation: int = 2, **spec: Any) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": "x", "generation": generation}, "spec": spec, "status": status}


def conditions(**states: str) -> dict[str, Any]:
    return {"conditions": [{"type": name, "status": status, "reason": "Because", "message": "of it"} for name, status in states.items()]}


SEEN = {"observedGeneration": 2}
ROLLED = {**SEEN, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2, "readyReplicas": 2}
SCHEDULED = {**SEEN, "desiredNumberScheduled": 3, "updatedNumberScheduled": 3, "numberAvailable": 3}
NAMED = {"currentRevision": "a", "updateRevision": "a"}
EXCEEDED = {"conditions": [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "timed out"}]}


@pytest.mark.parametrize(
    ("entry", "ready", "reason"),
    [
        pytest.param(thing("Deployment", ROLLED, replicas=2), True, "", id="deployment"),
        pytest.param(thing("Deployment", {**ROLLED, "observedGeneration": 1}, replicas=2), False, "not seen it", id="deployment unseen"),
        pytest.param(thing("Deployment", {}, replicas=2), False, "not seen it", id="deployment new"),
        pytest.param(
            thing("Deployment", {**ROLLED, "availableReplicas": 1}, replicas=2), False, "1 of 2 replicas available", id="deployment short"
        ),
        pytest.param(thing("Deployment", {**ROLLED, "updatedReplicas": 1}, replicas=2), False, "1 of the newest", id="deployment rolling"),
        pytest.param(thing("Deployment", {**ROLLED, "replicas": 3}, replicas=2), False, "1 replicas of a former", id="deployment ending"),
        pytest.param(thing("Deployment", SEEN, replicas=0), True, "", id="deployment of none"),
        pytest.param(thing("Deployment", {**SEEN, **EXCEEDED}), False, "ProgressDeadlineExceeded: timed out", id="deployment over"),
        pytest.param(thing("DaemonSet", SCHEDULED), True, "", id="daemon set"),
        pytest.param(thing("DaemonSet", {**SCHEDULED, "numberAvailable": 1}), False, "available on 1 of 3", id="daemon set short"),
        pytest.param(thing("DaemonSet", {**SCHEDULED, "updatedNumberScheduled": 1}), False, "newest version on 1", id="daemon set rolling"),
        pytest.param(
            thing("DaemonSet", {**SCHEDULED, "updatedNumberScheduled": 1}, updateStrategy={"type": "OnDelete"}),
            True,
            "",
            id="daemon set by hand",
        ),
        pytest.param(thing("DaemonSet", {}), False, "not seen it", id="daemon set new"),
        pytest.param(thing("StatefulSet", {**ROLLED, **NAMED}, replicas=2), True, "", id="stateful set"),
        pytest.param(thing("StatefulSet", {**ROLLED, **NAMED}, replicas=3), False, "2 of 3 replicas ready", id="stateful set short"),
        pytest.param(
            thing("StatefulSet", {**ROLLED, **NAMED, "updateRevision": "b"}, replicas=2),
            False,
            "2 of 2 replicas of the newest",
            id="set rolling",
        ),
        pytest.param(
            thing(
                "StatefulSet", {**ROLLED, **NAMED, "updateRevision": "b"}, replicas=2, updateStrategy={"rollingUpdate": {"partition": 1}}
            ),
            True,
            "",
            id="stateful set in parts",
        ),
        pytest.param(thing("Job", conditions(Complete="True")), True, "", id="job"),
        pytest.param(thing("Job", conditions(Failed="True")), False, "Because: of it", id="job failed"),
        pytest.param(thing("Job", {}), False, "0 of 1 completions", id="job new"),
        pytest.param(thing("Pod", conditions(Ready="True")), True, "", id="pod"),
        pytest.param(thing("Pod", {"phase": "Succeeded"}), True, "", id="pod done"),
        pytest.param(thing("Pod", {"phase": "Pending"}), False, "phase Pending", id="pod pending"),
        pytest.param(thing("Node", conditions(Ready="True")), True, "", id="node"),
        pytest.param(thing("Node", conditions(Ready="Unknown")), False, "Because: of it", id="node unknown"),
        pytest.param(thing("Node", {}), False, "Ready is not reported yet", id="node silent"),
        pytest.param(thing("Namespace", {"phase": "Active"}), True, "", id="namespace"),
        pytest.param(thing("Namespace", {"phase": "Terminating"}), False, "its phase is Terminating", id="namespace going"),
        pytest.param(thing("APIService", conditions(Available="True")), True, "", id="api service"),
        pytest.param(thing("APIService", conditions(Available="False")), False, "Because: of it", id="api service away"),
        pytest.param(thing("CustomResourceDefinition", conditions(Established="True")), True, "", id="definition"),
        pytest.param(
            thing("CustomResourceDefinition", conditions(NamesAccepted="False")), False, "Because: of it", id="definition refused"
        ),
        pytest.param(thing("ConfigMap", {}), True, "", id="kind without a status"),
    ],
)
def test_readiness(entry: dict[str, Any], ready: bool, reason: str) -> None:
    state = _readiness.readiness(entry)
    assert state.ready is ready
    assert reason in state.reason
    assert bool(state.reason) is not ready


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param(thing("Job", conditions(Failed="True")), id="job"),
        pytest.param(thing("Deployment", {**SEEN, **EXCEEDED}), id="deployment"),
        pytest.param(thing("Namespace", {"phase": "Terminating"}), id="namespace"),
        pytest.param(thing("CustomResourceDefinition", conditions(NamesAccepted="False")), id="definition"),
    ],
)
def test_waiting_for_these_is_hopeless(entry: dict[str, Any]) -> None:
    assert _readiness.readiness(entry).hopeless


def pod(name: str, **status: Any) -> dict[str, Any]:
    return {"kind": "Pod", "metadata": {"name": name}, "status": status}


def container(**state: Any) -> list[dict[str, Any]]:
    return [{"name": "web", **state}]


PULL = {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}
CRASH = {"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": {"exitCode": 3}}}
UNSCHEDULED = {"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes"}]}


@pytest.mark.parametrize(
    ("pods", "lines"),
    [
        pytest.param([pod("a", conditions=[{"type": "Ready", "status": "True"}])], [], id="none"),
        pytest.param(
            [pod("a", containerStatuses=container(state=PULL))], ["pod a: container web: ImagePullBackOff: no such image"], id="image"
        ),
        pytest.param(
            [pod("a", containerStatuses=container(**CRASH))], ["pod a: container web: CrashLoopBackOff (last exit code 3)"], id="crash"
        ),
        pytest.param(
            [pod("a", initContainerStatuses=container(state={"terminated": {"exitCode": 2, "reason": "Error"}}))],
            ["pod a: container web ended with exit code 2 (Error)"],
            id="init container",
        ),
        pytest.param([pod("a", **UNSCHEDULED)], ["pod a: Unschedulable: 0/3 nodes"], id="unscheduled"),
        pytest.param([pod("a", **UNSCHEDULED), pod("b", **UNSCHEDULED)], ["pod a: Unschedulable: 0/3 nodes"], id="the same twice"),
        pytest.param([pod("a", phase="Failed", reason="Evicted")], ["pod a: Evicted"], id="failed"),
        pytest.param(
            [pod("a", phase="Pending", containerStatuses=container(state={"waiting": {"reason": "ContainerCreating"}}))],
            ["pod a: phase Pending"],
            id="being made",
        ),
    ],
)
def test_pod_troubles(pods: list[dict[str, Any]], lines: list[str]) -> None:
    assert _readiness.pod_troubles(pods) == lines


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        pytest.param(None, "", id="gone"),
        pytest.param({"kind": "ConfigMap", "metadata": {}}, "it is there still", id="there"),
        pytest.param({"kind": "Ship", "metadata": {"finalizers": ["example.com/anchor"]}}, "held by example.com/anchor", id="held"),
        pytest.param(
            {
                "kind": "Namespace",
                "metadata": {},
                "spec": {"finalizers": ["kubernetes"]},
                "status": {"conditions": [{"type": "NamespaceContentRemaining", "status": "True", "message": "ships. has 1 instance"}]},
            },
            "it is there still, held by kubernetes: ships. has 1 instance",
            id="namespace with content",
        ),
    ],
)
def test_absence(entry: Any, reason: str) -> None:
    state = _readiness.absence(entry)
    assert state.ready is (entry is None)
    assert reason in state.reason


def test_pod_selector() -> None:
    workload = {"kind": "Deployment", "spec": {"selector": {"matchLabels": {"b": "2", "a": "1"}}}}
    assert _readiness.pod_selector(workload) == "a=1,b=2"
    assert _readiness.pod_selector({"kind": "Service", "spec": {"selector": {"a": "1"}}}) == ""
