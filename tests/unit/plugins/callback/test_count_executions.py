"""The callback counts what really ran on a host: seen by running Ansible, in its worker processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.quorate.kubernetes.plugins.callback import count_executions

FIXTURES = Path(__file__).parent / "fixtures"


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], str]:
    """The counts of the playbook in fixtures, and what was printed."""
    folder = tmp_path_factory.mktemp("count")
    (folder / "ansible_collections/quorate").mkdir(parents=True)
    (folder / "ansible_collections/quorate/kubernetes").symlink_to(Path(__file__).parents[4])
    settings = {
        "ANSIBLE_COLLECTIONS_PATH": str(folder),
        "ANSIBLE_CALLBACKS_ENABLED": "quorate.kubernetes.count_executions",
        "ANSIBLE_CONNECTION_PLUGINS": str(FIXTURES / "connection_plugins"),
        "ANSIBLE_ACTION_PLUGINS": str(FIXTURES / "action_plugins"),
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        "ANSIBLE_NOCOLOR": "1",
        "QUORATE_EXECUTIONS_PATH": str(folder / "counts.jsonl"),
    }
    done = subprocess.run(
        [sys.executable, "-m", "ansible", "playbook", "-i", str(FIXTURES / "inventory.yml"), str(FIXTURES / "playbook.yml")],
        env={**{name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}, **settings},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    run = json.loads((folder / "counts.jsonl").read_text(encoding="utf-8"))
    assert (run["playbook"], run["check_mode"]) == ("playbook.yml", False)
    return run["hosts"], done.stdout


@pytest.mark.parametrize(
    ("host", "modules"),
    [
        # one, two items, three by the action
        pytest.param("near", 6, id="loops and actions that run several"),
        # one, two items, none by the action, one delegated to it
        pytest.param("far", 4, id="delegated"),
    ],
)
def test_each_module_run_on_a_host_counts_once(ran: tuple[dict[str, Any], str], host: str, modules: int) -> None:
    counts = ran[0][host]
    assert counts["modules"] == modules
    assert sum(counts["by_module"].values()) == modules
    assert counts["commands"] >= modules


def test_what_runs_on_the_control_node_does_not_count(ran: tuple[dict[str, Any], str]) -> None:
    assert set(ran[0]) == {"near", "far"}


def test_summary_is_printed(ran: tuple[dict[str, Any], str]) -> None:
    assert "REMOTE EXECUTIONS" in ran[1]
    assert "near : modules=6" in ran[1]


@pytest.mark.parametrize(
    ("noted", "hosts", "expected"),
    [
        pytest.param([], ["a"], {"a": {"modules": 0, "commands": 0, "by_module": {}}}, id="nothing ran"),
        pytest.param(
            [["b", "module", "x"], ["b", "command", "x"], ["b", "module", "x"], ["a", "command", "raw"]],
            [],
            {"a": {"modules": 0, "commands": 1, "by_module": {}}, "b": {"modules": 2, "commands": 1, "by_module": {"x": 2}}},
            id="modules and commands apart",
        ),
    ],
)
def test_summed(noted: list[list[str]], hosts: list[str], expected: dict[str, Any]) -> None:
    assert count_executions.summed(noted, hosts=hosts) == expected
