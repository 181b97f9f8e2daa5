"""The variables that the roles declare, against what an inventory sets."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils import _variables

KNOWN = _variables.declared(
    {
        "cluster": {
            "argument_specs": {
                "main": {
                    "options": {
                        "cluster_name": {"type": "str", "default": "kubernetes"},
                        "cluster_foreign_variables": {"type": "list", "elements": "str", "default": ["etcd_exporter_*"]},
                    }
                }
            }
        },
        "etcd": {
            "argument_specs": {
                "main": {"options": {"etcd_heartbeat_interval": {"type": "int", "default": 100, "aliases": ["etcd_heartbeat"]}}},
                "plan": {},
            }
        },
        "container_runtime": {"argument_specs": {"main": {"options": {"container_runtime_token": {"type": "str", "no_log": True}}}}},
    }
)


@pytest.mark.parametrize(
    ("spec", "value", "result"),
    [
        pytest.param({"type": "str"}, "a", "a", id="text"),
        pytest.param({"type": "str"}, 5, "5", id="number as text"),
        pytest.param({}, "a", "a", id="text is the default type"),
        pytest.param({"type": "int"}, 5, 5, id="number"),
        pytest.param({"type": "int"}, "5", 5, id="number from the command line"),
        pytest.param({"type": "float"}, "0.5", 0.5, id="fraction"),
        pytest.param({"type": "bool"}, True, True, id="truth"),
        pytest.param({"type": "bool"}, "no", False, id="truth from the command line"),
        pytest.param({"type": "list", "elements": "int"}, ["1", 2], [1, 2], id="list"),
        pytest.param({"type": "list"}, (1, "a"), [1, "a"], id="list of anything"),
        pytest.param({"type": "dict"}, {1: None}, {"1": None}, id="mapping"),
        pytest.param({"type": "dict", "options": {"a": {"type": "int"}}}, {"a": "1"}, {"a": 1}, id="mapping with options"),
        pytest.param({"type": "raw"}, {1}, {1}, id="anything"),
        pytest.param({"type": "str"}, None, None, id="null where nothing is needed"),
        pytest.param({"type": "str", "choices": ["a", "b"]}, "b", "b", id="choice"),
        pytest.param({"type": "list", "elements": "str", "choices": ["a", "b"]}, ["b", "a"], ["b", "a"], id="choices"),
    ],
)
def test_coerce(spec: dict[str, Any], value: Any, result: Any) -> None:
    assert _variables.coerce(value, spec=spec) == result


@pytest.mark.parametrize(
    ("spec", "value", "reason"),
    [
        pytest.param({"type": "str"}, ["a"], ' is ["a"], but text is needed', id="list as text"),
        pytest.param({"type": "str"}, True, " is true, but text is needed", id="truth as text"),
        pytest.param({"type": "str", "default": ""}, None, " has no value (null)", id="null"),
        pytest.param({"type": "int"}, "5x", ' is "5x", but a whole number is needed', id="text as number"),
        pytest.param({"type": "int"}, 5.5, " is 5.5, but a whole number is needed", id="fraction as number"),
        pytest.param({"type": "int"}, True, " is true, but a whole number is needed", id="truth as number"),
        pytest.param({"type": "float"}, "fast", ' is "fast", but a number is needed', id="text as fraction"),
        pytest.param({"type": "bool"}, "perhaps", ' is "perhaps", but true or false is needed', id="text as truth"),
        pytest.param({"type": "bool"}, 2, " is 2, but true or false is needed", id="number as truth"),
        pytest.param({"type": "bool"}, [], " is [], but true or false is needed", id="list as truth"),
        pytest.param({"type": "list"}, "a,b", ' is "a,b", but a list is needed', id="text as list"),
        pytest.param({"type": "list", "elements": "int"}, [1, "b"], '[1] is "b", but a whole number is needed', id="element"),
        pytest.param({"type": "list", "elements": "str"}, [None], "[0] has no value (null)", id="null in a list"),
        pytest.param({"type": "dict"}, ["a"], ' is ["a"], but a mapping of names to values is needed', id="list as mapping"),
        pytest.param({"type": "dict", "options": {"mode": {}}}, {"moed": 1}, ' has an unknown key "moed"; did you mean mode?', id="key"),
        pytest.param(
            {"type": "dict", "options": {"mode": {}}}, {"colour": 1}, ' has an unknown key "colour"; known are mode', id="unknown key"
        ),
        pytest.param({"type": "dict", "options": {"a": {"type": "int"}}}, {"a": []}, ".a is [], but a whole number is needed", id="nested"),
        pytest.param({"type": "dict", "options": {"a": {"required": True}, "b": {}}}, {"b": 1}, " has no a", id="key missing"),
        pytest.param(
            {"type": "list", "elements": "dict", "options": {"a": {"type": "int"}}},
            [{"a": 1}, {"a": "x"}],
            '[1].a is "x", but a whole number is needed',
            id="deep",
        ),
        pytest.param({"type": "str", "choices": ["a", "b"]}, "c", ' is "c", but only a, b are possible', id="choice"),
        pytest.param({"type": "list", "elements": "str", "choices": ["a"]}, ["a", "c"], ' is "c", but only a are possible', id="choices"),
        pytest.param({"type": "int", "no_log": True}, "hush", " is (secret), but a whole number is needed", id="secret"),
        pytest.param(
            {"type": "list", "elements": "int", "no_log": True}, ["hush"], "[0] is (secret), but a whole number is needed", id="secrets"
        ),
    ],
)
def test_what_cannot_be_coerced(spec: dict[str, Any], value: Any, reason: str) -> None:
    with pytest.raises(_variables.VariableError) as caught:
        _variables.coerce(value, spec=spec)
    assert str(caught.value) == reason


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        pytest.param("etcd_heartbeat_intervall", "Did you mean etcd_heartbeat_interval?", id="a letter too many"),
        pytest.param("cluster_nmae", "Did you mean cluster_name?", id="swapped"),
        pytest.param("etcd_colour", "Remove it", id="nothing like it"),
        pytest.param("clutser_name", "Did you mean cluster_name?", id="prefix misspelt"),
        pytest.param("container_runtme_token", "Did you mean container_runtime_token?", id="prefix of two words misspelt"),
        pytest.param("containers_running", None, id="like a prefix, but nothing like it is ours"),
        pytest.param("http_proxy", None, id="something else"),
        pytest.param("etcd", None, id="a prefix alone"),
        pytest.param("cluster_topology", None, id="our fact"),
        pytest.param("etcd_plan", None, id="our plan"),
        pytest.param("pki_authorities", None, id="our fact, made a variable by Ansible's default settings"),
        pytest.param("etcd_exporter_port", None, id="declared foreign"),
    ],
)
def test_unknown(name: str, remedy: str | None) -> None:
    problem = _variables.unknown(name, known=KNOWN, foreign=["etcd_exporter_*"])
    if remedy is None:
        assert problem is None
    else:
        assert problem is not None
        assert problem.remedy.startswith(remedy)
        assert problem.what == f"{name} is no variable of quorate.kubernetes and would have no effect"


@pytest.mark.parametrize(
    ("name", "value", "wrong"),
    [
        pytest.param("etcd_data_directory", "/srv/etcd", "", id="fine"),
        pytest.param("etcd_data_directory", "srv/etcd", 'etcd_data_directory is "srv/etcd", but an absolute path', id="relative"),
        pytest.param("etcd_data_directory", "~/etcd", 'etcd_data_directory is "~/etcd"', id="of a home"),
        pytest.param("etcd_data_directory", "/srv/../etcd", 'etcd_data_directory is "/srv/../etcd"', id="parent"),
        pytest.param("etcd_data_directory", "/srv/$(reboot)", 'etcd_data_directory is "/srv/$(reboot)"', id="no plain name"),
        pytest.param("etcd_data_directory", "", 'etcd_data_directory is ""', id="empty"),
        pytest.param("workers_network_ready_path", "", "", id="empty, and may be"),
        pytest.param("workers_network_ready_path", "ready", 'workers_network_ready_path is "ready"', id="relative, but may be empty"),
        pytest.param("container_runtime_archives", ["/srv/a.tar", "b.tar"], 'container_runtime_archives[1] is "b.tar"', id="in a list"),
        pytest.param("container_runtime_archives", [], "", id="empty list"),
        pytest.param("etcd_restore_path", None, "", id="null where nothing is needed"),
        pytest.param("etcd_snapshot_destination", "../snapshots", "", id="on the control node"),
    ],
)
def test_a_path_on_a_host_is_absolute_and_plain(name: str, value: Any, wrong: str) -> None:
    spec = {"type": "list", "elements": "path"} if isinstance(value, list) else {"type": "path"}
    if name == "etcd_data_directory":
        spec["default"] = "/var/lib/etcd"
    found = _variables.check({"m1": {name: value}}, known=_variables.Declared(specs={name: spec}, roles=("etcd",))).problems
    assert [problem.what for problem in found if not problem.what.startswith(wrong or "none")] == []
    assert len(found) == bool(wrong)
    assert all("such as /" in problem.what and problem.remedy and problem.hosts == ("m1",) for problem in found)


def test_check_keeps_what_fits_and_reports_the_rest_for_each_host() -> None:
    found = _variables.check(
        {
            "m1": {"etcd_heartbeat": "50", "cluster_name": ["a"], "etcd_exporter_port": 1},
            "m2": {"etcd_exporter_port": 1, "cluster_foreign_variables": []},
            "m3": {"container_runtime_token": ["hush"]},
        },
        known=KNOWN,
    )
    assert found.values == {"m1": {"etcd_heartbeat": 50}, "m2": {"cluster_foreign_variables": []}, "m3": {}}
    assert [(problem.hosts, problem.what) for problem in found.problems] == [
        (("m1",), 'cluster_name is ["a"], but text is needed'),
        (("m2",), "etcd_exporter_port is no variable of quorate.kubernetes and would have no effect"),
        (("m3",), "container_runtime_token is (secret), but text is needed"),
    ]


def test_each_value_that_breaks_its_rule_is_a_problem_of_its_own() -> None:
    specs: dict[str, dict[str, Any]] = {
        "etcd_ready_timeout": {"type": "int", "default": 90},
        "node_sysctls": {"type": "dict", "default": {}},
    }
    found = _variables.check(
        {"m1": {"etcd_ready_timeout": "-5", "node_sysctls": {"a b": 1, "c": ""}}, "m2": {"etcd_ready_timeout": 60}},
        known=_variables.Declared(specs=specs, roles=("etcd", "node")),
    )
    assert [(problem.hosts, problem.what.split(", but ")[0]) for problem in found.problems] == [
        (("m1",), "etcd_ready_timeout is -5"),
        (("m1",), 'node_sysctls has {"a b": 1}'),
        (("m1",), 'node_sysctls has {"c": ""}'),
    ]


def test_wrong_list_of_foreign_variables_does_not_hide_it() -> None:
    found = _variables.check({"m1": {"cluster_foreign_variables": "etcd_*", "etcd_exporter_port": 1}}, known=KNOWN)
    assert [problem.what for problem in found.problems] == ['cluster_foreign_variables is "etcd_*", but a list is needed']
