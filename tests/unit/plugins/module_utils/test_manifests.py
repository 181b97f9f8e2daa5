"""Decisions about the objects that a cluster is to have."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils import _manifests


def thing(kind: str = "ConfigMap", name: str = "x", version: str = "v1", **more: Any) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, **more.pop("metadata", {})}, **more}


@pytest.mark.parametrize(
    ("objects", "problem"),
    [
        pytest.param(["text"], "object 1: it is str, not a mapping", id="no mapping"),
        pytest.param([{"kind": "Pod", "metadata": {"name": "x"}}], "object 1: Pod has no apiVersion", id="no version"),
        pytest.param([{"apiVersion": "v1", "metadata": {"name": "x"}}], "object 1: it has no kind", id="no kind"),
        pytest.param([{"apiVersion": "v1", "kind": "Pod"}], "has no metadata.name", id="no metadata"),
        pytest.param([thing(name="")], "has no metadata.name", id="empty name"),
        pytest.param([thing(), thing()], "object 2: ConfigMap x is there twice", id="twice"),
        pytest.param([{}, "b"], "object 1: it has no apiVersion, kind, metadata.name; object 2: it is str", id="everything at once"),
        pytest.param([{"apiVersion": "v1", "kind": "List", "items": [1]}], "object 1, item 1: it is int", id="in a list"),
    ],
)
def test_objects_that_are_refused(objects: list[Any], problem: str) -> None:
    with pytest.raises(_manifests.ManifestError) as error:
        _manifests.checked(objects)
    assert problem in str(error.value)


def test_checked_unpacks_lists_and_skips_empty_documents() -> None:
    listed = {"apiVersion": "v1", "kind": "ConfigMapList", "items": [thing(name="a"), thing(name="b")]}
    found = _manifests.checked([None, listed, thing(name="c")])
    assert [entry["metadata"]["name"] for entry in found] == ["a", "b", "c"]


def test_objects_of_one_name_in_two_namespaces_are_two() -> None:
    assert len(_manifests.checked([thing(metadata={"namespace": "a"}), thing(metadata={"namespace": "b"}), thing("Secret")])) == 3


@pytest.mark.parametrize(
    ("given", "ordered"),
    [
        pytest.param(["Deployment", "Namespace"], ["Namespace", "Deployment"], id="namespace first"),
        pytest.param(["Ship", "CustomResourceDefinition"], ["CustomResourceDefinition", "Ship"], id="definition before its objects"),
        pytest.param(["RoleBinding", "Role", "ServiceAccount"], ["ServiceAccount", "Role", "RoleBinding"], id="roles"),
        pytest.param(
            ["ValidatingWebhookConfiguration", "Deployment", "Ship"],
            ["Deployment", "Ship", "ValidatingWebhookConfiguration"],
            id="hook last",
        ),
        pytest.param(["Ship", "Boat"], ["Ship", "Boat"], id="unknown ones as given"),
    ],
)
def test_order(given: list[str], ordered: list[str]) -> None:
    assert [entry["kind"] for entry in _manifests.in_order([thing(kind) for kind in given])] == ordered


def owned(fields: dict[str, Any], manager: str = "quorate", operation: str = "Apply") -> dict[str, Any]:
    return {"managedFields": [{"manager": manager, "operation": operation, "apiVersion": "v1", "fieldsV1": fields, "time": "now"}]}


LIVE = thing(data={"a": "1"}, metadata={**owned({"f:data": {}}), "resourceVersion": "7", "uid": "u", "generation": 3})


@pytest.mark.parametrize(
    ("live", "result", "action"),
    [
        pytest.param(None, thing(data={"a": "1"}), "created", id="missing"),
        pytest.param(None, None, "created", id="missing and not to be tried"),
        pytest.param(LIVE, {**LIVE, "metadata": {**LIVE["metadata"], "resourceVersion": "8"}}, "unchanged", id="same"),
        pytest.param(LIVE, {**LIVE, "status": {"phase": "x"}}, "unchanged", id="another status"),
        pytest.param(LIVE, {**LIVE, "data": {"a": "2"}}, "updated", id="another value"),
        pytest.param(LIVE, {**LIVE, "metadata": {"name": "x", **owned({"f:data": {"f:a": {}}})}}, "updated", id="fields become ours"),
        pytest.param(LIVE, None, "unchanged", id="no dry run, all there"),
        pytest.param({**LIVE, "data": {"a": "2"}}, None, "updated", id="no dry run, another value"),
    ],
)
def test_plan_present(live: Any, result: Any, action: str) -> None:
    step = _manifests.plan_present(thing(data={"a": "1"}), live=live, result=result, manager="quorate")
    assert step.action == action


def test_plan_absent() -> None:
    name = _manifests.identity(thing())
    assert _manifests.plan_absent(name, live=None).action == "unchanged"
    assert _manifests.plan_absent(name, live=LIVE).action == "deleted"


def test_essence_is_without_what_the_server_keeps() -> None:
    assert _manifests.essence({**LIVE, "status": {"a": 1}}) == thing(data={"a": "1"})


@pytest.mark.parametrize(
    ("metadata", "count"),
    [
        pytest.param(owned({}), 1, id="ours"),
        pytest.param(owned({}, manager="kubectl"), 0, id="theirs"),
        pytest.param(owned({}, operation="Update"), 0, id="not applied"),
        pytest.param({}, 0, id="nothing known"),
    ],
)
def test_owned_fields(metadata: dict[str, Any], count: int) -> None:
    assert len(_manifests.owned_fields({"metadata": metadata}, "quorate")) == count


@pytest.mark.parametrize(
    ("live", "wanted", "answer"),
    [
        pytest.param({"a": 1, "b": 2}, {"a": 1}, True, id="more is there"),
        pytest.param({"a": 1}, {"a": 1, "b": 2}, False, id="less is there"),
        pytest.param({"a": [{"b": 1, "c": 2}]}, {"a": [{"b": 1}]}, True, id="list of dicts"),
        pytest.param({"a": [1, 2]}, {"a": [1]}, False, id="longer list"),
        pytest.param({"a": "1"}, {"a": 1}, False, id="another type"),
    ],
)
def test_contains(live: Any, wanted: Any, answer: bool) -> None:
    assert _manifests.contains(live, wanted) is answer


def test_defined_kinds() -> None:
    spec = {
        "group": "example.com",
        "scope": "Namespaced",
        "names": {"kind": "Ship", "plural": "ships"},
        "versions": [{"name": "v1"}, {"name": "v2"}],
    }
    definition = thing("CustomResourceDefinition", spec=spec)
    assert _manifests.defined_kinds([definition, thing()]) == {
        ("example.com/v1", "Ship"): ("ships", True),
        ("example.com/v2", "Ship"): ("ships", True),
    }


def test_report_tells_each_object_and_shows_only_changes() -> None:
    steps = [
        _manifests.plan_present(thing(name="a", data={"k": "v"}), live=None, result=None, manager="q"),
        _manifests.plan_present(thing(name="x", data={"a": "1"}), live=LIVE, result=None, manager="q"),
    ]
    report = _manifests.report(steps)
    assert report["changed"]
    assert [entry["action"] for entry in report["objects"]] == ["created", "unchanged"]
    assert [entry["after_header"] for entry in report["diff"]] == ["ConfigMap a"]
    assert "k: v" in report["diff"][0]["after"]
    assert not _manifests.report(steps[1:])["changed"]


@pytest.mark.parametrize(
    ("present", "hopeless", "text"),
    [
        pytest.param(True, False, "Not ready within 7 s: because", id="ready"),
        pytest.param(False, False, "Not gone within 7 s: because", id="gone"),
        pytest.param(True, True, "Not ready and waiting longer cannot help: because", id="hopeless"),
    ],
)
def test_waiting_failed(present: bool, hopeless: bool, text: str) -> None:
    assert _manifests.waiting_failed(_manifests.Pending(("because",), hopeless), present=present, seconds=7).startswith(text)


def test_new_namespaces() -> None:
    steps = [
        _manifests.plan_present(thing("Namespace", "new"), live=None, result=None, manager="q"),
        _manifests.plan_present(thing("Namespace", "old"), live=thing("Namespace", "old"), result=None, manager="q"),
    ]
    assert _manifests.new_namespaces(steps) == {"new"}


def test_without_a_server_everything_is_new_and_nothing_is_to_be_removed() -> None:
    assert [step.action for step in _manifests.plan_without_server([thing()], present=True)] == ["created"]
    assert [step.action for step in _manifests.plan_without_server([thing()], present=False)] == ["unchanged"]
