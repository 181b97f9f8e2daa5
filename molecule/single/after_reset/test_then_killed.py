"""A run may be killed anywhere. The hosts are reset before."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from testinfra.host import Host

from tests.cluster.hosts import state
from tests.cluster.playbook import fine, play, play_tasks, unchanged

pytestmark = pytest.mark.long

# What programs keep there is named by chance.
BY_CHANCE = ("/var/lib/kubelet/", "/var/lib/etcd/", "/var/lib/cni/")


def tree(host: Host) -> dict[str, dict[str, Any]]:
    """What kind of thing is where, and who may read it."""
    files: dict[str, dict[str, Any]] = state(host)["files"]
    return {
        path: {name: it[name] for name in ("kind", "mode", "owner", "group")}
        for path, it in files.items()
        if not path.startswith(BY_CHANCE)
    }


def test_killed_after_each_task_in_turn_it_still_gets_to_its_end(inventory: Path, hosts: Mapping[str, Host]) -> None:
    (name,) = hosts
    fine(play("site", inventory=inventory))
    clean = tree(hosts[name])
    assert len(clean) > 100
    fine(play("reset", "--extra-vars=reset_confirmed=true reset_delete_data=true", inventory=inventory))

    done, run = 1, play_tasks("site", inventory=inventory, tasks=1)
    while run.code == -signal.SIGKILL:
        done, run = done + 1, play_tasks("site", inventory=inventory, tasks=done + 1)
    fine(run)
    assert done > 10
    unchanged(fine(play("site", inventory=inventory)))
    assert tree(hosts[name]) == clean
