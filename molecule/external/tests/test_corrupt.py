"""A member whose data differs, as etcd says itself: it takes no writes any more until that member has left."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from testinfra.host import Host

from tests.cluster import etcd
from tests.cluster.hosts import said, starts, together
from tests.cluster.playbook import fine, play, unchanged

pytestmark = pytest.mark.long

BAD = "e3"
RAISE = (
    "curl --silent --fail --cacert /etc/etcd/pki/ca.crt --cert /etc/etcd/pki/server.crt --key /etc/etcd/pki/server.key "
    "https://127.0.0.1:2379/v3/maintenance/alarm --data %s"
)


@pytest.fixture
def doubted(hosts: Mapping[str, Host], etcdctl: Callable[..., str]) -> Iterator[int]:
    """The alarm that etcd raises by itself when it compares the members. Returns the number of the member that it names."""
    number = etcd.identities(etcdctl, BAD)[BAD]
    said(hosts["e1"], RAISE, json.dumps({"action": "ACTIVATE", "memberID": str(number), "alarm": "CORRUPT"}))
    yield number
    etcdctl("e1", "alarm", "disarm")


def test_it_leaves_with_its_data_kept_and_joins_again(
    doubted: int, inventory: Path, hosts: Mapping[str, Host], etcdctl: Callable[..., str], members: Callable[[str], list[str]]
) -> None:
    kept = [name for name in members("etcd") if name != BAD]
    before = together(lambda name: starts(hosts[name])["etcd"], kept)
    asked = play("maintain_etcd", inventory=inventory)
    assert asked.code != 0, asked.end
    assert f"etcd_corrupt_member={BAD}" in asked.flat, asked.end
    wrong = play("maintain_etcd", "--extra-vars=etcd_corrupt_member=e2", inventory=inventory)
    assert "of which etcd has no alarm CORRUPT" in wrong.flat, wrong.end
    assert etcd.members(etcdctl, "e1") == etcd.voters(members("etcd"))

    fine(play("maintain_etcd", f"--extra-vars=etcd_corrupt_member={BAD}", inventory=inventory))
    assert etcd.members(etcdctl, "e1") == etcd.voters(kept)
    assert etcdctl("e1", "alarm", "list") == ""
    assert "member.aside-" in said(hosts[BAD], "ls /var/lib/etcd")

    fine(play("site", inventory=inventory))
    assert etcd.members(etcdctl, "e1") == etcd.voters(members("etcd"))
    assert etcd.identities(etcdctl, "e1")[BAD] != doubted
    assert together(lambda name: starts(hosts[name])["etcd"], kept) == before
    unchanged(fine(play("site", inventory=inventory)))
