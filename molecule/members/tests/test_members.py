"""etcd grows, heals and shrinks while others read and write: each test goes on from where the one before left the cluster."""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from testinfra.host import Host

from tests.cluster.api import Api
from tests.cluster.etcd import cluster, identities, lives, members, voters
from tests.cluster.hosts import said, starts, together
from tests.cluster.inventory import changed
from tests.cluster.playbook import fine, play, play_until, unchanged
from tests.cluster.sampler import Health
from tests.cluster.switch import press
from tests.cluster.use import stores, urls, used

THREE = ["m1", "m2", "w1"]


@pytest.fixture(scope="module")
def grown(inventory: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The inventory with three members instead of one."""
    return changed(inventory, tmp_path_factory.mktemp("inventories") / "grown", {"etcd": THREE})


@pytest.fixture
def alive(addresses: Mapping[str, str], etcd_client: ssl.SSLContext) -> Mapping[str, Health]:
    """Whether each of the three members lives."""
    return lives(addresses, THREE, client=etcd_client)


def test_a_learner_whose_run_was_killed_has_no_vote_and_the_next_run_finishes(
    grown: Path, api: Api, hosts: Mapping[str, Host], addresses: Mapping[str, str], etcdctl: Callable[..., str]
) -> None:
    before = cluster(etcdctl, "m1")
    with used(api, addresses, through="w1", servers=["m1", "m2"]):
        play_until("site", inventory=grown, task="Start the learner", line=r"(changed|ok): \[m2\]")
        assert members(etcdctl, "m1") in ({"m1": "voter", "m2": "learner"}, {"m1": "voter", "": "learner"})
        fine(play("site", inventory=grown))
    assert members(etcdctl, "m1") == voters(THREE)
    assert cluster(etcdctl, "w1") == before
    assert together(lambda name: stores(hosts, name), ["m1", "m2"]) == dict.fromkeys(["m1", "m2"], urls(addresses, THREE))
    unchanged(fine(play("site", inventory=grown)))


def test_a_member_that_lost_its_data_is_replaced(
    grown: Path, api: Api, hosts: Mapping[str, Host], addresses: Mapping[str, str], alive: Mapping[str, Health], etcdctl: Callable[..., str]
) -> None:
    before = identities(etcdctl, "m1")
    said(hosts["w1"], "rm -rf /var/lib/etcd/member")
    with used(api, addresses, through="w1", servers=["m1", "m2"], etcd=alive):
        fine(play("site", inventory=grown))
    after = identities(etcdctl, "m1")
    assert members(etcdctl, "w1") == voters(THREE)
    assert {name: after[name] == before[name] for name in after} == {"m1": True, "m2": True, "w1": False}


def test_the_first_host_of_all_groups_is_lost_and_comes_back_empty(
    grown: Path, api: Api, hosts: Mapping[str, Host], addresses: Mapping[str, str], alive: Mapping[str, Health], etcdctl: Callable[..., str]
) -> None:
    before, number = identities(etcdctl, "m2"), cluster(etcdctl, "m2")
    authority = (grown / "pki/etcd/ca.crt").read_bytes()
    with used(api.at(f"https://{addresses['m2']}:{api.port}"), addresses, through="w1", servers=["m2"], etcd=alive, killed=True):
        press("replace", "m1")
        fine(play("site", inventory=grown))
    after = identities(etcdctl, "m1")
    assert members(etcdctl, "m1") == voters(THREE)
    assert {name: after[name] == before[name] for name in after} == {"m1": False, "m2": True, "w1": True}
    assert cluster(etcdctl, "m1") == number
    assert (grown / "pki/etcd/ca.crt").read_bytes() == authority
    assert stores(hosts, "m1") == urls(addresses, THREE)


def started(hosts: Mapping[str, Host], names: list[str]) -> dict[str, str]:
    return together(lambda name: starts(hosts[name])["etcd"], names)


def test_nobody_else_is_touched_while_the_first_host_of_all_groups_is_down(
    grown: Path, api: Api, hosts: Mapping[str, Host], addresses: Mapping[str, str], alive: Mapping[str, Health], etcdctl: Callable[..., str]
) -> None:
    before = started(hosts, ["m2", "w1"])
    flags = json.dumps({"etcd_flags": {"snapshot-count": 20000}})
    with used(api.at(f"https://{addresses['m2']}:{api.port}"), addresses, through="w1", servers=["m2"], etcd=alive, killed=True):
        press("kill", "m1")
        refused = play("site", f"--extra-vars={flags}", inventory=grown)
        assert refused.code != 0
        assert re.search(r"without (m2|w1) 1 remains. Bring back m1 first", refused.flat), refused.end
        removal = play("remove", "--extra-vars=remove_members=m2", inventory=grown)
        assert removal.code != 0
        assert "of the 2 left 1 would be healthy, and their quorum is 2. Bring back m1 first" in removal.flat, removal.end
    assert started(hosts, ["m2", "w1"]) == before
    assert members(etcdctl, "m2") == voters(THREE)


def test_a_dead_first_host_is_removed_by_what_the_cluster_knows_of_it(
    grown: Path, api: Api, hosts: Mapping[str, Host], addresses: Mapping[str, str], alive: Mapping[str, Health], etcdctl: Callable[..., str]
) -> None:
    """The one API server that is left is restarted for the members that stay, and requests wait for it."""
    other = api.at(f"https://{addresses['m2']}:{api.port}")
    with used(other, addresses, through="w1", servers=["m2"], etcd=alive, killed=True, patience=60):
        foretold = fine(play("remove", "--check", "--extra-vars=remove_hosts=m1", inventory=grown))
        assert "the host itself is not reached" in foretold.flat
        assert members(etcdctl, "m2") == voters(THREE)
        done = fine(play("remove", "--extra-vars=remove_hosts=m1", inventory=grown))
    assert "take m1 out of it" in done.flat
    assert members(etcdctl, "m2") == voters(["m2", "w1"])
    assert stores(hosts, "m2") == urls(addresses, ["m2", "w1"])
    assert sorted(node["metadata"]["name"] for node in other.get("/api/v1/nodes")["items"]) == ["m2", "w1"]
    unchanged(fine(play("remove", "--extra-vars=remove_hosts=m1", inventory=grown)))
