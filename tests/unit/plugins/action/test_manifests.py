"""What the control node makes of objects and text."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleActionFail
from ansible.template import trust_as_template

from ansible_collections.quorate.kubernetes.plugins.action import manifests
from ansible_collections.quorate.kubernetes.plugins.module_utils import _object_record


@pytest.mark.parametrize(
    ("arguments", "objects"),
    [
        pytest.param({}, [], id="nothing"),
        pytest.param({"objects": [{"a": 1}], "text": "b: 2\n---\nc: 3\n"}, [{"a": 1}, {"b": 2}, {"c": 3}], id="both"),
        pytest.param({"text": "a: 1\n---\n"}, [{"a": 1}, None], id="empty document"),
        pytest.param({"text": '{"a": [true, null]}'}, [{"a": [True, None]}], id="json"),
        pytest.param({"text": trust_as_template("a: 1")}, [{"a": 1}], id="a text of Ansible's own type"),
        pytest.param({"text": "a: 2026-01-02"}, [{"a": "2026-01-02"}], id="a date is text"),
        pytest.param({"text": "x: &x {a: 1}\ny: *x"}, [{"x": {"a": 1}, "y": {"a": 1}}], id="anchors"),
    ],
)
def test_objects_of(arguments: dict[str, Any], objects: list[Any]) -> None:
    assert manifests.objects_of(arguments) == objects


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        pytest.param({"text": "a: [1"}, "The text is no YAML", id="no yaml"),
        pytest.param({"text": "a: !!python/object/apply:os.system [ls]"}, "The text is no YAML", id="objects of Python"),
        pytest.param({"objects": {"a": 1}}, "objects is to be a list, but it is dict", id="no list"),
    ],
)
def test_objects_of_refuses(arguments: dict[str, Any], problem: str) -> None:
    with pytest.raises(AnsibleActionFail, match=problem):
        manifests.objects_of(arguments)


THING = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}
SAME = {"objects": {"addons": _object_record.wanted_digest([THING], manager="quorate")}}


@pytest.mark.parametrize(
    ("arguments", "observed", "seen"),
    [
        pytest.param({"record": "addons"}, [SAME], True, id="the same"),
        pytest.param({"record": "addons"}, [{"objects": {}}, SAME], True, id="the same, seen on another master"),
        pytest.param({"record": "other"}, [SAME], False, id="another record"),
        pytest.param({}, [SAME], False, id="no record"),
        pytest.param({"record": "addons", "field_manager": "me"}, [SAME], False, id="another manager"),
        pytest.param({"record": "addons", "wait": True}, [SAME], True, id="the same, and it was ready"),
        pytest.param({"record": "addons", "state": "absent"}, [SAME], False, id="absent"),
        pytest.param({"record": "addons"}, [{"objects": {"addons": None}}], False, id="something differs"),
        pytest.param({"record": "addons"}, [{"objects": None}, {}], False, id="nobody answered"),
        pytest.param({"record": "addons"}, [], False, id="nothing was observed"),
    ],
)
def test_is_seen(arguments: dict[str, Any], observed: list[dict[str, Any]], *, seen: bool) -> None:
    assert manifests.is_seen(arguments, [THING], observed) is seen
    assert not manifests.is_seen(arguments, [{**THING, "metadata": {"name": "other"}}], observed)
