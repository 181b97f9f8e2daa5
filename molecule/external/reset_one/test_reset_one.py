"""One host of a cluster that works is taken back to what it was, and comes again; one that the others need is not."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from testinfra.host import Host

from tests.cluster.api import Api
from tests.cluster.etcd import identities
from tests.cluster.hosts import MANAGED, left, look, said, starts, together, units
from tests.cluster.playbook import fine, play, unchanged
from tests.cluster.wait import until

CONFIRMED = "--extra-vars=reset_confirmed=true"
LEAVING = "w1"


def test_a_worker_goes_and_leaves_nothing(inventory: Path, api: Api, hosts: Mapping[str, Host], remembered: Path) -> None:
    fresh, others = json.loads(remembered.read_text(encoding="utf-8")), sorted(set(hosts) - {LEAVING})
    before = together(lambda name: starts(hosts[name]), others)
    run = fine(play("reset", f"--limit={LEAVING}", CONFIRMED, inventory=inventory))
    assert {name for name, count in run.changed.items() if count} == {LEAVING}
    assert api.ask(f"/api/v1/nodes/{LEAVING}").status == 404
    assert left(hosts[LEAVING], fresh[LEAVING]) == {}
    assert together(lambda name: starts(hosts[name]), others) == before


def test_no_member_goes_while_another_one_is_down(
    inventory: Path, hosts: Mapping[str, Host], members: Callable[[str], list[str]], etcdctl: Callable[..., str]
) -> None:
    first, second, stopped = members("etcd")

    def touched() -> dict[str, Any]:
        return {"files": look(hosts[first], "files", *MANAGED), "units": units(hosts[first]), "members": identities(etcdctl, second)}

    before = touched()
    said(hosts[stopped], "systemctl stop etcd")
    try:
        until("two members with a leader", lambda: together(lambda name: etcdctl(name, "endpoint", "health"), [first, second]), within=30)
        refused = play("reset", f"--limit={first}", CONFIRMED, inventory=inventory)
    finally:
        said(hosts[stopped], "systemctl start etcd")
    assert refused.code != 0
    sums = [
        f"Nothing was changed. {first} may not be removed: of 3 voters",
        f"2 are healthy, {stopped} is not (",
        f"of the 2 left 1 would be healthy, and their quorum is 2. Bring back {stopped} first",
    ]
    assert [words for words in sums if words not in refused.flat] == [], refused.end
    assert {name: count for name, count in refused.changed.items() if count} == {}
    assert touched() == before


def test_the_worker_comes_back(inventory: Path, kubectl: Callable[..., str]) -> None:
    fine(play("site", inventory=inventory))
    kubectl("wait", "--for=condition=Ready", f"node/{LEAVING}", "--timeout=30s")
    unchanged(fine(play("site", inventory=inventory)))
