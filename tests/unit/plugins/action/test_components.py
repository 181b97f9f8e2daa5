"""When the host of a task is contacted, and when its observation tells enough."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any, Optional
from unittest import mock

import pytest
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from ansible_collections.quorate.kubernetes.plugins.action import components as action
from ansible_collections.quorate.kubernetes.plugins.module_utils import _component
from ansible_collections.quorate.kubernetes.plugins.module_utils._component import Unit

WEB = {"name": "web", "files": [{"path": "/etc/web", "content": "x"}]}
FILE = {"mode": "0644", "owner": "root", "group": "root", "changed": 1.0}


def observation(*, active: str = "active", run: str = "7") -> dict[str, Any]:
    """What is observed of a host that is as it should be, but for the state of the unit."""
    web = _component.parse(WEB)
    digest = _component.inputs_digest(web, {})
    inputs = _component.inputs_file(web, digest)
    unit = Unit(active=active, enabled=True, process=True, inputs=digest, started=2.0)
    return {
        "run": run,
        "files": {
            "/etc/web": {**FILE, "digest": web.files[0].digest},
            inputs.path: {**FILE, "digest": inputs.digest, "mode": "0600"},
        },
        "components": {"web": {"unit": dataclasses.asdict(unit), "recorded": ["/etc/web", inputs.path]}},
    }


class Known:
    """A templar and a loader as an action has them, with this folder of templates."""

    def __init__(self, folder: Path) -> None:
        self.loader = DataLoader()
        self.loader.set_basedir(str(folder))
        self.templar = Templar(loader=self.loader, variables={})


def run(observed: Optional[dict[str, Any]], **arguments: Any) -> tuple[dict[str, Any], int]:
    """Result of the action, and how often it contacted the host."""
    task = mock.MagicMock(check_mode=False, async_val=0, diff=False)
    task.args = {"components": [WEB], **arguments}
    plugin = action.ActionModule(task, mock.MagicMock(), mock.MagicMock(), None, None, None)
    answer = {"changed": True, "observation": {"files": {"/etc/web": {**FILE, "digest": "new"}}}}
    plugin._execute_module = mock.MagicMock(return_value=answer)
    task_vars: dict[str, Any] = {
        "inventory_hostname": "m1",
        "cluster_topology": {"run": "7"},
        "ansible_facts": {"host_observation": observed},
    }
    return plugin.run(None, task_vars), plugin._execute_module.call_count


@pytest.mark.parametrize(
    ("observed", "arguments", "contacted"),
    [
        pytest.param(observation(), {}, 0, id="nothing to do"),
        pytest.param(observation(active="failed"), {}, 1, id="something to do"),
        pytest.param(observation(active="failed"), {"apply": False}, 0, id="something to do, but only told"),
        pytest.param(None, {}, 1, id="nothing observed"),
        pytest.param(None, {"apply": False}, 1, id="nothing observed, and only told"),
        pytest.param(observation(run="6"), {}, 1, id="observed in a former run"),
        pytest.param(observation(), {"components": []}, 0, id="no components"),
        pytest.param(None, {"components": [{"name": "web", "state": "absent"}]}, 1, id="nothing observed, and to be absent"),
    ],
)
def test_host_is_contacted_only_if_there_is_something_to_do(
    observed: Optional[dict[str, Any]], arguments: dict[str, Any], contacted: int
) -> None:
    assert run(observed, **arguments)[1] == contacted


@pytest.mark.parametrize(
    ("active", "step", "plan"),
    [
        pytest.param("active", "keep", [], id="keep"),
        pytest.param("failed", "build", ["start web.service (it is failed)"], id="build"),
    ],
)
def test_what_is_told_without_the_host(active: str, step: str, plan: list[str]) -> None:
    result, _contacted = run(observation(active=active), apply=False)
    assert [result["changed"], result["step"], result["plan"]] == [False, step, plan]


def test_the_fact_is_renewed_by_what_the_module_observed() -> None:
    result, _contacted = run(observation(active="failed"))
    fact = result["ansible_facts"]["host_observation"]
    assert fact["files"]["/etc/web"]["digest"] == "new"
    assert (fact["run"], sorted(fact["components"])) == ("7", ["web"])


@pytest.mark.parametrize(
    ("components", "words"),
    [
        pytest.param([{"name": "web.service"}], "'web.service' is no component name", id="name"),
        pytest.param([{}], "name", id="no name"),
        pytest.param(["web"], "make no sense", id="no mapping"),
        pytest.param([{**WEB, "ready": {"prot": 80}}], "prot", id="misspelt"),
    ],
)
def test_definition_that_makes_no_sense_is_refused_before_any_host_is_contacted(components: list[Any], words: str) -> None:
    result, contacted = run(observation(), components=components)
    assert result["failed"] is True
    assert words in result["msg"]
    assert contacted == 0


@pytest.mark.parametrize(
    ("component", "rendered"),
    [
        pytest.param({"unit_template": "web.service.j2"}, {"unit": "[Unit]\nDescription=web of h1, C:\\web\n"}, id="unit"),
        pytest.param(
            {"files": [{"path": "/etc/web", "template": "web.service.j2", "mode": "0600"}]},
            {"files": [{"path": "/etc/web", "content": "[Unit]\nDescription=web of h1, C:\\web\n", "mode": "0600"}]},
            id="file",
        ),
        pytest.param({"unit_template": "part.j2"}, {"unit": "# h1\n[Unit]\nDescription=web of h1, C:\\web\n"}, id="include"),
        pytest.param({"unit_template": "whole.j2"}, {"unit": "[Unit]\nDescription=web of h1, C:\\web\n"}, id="include by its whole path"),
    ],
)
def test_templates_are_rendered_on_the_control_node(tmp_path: Path, component: dict[str, Any], rendered: dict[str, Any]) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates/web.service.j2").write_text("[Unit]\nDescription=web of {{ name }}, C:\\web\n", encoding="utf-8")
    (tmp_path / "templates/part.j2").write_text("# {{ name }}\n{% include 'web.service.j2' %}\n", encoding="utf-8")
    (tmp_path / "templates/whole.j2").write_text(f"{{% include '{tmp_path}/templates/web.service.j2' %}}\n", encoding="utf-8")
    assert sent(tmp_path, {"name": "web", **component}) == {"name": "web", **rendered}


def test_templates_of_all_roles_of_the_collection_are_found(tmp_path: Path) -> None:
    told = sent(tmp_path, {"name": "containerd", "files": [{"path": "/etc/unit", "template": "kubernetes-swap-off.service.j2"}]})
    assert "swapoff" in told["files"][0]["content"]


@pytest.mark.parametrize(
    ("component", "words"),
    [
        pytest.param({"unit_template": "../templates/nowhere.j2"}, "nowhere.j2", id="outside"),
        pytest.param({"unit_template": "nowhere.j2"}, "nowhere.j2", id="absent"),
        pytest.param({"unit_template": "wrong.j2"}, "wrong.j2 cannot be rendered: .*nothing", id="undefined"),
        pytest.param({"unit_template": "wrong.j2", "unit": "[Unit]"}, "web has both 'unit' and 'unit_template'", id="twice"),
    ],
)
def test_template_that_cannot_be_rendered_is_named(tmp_path: Path, component: dict[str, Any], words: str) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates/wrong.j2").write_text("{{ nothing }}", encoding="utf-8")
    try:
        told = sent(tmp_path, {"name": "web", **component})["msg"]
    except AnsibleError as error:
        told = str(error)
    assert re.search(words, told)


def sent(folder: Path, component: dict[str, Any]) -> dict[str, Any]:
    """What the module is told of the component, or the result of a failure."""
    known = Known(folder)
    task = mock.MagicMock(check_mode=False, async_val=0, diff=False)
    task.args = {"components": [component]}
    task.get_search_path.return_value = [str(folder)]
    plugin = action.ActionModule(task, mock.MagicMock(), mock.MagicMock(), known.loader, known.templar, None)
    plugin._execute_module = mock.MagicMock(return_value={"changed": True})
    result = plugin.run(None, {"name": "h1", "ansible_search_path": [str(folder)]})
    sent_components: list[dict[str, Any]] = task.args["components"]
    return result if result.get("failed") else sent_components[0]


def test_refusals_are_told_and_nothing_is_done() -> None:
    result, contacted = run(observation(active="failed"), refusals=["The network would be split."])
    assert (result["failed"], result["msg"], contacted) == (True, "The network would be split.", 0)


@pytest.mark.parametrize(
    ("active", "further", "groups"),
    [
        pytest.param("failed", [], ["nodes_build"], id="something to do"),
        pytest.param("failed", ["", "etcd_flannel"], ["nodes_build", "etcd_flannel"], id="and another group"),
        pytest.param("active", ["etcd_flannel"], ["etcd_flannel"], id="nothing to do, but another group"),
        pytest.param("active", [""], [], id="nothing to do"),
    ],
)
def test_host_joins_the_group_of_its_step(active: str, further: list[str], groups: list[str]) -> None:
    result, _contacted = run(observation(active=active), apply=False, group="nodes", groups=further)
    assert result.get("add_host", {}).get("groups", []) == groups
    assert result.get("add_host", {"host_name": "m1"})["host_name"] == "m1"
