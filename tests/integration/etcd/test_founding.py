"""Whose data a host holds is seen on real members, and what follows from it: one that was stopped, one that was removed, one of a cluster given up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible_collections.quorate.kubernetes.plugins.filter.etcd_founding import BOOTSTRAP, etcd_founding
from ansible_collections.quorate.kubernetes.plugins.modules import host_facts

from .harness import Cluster, Host, until
from .test_member import VOTERS, absent, join, learner
from .test_snapshot import restore, snapshot

LOG = "/var/lib/etcd/member/wal"


def ended(host: Host) -> bool:
    return host.process is not None and host.process.poll() is not None


def observed(cluster: Cluster, host: Host) -> dict[str, Any]:
    """What the observation tells of a member. Its unit would start a process that ended by itself again and again."""
    member, number = host_facts.etcd_owner(str(host.data / "member/wal"))
    return {
        "run": "now",
        "probes": {LOG: "filled" if (host.data / "member/wal").exists() else "absent"},
        "contents": {BOOTSTRAP: "ETCD_INITIAL_CLUSTER_STATE=existing\n"},
        "components": {"etcd": {"unit": {"active": "activating" if ended(host) else "active" if host.process else "inactive"}}},
        "etcd": {
            "quorum": host_facts.etcd_quorum(f"{host.client}/health", str(cluster.authority.folder)),
            "member": member,
            "cluster": number,
        },
    }


def founding(cluster: Cluster, *hosts: Host) -> dict[str, dict[str, Any]]:
    topology = {"run": "now", "etcd": [host.name for host in hosts], "masters": [], "hosts": {}}
    hostvars = {host.name: {"ansible_facts": {"host_observation": observed(cluster, host)}} for host in hosts}
    return etcd_founding(topology, hostvars, data=LOG, cluster="", token="t")


def actions(cluster: Cluster, *hosts: Host) -> str:
    return " ".join(one["action"] for one in founding(cluster, *hosts).values())


def test_the_numbers_of_a_log_are_those_that_the_cluster_knows(cluster: Cluster) -> None:
    hosts = cluster.found("m1", "m2", "m3")
    entries = cluster.module("etcd_info")
    numbers = {one["name"]: one["id"] for one in entries["members"]}
    seen = {host.name: observed(cluster, host)["etcd"] for host in hosts}
    assert {name: one["member"] for name, one in seen.items()} == numbers
    assert {one["cluster"] for one in seen.values()} == {entries["cluster_id"]}
    assert actions(cluster, *hosts) == "keep keep keep"


def test_a_member_that_was_stopped_goes_on_as_it_was(cluster: Cluster) -> None:
    hosts = cluster.found("m1", "m2", "m3")
    third = hosts[2]
    third.stop()
    before = cluster.etcdctl("member", "list")
    until(lambda: actions(cluster, *hosts) == "keep keep join", "the others have their quorum")
    joined = learner(cluster, third)
    assert not joined["changed"], joined
    third.start(cluster=joined["initial_cluster"])
    until(lambda: cluster.is_ready(third), "m3 is ready")
    assert not cluster.module("etcd_member", name="m3")["changed"]
    assert cluster.etcdctl("member", "list") == before
    until(lambda: actions(cluster, *hosts) == "keep keep keep", "m3 belongs to the quorum")


def test_a_member_that_was_removed_while_its_host_was_dead_begins_anew(cluster: Cluster) -> None:
    hosts = cluster.found("m1", "m2", "m3")
    third = hosts[2]
    third.stop()
    assert absent(cluster, third)["changed"]
    third.start()
    until(lambda: ended(third), "etcd finds out that it was removed")
    assert actions(cluster, *hosts) == "keep keep join"
    third.process = None
    join(cluster, third)
    assert cluster.members() == VOTERS
    assert list(third.data.glob("member.aside-*/wal/*.wal")), "the old data is kept"
    until(lambda: actions(cluster, *hosts) == "keep keep keep", "m3 belongs to the quorum")


def test_what_a_restore_gave_up_is_not_used_beside_it(cluster: Cluster, tmp_path: Path) -> None:
    hosts = cluster.found("m1", "m2", "m3")
    path = tmp_path / "one.db"
    snapshot(cluster, path)
    former = f"{cluster.cluster_id():x}"
    for host in hosts:
        host.stop()
    first, *others = hosts
    restore(cluster, path, first, [first])
    first.start()
    until(lambda: cluster.is_ready(first), "the restored cluster is ready")
    assert actions(cluster, first) == "keep"
    # The others are repaired: their units start them with what they hold, and two of three are a quorum.
    for host in others:
        host.start()
    until(lambda: cluster.is_ready(others[1]), "the former cluster has its quorum again")
    number = f"{cluster.cluster_id(host=first):x}"
    assert number != former
    decided = founding(cluster, *hosts)
    assert {one["action"] for one in decided.values()} == {"refuse"}
    assert f"cluster {former} (it has its quorum, says m2, m3)" in decided["m1"]["reason"]
    assert f"cluster {number} (it has its quorum, says m1)" in decided["m1"]["reason"]

    # As after a reset of the others: they join the cluster that goes on.
    for host in others:
        host.stop()
        host.wipe()
    assert actions(cluster, *hosts) == "keep join join"
    join(cluster, others[0])
    join(cluster, others[1])
    assert cluster.members(host=first) == VOTERS
