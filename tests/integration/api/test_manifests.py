"""The module manifests against a real API server, seen by kubectl."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils import _object_record
from ansible_collections.quorate.kubernetes.plugins.modules import manifests

from . import harness

CRD: dict[str, Any] = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "ships.example.com"},
    "spec": {
        "group": "example.com",
        "scope": "Namespaced",
        "names": {"plural": "ships", "singular": "ship", "kind": "Ship"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
            }
        ],
    },
}


def config_map(namespace: str, data: dict[str, str]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "namespace": namespace}, "data": data}


def namespace(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def deployment(namespace: str) -> dict[str, Any]:
    labels = {"app": "web"}
    pod = {"containers": [{"name": "web", "image": "example.com/web:1"}]}
    spec = {"replicas": 2, "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": namespace}, "spec": spec}


def actions(outcome: dict[str, Any]) -> dict[str, str]:
    return {entry["kind"]: entry["action"] for entry in outcome["objects"]}


def test_objects_are_predicted_made_kept_changed_and_removed(cluster: harness.Cluster) -> None:
    things = [config_map("shop", {"a": "1", "b": "2"}), namespace("shop")]

    predicted = cluster.run("manifests", objects=things, check_mode=True)
    assert predicted["changed"]
    assert cluster.get("namespace", "shop") is None

    made = cluster.run("manifests", objects=things)
    assert made["changed"]
    assert actions(made) == actions(predicted) == {"Namespace": "created", "ConfigMap": "created"}
    assert cluster.get("configmap", "settings", "--namespace", "shop")["data"] == {"a": "1", "b": "2"}

    again = cluster.run("manifests", objects=things)
    assert not again["changed"]
    assert again["diff"] == []

    changed = cluster.run("manifests", objects=[config_map("shop", {"a": "3"})])
    assert changed["changed"]
    assert cluster.get("configmap", "settings", "--namespace", "shop")["data"] == {"a": "3"}
    assert "b: " in changed["diff"][0]["before"]
    assert "b: " not in changed["diff"][0]["after"]

    gone = cluster.run("manifests", objects=things, state="absent", wait=True, wait_timeout=60)
    assert actions(gone) == {"ConfigMap": "deleted", "Namespace": "deleted"}
    assert cluster.get("namespace", "shop") is None
    assert not cluster.run("manifests", objects=things, state="absent", wait=True)["changed"]


def test_fields_of_others_are_left_alone_and_ours_are_put_right(cluster: harness.Cluster) -> None:
    cluster.run("manifests", objects=[config_map("default", {"ours": "1"})])
    cluster.kubectl("patch", "configmap", "settings", "--type", "merge", "--patch", '{"data": {"ours": "2", "theirs": "3"}}')
    assert cluster.run("manifests", objects=[config_map("default", {"ours": "1"})])["changed"]
    assert cluster.get("configmap", "settings")["data"] == {"ours": "1", "theirs": "3"}
    cluster.kubectl("delete", "configmap", "settings")


def test_what_exists_already_becomes_ours(cluster: harness.Cluster) -> None:
    cluster.create(config_map("default", {"a": "1", "b": "1"}))
    assert cluster.run("manifests", objects=[config_map("default", {"a": "1", "b": "1"})])["changed"]
    assert not cluster.run("manifests", objects=[config_map("default", {"a": "1", "b": "1"})])["changed"]
    cluster.kubectl("delete", "configmap", "settings")


def test_custom_resources_come_with_their_definition_in_one_call(cluster: harness.Cluster) -> None:
    ship = {"apiVersion": "example.com/v1", "kind": "Ship", "metadata": {"name": "beagle"}, "sails": 3}
    assert actions(cluster.run("manifests", objects=[ship, CRD], check_mode=True)) == {
        "CustomResourceDefinition": "created",
        "Ship": "created",
    }
    assert cluster.run("manifests", objects=[ship, CRD])["changed"]
    assert cluster.get("ships", "beagle")["sails"] == 3
    assert not cluster.run("manifests", objects=[ship, CRD])["changed"]
    assert cluster.run("manifests", objects=[ship, CRD], state="absent", wait=True)["changed"]
    assert not cluster.run("manifests", objects=[ship, CRD], state="absent")["changed"]


def test_everything_that_is_refused_is_listed_and_nothing_is_changed(cluster: harness.Cluster) -> None:
    wrong = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "wrong"}, "spec": {"ports": [{"port": 99999}]}}
    unknown = {"apiVersion": "example.com/v7", "kind": "Unheard", "metadata": {"name": "of"}}
    failed = cluster.run("manifests", objects=[config_map("default", {"a": "1"}), wrong, unknown])
    assert failed["failed"]
    assert "Service default/wrong" in failed["msg"] or "Service wrong" in failed["msg"]
    assert "knows no kind Unheard of example.com/v7" in failed["msg"]
    assert cluster.get("configmap", "settings") is None


def test_a_workload_is_waited_for(cluster: harness.Cluster) -> None:
    cluster.node("sail-1")
    things = [namespace("sail"), deployment("sail")]
    with harness.Life(cluster, "sail", nodes=["sail-1"]):
        done = cluster.run("manifests", objects=things, wait=True, wait_timeout=60)
        assert done["changed"]
        assert done["waiting"] == []
        assert cluster.get("deployment", "web", "--namespace", "sail")["status"]["availableReplicas"] == 2
        assert cluster.run("manifests", objects=things, state="absent", wait=True, wait_timeout=60)["changed"]


def test_a_wait_that_does_not_end_well_tells_the_cause(cluster: harness.Cluster) -> None:
    things = [namespace("calm"), deployment("calm")]
    failed = cluster.run("manifests", objects=things, wait=True, wait_timeout=3)
    assert failed["failed"]
    assert failed["changed"]
    assert "Deployment calm/web: 0 of 2 replicas available" in failed["msg"]
    assert "within 3 s" in failed["msg"]
    assert cluster.get("deployment", "web", "--namespace", "calm") is not None
    # Whoever runs again changes nothing, and has to know that it never came to its end.
    again = cluster.run("manifests", objects=things, wait=True, wait_timeout=1)
    assert again["failed"]
    assert not again["changed"]
    cluster.kubectl("delete", "namespace", "calm", "--wait=false")


def test_what_was_applied_is_seen_without_applying_it(cluster: harness.Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_object_record, "RECORD", str(tmp_path / "state/objects.json"))
    cluster.node("seen-1")
    things = [namespace("seen"), config_map("seen", {"a": "1"}), deployment("seen"), CRD]
    parameters = {"documents": json.dumps(things), "state": "present", "field_manager": "quorate", "record": "mine", "wait_part": None}

    def apply(*, wait: bool = False) -> bool:
        return bool(manifests.run({**parameters, **cluster.access(), "wait": wait, "wait_timeout": 60}, check_mode=False)["changed"])

    def seen() -> bool:
        return _object_record.observe(cluster.client()) == {"mine": _object_record.wanted_digest(things, manager="quorate")}

    with harness.Life(cluster, "seen", nodes=["seen-1"]):
        assert apply(wait=True)
        assert seen()
        cluster.kubectl("label", "configmap", "settings", "--namespace", "seen", "a=b")
        assert not seen()
        assert not apply(), "a label of somebody else is none of ours"
        assert seen()
        cluster.kubectl("delete", "configmap", "settings", "--namespace", "seen")
        assert not seen()
        assert apply()
        assert seen()
        manifests.run({**parameters, **cluster.access(), "state": "absent", "wait": True, "wait_timeout": 60}, check_mode=False)
        assert not seen()


def test_no_api_server(cluster: harness.Cluster) -> None:
    predicted = cluster.run("manifests", objects=[namespace("new")], server="https://127.0.0.1:1", check_mode=True)
    assert predicted["changed"]
    assert "127.0.0.1:1" in predicted["msg"]


# --- with the action ---------------------------------------------------------------------------------------------------


def test_text_and_objects_come_to_the_host_without_secrets_in_the_output(cluster: harness.Cluster) -> None:
    text = """
apiVersion: v1
kind: Secret
metadata: {name: token, annotations: {date: 2026-01-02}}
stringData: {word: %s}
---
"""
    things = [config_map("default", {"a": "1"})]
    made = cluster.play("manifests", objects=things, text=text % "sesame-open-1")
    again = cluster.play("manifests", objects=things, text=text % "sesame-open-1")
    changed = cluster.play("manifests", objects=things, text=text % "sesame-open-2")
    assert [made["changed"], again["changed"], changed["changed"]] == [True, False, True]
    assert [made["executions"], again["executions"]] == [1, 1]
    assert actions(changed) == {"Secret": "updated", "ConfigMap": "unchanged"}
    assert cluster.get("secret", "token")["metadata"]["annotations"] == {"date": "2026-01-02"}
    for outcome in (made, again, changed):
        for secret in ("sesame", "c2VzYW1l", "PRIVATE KEY"):
            assert secret not in outcome["output"]
    assert "(secret, changed)" in changed["output"]
    cluster.kubectl("delete", "secret/token", "configmap/settings")


def test_a_long_wait_tells_what_it_waits_for(cluster: harness.Cluster) -> None:
    things = [namespace("long"), deployment("long")]
    failed = cluster.play("manifests", objects=things, wait=True, wait_timeout=16)
    assert failed["failed"]
    assert failed["changed"]
    assert failed["executions"] == 2
    assert "localhost: waiting for 1" in failed["output"]
    assert "within 16 s: Deployment long/web: 0 of 2 replicas available" in failed["msg"]
    cluster.kubectl("delete", "namespace", "long", "--wait=false")


def test_no_authority_yet(cluster: harness.Cluster) -> None:
    predicted = cluster.play("manifests", objects=[namespace("new")], pki_directory="/nonexistent", check_mode=True)
    assert predicted["changed"]
    assert predicted["executions"] == 0
    assert (
        "There is no authority kubernetes in /nonexistent"
        in cluster.play("manifests", objects=[namespace("new")], pki_directory="/nonexistent")["msg"]
    )
