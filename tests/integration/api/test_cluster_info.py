"""The module cluster_info against a real API server, with what it reads made by kubectl."""

from __future__ import annotations

import uuid
from typing import Any

from . import harness

NOBODY = "https://127.0.0.1:1"


def lease(name: str, holder: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "kube-system"}
    return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": {"holderIdentity": holder}}


def webhook(name: str, **settings: Any) -> dict[str, Any]:
    return {
        "name": name,
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "clientConfig": {"service": {"namespace": "default", "name": "gate"}},
        "rules": [{"apiGroups": ["example.com"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["things"]}],
        **settings,
    }


def webhooks(*entries: dict[str, Any]) -> dict[str, Any]:
    kind = "ValidatingWebhookConfiguration"
    return {"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "metadata": {"name": "guard"}, "webhooks": list(entries)}


def pod(name: str, *, place: str) -> dict[str, Any]:
    """A pod on a node, with its own name as its label."""
    metadata = {"name": name, "namespace": place, "labels": {"app": name}}
    spec = {"nodeName": "info-1", "containers": [{"name": "web", "image": "example.com/web:1"}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def budget(name: str, *, place: str, app: str, minimum: int) -> dict[str, Any]:
    spec = {"minAvailable": minimum, "selector": {"matchLabels": {"app": app}}}
    return {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": name, "namespace": place}, "spec": spec}


def test_versions_and_readiness_of_each_api_server(cluster: harness.Cluster) -> None:
    result = cluster.run("cluster_info", servers={"m1": cluster.server, "m2": NOBODY}, gather=[])
    version = cluster.kubectl("version", "--output=json")
    assert result["servers"]["m1"]["cause"] == ""
    assert f'"v{result["servers"]["m1"]["version"]}"' in version
    assert result["servers"]["m2"]["version"] == ""
    assert "no answer" in result["servers"]["m2"]["cause"]


def test_who_leads_and_what_may_break(cluster: harness.Cluster) -> None:
    place = f"risks-{uuid.uuid4().hex[:8]}"
    cluster.kubectl("create", "namespace", place)
    cluster.node("info-1")
    cluster.create(
        lease("kube-scheduler", "m3_1234"),
        webhooks(webhook("closed.example.com"), webhook("open.example.com", failurePolicy="Ignore")),
        *(pod(name, place=place) for name in ("tight", "twice", "free")),
        budget("tight", place=place, app="tight", minimum=1),
        budget("first", place=place, app="twice", minimum=0),
        budget("second", place=place, app="twice", minimum=0),
    )
    for name in ("tight", "twice", "free"):
        cluster.pod_status(name, place)
    harness.wait_for(
        lambda: cluster.get("pdb", "tight", "--namespace", place)["status"].get("currentHealthy") == 1, what="the disruption controller"
    )
    cluster.kubectl("get", "componentstatuses")
    result = cluster.run("cluster_info", servers={"m1": cluster.server})
    assert result["leaders"]["kube-scheduler"] == "m3"
    assert result["webhooks"] == ["closed.example.com of guard (Service default/gate)"]
    assert "v1/componentstatuses" in [entry["api"] for entry in result["deprecated"]]
    assert "info-1" in [node["name"] for node in result["nodes"]]
    held = {entry["pod"]: entry for entry in result["held"] if entry["pod"].startswith(f"{place}/")}
    assert {name: entry["node"] for name, entry in held.items()} == {f"{place}/tight": "info-1", f"{place}/twice": "info-1"}
    assert held[f"{place}/tight"]["cause"].startswith(f"PodDisruptionBudget {place}/tight allows no disruption")
    assert held[f"{place}/twice"]["cause"].startswith("more than one PodDisruptionBudget covers it")
    assert result["unread"] == []
    cluster.kubectl("delete", "validatingwebhookconfiguration", "guard")


def test_where_nobody_answers_all_is_unread(cluster: harness.Cluster) -> None:
    result = cluster.run("cluster_info", servers={"m1": NOBODY})
    assert (result["nodes"], result["leaders"], result["held"]) == ([], {}, [])
    assert [line.partition(":")[0] for line in result["unread"]] == ["nodes", "leaders", "risks"]
