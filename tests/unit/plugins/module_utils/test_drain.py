"""Which pods of a node are evicted, which stay, what holds them."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils import _drain

DAEMON_SETS = frozenset({("shop", "agent")})


def pod(**more: Any) -> dict[str, Any]:
    metadata: dict[str, Any] = {"namespace": "shop", "name": "web", "uid": "u", **more.pop("metadata", {})}
    if "owner" in more:
        kind, name = more.pop("owner").split("/")
        metadata["ownerReferences"] = [{"kind": "Other", "name": "x"}, {"kind": kind, "name": name, "controller": True}]
    return {"metadata": metadata, "spec": {"nodeName": "w1", **more.pop("spec", {})}, "status": {"phase": "Running", **more}}


MIRROR = {"annotations": {"kubernetes.io/config.mirror": "x"}}
SCRATCH = {"volumes": [{"name": "cache", "emptyDir": {}}, {"name": "config", "configMap": {}}]}
ENDING = {"deletionTimestamp": "2026-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("entry", "options", "action", "reason"),
    [
        pytest.param(pod(owner="ReplicaSet/web"), {}, "evict", "", id="of a workload"),
        pytest.param(pod(metadata=MIRROR), {}, "leave", "static pod", id="static"),
        pytest.param(pod(phase="Succeeded"), {}, "leave", "finished", id="done"),
        pytest.param(pod(phase="Failed", spec=SCRATCH), {}, "leave", "finished", id="failed"),
        pytest.param(pod(owner="DaemonSet/agent"), {}, "leave", "the DaemonSet agent", id="of a daemon set"),
        pytest.param(pod(owner="DaemonSet/agent", spec=SCRATCH), {}, "leave", "the DaemonSet agent", id="of a daemon set with data"),
        pytest.param(pod(owner="DaemonSet/agent"), {"ignore_daemonsets": False}, "refuse", "set ignore_daemonsets", id="daemon sets count"),
        pytest.param(pod(owner="DaemonSet/old"), {}, "refuse", "its DaemonSet old is gone", id="of a daemon set that is gone"),
        pytest.param(pod(owner="DaemonSet/old"), {"force": True}, "evict", "", id="of a daemon set that is gone, forced"),
        pytest.param(pod(), {}, "refuse", "no controller made it", id="of nobody"),
        pytest.param(pod(), {"force": True}, "evict", "", id="of nobody, forced"),
        pytest.param(pod(owner="ReplicaSet/web", spec=SCRATCH), {}, "refuse", "emptyDir volumes (cache)", id="with data"),
        pytest.param(pod(owner="ReplicaSet/web", spec=SCRATCH), {"force": True}, "refuse", "emptyDir", id="with data, forced"),
        pytest.param(pod(owner="ReplicaSet/web", spec=SCRATCH), {"delete_emptydir_data": True}, "evict", "", id="data may go"),
        pytest.param(pod(metadata=ENDING, spec=SCRATCH), {}, "await", "being deleted", id="on its way out"),
    ],
)
def test_decide(entry: dict[str, Any], options: dict[str, bool], action: str, reason: str) -> None:
    decision = _drain.decide(entry, options=_drain.Options(**options), daemon_sets=DAEMON_SETS)
    assert decision.action == action
    assert reason in decision.reason
    assert bool(decision.reason) is bool(reason)
    assert (decision.pod, decision.node, decision.uid) == ("shop/web", "w1", "u")


def test_daemon_set_of_that_name_in_another_namespace_is_another_one() -> None:
    elsewhere = pod(owner="DaemonSet/agent", metadata={"namespace": "bank"})
    assert _drain.decide(elsewhere, options=_drain.Options(), daemon_sets=DAEMON_SETS).action == "refuse"


def test_refused_and_left() -> None:
    decisions = [
        _drain.decide(entry, options=_drain.Options(), daemon_sets=DAEMON_SETS)
        for entry in (pod(), pod(metadata=MIRROR), pod(owner="ReplicaSet/a"))
    ]
    assert [line.split(":")[0] for line in _drain.refused(decisions)] == ["pod shop/web"]
    assert _drain.left(decisions) == ["pod shop/web: it is a static pod"]


def budget(*, allowed: int = 0, healthy: int = 2, needed: int = 2, **more: Any) -> dict[str, Any]:
    status = {"disruptionsAllowed": allowed, "currentHealthy": healthy, "desiredHealthy": needed, "observedGeneration": more.pop("seen", 1)}
    spec = {"selector": {"matchLabels": {"app": "web"}}, **more}
    return {"metadata": {"namespace": "shop", "name": "web", "generation": 1}, "spec": spec, "status": status}


READY = {"conditions": [{"type": "Ready", "status": "True"}]}
LABELS = {"labels": {"app": "web"}}


@pytest.mark.parametrize(
    ("entry", "budgets", "lines"),
    [
        pytest.param(pod(metadata=LABELS, **READY), [budget(allowed=1)], [], id="allowed"),
        pytest.param(
            pod(metadata=LABELS, **READY),
            [budget()],
            ["PodDisruptionBudget shop/web allows no disruption: 2 pods are healthy, 2 are needed"],
            id="not allowed",
        ),
        pytest.param(pod(metadata={"labels": {"app": "other"}}, **READY), [budget()], [], id="of another workload"),
        pytest.param(pod(metadata={**LABELS, "namespace": "bank"}, **READY), [budget()], [], id="in another namespace"),
        pytest.param(pod(metadata=LABELS), [budget()], [], id="not ready, and enough others are"),
        pytest.param(
            pod(metadata=LABELS),
            [budget(healthy=1)],
            ["PodDisruptionBudget shop/web allows no disruption: 1 pods are healthy, 2 are needed"],
            id="not ready, and too few others are",
        ),
        pytest.param(
            pod(metadata=LABELS), [budget(healthy=1, unhealthyPodEvictionPolicy="AlwaysAllow")], [], id="not ready, always allowed"
        ),
        pytest.param(pod(metadata=LABELS, phase="Pending"), [budget()], [], id="pending"),
        pytest.param(pod(metadata={**LABELS, **ENDING}, **READY), [budget()], [], id="on its way out"),
        pytest.param(
            pod(metadata=LABELS, **READY),
            [budget(allowed=1, seen=0)],
            ["PodDisruptionBudget shop/web allows no disruption: 2 pods are healthy, 2 are needed"],
            id="not computed yet",
        ),
        pytest.param(
            pod(metadata=LABELS, **READY),
            [budget(allowed=1), budget(allowed=1)],
            ["more than one PodDisruptionBudget covers it (shop/web, shop/web), so the API refuses every eviction: leave one"],
            id="two budgets",
        ),
        pytest.param(pod(metadata=LABELS, **READY), [budget(selector=None)], [], id="budget without a selector"),
    ],
)
def test_blocking_budgets(entry: dict[str, Any], budgets: list[dict[str, Any]], lines: list[str]) -> None:
    assert _drain.blocking_budgets(entry, budgets) == lines


@pytest.mark.parametrize(
    ("selector", "answer"),
    [
        pytest.param({}, True, id="empty selects all"),
        pytest.param({"matchLabels": {"a": "1"}}, True, id="label"),
        pytest.param({"matchLabels": {"a": "1", "b": "9"}}, False, id="one of two labels"),
        pytest.param({"matchExpressions": [{"key": "a", "operator": "In", "values": ["1", "2"]}]}, True, id="in"),
        pytest.param({"matchExpressions": [{"key": "z", "operator": "In", "values": ["1"]}]}, False, id="in, without the label"),
        pytest.param({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["1"]}]}, False, id="not in"),
        pytest.param({"matchExpressions": [{"key": "z", "operator": "NotIn", "values": ["1"]}]}, True, id="not in, without the label"),
        pytest.param({"matchExpressions": [{"key": "a", "operator": "Exists"}]}, True, id="exists"),
        pytest.param({"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}, False, id="does not exist"),
    ],
)
def test_selects(selector: dict[str, Any], answer: bool) -> None:
    assert _drain.selects(selector, {"a": "1", "b": "2"}) is answer


@pytest.mark.parametrize(
    ("status", "details", "message", "meaning"),
    [
        pytest.param(404, {}, "", "gone", id="gone"),
        pytest.param(409, {}, "", "gone", id="another pod has the name"),
        pytest.param(429, {"causes": [{"reason": "DisruptionBudget"}]}, "", "retry", id="budget"),
        pytest.param(0, {}, "", "retry", id="no answer"),
        pytest.param(503, {}, "", "retry", id="server ends"),
        pytest.param(403, {"causes": [{"reason": "NamespaceTerminating"}]}, "", "retry", id="namespace goes"),
        pytest.param(403, {}, "", "failed", id="not allowed"),
        pytest.param(500, {}, "This pod has more than one PodDisruptionBudget", "failed", id="two budgets"),
        pytest.param(500, {}, "failed: etcdserver: request timed out (HTTP 500)", "retry", id="etcd has no leader"),
    ],
)
def test_after_refusal(status: int, details: dict[str, Any], message: str, meaning: str) -> None:
    assert _drain.after_refusal(status, details, message) == meaning


def test_eviction_is_of_this_very_pod() -> None:
    decision = _drain.decide(pod(), options=_drain.Options(force=True), daemon_sets=DAEMON_SETS)
    assert _drain.eviction(decision, grace_period=None)["deleteOptions"] == {"preconditions": {"uid": "u"}}
    assert _drain.eviction(decision, grace_period=0)["deleteOptions"]["gracePeriodSeconds"] == 0


def test_backoff_grows_and_stays() -> None:
    waits = [_drain.backoff(attempt) for attempt in range(8)]
    assert waits == sorted(waits)
    assert waits[0] < 1
    assert waits[-1] == waits[-2] == 5


def test_left_over_tells_the_cause() -> None:
    decision = _drain.decide(pod(), options=_drain.Options(force=True), daemon_sets=DAEMON_SETS)
    assert _drain.left_over([decision], {"shop/web": ["a", "b"]}) == ["pod shop/web: a; b"]
    assert _drain.left_over([decision], {}) == ["pod shop/web: it was told to end and has not ended yet"]


def conditions(ready: str) -> list[dict[str, str]]:
    return [{"type": "Ready", "status": ready}]


AGENT = pod(owner="DaemonSet/agent", metadata={"name": "agent"}, conditions=conditions("True"))
BROKEN = pod(owner="DaemonSet/agent", metadata={"name": "broken"}, conditions=conditions("False"))
GOING = pod(owner="DaemonSet/agent", metadata={"name": "going", **ENDING}, conditions=conditions("True"))


def test_only_what_was_ready_is_expected_back() -> None:
    assert _drain.ready_stayers([AGENT, BROKEN, GOING, pod(owner="ReplicaSet/web", conditions=conditions("True"))]) == ["shop/agent"]


@pytest.mark.parametrize(
    ("pods", "lines"),
    [
        pytest.param([AGENT], [], id="back"),
        pytest.param([{**AGENT, "status": {"conditions": conditions("False")}}], ["pod shop/agent: it is not ready again"], id="not yet"),
        pytest.param([BROKEN], [], id="replaced by another"),
        pytest.param([], [], id="gone"),
    ],
)
def test_not_back(pods: list[dict[str, Any]], lines: list[str]) -> None:
    assert _drain.not_back(["shop/agent"], pods) == lines
