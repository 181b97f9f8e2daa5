"""What is told of tasks that take long, and when."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.quorate.kubernetes.plugins.callback.still_running import Started, due

ROOT = Path(__file__).resolve().parents[4]
DRAIN = {host: Started(task="Empty the node", host=host, at=at) for host, at in {"w1": 100.0, "w2": 103.0}.items()}
OTHER = {"m1": Started(task="Restart etcd", host="m1", at=90.0)}


@pytest.mark.parametrize(
    ("running", "since", "now", "lines"),
    [
        pytest.param({}, 100.0, 200.0, [], id="nothing runs"),
        pytest.param(DRAIN, 110.0, 119.9, [], id="not yet"),
        pytest.param(DRAIN, 119.0, 121.0, ["Still running after 21 s on w1, w2: Empty the node"], id="one line for all hosts of a task"),
        pytest.param(DRAIN, 121.0, 122.0, [], id="only once"),
        pytest.param(DRAIN, 139.0, 141.0, ["Still running after 41 s on w1, w2: Empty the node"], id="and again"),
        pytest.param(
            {**DRAIN, **OTHER},
            109.0,
            121.0,
            ["Still running after 21 s on w1, w2: Empty the node", "Still running after 31 s on m1: Restart etcd"],
            id="several",
        ),
        pytest.param(DRAIN, 50.0, 101.0, [], id="began after the last look"),
    ],
)
def test_due(running: dict[str, Started], since: float, now: float, lines: list[str]) -> None:
    assert due(running, since=since, now=now, interval=20.0) == lines


def test_a_run_tells_what_it_waits_for(tmp_path: Path) -> None:
    """In a real run. How often depends on how busy the machine is."""
    book = tmp_path / "book.yml"
    book.write_text(
        """
- hosts: one,two
  connection: local
  gather_facts: false
  tasks:
    - name: Take long
      ansible.builtin.command: sleep {{ 2 if inventory_hostname == 'two' else 0 }}
"""
    )
    done = subprocess.run(
        [str(Path(sys.executable).with_name("ansible-playbook")), "--inventory=one,two,", str(book)],
        env={
            **os.environ,
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_CALLBACKS_ENABLED": "quorate.kubernetes.still_running",
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            "QUORATE_STILL_RUNNING_INTERVAL": "1",
        },
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = [line for line in done.stdout.splitlines() if line.startswith("Still running")]
    assert "two: Take long" in [line.partition(" on ")[2] for line in told], done.stdout
