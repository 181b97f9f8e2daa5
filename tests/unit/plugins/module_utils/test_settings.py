"""Settings of programs, merged and printed; what is printed is read again by an independent parser."""

from __future__ import annotations

from typing import Any

import pytest
import tomllib

from ansible_collections.quorate.kubernetes.plugins.module_utils import _settings


@pytest.mark.parametrize(
    ("layers", "merged"),
    [
        pytest.param([], {}, id="nothing"),
        pytest.param([{"a": 1}, {"b": 2}], {"a": 1, "b": 2}, id="side by side"),
        pytest.param([{"a": 1}, {"a": 2}, {"a": 3}], {"a": 3}, id="the last wins"),
        pytest.param([{"a": {"x": 1, "y": 1}}, {"a": {"y": 2}}], {"a": {"x": 1, "y": 2}}, id="mappings are merged"),
        pytest.param([{"a": {"b": {"c": 1, "d": 2}}}, {"a": {"b": {"c": None}}}], {"a": {"b": {"d": 2}}}, id="null deep inside"),
        pytest.param([{"a": 1, "b": 2}, {"a": None}], {"b": 2}, id="null takes away"),
        pytest.param([{"a": None}, {"a": 1}], {"a": 1}, id="null and set again"),
        pytest.param([{"a": None, "b": {"c": None}}], {"b": {}}, id="null in the first layer"),
        pytest.param([{"a": [1, 2]}, {"a": [3]}], {"a": [3]}, id="lists are replaced"),
        pytest.param([{"a": {"x": 1}}, {"a": "text"}], {"a": "text"}, id="mapping replaced by a value"),
        pytest.param([{"a": "text"}, {"a": {"x": 1}}], {"a": {"x": 1}}, id="value replaced by a mapping"),
        pytest.param([{"a": 1}, {"a": ""}, {"b": 0}, {"c": False}], {"a": "", "b": 0, "c": False}, id="empty is not null"),
    ],
)
def test_merge(layers: list[dict[str, Any]], merged: dict[str, Any]) -> None:
    assert _settings.merge(*layers) == merged


def test_merge_leaves_its_arguments_alone() -> None:
    first, second = {"a": {"x": 1}}, {"a": {"y": 2}}
    _settings.merge(first, second)["a"]["z"] = 3
    assert (first, second) == ({"a": {"x": 1}}, {"a": {"y": 2}})


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        pytest.param(True, "true", id="true"),
        pytest.param(False, "false", id="false"),
        pytest.param(0, "0", id="zero"),
        pytest.param(1.5, "1.5", id="float"),
        pytest.param("2h", "2h", id="text"),
        pytest.param(["Node", "RBAC"], "Node,RBAC", id="list"),
        pytest.param([True, 1], "true,1", id="list of values"),
        pytest.param({"A": True, "B": False}, "A=true,B=false", id="mapping"),
        pytest.param([], "", id="empty list"),
        pytest.param({}, "", id="empty mapping"),
    ],
)
def test_scalar(value: Any, printed: str) -> None:
    assert _settings.scalar(value) == printed


# What systemd makes of these is seen in tests/integration/components.
@pytest.mark.parametrize(
    ("flags", "printed"),
    [
        pytest.param({}, "", id="none"),
        pytest.param({"v": 2, "a": True}, "  --a=true \\\n  --v=2", id="sorted"),
        pytest.param({"a": None, "b": "", "c": [], "d": {}}, "", id="null and empty are left out"),
        pytest.param({"a": False, "b": 0}, "  --a=false \\\n  --b=0", id="false and zero are not empty"),
        pytest.param({"a": "two words"}, '  "--a=two words"', id="space"),
        pytest.param({"a": 'say "hi"'}, '  "--a=say \\"hi\\""', id="quotes"),
        pytest.param({"a": "it's"}, '  "--a=it\'s"', id="apostrophe"),
        pytest.param({"a": "\\d"}, '  "--a=\\\\d"', id="backslash"),
        pytest.param({"a": "100%"}, "  --a=100%%", id="specifier"),
        pytest.param({"a": "$HOME"}, "  --a=$$HOME", id="variable"),
        pytest.param({"a": "x;y"}, '  "--a=x;y"', id="semicolon"),
        pytest.param({"a": "ä"}, "  --a=ä", id="more than ASCII"),
    ],
)
def test_unit_arguments(flags: dict[str, Any], printed: str) -> None:
    assert _settings.unit_arguments(flags) == printed


@pytest.mark.parametrize("value", ["a\nExecStartPre=/bin/evil", "a\rb", "a\x00b", "a\tb", "\x7f"])
def test_control_characters_are_refused(value: str) -> None:
    with pytest.raises(_settings.SettingsError, match="The flag a contains"):
        _settings.unit_arguments({"a": value})


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        pytest.param({}, "\n", id="empty"),
        pytest.param({"version": 3, "root": "/var/lib"}, 'version = 3\nroot = "/var/lib"\n', id="values"),
        pytest.param({"a": {"x": 1}, "b": 2}, "b = 2\n\n[a]\nx = 1\n", id="values come before tables"),
        pytest.param({"a": {"b": {"c": 1}}}, "[a.b]\nc = 1\n", id="no header for a table of tables"),
        pytest.param({"a": {}}, "[a]\n", id="empty table"),
        pytest.param({"a": {"io.containerd.cri.v1": {"x": True}}}, '[a."io.containerd.cri.v1"]\nx = true\n', id="key with dots"),
    ],
)
def test_toml(settings: dict[str, Any], text: str) -> None:
    assert _settings.to_toml(settings) == text
    assert tomllib.loads(text) == settings


@pytest.mark.parametrize(
    "value",
    [
        pytest.param('say "hi" \\ there', id="quotes and backslashes"),
        pytest.param("a\nb\tc\rd\x00e\x1ff\x7fg", id="control characters"),
        pytest.param("ä€😀", id="more than ASCII"),
        pytest.param("", id="empty text"),
        pytest.param("true", id="text that looks like a boolean"),
        pytest.param(1e20, id="large float"),
        pytest.param(-7, id="negative"),
        pytest.param([1, "a", [True, []]], id="list of all kinds"),
        pytest.param([{"a b": 1, "c": {"d": []}}, {}], id="mappings in a list"),
        pytest.param({"x": {"y z": {"#": "="}}}, id="keys that need quotes"),
    ],
)
def test_toml_is_read_as_it_was_meant(value: Any) -> None:
    assert tomllib.loads(_settings.to_toml({"value": value})) == {"value": value}


def test_toml_leaves_null_out() -> None:
    printed = _settings.to_toml({"a": None, "b": {"c": None, "d": 1}, "e": [{"f": None, "g": 1}]})
    assert tomllib.loads(printed) == {"b": {"d": 1}, "e": [{"g": 1}]}


def test_toml_takes_numbers_for_keys() -> None:
    settings: dict[Any, Any] = {8080: {1: "x"}}
    assert tomllib.loads(_settings.to_toml(settings)) == {"8080": {"1": "x"}}


def test_kubeconfig_names_files_and_holds_none() -> None:
    made = _settings.kubeconfig(server="https://x:1", authority="/ca.crt", certificate="/c.crt", key="/c.key", user="kubelet")
    assert made["clusters"] == [{"name": "default", "cluster": {"server": "https://x:1", "certificate-authority": "/ca.crt"}}]
    assert made["users"] == [{"name": "kubelet", "user": {"client-certificate": "/c.crt", "client-key": "/c.key"}}]
    (context,) = made["contexts"]
    assert made["current-context"] == context["name"]
    assert context["context"] == {"cluster": "default", "user": "kubelet"}
    assert "data" not in str(made)
