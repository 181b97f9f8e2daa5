"""The stages etcd and masters where a host falls silent while it is changed. What the modules say is made up; nobody is contacted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
HOSTS = ("m1", "m2", "m3")

# In the place of the modules that ask or change a host: each notes what it was called for, and one of them does not reach its host.
MODULE = """
import os
from pathlib import Path
from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase
from ansible_collections.quorate.kubernetes.plugins.plugin_utils import _groups


class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        host, given = task_vars["inventory_hostname"], self._task.args
        if given.get("apply") is False:
            plan = ["restart kube-apiserver.service", "restart kube-scheduler.service"]
            return {"step": "change", "plan": plan, **_groups.joining(task_vars, [given["group"] + "_change"])}
        called = " ".join([Path(__file__).stem, *(one["name"] for one in given.get("components", [])), given.get("action", "")]).strip()
        with open(os.environ["CALLS"], "a") as calls:
            calls.write(f"{host}: {called}\\n")
        if f"{host}: {called}" == os.environ["SILENT"]:
            raise AnsibleConnectionFailure("no route to host")
        return {"leader": "", "members": [], "leaders": {"kube-scheduler": "m2"}}
"""
FAKED = ("api_servers_info", "cluster_info", "components", "etcd_info", "etcd_member", "etcd_quorum", "etcd_version")

# What the roles would compute, from what would have been observed.
COMPUTED: Mapping[str, Any] = {
    "cluster_topology": {"run": "1", "versions": {"kubernetes": "1.37.1", "etcd": "3.7.3"}, "hosts": {}, "etcd": list(HOSTS)},
    "etcd_flannel": False,
    "__etcd_components": [{"name": "etcd"}],
    "__etcd_downtime": False,
    "__etcd_founding": {"action": "keep", "returns": False},
    "__etcd_other_endpoints": [],
    "__etcd_refusals": [],
    "__etcd_self": {"name": "x", "address": "192.0.2.1"},
    "__etcd_snapshot_seen": [],
    "__masters_components": [{"name": "kube-apiserver"}, {"name": "kube-controller-manager"}, {"name": "kube-scheduler"}],
    "__masters_local": "https://127.0.0.1:6443",
    "__masters_others": {"m9": "https://192.0.2.9:6443"},
}


def _linked(source: Path, folder: Path, *, apart: tuple[str, ...] = ()) -> Path:
    folder.mkdir(parents=True)
    for entry in source.iterdir():
        if entry.name not in apart and not entry.name.startswith((".", "__")):
            (folder / entry.name).symlink_to(entry)
    return folder


Play = Callable[..., tuple[int, str, list[str]]]


@pytest.fixture
def play(tmp_path: Path) -> Play:
    """Run a stage where one call finds its host silent: the exit code, what was printed, and all calls."""
    collection = _linked(ROOT, tmp_path / "ansible_collections/quorate/kubernetes", apart=("plugins", "playbooks"))
    _linked(ROOT / "plugins", collection / "plugins", apart=("action",))
    actions = _linked(ROOT / "plugins/action", collection / "plugins/action", apart=tuple(f"{name}.py" for name in FAKED))
    for name in FAKED:
        (actions / f"{name}.py").write_text(MODULE, encoding="utf-8")
    unit = {"unit": {"active": "active"}}
    facts = {
        "host_observation": {"components": {"etcd": unit, "kube-apiserver": unit}, "platform": {"hostname": "{{ inventory_hostname }}"}}
    }
    observed = {"name": "Observe", "ansible.builtin.set_fact": {**facts, "cacheable": True}}
    hosts = {"masters": {"hosts": {name: {"ansible_connection": "local"} for name in HOSTS}}}
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump(hosts), encoding="utf-8")

    def run(stage: str, *, silent: str, fatal: bool) -> tuple[int, str, list[str]]:
        text = (ROOT / f"playbooks/stages/{stage}.yml").read_text(encoding="utf-8")
        (tmp_path / "stage.yml").write_text(text if fatal else text.replace("  any_errors_fatal: true\n", ""), encoding="utf-8")
        begin = {"hosts": "all", "gather_facts": False, "tasks": [observed]}
        (tmp_path / "run.yml").write_text(yaml.safe_dump([begin, {"import_playbook": "stage.yml"}]), encoding="utf-8")
        settings = {"COLLECTIONS_PATH": str(tmp_path), "HOST_PATTERN_MISMATCH": "ignore", "NOCOLOR": "1"}
        done = subprocess.run(
            [sys.executable, "-m", "ansible", "playbook", "-i", "hosts.yml", "-e", json.dumps(COMPUTED), "run.yml"],
            env={
                **{name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")},
                **{f"ANSIBLE_{name}": value for name, value in settings.items()},
                "CALLS": str(tmp_path / "calls"),
                "SILENT": silent,
            },
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        calls = (tmp_path / "calls").read_text(encoding="utf-8").splitlines()
        return done.returncode, " ".join((done.stdout + done.stderr).split()), calls

    return run


@pytest.mark.parametrize(
    ("stage", "silent", "fatal"),
    [
        pytest.param("etcd", "m2: etcd_quorum restart", False, id="before a member is changed"),
        pytest.param("etcd", "m2: components etcd", True, id="while a member is changed"),
        pytest.param("masters", "m2: api_servers_info", False, id="before an API server is changed"),
        pytest.param("masters", "m2: components kube-controller-manager", True, id="while controllers are changed"),
    ],
)
def test_a_host_that_falls_silent_is_told_of_and_nothing_is_done_after_it(stage: str, silent: str, *, fatal: bool, play: Play) -> None:
    """Whether Ansible itself goes to the rescue, as it does where any error is fatal, or the role has to stop."""
    code, output, calls = play(stage, silent=silent, fatal=fatal)
    assert code != 0, output
    assert "m2: it did not answer any more" in output or "m2: m2 did not answer any more: " in output, output
    assert "go on with this command" in output
    assert calls[-1] == silent
