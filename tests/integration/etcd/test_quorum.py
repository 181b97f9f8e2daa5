"""etcd_info and etcd_quorum on real members."""

from __future__ import annotations

import time

import pytest

from .harness import NEWER, OLDER, Cluster, until, writing


@pytest.mark.parametrize("version", [OLDER, NEWER])
def test_info_tells_members_leader_and_health(cluster: Cluster, version: str) -> None:
    hosts = cluster.found("m1", "m2", "m3", version=version)
    info = cluster.module("etcd_info")
    assert not info["changed"]
    assert [member["name"] for member in info["members"]] == ["m1", "m2", "m3"]
    assert all(member["healthy"] and member["version"] == version and not member["learner"] for member in info["members"])
    assert info["leader"] == cluster.leader().name
    assert info["cluster_id"] == f"{cluster.cluster_id():x}"
    assert info["quorum"] == {"voters": 3, "healthy": 3, "learners": 0, "quorum": 2, "spare": 1}
    assert info["alarms"] == []
    hosts[2].stop()
    info = cluster.module("etcd_info", via=hosts[2])
    assert [member["healthy"] for member in info["members"]] == [True, True, False]
    assert "refused" in info["members"][2]["cause"]


def test_without_quorum_info_fails_or_says_so(cluster: Cluster) -> None:
    hosts = cluster.found("m1", "m2", "m3")
    hosts[1].stop()
    hosts[2].stop()
    failed = cluster.module("etcd_info")
    assert failed["failed"]
    assert "quorum is lost" in failed["msg"]
    assert hosts[1].client in failed["msg"]
    told = cluster.module("etcd_info", required=False)
    assert told["reachable"] is False


def test_restart_is_allowed_only_while_quorum_is_kept(cluster: Cluster) -> None:
    hosts = cluster.found("m1", "m2", "m3")
    answer = cluster.module("etcd_quorum", action="restart", name="m1")
    assert answer["allowed"]
    assert answer["sum"] == {
        "voters": 3, "healthy": 3, "learners": 0, "quorum": 2, "voters_after": 3, "healthy_after": 2, "quorum_after": 2,
    }  # fmt: skip
    hosts[2].stop()
    answer = cluster.module("etcd_quorum", action="restart", name="m1", wait=0)
    assert answer["failed"]
    assert "m3 is not (" in answer["msg"]
    assert "quorum is 2" in answer["msg"]
    assert cluster.module("etcd_quorum", action="restart", name="m3", wait=0)["allowed"], "the dead one may be started"
    asked = cluster.module("etcd_quorum", action="restart", name="m1", wait=0, required=False)
    assert not asked["allowed"]
    assert "failed" not in asked


def test_a_follower_that_hangs_for_a_moment_costs_no_write(cluster: Cluster) -> None:
    hosts = cluster.found("m1", "m2", "m3")
    follower = next(host for host in hosts if host is not cluster.leader())
    with writing(cluster) as acknowledged:
        until(lambda: len(acknowledged) > 5, "the first writes")
        before = len(acknowledged)
        follower.freeze()
        time.sleep(2)
        meanwhile = len(acknowledged) - before
        follower.thaw()
        until(lambda: len(acknowledged) > before + meanwhile + 5, "writes afterwards")
    assert meanwhile > 5
    until(lambda: cluster.is_ready(follower), "the follower is back")


def test_a_member_that_hangs_counts_as_down(cluster: Cluster) -> None:
    hosts = cluster.found("m1", "m2", "m3")
    follower = next(host for host in hosts if host is not cluster.leader())
    follower.freeze()
    others = [host for host in hosts if host is not follower]
    answer = cluster.module("etcd_quorum", action="restart", name=others[0].name, wait=0, via=follower)
    assert answer["failed"]
    assert f"{follower.name} is not (" in answer["msg"]
    follower.thaw()
    assert cluster.module("etcd_quorum", action="restart", name=others[0].name, wait=15)["allowed"]


def test_remove_a_healthy_one_with_one_down_is_refused_and_the_dead_one_accepted(cluster: Cluster) -> None:
    hosts = cluster.found("m1", "m2", "m3")
    hosts[1].stop()
    refused = cluster.module("etcd_quorum", action="remove", name="m3", wait=0)
    assert refused["failed"]
    assert "of the 2 left 1 would be healthy, and their quorum is 2" in refused["msg"]
    assert cluster.module("etcd_quorum", action="remove", name="m2", wait=0)["allowed"]
    assert cluster.module("etcd_quorum", action="add", name="m4", wait=0, required=False)["allowed"] is False


def test_the_only_member_needs_consent_to_down_time(cluster: Cluster) -> None:
    cluster.found("m1")
    assert "down time" in cluster.module("etcd_quorum", action="restart", name="m1", wait=0)["msg"]
    assert cluster.module("etcd_quorum", action="restart", name="m1", wait=0, downtime=1)["allowed"]


def test_confirm_waits_for_the_member(cluster: Cluster) -> None:
    hosts = cluster.found("m1", "m2", "m3")
    hosts[0].stop()
    assert "has not come back" in cluster.module("etcd_quorum", action="confirm", name="m1", wait=0)["msg"]
    hosts[0].start(cluster="")
    answer = cluster.module("etcd_quorum", action="confirm", name="m1", wait=30)
    assert answer["allowed"], answer
    assert "agree on leader" in answer["explanation"]


def test_an_alarm_stops_the_rolling_restart(cluster: Cluster) -> None:
    cluster.found("m1", flags={"quota-backend-bytes": str(100 * 1024)})
    until(lambda: "database space exceeded" in cluster.etcdctl("put", "x", "y" * 50000, check=False), "the database is full")
    answer = cluster.module("etcd_quorum", action="restart", name="m1", wait=0, downtime=1)
    assert "NOSPACE on m1" in answer["msg"]
    assert cluster.module("etcd_quorum", action="restart", name="m1", wait=0, downtime=1, ignore_alarms=["NOSPACE"])["allowed"]


def test_leadership_is_handed_over_before_the_leader_is_stopped(cluster: Cluster) -> None:
    hosts = cluster.found("m1", "m2", "m3")
    leader = cluster.leader()
    last = [host for host in hosts if host is not leader][-1]
    asked = cluster.module("etcd_quorum", action="restart", name=leader.name, hand_over=True, check=True)
    assert (asked["changed"], asked["handed_over_to"]) == (True, last.name)
    assert cluster.leader() is leader, "check mode moved it"
    assert cluster.module("etcd_quorum", action="restart", name=leader.name, hand_over=True)["changed"]
    assert cluster.leader() is last
    assert not cluster.module("etcd_quorum", action="restart", name=leader.name, hand_over=True)["changed"]
