"""A member whose data differs, as etcd says itself: it takes no writes any more until that member has left."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from testinfra.host import Host

from tests.cluster import etcd
from tests.cluster.hosts import said, starts, together
from tests.cluster.playbook import fine, play, unchanged
from tests.cluster.wait import until

pytestmark = pytest.mark.long

OTHER = "e1"
KEY = "/quorate-test/needle"
# Behind the back of the process, which maps the file: one letter of a value is another one from now on.
SPOIL = """
import mmap
with open("/var/lib/etcd/member/snap/db", "r+b") as file, mmap.mmap(file.fileno(), 0) as data:
    place = data.find(b"needleneedle")
    assert place > 0
    while place > 0:
        data[place + 1] = ord("i")
        place = data.find(b"needleneedle", place + 1)
"""


@pytest.fixture
def bad(hosts: Mapping[str, Host], etcdctl: Callable[..., str], members: Callable[[str], list[str]]) -> Iterator[str]:
    """A member whose data is altered. etcd compares the members once a minute, if there was a compaction, and names the one that differs."""
    leader = etcd.leader(etcdctl, members("etcd"))
    name = [name for name in members("etcd") if name != leader][-1]
    etcdctl(OTHER, "put", KEY, "needle" * 50)
    revision = etcd.status(etcdctl, OTHER)["header"]["revision"]
    etcdctl(OTHER, "put", KEY, "another")
    said(hosts[name], "python3 -c %s", SPOIL)
    etcdctl(OTHER, "compact", "--physical", str(revision))
    until("an alarm", lambda: "CORRUPT" in etcdctl(OTHER, "alarm", "list"), within=180)
    yield name
    etcdctl(OTHER, "alarm", "disarm")
    etcdctl(OTHER, "del", KEY)


def test_it_leaves_with_its_data_kept_and_joins_again(
    bad: str, inventory: Path, hosts: Mapping[str, Host], etcdctl: Callable[..., str], members: Callable[[str], list[str]]
) -> None:
    identity = etcd.identities(etcdctl, OTHER)[bad]
    kept = [name for name in members("etcd") if name != bad]
    before = together(lambda name: starts(hosts[name])["etcd"], kept)
    asked = play("maintain_etcd", inventory=inventory)
    assert asked.code != 0, asked.end
    assert f"etcd_corrupt_member={bad}" in asked.flat, asked.end
    wrong = play("maintain_etcd", f"--extra-vars=etcd_corrupt_member={kept[0]}", inventory=inventory)
    assert "of which etcd has no alarm CORRUPT" in wrong.flat, wrong.end
    assert etcd.members(etcdctl, OTHER) == etcd.voters(members("etcd"))

    fine(play("maintain_etcd", f"--extra-vars=etcd_corrupt_member={bad}", inventory=inventory))
    assert etcd.members(etcdctl, OTHER) == etcd.voters(kept)
    assert etcdctl(OTHER, "alarm", "list") == ""
    assert "member.aside-" in said(hosts[bad], "ls /var/lib/etcd")

    fine(play("site", inventory=inventory))
    assert etcd.members(etcdctl, OTHER) == etcd.voters(members("etcd"))
    assert etcd.identities(etcdctl, OTHER)[bad] != identity
    assert together(lambda name: starts(hosts[name])["etcd"], kept) == before
    unchanged(fine(play("site", inventory=inventory)))
