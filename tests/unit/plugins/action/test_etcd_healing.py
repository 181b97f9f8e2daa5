"""What the control node keeps of healings: looks, attempts, the record. Runs ansible-playbook on localhost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import ansible_collections.quorate.kubernetes.plugins.action.etcd_healing as action

COLLECTIONS = Path(action.__file__).parents[5]

Healing = Callable[..., dict[str, Any]]


def answer(*, dead: str = "") -> dict[str, Any]:
    members = [
        {"name": name, "id": name, "learner": False, "live": name != dead, "healthy": name != dead, "cause": "", "version": "3.7.3"}
        for name in ("e1", "e2", "e3")
    ]
    return {"reachable": True, "cluster_id": "c", "members": members}


def views(*, dead: str = "") -> dict[str, Any]:
    return {name: {"unreachable": True, "msg": "gone"} if name == dead else answer(dead=dead) for name in ("e1", "e2", "e3")}


KNOWN: dict[str, Any] = {"members": ["e1", "e2", "e3"], "spares": ["s1"]}
PATIENT = {"after": 300, "pause": 1800, "per_day": 3, "remember": True}


@pytest.fixture
def healing(tmp_path: Path) -> Healing:
    def run(*options: str, **arguments: Any) -> dict[str, Any]:
        play = {
            "hosts": "localhost",
            "connection": "local",
            "gather_facts": False,
            "tasks": [
                {"quorate.kubernetes.etcd_healing": {"directory": str(tmp_path), **arguments}, "register": "found"},
                {"ansible.builtin.copy": {"content": "{{ found | to_json }}", "dest": str(tmp_path / "result.json")}, "check_mode": False},
            ],
        }
        (tmp_path / "play.yml").write_text(yaml.safe_dump([play]), encoding="utf-8")
        done = subprocess.run(
            [
                Path(sys.executable).with_name("ansible-playbook"),
                "-i",
                "localhost,",
                "-e",
                f"ansible_python_interpreter={sys.executable}",
                *options,
                tmp_path / "play.yml",
            ],
            env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS), "ANSIBLE_LOCALHOST_WARNING": "false"},
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return dict(json.loads((tmp_path / "result.json").read_text(encoding="utf-8")))

    return run


def memory(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / action.MEMORY).read_text(encoding="utf-8")))


def test_from_the_first_look_to_the_record(healing: Healing, tmp_path: Path) -> None:
    first = healing(views=views(dead="e2"), **KNOWN, **PATIENT)
    assert first["decision"]["action"] == "wait"
    assert first["silent"] == ["e2"]
    assert first["changed"] is False
    assert (tmp_path / action.MEMORY).stat().st_mode & 0o777 == 0o600

    kept = memory(tmp_path)
    kept["since"]["e2"] -= 300
    (tmp_path / action.MEMORY).write_text(json.dumps(kept), encoding="utf-8")
    assert healing(views=views(dead="e2"), **KNOWN, **PATIENT)["decision"]["action"] == "heal"

    after = {"members": ["e1", "e3", "s1"], "replaced": {"e2": "s1"}, "pairs": {"e2": "s1"}}
    begun = healing(state="begun", **after)
    assert begun["changed"] is True
    assert begun["advice"] == ["in the group etcd: remove e2, add s1", "in the group etcd_spares: remove s1"]
    assert "e2 replaced by s1 at " in (tmp_path / "etcd_replaced.txt").read_text(encoding="utf-8")
    assert len(memory(tmp_path)["attempts"]) == 1

    # A healing that was cut short is begun again, without a second line.
    assert healing(state="begun", **after)["changed"] is False
    assert len(memory(tmp_path)["attempts"]) == 2


def test_check_mode_and_a_person_leave_nothing_behind(healing: Healing, tmp_path: Path) -> None:
    assert healing("--check", views=views(dead="e2"), **KNOWN, **PATIENT)["decision"]["action"] == "wait"
    assert healing("--check", state="begun", pairs={"e2": "s1"})["plan"][0].startswith("record: e2 replaced by s1 at ")
    assert healing(views=views(dead="e2"), **KNOWN)["decision"]["action"] == "heal"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith((".q", "etcd"))] == []


LINES = "e2 replaced by s1 at 2026-11-21T12:00:00Z\ne9 replaced by s9 at 2026-11-21T12:00:00Z\n"
BEGUN: dict[str, Any] = {"members": ["e1", "e3", "s1"], "replaced": {"e2": "s1"}}


@pytest.fixture
def record(tmp_path: Path) -> Path:
    path = tmp_path / "etcd_replaced.txt"
    path.write_text(LINES, encoding="utf-8")
    return path


def test_a_look_at_a_member_that_is_back_leaves_the_record_alone(healing: Healing, record: Path) -> None:
    found = healing(views=views(), **BEGUN, **PATIENT)
    assert (found["decision"]["action"], found["decision"]["members"]) == ("forget", ["e2"])
    assert found["changed"] is False
    assert record.read_text(encoding="utf-8") == LINES


def test_a_member_that_is_back_is_taken_off_the_record(healing: Healing, record: Path) -> None:
    assert healing("--check", views=views(), state="forgotten", **BEGUN)["changed"] is True
    assert record.read_text(encoding="utf-8") == LINES
    found = healing(views=views(), state="forgotten", **BEGUN)
    assert found["plan"] == ["take from the record: e2 replaced by s1 at 2026-11-21T12:00:00Z"]
    assert [line for line in record.read_text(encoding="utf-8").splitlines() if not line.startswith("#")] == LINES.splitlines()[1:]


def test_one_that_is_gone_again_when_the_lock_is_there_stays_on_it(healing: Healing, record: Path) -> None:
    found = healing(views=views(dead="e2"), state="forgotten", **BEGUN)
    assert (found["decision"]["action"], found["changed"], found["plan"]) == ("heal", False, [])
    assert record.read_text(encoding="utf-8") == LINES


def test_a_prepared_upgrade_is_not_for_a_healing(healing: Healing) -> None:
    found = healing(views=views(dead="e2"), version="3.8.0", **KNOWN)
    assert found["decision"]["action"] == "refuse"
    assert "3.8.0" in found["decision"]["reason"]


def test_a_spare_that_is_on_its_way_takes_part_again(healing: Healing) -> None:
    joining = {"e1": answer(dead="e2"), "e3": answer(dead="e2"), "s1": {"reachable": False, "cause": "it is a learner"}}
    found = healing(views=joining, members=["e1", "e3", "s1"], replaced={"e2": "s1"})
    assert (found["decision"]["action"], found["decision"]["members"], found["silent"]) == ("heal", ["e2"], [])
