"""etcd_member on real members: growing, shrinking, losing data, and runs that are cut short."""

from __future__ import annotations

import datetime
import json
import signal
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from .harness import NEWER, OLDER, Cluster, Host, until, writing


def learner(cluster: Cluster, host: Host, *, check: bool = False, **options: Any) -> dict[str, Any]:
    """The first step, on the host itself."""
    where = {"name": host.name, "peer_urls": [host.peer], "data_directory": str(host.data), "unit": ""}
    return cluster.module("etcd_member", check=check, via=host, state="learner", **{**where, **options})


def join(cluster: Cluster, host: Host, **options: Any) -> None:
    """All three steps, as the playbook does them."""
    joined = learner(cluster, host, **options)
    assert not joined.get("failed"), joined
    host.start(cluster=joined["initial_cluster"])
    voting = cluster.module("etcd_member", name=host.name, timeout=60, members=options.get("members"))
    assert not voting.get("failed"), voting


def absent(cluster: Cluster, host: Host, **options: Any) -> dict[str, Any]:
    return {"changed": None, **cluster.module("etcd_member", name=host.name, state="absent", **{"wait": 5, **options})}


VOTERS = {"m1": "voter", "m2": "voter", "m3": "voter"}


@pytest.mark.parametrize("version", [OLDER, NEWER])
def test_grow_from_one_to_three_and_shrink_again(cluster: Cluster, version: str) -> None:
    cluster.found("m1", version=version)
    identity = cluster.cluster_id()
    cluster.etcdctl("put", "kept", "value")
    second, third = cluster.host("m2", version=version), cluster.host("m3", version=version)

    predicted = learner(cluster, second, check=True)
    assert predicted["changed"]
    assert cluster.members() == {"m1": "voter"}, "check mode changed something"
    added = learner(cluster, second)
    assert added["plan"] == predicted["plan"]
    assert added["initial_cluster"] == predicted["initial_cluster"] == f"m1={cluster.host('m1').peer},m2={second.peer}"
    assert not learner(cluster, second)["changed"], "its entry waits for it"
    with writing(cluster) as acknowledged:
        join(cluster, second)
        join(cluster, third)
    assert len(acknowledged) > 5
    assert cluster.members() == VOTERS
    assert not learner(cluster, third)["changed"]
    assert not cluster.module("etcd_member", name="m3", peer_urls=[third.peer])["changed"]
    assert cluster.cluster_id(host=third) == identity
    assert "value" in cluster.etcdctl("get", "kept", host=third)

    leader = cluster.leader()
    assert absent(cluster, leader, check=True)["plan"][0].startswith("Move leadership")
    assert cluster.leader() is leader
    gone = absent(cluster, leader)
    assert gone["changed"], gone
    leader.stop()
    assert not absent(cluster, leader)["changed"]
    assert len(cluster.members()) == 2
    other = next(host for host in cluster.hosts.values() if host.process)
    assert "force" in absent(cluster, other)["msg"]
    gone = absent(cluster, other, force=True)
    assert gone["changed"], gone
    assert len(cluster.members(host=next(host for host in cluster.hosts.values() if host.process and host is not other))) == 1


def test_a_step_takes_little_longer_than_etcd_itself_asks_for(cluster: Cluster) -> None:
    """Voters have to be connected for five seconds before etcd takes another change, and a new one ready before we make one; three more are ours."""
    cluster.found("m1")
    took: dict[str, float] = {}

    def step(name: str, act: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        started = time.monotonic()
        done = act()
        took[name] = time.monotonic() - started
        assert done.get("changed"), done
        return done

    for host in (cluster.host("m2"), cluster.host("m3")):
        added = step(f"add {host.name}", partial(learner, cluster, host))
        host.start(cluster=added["initial_cluster"])
        step(f"promote {host.name}", partial(cluster.module, "etcd_member", name=host.name, members=["m1", "m2", "m3"]))
    step("remove m3", partial(absent, cluster, cluster.host("m3")))
    assert {name: round(seconds, 1) for name, seconds in took.items() if seconds > 5 + 3} == {}, took
    assert took["promote m2"] > 5 > took["promote m3"], "nobody is waited for when the last one votes"


def logged(host: Host, message: str) -> list[float]:
    """When a member said something in its log."""
    lines = [json.loads(line) for line in host.log.splitlines() if line.startswith("{")]
    return [datetime.datetime.fromisoformat(line["ts"]).timestamp() for line in lines if line["msg"] == message]


def test_the_next_one_is_added_only_when_the_last_voter_is_settled(cluster: Cluster) -> None:
    """For a fifth etcd itself asks a quorum of four only, which the others are."""
    first, *_others = cluster.found("m1", "m2", "m3")
    five = ["m1", "m2", "m3", "m4", "m5"]
    for name in five[3:]:
        join(cluster, cluster.host(name), members=five)
    assert cluster.members() == dict.fromkeys(five, "voter")
    voted, added = logged(first, "promote member"), logged(first, "added member")
    assert (len(voted), len(added)) == (2, 3 + 2), (voted, added)
    assert added[4] - voted[0] >= 5


def test_a_member_that_lost_its_data_joins_the_same_cluster(cluster: Cluster) -> None:
    hosts = cluster.found("m1", "m2", "m3")
    identity = cluster.cluster_id()
    cluster.etcdctl("put", "kept", "value")
    first = hosts[0]
    with writing(cluster) as acknowledged:
        first.stop()
        first.wipe()
        joined = learner(cluster, first)
        assert [line.split()[0] for line in joined["plan"]] == ["Remove", "Add"]
        # The run is cut here, and another one goes on.
        join(cluster, first)
    assert len(acknowledged) > 5
    assert cluster.members(host=first) == VOTERS
    assert cluster.cluster_id(host=first) == identity, "a second cluster was founded"
    assert "value" in cluster.etcdctl("get", "kept", host=first)


def test_with_one_of_three_down_nothing_is_added_and_only_the_dead_one_goes(cluster: Cluster) -> None:
    hosts = cluster.found("m1", "m2", "m3")
    hosts[0].stop()
    new = cluster.host("m4")
    refused = learner(cluster, new, wait=0)
    assert refused["failed"]
    assert "m1 is not" in refused["msg"]
    assert "of the 2 left 1 would be healthy" in absent(cluster, hosts[1], wait=0)["msg"]
    assert len(cluster.members()) == 3
    assert absent(cluster, hosts[0])["changed"]
    join(cluster, new)
    assert cluster.members() == {"m2": "voter", "m3": "voter", "m4": "voter"}


def test_a_removed_member_comes_back_with_its_old_data_moved_aside(cluster: Cluster) -> None:
    hosts = cluster.found("m1", "m2", "m3")
    third = hosts[2]
    assert absent(cluster, third)["changed"]
    third.stop()
    joined = learner(cluster, third)
    assert joined["data_moved_to"].startswith(str(third.data / "member.aside-"))
    assert list(third.data.glob("member.aside-*/wal/*.wal")), "the old data is kept"
    join(cluster, third)
    assert cluster.members() == VOTERS


def test_a_log_that_lies_elsewhere_is_moved_aside_too(cluster: Cluster) -> None:
    cluster.found("m1")
    second = cluster.host("m2")
    log = second.data / "log"
    second.flags = {"wal-dir": str(log)}
    join(cluster, second, log_directory=str(log))
    assert absent(cluster, second, force=True)["changed"]
    second.stop()
    join(cluster, second, log_directory=str(log))
    assert cluster.members() == {"m1": "voter", "m2": "voter"}
    assert list(second.data.glob("log.aside-*/*.wal")), "the old log is kept"


def test_learners_that_a_run_left_behind_are_cleared(cluster: Cluster) -> None:
    cluster.found("m1")
    second, third = cluster.host("m2"), cluster.host("m3")
    # Killed after adding: quorum is still that of one, and the next run for another host clears the entry.
    learner(cluster, second)
    assert cluster.etcdctl("put", "a", "b").strip() == "OK"
    cleared = learner(cluster, third)
    assert [line.split()[0] for line in cleared["plan"]] == ["Remove", "Add"]
    # Killed after its start, before its promotion: the next run gives it its vote.
    third.start(cluster=cleared["initial_cluster"])
    until(lambda: cluster.members().get("m3") == "learner", "m3 has started")
    promoted = learner(cluster, second)
    assert [line.split()[0] for line in promoted["plan"]] == ["Give", "Add"]
    assert cluster.members()["m3"] == "voter"
    second.start(cluster=promoted["initial_cluster"])
    assert cluster.module("etcd_member", name="m2", peer_urls=[second.peer])["changed"]
    assert cluster.members() == VOTERS


def test_a_learner_that_does_not_start_gets_no_vote(cluster: Cluster) -> None:
    cluster.found("m1")
    second = cluster.host("m2")
    learner(cluster, second)
    failed = cluster.module("etcd_member", name="m2", peer_urls=[second.peer], timeout=1)
    assert "gets no vote" in failed["msg"]
    assert cluster.members() == {"m1": "voter", "": "learner"}
    assert cluster.etcdctl("put", "a", "b").strip() == "OK"


@pytest.mark.parametrize("comes_back", [True, False])
def test_a_learner_that_dies_together_with_a_voter_costs_no_quorum(cluster: Cluster, comes_back: bool) -> None:
    hosts = cluster.found("m1", "m2", "m3")
    fourth, fifth = cluster.host("m4"), cluster.host("m5")
    fourth.start(cluster=learner(cluster, fourth)["initial_cluster"])
    until(lambda: cluster.members().get("m4") == "learner", "m4 has started")
    for host in (fourth, hosts[0]):
        host.stop(signal.SIGKILL)
    # What was on its way to a leader is lost with it.
    until(lambda: cluster.etcdctl("put", "a", "b", check=False).strip() == "OK", "a write succeeds: quorum is that of three")
    assert "m1 is not" in learner(cluster, fifth, wait=0)["msg"]
    hosts[0].start()
    until(lambda: cluster.is_ready(hosts[0]), "m1 is back")
    if comes_back:
        join(cluster, fourth)
    else:
        cleared = learner(cluster, fifth)
        assert [line.split()[0] for line in cleared["plan"]] == ["Remove", "Add"]
        fifth.start(cluster=cleared["initial_cluster"])
        assert cluster.module("etcd_member", name="m5", peer_urls=[fifth.peer])["changed"]
    assert cluster.members() == {**VOTERS, "m4" if comes_back else "m5": "voter"}


def test_two_hosts_of_one_name_are_refused(cluster: Cluster) -> None:
    hosts = cluster.found("m1", "m2", "m3")
    twin = cluster.host("m9")
    refused = learner(cluster, twin, name="m2", wait=0)
    assert "Two hosts have the same name" in refused["msg"]
    assert cluster.members() == VOTERS
    assert cluster.is_ready(hosts[1])


def test_another_peer_address_is_told_before_the_restart(cluster: Cluster) -> None:
    hosts = cluster.found("m1", "m2", "m3")
    third = hosts[2]
    former = third.address
    third.stop()
    third.address = cluster.host("spare").address
    cluster.authority.issue("m3", subject="m3", addresses=[third.address, former, "127.0.0.1"])
    changed = cluster.module("etcd_member", name="m3", peer_urls=[third.peer])
    assert changed["plan"] == [f"Change the peer address of m3 from https://{former}:2380 to {third.peer}."]
    third.start()
    until(lambda: cluster.is_ready(third), "m3 is ready at its new address")
    assert cluster.members() == VOTERS
    assert not cluster.module("etcd_member", name="m3", peer_urls=[third.peer])["changed"]


def test_leaving_moves_the_data_of_the_host_aside(cluster: Cluster) -> None:
    hosts = cluster.found("m1", "m2", "m3")
    gone = hosts[2]
    # As on the host itself, which asks the members that stay.
    arguments: dict[str, Any] = {
        "name": "m3",
        "state": "absent",
        "clear": True,
        "unit": "",
        "data_directory": str(gone.data),
        "endpoint": "",
    }
    endpoints = [host.client for host in hosts[:2]]
    left = cluster.module("etcd_member", via=gone, **arguments, endpoints=endpoints)
    assert left["changed"], left
    assert cluster.members(host=hosts[0]) == {"m1": "voter", "m2": "voter"}
    assert not (gone.data / "member").exists()
    assert list(gone.data.glob("member.aside-*"))
    assert not cluster.module("etcd_member", via=gone, **arguments, endpoints=endpoints)["changed"]
