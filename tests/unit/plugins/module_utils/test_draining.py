"""Emptying nodes, with an API that answers as told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils import _drain, _draining, _kubernetes

NODE = {"metadata": {"name": "w1"}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}}
SILENT = {"metadata": {"name": "w1"}, "status": {"conditions": [{"type": "Ready", "status": "Unknown"}]}}
OWNER = [{"kind": "ReplicaSet", "name": "web", "controller": True}]


def pod(name: str, **metadata: Any) -> dict[str, Any]:
    known = {"namespace": "shop", "name": name, "uid": f"uid-{name}", "labels": {"app": "web"}, "ownerReferences": OWNER, **metadata}
    status = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    return {"metadata": known, "spec": {"nodeName": "w1"}, "status": status}


BUDGET = {
    "metadata": {"namespace": "shop", "name": "web"},
    "spec": {"selector": {"matchLabels": {"app": "web"}}},
    "status": {"currentHealthy": 1, "desiredHealthy": 1},
}


class Api:
    """Pods of a node; each eviction takes the next answer: 201 removes the pod at once, 202 leaves it ending."""

    def __init__(self, pods: list[dict[str, Any]], answers: list[int]) -> None:
        self.pods = {entry["metadata"]["name"]: entry for entry in pods}
        self.answers = answers
        self.evictions: list[str] = []

    def collection(self, path: str, *, query: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
        if path.endswith("/pods"):
            assert query == {"fieldSelector": "spec.nodeName=w1"}
            return list(self.pods.values())
        return [BUDGET] if path.endswith("/poddisruptionbudgets") else []

    def request(self, method: str, path: str, *, body: Mapping[str, Any]) -> dict[str, Any]:
        name = path.split("/")[-2]
        assert (method, path) == ("POST", f"/api/v1/namespaces/shop/pods/{name}/eviction")
        assert body["deleteOptions"]["preconditions"] == {"uid": f"uid-{name}"}
        self.evictions.append(name)
        status = self.answers.pop(0) if self.answers else 201
        if status == 202:
            self.pods[name]["metadata"]["deletionTimestamp"] = "now"
        elif status in (201, 404):
            del self.pods[name]
        if status >= 400:
            raise _kubernetes.KubernetesError(f"refused with {status}", status=status)
        return {}


def draining(api: Api, monkeypatch: pytest.MonkeyPatch) -> _draining.Draining:
    monkeypatch.setattr(_draining, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(_drain, "BACKOFF_SECONDS", (0.02,))
    return _draining.Draining(api, options=_drain.Options(), grace_period=None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("answers", "attempts", "evicted"),
    [
        pytest.param([], 1, ["shop/web"], id="at once"),
        pytest.param([429, 429], 3, ["shop/web"], id="after a budget allowed it"),
        pytest.param([503], 2, ["shop/web"], id="after the server came back"),
        pytest.param([404], 1, [], id="gone by itself"),
    ],
)
def test_drain(answers: list[int], attempts: int, evicted: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    api = Api([pod("web")], answers)
    worker = draining(api, monkeypatch)
    assert worker.drain([NODE], timeout=5) == []
    assert api.evictions == ["web"] * attempts
    assert worker.evicted == evicted


def test_pods_that_end_slowly_are_evicted_once_and_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    api = Api([pod("web")], [202])
    worker = draining(api, monkeypatch)
    remaining = worker.drain([NODE], timeout=0.1)
    assert api.evictions == ["web"]
    assert worker.blocked([NODE], remaining) == ["pod shop/web: it is being deleted"]
    api.pods.clear()
    assert worker.drain([NODE], timeout=0.1) == []


def test_pods_of_a_silent_node_are_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    api = Api([pod("web")], [202])
    assert draining(api, monkeypatch).drain([SILENT], timeout=5) == []
    assert api.evictions == ["web"]


def test_a_budget_that_holds_is_named_when_the_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    api = Api([pod("web")], [429] * 1000)
    worker = draining(api, monkeypatch)
    remaining = worker.drain([NODE], timeout=0.1)
    assert worker.blocked([NODE], remaining) == [
        "pod shop/web: PodDisruptionBudget shop/web allows no disruption: 1 pods are healthy, 1 are needed"
    ]
    assert worker.evicted == []
    assert 1 < len(api.evictions) < 12, "refused evictions are not repeated before their time"


def test_an_eviction_that_cannot_succeed_ends_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(_kubernetes.KubernetesError, match="Evicting the pod shop/web failed: refused with 403"):
        draining(Api([pod("web")], [403]), monkeypatch).drain([NODE], timeout=5)


def test_a_pod_of_nobody_that_comes_meanwhile_is_left_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    api = Api([pod("bare", ownerReferences=[], labels={})], [])
    worker = draining(api, monkeypatch)
    remaining = worker.drain([NODE], timeout=0.05)
    assert api.evictions == []
    assert "no controller made it" in worker.blocked([NODE], remaining)[0]
