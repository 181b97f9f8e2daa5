"""The control node dies while the cluster is founded. The converge that follows has to make one whole cluster of it.

Hosts are done one after another here, so the first member runs alone: it was never part of a quorum.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from testinfra.host import Host

from tests.cluster.hosts import look, together, units
from tests.cluster.playbook import play_until


@pytest.fixture(autouse=True)
def former_state(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is founded here is what the converge goes on with."""
    monkeypatch.setenv("QUORATE_TEST_BEFORE", "yes")


def test_killed_when_the_first_member_was_started(inventory: Path, hosts: Mapping[str, Host], members: Callable[[str], list[str]]) -> None:
    first, *others = members("etcd")
    play_until("site", "--forks=1", inventory=inventory, task="Start the members of the new cluster", line=rf"(changed|ok): \[{first}\]")
    etcd = together(lambda name: units(hosts[name]).get("etcd.service", {}).get("ActiveState", "absent"), [first, *others])
    assert etcd[first] in ("activating", "active")
    # Had all been started, this would be no test.
    running = together(lambda name: [it["program"] for it in look(hosts[name], "processes")], others)
    assert [name for name in others if "etcd" not in running[name]], json.dumps(etcd)
