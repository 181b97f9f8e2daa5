"""Members of two minor versions: up and back, one at a time behind the guard, while somebody writes."""

from __future__ import annotations

from .harness import NEWER, OLDER, Cluster, until, writing


def roll(cluster: Cluster, version: str) -> list[str]:
    """Change the program of each member as the playbook does; the names in the order of the change."""
    order: list[str] = []
    while waiting := cluster.module("etcd_version", target=version)["order"]:
        name = waiting[0]
        host = cluster.hosts[name]
        asked = cluster.module("etcd_quorum", action="restart", name=name)
        assert asked["allowed"], asked
        assert asked["leader"] is (len(waiting) == 1 and len(order) + 1 == len(cluster.hosts)), "the leader is the last"
        host.stop()
        host.version = version
        host.start()
        assert cluster.module("etcd_quorum", action="confirm", name=name, wait=30)["allowed"]
        order.append(name)
    return order


def test_up_and_back(cluster: Cluster) -> None:
    cluster.found("m1", "m2", "m3", version=OLDER)
    refused = cluster.module("etcd_version", target="3.8.0")
    assert "etcd 3.8 is not known" in refused["msg"]

    upgrade = cluster.module("etcd_version", target=NEWER)
    assert (upgrade["kind"], upgrade["changed"]) == ("upgrade", False)
    with writing(cluster) as acknowledged:
        assert sorted(roll(cluster, NEWER)) == ["m1", "m2", "m3"]
        assert cluster.module("etcd_version", target=NEWER)["kind"] == "keep"
        versions = {member["version"] for member in cluster.module("etcd_info")["members"]}
        assert versions == {NEWER}

        assert "3.6.11 is the first" in cluster.module("etcd_version", target="3.6.1")["msg"]
        predicted = cluster.module("etcd_version", target=OLDER, check=True)
        assert predicted["kind"] == "downgrade"
        # Some seconds after its last member the cluster as a whole has the newer version.
        until(
            lambda: {one["storage_version"] for one in cluster.module("etcd_info")["members"]} == {f"{NEWER[:3]}.0"},
            "the data is of the newer one",
        )
        prepared = cluster.module("etcd_version", target=OLDER)
        assert not prepared.get("failed"), prepared
        assert prepared["plan"] == predicted["plan"]
        assert not cluster.module("etcd_version", target=OLDER)["changed"]
        assert sorted(roll(cluster, OLDER)) == ["m1", "m2", "m3"]
    assert len(acknowledged) > 5


def test_an_upgrade_that_was_begun_goes_back(cluster: Cluster) -> None:
    """As long as one member is old etcd as a whole is, and would refuse to prepare its data for what it has."""
    cluster.found("m1", "m2", "m3", version=OLDER)
    first = next(host for host in cluster.hosts.values() if host is not cluster.leader())
    first.stop()
    first.version = NEWER
    first.start()
    assert cluster.module("etcd_quorum", action="confirm", name=first.name, wait=30)["allowed"]
    back = cluster.module("etcd_version", target=OLDER)
    assert (back["kind"], back["plan"], back["order"]) == ("downgrade", [], [first.name]), back
    assert roll(cluster, OLDER) == [first.name]
    assert {member["version"] for member in cluster.module("etcd_info")["members"]} == {OLDER}


def test_with_one_down_no_version_is_changed(cluster: Cluster) -> None:
    hosts = cluster.found("m1", "m2", "m3", version=OLDER)
    hosts[2].stop()
    refused = cluster.module("etcd_version", target=NEWER)
    assert "Not healthy: m3" in refused["msg"]
