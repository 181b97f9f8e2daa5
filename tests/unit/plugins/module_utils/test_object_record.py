"""Whether objects that were applied are still what they were."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils import _host, _object_record

MAPS = "/api/v1/namespaces/default/configmaps"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
MAP: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {
        "name": "settings",
        "uid": "1",
        "resourceVersion": "7",
        "managedFields": [{"manager": "quorate", "operation": "Apply", "apiVersion": "v1", "fieldsV1": {"f:data": {}}}],
    },
    "data": {"a": "1"},
}
DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "generation": 1},
    "spec": {"replicas": 2},
    "status": {"conditions": [{"type": "Available", "status": "True"}]},
}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_object_record, "RECORD", str(tmp_path / "state/objects.json"))
    monkeypatch.setattr(_host, "user_id", lambda _name: -1)
    monkeypatch.setattr(_host, "group_id", lambda _name: -1)


class Server:
    """What an API server has, as lists of one tell it: without the kind of the things in them."""

    def __init__(self, *objects: tuple[str, Mapping[str, Any]]) -> None:
        self.objects = objects

    def collection(self, path: str, *, query: Mapping[str, str]) -> list[dict[str, Any]]:
        found = [
            thing
            for place, thing in self.objects
            if place == path and f"metadata.name={thing['metadata']['name']}" == query["fieldSelector"]
        ]
        return [{key: value for key, value in thing.items() if key not in ("apiVersion", "kind")} for thing in found]


def altered(thing: Mapping[str, Any], *path: str, to: Any) -> dict[str, Any]:
    """A copy with another value at a path."""
    changed: dict[str, Any] = copy.deepcopy(dict(thing))
    place = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = to
    return changed


def observed(*objects: tuple[str, Mapping[str, Any]]) -> dict[str, str | None]:
    _object_record.remember("addons", wanted="w", manager="quorate", objects={(MAPS, "settings"): MAP, (DEPLOYMENTS, "web"): DEPLOYMENT})
    return _object_record.observe(Server(*objects))  # type: ignore[arg-type]


def test_a_host_that_applied_nothing() -> None:
    assert not _object_record.exists()
    assert _object_record.observe(Server()) == {}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("settings", "web", "same"),
    [
        pytest.param(MAP, DEPLOYMENT, True, id="nothing happened"),
        pytest.param(altered(MAP, "metadata", "resourceVersion", to="9"), DEPLOYMENT, True, id="written anew with the same content"),
        pytest.param(MAP, altered(DEPLOYMENT, "status", "replicas", to=2), True, id="another status"),
        pytest.param(altered(MAP, "data", "a", to="2"), DEPLOYMENT, False, id="another value"),
        pytest.param(altered(MAP, "data", "b", to="2"), DEPLOYMENT, False, id="one value more"),
        pytest.param(altered(MAP, "metadata", "labels", to={"x": "y"}), DEPLOYMENT, False, id="a label"),
        pytest.param(altered(MAP, "metadata", "managedFields", to=[]), DEPLOYMENT, False, id="not ours any more"),
        pytest.param(MAP, altered(DEPLOYMENT, "spec", "replicas", to=0), False, id="scaled by hand"),
        pytest.param(
            MAP, altered(DEPLOYMENT, "status", "conditions", to=[{"type": "Available", "status": "False"}]), False, id="does not run"
        ),
        pytest.param(altered(MAP, "metadata", "name", to="other"), DEPLOYMENT, False, id="gone"),
    ],
)
def test_what_differs(settings: Mapping[str, Any], web: Mapping[str, Any], *, same: bool) -> None:
    assert observed((MAPS, settings), (DEPLOYMENTS, web)) == {"addons": "w" if same else None}


def test_other_records_are_kept() -> None:
    assert observed((MAPS, MAP), (DEPLOYMENTS, DEPLOYMENT)) == {"addons": "w"}
    _object_record.remember("mine", wanted="m", manager="me", objects={(MAPS, "settings"): MAP})
    assert _object_record.observe(Server((MAPS, MAP))) == {"addons": None, "mine": "m"}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        pytest.param(([{"a": 1, "b": 2}], "x"), ([{"b": 2, "a": 1}], "x"), True, id="order of keys"),
        pytest.param(([{"a": 1}], "x"), ([{"a": 2}], "x"), False, id="another value"),
        pytest.param(([{"a": 1}], "x"), ([{"a": 1}], "y"), False, id="another manager"),
    ],
)
def test_wanted_digest(first: tuple[Any, str], second: tuple[Any, str], *, same: bool) -> None:
    digests = [_object_record.wanted_digest(objects, manager=manager) for objects, manager in (first, second)]
    assert (digests[0] == digests[1]) is same
