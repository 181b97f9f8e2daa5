"""The filters under their names in Ansible; what they decide is tested where it is decided."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError

PLUGINS = "ansible_collections.quorate.kubernetes.plugins.filter"
FOLDER = Path(__file__).resolve().parents[4] / "plugins/filter"
NAMES = sorted(path.stem for path in FOLDER.glob("*.py"))


def filter_of(name: str) -> Callable[..., Any]:
    function: Callable[..., Any] = importlib.import_module(f"{PLUGINS}.{name}").FilterModule().filters()[name]
    return function


@pytest.mark.parametrize("name", NAMES)
def test_file_holds_one_filter_of_its_name(name: str) -> None:
    module = importlib.import_module(f"{PLUGINS}.{name}")
    assert list(module.FilterModule().filters()) == [name]
    documentation = yaml.safe_load(module.DOCUMENTATION)
    assert documentation["name"] == name
    assert documentation["version_added"]


@pytest.mark.parametrize(
    ("name", "value", "arguments", "options", "expected"),
    [
        pytest.param("merge_settings", {"a": 1, "b": 1}, [{"b": 2}, {"a": None}], {}, {"b": 2}, id="merge_settings"),
        pytest.param("merge_settings", {"a": None, "b": 1}, [], {}, {"b": 1}, id="merge_settings of one"),
        pytest.param("flannel_changes", {"Network": "a"}, ['{"Network": "b"}'], {}, ['Network from "b" to "a"'], id="flannel_changes"),
        pytest.param(
            "flannel_changes", {"Network": "a", "SubnetLen": 26}, ['{"Network": "a"}'], {}, [], id="flannel_changes that are none"
        ),
        pytest.param("flannel_changes", {"Network": "a"}, [None], {}, [], id="flannel_changes without a file"),
        pytest.param("flannel_changes", {"Network": "a"}, ["{"], {}, [], id="flannel_changes with a damaged file"),
        pytest.param("setting_changes", {"a": 1, "b": 2}, ['{"a": 2, "c": 1}'], {}, ["a from 2 to 1"], id="setting_changes"),
        pytest.param("setting_changes", {"a": 1}, [None], {}, [], id="setting_changes of a new host"),
        pytest.param("setting_changes", {"a": 1}, ['{"a": 2'], {}, [], id="setting_changes with a damaged note"),
        pytest.param("setting_changes", {"a": 1}, ["5"], {}, [], id="setting_changes with a note of something else"),
        pytest.param(
            "node_object",
            {"name": "m1", "kinds": ["master"], "zone": "a", "region": "", "labels": {"b": "c"}, "taints": []},
            [],
            {},
            {
                "name": "m1",
                "labels": {"node-role.kubernetes.io/control-plane": "", "topology.kubernetes.io/zone": "a", "b": "c"},
                "taints": [],
            },
            id="node_object",
        ),
        pytest.param("to_toml", {"a": {"b": [1]}}, [], {}, "[a]\nb = [1]\n", id="to_toml"),
        pytest.param("unit_arguments", {"v": 2, "a": True}, [], {}, "  --a=true \\\n  --v=2", id="unit_arguments"),
    ],
)
def test_value(name: str, value: Any, arguments: list[Any], options: Mapping[str, Any], expected: Any) -> None:
    assert filter_of(name)(value, *arguments, **options) == expected


@pytest.mark.parametrize(
    ("name", "value", "arguments", "message"),
    [
        pytest.param("merge_settings", "text", [], "takes mappings, not str", id="merge_settings of a text"),
        pytest.param("merge_settings", {}, [["a"]], "takes mappings, not list", id="merge_settings with a list"),
        pytest.param("to_toml", [1], [], "takes a mapping, not list", id="to_toml"),
        pytest.param("unit_arguments", "--v=2", [], "takes a mapping of flags, not str", id="unit_arguments"),
        pytest.param("unit_arguments", {"a": "b\nc"}, [], "line break", id="unit_arguments with a line break"),
    ],
)
def test_misuse_is_told(name: str, value: Any, arguments: list[Any], message: str) -> None:
    with pytest.raises(AnsibleFilterError, match=message):
        filter_of(name)(value, *arguments)


def test_kubeconfig() -> None:
    made = filter_of("kubeconfig")("https://127.0.0.1:7443", user="kubelet", directory="/etc/kubernetes/kubelet")
    assert made["clusters"][0]["cluster"] == {
        "server": "https://127.0.0.1:7443",
        "certificate-authority": "/etc/kubernetes/pki/ca.crt",
    }
    assert made["users"][0]["user"] == {
        "client-certificate": "/etc/kubernetes/kubelet/client.crt",
        "client-key": "/etc/kubernetes/kubelet/client.key",
    }


def test_host_problems() -> None:
    observation = {
        "platform": {"architecture": "amd64", "python": "3.11.2"},
        "clock_skew": 9.0,
        "components": {"etcd": {}},
        "strangers": [],
        "kernel": {"cgroup": 2, "modules": True, "features": {}},
    }
    problems = filter_of("host_problems")(observation, kinds=["etcd", "node", "worker"], clock_skew=5, free_space=0, features=["overlay"])
    assert len(problems) == 1
    assert "clock" in problems[0]
