"""Wrong inventories are refused before any connection, with everything that is wrong at once. Runs ansible-playbook."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import ansible_collections.quorate.kubernetes.plugins.action.topology as action

ROOT = Path(action.__file__).parents[2]  # the collection, below ansible_collections/quorate/kubernetes
INVENTORIES = Path(__file__).resolve().parents[4] / "inventories"

CONNECTION = '''
from pathlib import Path
from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection import ConnectionBase

DOCUMENTATION = """
name: touchy
short_description: Notes that somebody connected, and fails
description: For tests.
options: {}
"""


class Connection(ConnectionBase):
    transport = "touchy"

    def _connect(self):
        Path(__file__).with_name("connected").touch()
        raise AnsibleConnectionFailure("nobody may connect")

    exec_command = put_file = fetch_file = lambda self, *args, **kwargs: self._connect()

    def close(self):
        pass
'''

CHECK = """
- name: Check
  hosts: localhost:all
  gather_facts: false
  any_errors_fatal: true
  tasks:
    - name: Check the inventory and all variables
      ansible.builtin.import_role:
        name: quorate.kubernetes.cluster
        rolespec_validate: false

- name: Use
  hosts: masters:workers:etcd
  gather_facts: false
  tasks:
    - name: Show what the host knows
      ansible.builtin.debug:
        msg: "{{ {'seen': inventory_hostname, 'topology': cluster_topology} }}"
"""


@dataclasses.dataclass(frozen=True)
class Run:
    """What a run of ansible-playbook did."""

    code: int
    output: str
    connected: bool

    @property
    def results(self) -> list[dict[str, Any]]:
        starts = [match.end() for match in re.finditer(r"^(?:fatal|ok): \[.*?\].*? => (?=\{)", self.output, re.MULTILINE)]
        return [json.JSONDecoder().raw_decode(self.output, start)[0] for start in starts]

    @property
    def problems(self) -> list[str]:
        found = [result["failure"]["problems"] for result in self.results if "failure" in result]
        assert len(found) == 1, self.output
        assert all(set(problem) == {"where", "what", "remedy"} and all(problem.values()) for problem in found[0])
        return [f"{problem['where']}: {problem['what']}" for problem in found[0]]

    @property
    def topologies(self) -> dict[str, dict[str, Any]]:
        messages = [result["msg"] for result in self.results if isinstance(result.get("msg"), dict)]
        return {message["seen"]: message["topology"] for message in messages}


class Playbook:
    """Runs a playbook with a connection that must not be used."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / "connection").mkdir()
        (folder / "connection/touchy.py").write_text(CONNECTION, encoding="utf-8")
        (folder / "ansible.cfg").write_text(
            "[defaults]\n"
            f"collections_path = {ROOT.parents[2]}\n"
            f"connection_plugins = {folder}/connection\n"
            "inject_facts_as_vars = false\nhost_pattern_mismatch = ignore\nstdout_callback = default\nnocows = true\n",
            encoding="utf-8",
        )

    def run(self, inventory: Any, *arguments: str, playbook: str = CHECK) -> Run:
        (self._folder / "play.yml").write_text(playbook, encoding="utf-8")
        path = inventory if isinstance(inventory, Path) else self._folder / "hosts.yml"
        if path is not inventory:
            path.write_text(yaml.safe_dump(inventory), encoding="utf-8")
        command = [sys.executable, "-m", "ansible", "playbook", "-i", str(path), "-c", "touchy", *arguments, str(self._folder / "play.yml")]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
        environment.update(ANSIBLE_CONFIG=str(self._folder / "ansible.cfg"), ANSIBLE_FORCE_COLOR="0", ANSIBLE_NOCOLOR="1")
        done = subprocess.run(command, env=environment, cwd=self._folder, capture_output=True, text=True, timeout=120, check=False)
        return Run(done.returncode, done.stdout + done.stderr, (self._folder / "connection/connected").exists())


@pytest.fixture
def playbook(tmp_path: Path) -> Playbook:
    return Playbook(tmp_path)


def hosts(*names: str, **variables: Any) -> dict[str, Any]:
    """A group of hosts with addresses."""
    addresses = {name: {"ansible_host": f"192.0.2.{sum(name.encode()) % 200 + 1}"} for name in names}
    return {"hosts": {name: {**address, **variables.get(name, {})} for name, address in addresses.items()}}


GOOD: dict[str, Any] = {"masters": hosts("m1", "m2", "m3"), "workers": hosts("w1")}


def assert_refused(run: Run, *patterns: str) -> None:
    assert run.code != 0, run.output
    assert not run.connected, run.output
    missing = [pattern for pattern in patterns if not any(re.match(pattern, problem) for problem in run.problems)]
    assert missing == [], run.problems
    assert len(run.problems) == len(patterns), run.problems


def test_the_connection_of_these_tests_notices_whoever_connects(playbook: Playbook) -> None:
    run = playbook.run(GOOD, playbook="- {name: Connect, hosts: m1, gather_facts: false, tasks: [{name: Connect, ansible.builtin.ping: }]}")
    assert run.code != 0
    assert run.connected


def test_everything_wrong_is_listed_at_once(playbook: Playbook) -> None:
    wrong = {
        "all": {
            "vars": {
                "cluster_version": "1.99.0",
                "cluster_nmae": "prod",
                "cluster_api_port": ["6443"],
                "cluster_domain": "{{ company_domain }}",
                "node_exporter_port": 9100,
            }
        },
        "masters": {
            "hosts": {
                "m1": {"ansible_host": "192.0.2.1"},
                "M1": {"ansible_host": "192.0.2.2"},
                "m3;reboot": {"ansible_host": "192.0.2.3"},
                "../m4": {"ansible_host": "192.0.2.1"},
            }
        },
        "wrokers": {"hosts": {"w1": {"ansible_host": "192.0.2.9"}}},
        "etcd": {"hosts": {"m1": {}, "e\n2": {"ansible_host": "e2.example.com"}}},
    }
    assert_refused(
        playbook.run(wrong),
        r'all hosts: cluster_version "1.99.0": Kubernetes 1.99 is not known; known are 1.35',
        r"all hosts: cluster_nmae is no variable of quorate.kubernetes",
        r'all hosts: cluster_api_port is \["6443"\], but a whole number is needed',
        r"all hosts: cluster_domain cannot be computed: .*'company_domain' is undefined",
        r"group etcd: 2 etcd members: an even number",
        r"group workers: there is no host in it",
        r"group wrokers: no group of quorate.kubernetes, and w1 not in workers",
        r'host M1: the name "M1" is no host name',
        r'hosts M1, m1: "M1" and "m1" differ only in upper and lower case',
        r'host "m3;reboot": the name',
        r'host "../m4": the name',
        r'hosts "../m4", m1: .* have the same address 192.0.2.1',
        r'host "e\\n2": the name',
        r'host "e\\n2": node_address is not set, and ansible_host "e2.example.com" is no IPv4 address',
    )


def test_empty_group_is_refused_though_a_play_without_hosts_is_skipped(playbook: Playbook) -> None:
    assert_refused(playbook.run({**GOOD, "masters": {}}), "group masters: there is no host")


def test_every_host_is_checked_whatever_the_play_has_and_in_check_mode(playbook: Playbook) -> None:
    wrong = {"masters": hosts("m1", m1={"cluster_api_port": "x"}), "workers": hosts("w1")}
    assert_refused(playbook.run(wrong, "--limit", "w1", "--check", "--diff"), 'host m1: cluster_api_port is "x"')


def test_variables_of_the_command_line_and_the_play_count(playbook: Playbook) -> None:
    play = CHECK.replace("  any_errors_fatal: true\n", "  vars: {cluster_nmae: x, cluster_name: Prod}\n", 1)
    assert_refused(
        playbook.run(GOOD, "-e", "cluster_verison=1.37.1", "-e", "cluster_api_balanced=maybe", playbook=play),
        "all hosts: cluster_nmae is no variable",
        'all hosts: cluster_name "Prod" is no name',
        "all hosts: cluster_verison is no variable",
        'all hosts: cluster_api_balanced is "maybe"',
    )


def test_settings_that_would_stop_a_run_late_are_refused(playbook: Playbook, tmp_path: Path) -> None:
    wrong = {
        "etcd_data_directory": "srv/etcd",
        "masters_audit_directory": "/var/../srv/audit",
        "restore_path": "{{ 'restore' ~ '.db' }}",
        "etcd_unit_template": "nowhere.j2",
        "addons_corefile_template": "{{ inventory_dir }}/templates",
        "flannel_backend": {"VNI": 1},
        "artifacts_source": "mirror",
        "pki_authority_days": -1,
        "masters_shutdown_delay": "{{ 'soon' }}",
        "node_sysctls": {"vm.swappiness\nkernel.panic": 1},
    }
    (tmp_path / "templates").mkdir()
    only_here = {"workers": hosts("w1", w1={"artifacts_delivery": "pull", "artifacts_source": "directory", "artifacts_directory": "/srv"})}
    assert_refused(
        playbook.run({**GOOD, **only_here, "all": {"vars": wrong}}),
        r'all hosts: etcd_data_directory is "srv/etcd", but an absolute path of plain names, such as /var/lib/etcd, is needed',
        r'all hosts: masters_audit_directory is "/var/../srv/audit", but an absolute path',
        r'all hosts: restore_path is "restore.db", but an absolute path',
        r'all hosts: etcd_unit_template is "nowhere.j2", but there is no such template on the control node',
        rf'all hosts: addons_corefile_template is "{tmp_path}/templates", but there is no such template',
        r"all hosts: with flannel_backend, the Type of flannel's Backend is null",
        r"hosts m1, m2, m3: artifacts_mirror \(not set\) is no URL",
        r"host w1: artifacts_delivery pull needs artifacts_source mirror, but the source is directory",
        r"all hosts: pki_authority_days is -1, but a number of days from 2 to 36500 is needed",
        r'all hosts: masters_shutdown_delay is "soon", but a duration',
        r'all hosts: node_sysctls has \{"vm.swappiness\\nkernel.panic": 1\}, but a name of a kernel setting',
    )


def test_expressions_are_judged_by_what_they_come_to(playbook: Playbook, tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    for name in ("beside the playbook.j2", "mine.j2"):
        (tmp_path / "templates" / name).touch()
    right = {
        "disk": "/srv",
        "etcd_data_directory": "{{ disk }}/etcd",
        "etcd_snapshot_directory": "{{ disk }}/{{ cluster_topology.name }}",
        "etcd_unit_template": "{{ inventory_dir }}/templates/mine.j2",
        "node_sysctl_template": "beside the playbook.j2",
        "masters_scheduler_unit_template": "kube-scheduler.service.j2",
        "workers_kubelet_unit_template": "{{ cluster_topology.name }}.j2",
        "flannel_network": {"SubnetMin": "{{ cluster_topology.networks.pods | split('/') | first }}"},
        "flannel_store": "etcd",
        "artifacts_source": "mirror",
        "artifacts_mirror": "https://{{ cluster_topology.domain }}",
    }
    run = playbook.run({**GOOD, "all": {"vars": right}})
    assert run.code == 0, run.output


@pytest.mark.parametrize(("name", "refused"), [("site", True), ("upgrade", True), ("backup", False)])
def test_only_who_installs_programs_needs_their_folder(playbook: Playbook, name: str, refused: bool) -> None:
    play = f"- {{name: Do it, import_playbook: quorate.kubernetes.{name}}}"
    wrong = {"artifacts_source": "directory", "artifacts_directory": "/nonexistent"}
    run = playbook.run({**GOOD, "all": {"vars": wrong}}, playbook=play)
    if refused:
        assert_refused(run, 'all hosts: artifacts_directory "/nonexistent" is no folder on the control node')
    else:
        assert run.connected, run.output


def test_each_host_gets_the_same_topology(playbook: Playbook) -> None:
    run = playbook.run(
        {**GOOD, "workers": hosts("w1", w1={"cluster_name": "{{ 'pr' ~ 'od' }}"}), "all": {"vars": {"cluster_name": "prod"}}}
    )
    assert run.code == 0, run.output
    assert not run.connected
    assert sorted(run.topologies) == ["m1", "m2", "m3", "w1"]
    assert all(topology == run.topologies["m1"] for topology in run.topologies.values())
    assert run.topologies["w1"]["name"] == "prod"
    assert run.topologies["w1"]["etcd"] == ["m1", "m2", "m3"]


def test_a_second_playbook_in_one_call_is_refused(playbook: Playbook) -> None:
    """Groups and results of the first would be taken for its own."""
    run = playbook.run(GOOD, playbook=CHECK + CHECK)
    assert run.code != 0
    assert sorted(run.topologies) == ["m1", "m2", "m3", "w1"], "the first one is done"
    assert "Call ansible-playbook once for each of them" in " ".join(run.output.split())


def test_limit_leaves_the_topology_whole(playbook: Playbook) -> None:
    # A variable that needs the topology itself cannot be checked, and is no mistake.
    run = playbook.run({**GOOD, "all": {"vars": {"node_packages": {"x": "{{ cluster_topology.domain }}"}}}}, "--limit", "w1")
    assert run.code == 0, run.output
    assert list(run.topologies) == ["w1"]
    assert sorted(run.topologies["w1"]["hosts"]) == ["m1", "m2", "m3", "w1"]


@pytest.mark.skipif(not INVENTORIES.is_dir(), reason="the examples are not there")
@pytest.mark.parametrize(
    ("name", "layout", "counts"),
    [
        pytest.param("stacked", "stacked", (3, 3, 2), id="stacked"),
        pytest.param("external", "external", (3, 2, 1), id="external"),
        pytest.param("single", "stacked", (1, 1, 1), id="single"),
        pytest.param("one_master", "stacked", (1, 1, 3), id="one_master"),
    ],
)
def test_examples_are_what_they_say(playbook: Playbook, tmp_path: Path, name: str, layout: str, counts: tuple[int, int, int]) -> None:
    # A copy, since a run leaves its lock beside the inventory.
    run = playbook.run(Path(shutil.copytree(INVENTORIES / name, tmp_path / name)))
    assert run.code == 0, run.output
    topology = next(iter(run.topologies.values()))
    assert topology["layout"] == layout
    assert tuple(len(topology[group]) for group in ("etcd", "masters", "workers")) == counts


RECORD = "etcd_replaced.txt"
REPLACED = "m2 replaced by s1 at 2026-11-21T12:00:00Z\n"


def test_a_spare_that_has_replaced_a_member_is_one(playbook: Playbook, tmp_path: Path) -> None:
    (tmp_path / RECORD).write_text(REPLACED, encoding="utf-8")
    run = playbook.run({**GOOD, "etcd_spares": hosts("s1")})
    assert run.code == 0, run.output
    topology = run.topologies["m1"]
    assert (topology["etcd"], topology["etcd_spares"], topology["etcd_replaced"]) == (["m1", "m3", "s1"], [], {"m2": "s1"})
    assert "m2" in topology["masters"]
    assert (tmp_path / RECORD).read_text(encoding="utf-8") == REPLACED


@pytest.mark.parametrize(
    ("arguments", "left"), [pytest.param((), False, id="forgotten"), pytest.param(("--check",), True, id="not in check mode")]
)
def test_what_the_inventory_says_by_itself_needs_no_record(
    playbook: Playbook, tmp_path: Path, arguments: tuple[str, ...], left: bool
) -> None:
    (tmp_path / RECORD).write_text(REPLACED, encoding="utf-8")
    run = playbook.run({**GOOD, "etcd": hosts("m1", "m3", "s1")}, *arguments)
    assert run.code == 0, run.output
    assert run.topologies["m1"]["etcd_replaced"] == {}
    assert (REPLACED in (tmp_path / RECORD).read_text(encoding="utf-8")) is left


def test_a_record_that_cannot_be_read_is_refused(playbook: Playbook, tmp_path: Path) -> None:
    (tmp_path / RECORD).write_text("m2 is now s1\n", encoding="utf-8")
    assert_refused(playbook.run(GOOD), r"all hosts: Line 1 of etcd_replaced.txt cannot be read")
