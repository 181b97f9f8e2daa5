"""The network parts the first host of all groups, where etcd's leader is, from all other hosts. The control node reaches both sides."""

from __future__ import annotations

import contextlib
import json
import re
import ssl
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from testinfra.host import Host

from tests.cluster import etcd
from tests.cluster.api import Api
from tests.cluster.hosts import said, starts, together
from tests.cluster.playbook import fine, play, unchanged
from tests.cluster.use import used
from tests.cluster.wait import until

pytestmark = pytest.mark.long

CONTROLLERS = ("kube-controller-manager", "kube-scheduler")


@contextlib.contextmanager
def parted(host: Host, others: list[str]) -> Iterator[None]:
    """Nothing passes between a host and some addresses meanwhile: connections that are open hang, as where a cable is cut."""
    addresses = ", ".join(others)
    rules = (
        f"table inet parted {{ chain in {{ type filter hook input priority -400; ip saddr {{ {addresses} }} drop; }}; "
        f"chain out {{ type filter hook output priority -400; ip daddr {{ {addresses} }} drop; }}; }}"
    )
    said(host, "nft %s", rules)
    try:
        yield
    finally:
        said(host, "nft delete table inet parted")


@pytest.fixture
def cut(members: Callable[[str], list[str]], etcdctl: Callable[..., str]) -> str:
    """The host that is to be alone. It leads etcd."""
    name, *_others = members("masters")
    leads = etcd.leader(etcdctl, members("masters"))
    if leads != name:
        etcdctl(leads, "move-leader", f"{etcd.identities(etcdctl, name)[name]:x}")
    return name


def test_nothing_is_decided_on_the_wrong_side(
    cut: str,
    inventory: Path,
    api: Api,
    hosts: Mapping[str, Host],
    addresses: Mapping[str, str],
    members: Callable[[str], list[str]],
    etcdctl: Callable[..., str],
    etcd_client: ssl.SSLContext,
) -> None:
    masters = members("masters")
    there = [name for name in masters if name != cut]
    alive = etcd.lives(addresses, there, client=etcd_client)

    def untouched() -> object:
        # Controllers ask the API server of their own host only: without etcd there one that led ends by itself.
        found = together(lambda name: starts(hosts[name]), hosts)
        kept = {name: {unit: at for unit, at in units.items() if unit not in CONTROLLERS} for name, units in found.items()}
        return kept, etcd.identities(etcdctl, there[0])

    before = untouched()
    other_side = api.at(f"https://{addresses[there[0]]}:{api.port}")
    with used(other_side, addresses, through=members("workers")[0], servers=there, etcd=alive, killed=True, patience=10):
        with parted(hosts[cut], [address for name, address in addresses.items() if name != cut]):
            until("another leader", lambda: etcdctl(there[0], "endpoint", "health"), within=30)
            changed = json.dumps({"etcd_flags": {"snapshot-count": 20000}})
            refused = play("site", f"--extra-vars={changed}", inventory=inventory)
            assert refused.code != 0, refused.end
            assert "No member of etcd answers through the quorum" in refused.flat, refused.end
            removal = play("remove", f"--extra-vars=remove_members={there[0]}", inventory=inventory)
            # By the sum of etcd, or earlier: the API server of the first master has lost its store.
            assert removal.code != 0, removal.end
            unanswered = r"GET https://127\.0\.0\.1:\d+/api/v1/nodes failed: "
            too_few = rf"of the 2 left 1 would be healthy, and their quorum is 2\. Bring back {cut} first"
            assert re.search(f"{unanswered}|{too_few}", removal.flat), removal.end
        until("the member follows again", lambda: etcdctl(cut, "endpoint", "health"), within=60)
    assert untouched() == before
    unchanged(fine(play("site", inventory=inventory)))
