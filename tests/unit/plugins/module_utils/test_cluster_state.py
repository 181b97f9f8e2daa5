"""What the API of a running cluster tells, brought down to what a change of it has to know."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils import _cluster_state


@pytest.mark.parametrize(
    ("lease", "host"),
    [
        pytest.param({"spec": {"holderIdentity": "m1_3f0c6f1e-9d8e-4d3b-8b57-0d7e3f2c1a00"}}, {"kube-scheduler": "m1"}, id="held"),
        pytest.param({"spec": {"holderIdentity": "my_host_1234"}}, {"kube-scheduler": "my_host"}, id="underscore in the name"),
        pytest.param({"spec": {"holderIdentity": ""}}, {}, id="released"),
        pytest.param({}, {}, id="no lease"),
    ],
)
def test_holders(lease: dict[str, Any], host: dict[str, str]) -> None:
    assert _cluster_state.holders({"kube-scheduler": lease}) == host


METRICS = """\
# HELP apiserver_requested_deprecated_apis [STABLE] Gauge of deprecated APIs that have been requested
# TYPE apiserver_requested_deprecated_apis gauge
apiserver_requested_deprecated_apis{group="",removed_release="",resource="componentstatuses",subresource="",version="v1"} 1
apiserver_requested_deprecated_apis{group="batch",removed_release="1.38",resource="cronjobs",subresource="",version="v1beta1"} 1
apiserver_requested_deprecated_apis{group="policy",removed_release="1.25",resource="podsecuritypolicies",subresource="",version="v1beta1"} 0
apiserver_request_total{code="200"} 5
"""


def test_deprecated_apis() -> None:
    assert _cluster_state.deprecated_apis(METRICS) == [
        {"api": "v1/componentstatuses", "removed_release": ""},
        {"api": "batch/v1beta1/cronjobs", "removed_release": "1.38"},
    ]


def webhook(name: str, **settings: Any) -> dict[str, Any]:
    return {"name": name, "clientConfig": {"service": {"namespace": "policy", "name": "gate"}}, **settings}


def test_only_webhooks_that_fail_closed_are_told() -> None:
    configurations: list[dict[str, Any]] = [
        {"metadata": {"name": "guard"}, "webhooks": [webhook("a.example.com"), webhook("b.example.com", failurePolicy="Ignore")]},
        {
            "metadata": {"name": "far"},
            "webhooks": [{"name": "c.example.com", "clientConfig": {"url": "https://x"}, "failurePolicy": "Fail"}],
        },
        {"metadata": {"name": "empty"}},
    ]
    assert _cluster_state.closed_webhooks(configurations) == [
        "a.example.com of guard (Service policy/gate)",
        "c.example.com of far (https://x)",
    ]


def budget(namespace: str, *, allowed: int, pods: int = 2) -> dict[str, Any]:
    status = {"disruptionsAllowed": allowed, "expectedPods": pods, "currentHealthy": pods, "desiredHealthy": pods, "observedGeneration": 1}
    return {
        "metadata": {"namespace": namespace, "name": "budget", "generation": 1},
        "spec": {"selector": {"matchLabels": {"app": "web"}}},
        "status": status,
    }


def pod(name: str, *, node: str, phase: str = "Running", labels: dict[str, str] | None = None) -> dict[str, Any]:
    return {
        "metadata": {"namespace": "shop", "name": name, "labels": labels or {"app": "web"}},
        "spec": {"nodeName": node},
        "status": {"phase": phase, "conditions": [{"type": "Ready", "status": "True"}]},
    }


@pytest.mark.parametrize(
    ("budgets", "tight"),
    [
        pytest.param([], [], id="none"),
        pytest.param([budget("shop", allowed=0), budget("roomy", allowed=1)], ["shop"], id="no disruption"),
        pytest.param([budget("unused", allowed=0, pods=0)], [], id="no disruption of no pods"),
        pytest.param([budget("twice", allowed=1), budget("shop", allowed=1), budget("twice", allowed=1)], ["twice"], id="two of them"),
    ],
)
def test_tight_namespaces(budgets: list[dict[str, Any]], tight: list[str]) -> None:
    assert _cluster_state.tight_namespaces(budgets) == tight


def test_held_pods() -> None:
    pods = [
        pod("held", node="w1"),
        pod("done", node="w1", phase="Succeeded"),
        pod("free", node="w2", labels={"app": "other"}),
        pod("nowhere", node=""),
    ]
    found = _cluster_state.held_pods(pods, [budget("shop", allowed=0)])
    assert [(entry["node"], entry["pod"]) for entry in found] == [("w1", "shop/held")]
    assert "shop/budget allows no disruption" in found[0]["cause"]


def test_a_pod_with_two_budgets_is_held_whatever_they_allow() -> None:
    found = _cluster_state.held_pods([pod("twice", node="w1")], [budget("shop", allowed=1), budget("shop", allowed=1)])
    assert [(entry["node"], entry["pod"]) for entry in found] == [("w1", "shop/twice")]
    assert "more than one PodDisruptionBudget covers it (shop/budget, shop/budget)" in found[0]["cause"]
