"""The playbook heal where a member answers again that was to be replaced. What the members say is made up; nobody is contacted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import yaml

from ansible_collections.quorate.kubernetes.plugins.plugin_utils import _run_lock

ROOT = Path(__file__).resolve().parents[3]
RECORD = "e2 replaced by s1 at 2026-11-21T12:00:00Z\n"

# In the place of the module that asks a member: what the file beside it says of the host, the next one each time that the host is asked.
ANSWERS = """
import json
from pathlib import Path
from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        name = task_vars["inventory_hostname"]
        asked = Path(__file__).with_name(f"{name}.asked")
        number = len(asked.read_text()) if asked.exists() else 0
        asked.write_text("x" * (number + 1))
        dead = json.loads(Path(__file__).with_name("dead.json").read_text())
        gone = dead[min(number, len(dead) - 1)]
        one = lambda member: {"name": member, "id": member, "learner": False, "live": member not in gone, "healthy": member not in gone, "cause": ""}
        members = [one(member) for member in ("e1", "e2", "e3")]
        return {"reachable": True, "cluster_id": "c", "members": members} if name != "s1" else {"reachable": False, "cause": "nothing runs"}
"""


class Heal:
    """The playbook on an inventory that records a healing which was cut short."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.inventory = folder / "inventory"
        self.inventory.mkdir()
        self._collection = folder / "ansible_collections/quorate/kubernetes"
        actions = self._collection / "plugins/action"
        actions.mkdir(parents=True)
        _link(ROOT, self._collection, apart="plugins")
        _link(ROOT / "plugins", self._collection / "plugins", apart="action")
        _link(ROOT / "plugins/action", actions, apart="etcd_info.py")
        (actions / "etcd_info.py").write_text(ANSWERS, encoding="utf-8")
        groups = {"masters": ["m1"], "workers": ["m1"], "etcd": ["e1", "e2", "e3"], "etcd_spares": ["s1"]}
        addresses = {name: f"192.0.2.{number}" for number, name in enumerate(["m1", "e1", "e2", "e3", "s1"], 1)}
        hosts = {group: {"hosts": {name: {"ansible_host": addresses[name]} for name in names}} for group, names in groups.items()}
        (self.inventory / "hosts.yml").write_text(yaml.safe_dump(hosts), encoding="utf-8")
        self.record.write_text(RECORD, encoding="utf-8")

    @property
    def record(self) -> Path:
        return self.inventory / "etcd_replaced.txt"

    @property
    def is_recorded(self) -> bool:
        return RECORD in self.record.read_text(encoding="utf-8")

    def run(self, mode: str, *dead: list[str]) -> tuple[int, str]:
        """Run it in a mode; who is dead at each look."""
        (self._collection / "plugins/action/dead.json").write_text(json.dumps(dead), encoding="utf-8")
        for asked in (self._collection / "plugins/action").glob("*.asked"):
            asked.unlink()
        command = [
            sys.executable,
            "-m",
            "ansible",
            "playbook",
            "-i",
            str(self.inventory),
            "-e",
            f"heal_mode={mode}",
            "quorate.kubernetes.heal",
        ]
        done = subprocess.run(command, env=self._environment(), cwd=self._folder, capture_output=True, text=True, timeout=120, check=False)
        return done.returncode, " ".join((done.stdout + done.stderr).split())

    def _environment(self) -> Mapping[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
        settings = {"COLLECTIONS_PATH": str(self._folder), "HOST_PATTERN_MISMATCH": "ignore", "NOCOLOR": "1"}
        return {**kept, **{f"ANSIBLE_{name}": value for name, value in settings.items()}}


def _link(source: Path, folder: Path, *, apart: str) -> None:
    for entry in source.iterdir():
        if entry.name != apart and not entry.name.startswith((".", "__")):
            (folder / entry.name).symlink_to(entry)


@pytest.fixture
def heal(tmp_path: Path) -> Heal:
    return Heal(tmp_path)


@pytest.fixture
def another_run(heal: Heal) -> Iterator[int]:
    """A process that holds the lock of the inventory."""
    with subprocess.Popen(["sleep", "300"]) as process:
        time.sleep(0.1)
        assert _run_lock.refusal(heal.inventory, process=process.pid) == ""
        yield process.pid
        process.kill()


def test_a_look_writes_nothing_but_what_it_saw(heal: Heal) -> None:
    code, output = heal.run("look", [])
    assert code == 0, output
    assert "forget: e2 answers again" in output
    assert sorted(path.name for path in heal.inventory.iterdir()) == [".quorate-watch.json", "etcd_replaced.txt", "hosts.yml"]
    assert heal.record.read_text(encoding="utf-8") == RECORD


def test_beside_another_run_nothing_is_taken_back(heal: Heal, another_run: int) -> None:
    code, output = heal.run("patient", [])
    assert code != 0
    assert f"Another run is at work on {heal.inventory}: process {another_run}" in output
    assert heal.is_recorded


@pytest.mark.parametrize("mode", ["patient", "at_once"])
def test_a_member_that_stays_is_taken_off_the_record(heal: Heal, mode: str) -> None:
    code, output = heal.run(mode, [])
    assert code == 0, output
    assert "take from the record: e2 replaced by s1" in output
    assert not heal.is_recorded


def test_a_member_that_answered_for_one_look_only_stays_on_it(heal: Heal) -> None:
    code, output = heal.run("patient", [], ["e2"])
    assert code == 0, output
    assert "Nothing was changed. heal: A former run did not come to its end" in output
    assert heal.is_recorded
