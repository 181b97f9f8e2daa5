"""Objects as text: what a person reads, and nothing secret."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from ansible_collections.quorate.kubernetes.plugins.module_utils import _object_text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param({"b": 1, "a": "x"}, "a: x\nb: 1", id="sorted keys"),
        pytest.param({"a": {"b": {"c": True}}}, "a:\n  b:\n    c: true", id="nested"),
        pytest.param({"a": [1, {"b": 2, "c": 3}]}, "a:\n  - 1\n  - b: 2\n    c: 3", id="list"),
        pytest.param({"a": {}, "b": []}, "a: {}\nb: []", id="empty"),
        pytest.param({"a": "true", "b": "1", "c": None, "d": ""}, 'a: "true"\nb: "1"\nc: null\nd: ""', id="text that looks like more"),
        pytest.param({"a": "one\ntwo\n"}, "a: |\n  one\n  two", id="lines"),
        pytest.param({"a": "one\n\ntwo"}, "a: |-\n  one\n\n  two", id="lines without an end"),
        pytest.param({"a": ["one\ntwo\n"]}, "a:\n  - |\n    one\n    two", id="lines in a list"),
        pytest.param({"a": [[1, 2], [3]]}, "a:\n  - - 1\n    - 2\n  - - 3", id="list of lists"),
        pytest.param({"a/b.c": "x: y", "d": "-x"}, 'a/b.c: "x: y"\nd: "-x"', id="special characters"),
    ],
)
def test_yaml_lines(value: Any, text: str) -> None:
    assert "\n".join(_object_text.yaml_lines(value)) == text
    assert yaml.safe_load(text + "\n") == value


def secret(**changes: Any) -> dict[str, Any]:
    return {"kind": "Secret", "metadata": {"name": "s"}, "data": {"a": "QQ=="}, **changes}


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        pytest.param(None, secret(), ["", "(secret)"], id="new"),
        pytest.param(secret(), secret(data={"a": "Qg=="}), ["(secret)", "(secret, changed)"], id="changed"),
        pytest.param(secret(), secret(data={"a": "QQ==", "b": "Qg=="}), ["(secret)", "b: (secret, changed)"], id="added key"),
        pytest.param(secret(), None, ["(secret)", ""], id="removed"),
        pytest.param(None, secret(stringData={"c": "Qg=="}), ["", "c: (secret)"], id="plain text"),
    ],
)
def test_secrets_are_hidden(before: Any, after: Any, shown: list[str]) -> None:
    texts = _object_text.object_texts(before, after)
    for text, expected in zip(texts, shown):
        assert expected in text.replace('"', "")
        assert "QQ==" not in text
        assert "Qg==" not in text


def test_copy_of_a_secret_in_an_annotation_is_hidden() -> None:
    annotated = secret(metadata={"name": "s", "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "QQ==", "team": "a"}})
    _before, after = _object_text.object_texts(None, annotated)
    assert "QQ==" not in after
    assert "team: a" in after


def test_other_kinds_are_shown() -> None:
    _before, after = _object_text.object_texts(None, {"kind": "ConfigMap", "data": {"a": "b"}})
    assert "a: b" in after
