"""etcd_maintenance on real members: fragmentation, a full database, a member that is down."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.quorate.kubernetes.plugins.module_utils import _http
from ansible_collections.quorate.kubernetes.plugins.modules import host_facts

from .harness import NEWER, OLDER, Cluster, Host, until
from .test_snapshot import restore, snapshot

ROLE = Path(__file__).resolve().parents[3] / "roles/etcd"
SMALL: dict[str, Any] = {"minimum_bytes": 1}


def fill(cluster: Cluster, *, keys: int, size: int) -> None:
    for number in range(keys):
        cluster.etcdctl("put", f"k{number % 2}", "x" * size, check=False)


def free(cluster: Cluster) -> list[int]:
    return [member["database_size"] - member["database_used"] for member in cluster.module("etcd_info")["members"]]


@pytest.mark.parametrize("version", [OLDER, NEWER])
def test_defragments_beyond_the_threshold_one_at_a_time_under_load(cluster: Cluster, version: str) -> None:
    hosts = cluster.found("m1", "m2", "m3", version=version)
    fill(cluster, keys=40, size=100_000)
    assert not cluster.module("etcd_maintenance")["changed"], "small databases are left alone"
    # A step of its own: what is compacted shows as free only later.
    assert cluster.module("etcd_maintenance", compact="always", retain_revisions=0, defragment="never")["changed"]
    # Members compact in the background, and look at their space when they next write.
    until(lambda: bool(cluster.etcdctl("put", "next", "write")) and min(free(cluster)) > 2_000_000, "there is free space")
    predicted = cluster.module("etcd_maintenance", check=True, **SMALL)
    leader = cluster.leader()
    assert predicted["plan"][-1] == f"Defragment {leader.name}."

    failures: list[str] = []
    stop = threading.Event()

    def write() -> None:
        follower = next(host for host in hosts if host is not leader)
        while not stop.is_set():
            answer = cluster.etcdctl("put", "probe", "x", host=follower, check=False)
            if "OK" not in answer:
                failures.append(answer)

    probe = threading.Thread(target=write)
    probe.start()
    done = cluster.module("etcd_maintenance", **SMALL)
    stop.set()
    probe.join()
    assert done["plan"] == predicted["plan"]
    assert failures == []
    assert cluster.leader() is leader, "handing over would cost writers more than the moment that so small a database blocks"
    assert max(free(cluster)) < 1_000_000
    assert not cluster.module("etcd_maintenance", **SMALL, threshold=90)["changed"]


def trouble(cluster: Cluster) -> str | None:
    """What the observation of the first host says of its member."""
    return host_facts.etcd_trouble(f"{cluster.hosts['m1'].client}/health", str(cluster.authority.folder))


def has_quorum(cluster: Cluster) -> bool:
    return host_facts.etcd_quorum(f"{cluster.hosts['m1'].client}/health", str(cluster.authority.folder))


def test_without_its_quorum_a_member_is_in_trouble_and_one_that_does_not_run_has_none_to_tell(cluster: Cluster) -> None:
    first, second = cluster.found("m1", "m2")
    assert trouble(cluster) == ""
    assert has_quorum(cluster)
    second.stop()
    until(lambda: trouble(cluster) == "RAFT NO LEADER", "the member says that it has no leader")
    assert not has_quorum(cluster)
    first.stop()
    assert trouble(cluster) is None


def test_a_full_database_is_freed_and_its_alarm_ended(cluster: Cluster) -> None:
    cluster.found("m1", "m2", "m3", flags={"quota-backend-bytes": str(2 << 20)})
    until(lambda: "database space exceeded" in cluster.etcdctl("put", "k", "x" * 100_000, check=False), "the database is full")
    info = cluster.module("etcd_info")
    assert info["alarms"]
    assert "See the playbook maintain_etcd" in str(info["warnings"])
    assert trouble(cluster) == "ALARM NOSPACE"
    assert has_quorum(cluster), "an alarm says nothing about it"
    done = cluster.module("etcd_maintenance")
    assert not done.get("failed"), done
    assert done["cluster"]["alarms"] == []
    assert trouble(cluster) == ""
    assert cluster.etcdctl("put", "k", "small").strip() == "OK"
    assert not cluster.module("etcd_maintenance")["changed"]


def test_what_cannot_be_freed_keeps_its_alarm(cluster: Cluster) -> None:
    cluster.found("m1", flags={"quota-backend-bytes": str(8 << 20)})
    for number in range(90):
        cluster.etcdctl("put", f"k{number}", "x" * 100_000, check=False)
    failed = cluster.module("etcd_maintenance", downtime=1)
    assert "still full" in failed.get("msg", ""), failed
    assert "raise the quota" in failed["msg"]
    assert cluster.module("etcd_info")["alarms"]


def ignored(tasks: str) -> dict[str, list[str]]:
    """Alarms that tasks of the role do not mind, by what they ask the quorum."""
    asked = [task.get("quorate.kubernetes.etcd_quorum") for task in yaml.safe_load((ROLE / "tasks" / tasks).read_text())]
    return {question["action"]: question.get("ignore_alarms", []) for question in asked if question}


def test_the_quota_is_raised_while_the_database_is_full_of_what_is_needed(cluster: Cluster) -> None:
    hosts = cluster.found("m1", "m2", "m3", flags={"quota-backend-bytes": str(8 << 20)})
    for number in range(90):
        cluster.etcdctl("put", f"k{number}", "x" * 100_000, check=False)
    assert "raise the quota" in cluster.module("etcd_maintenance")["msg"]
    minds = ignored("change.yml")
    for host in hosts:
        spared = cluster.module("etcd_quorum", action="restart", name=host.name, via=host, hand_over=True, ignore_alarms=minds["restart"])
        assert spared.get("allowed"), spared
        host.stop()
        host.flags["quota-backend-bytes"] = str(64 << 20)
        host.start()
        back = cluster.module("etcd_quorum", action="confirm", name=host.name, via=host, wait=60, ignore_alarms=minds["confirm"])
        assert back.get("allowed"), back
    assert cluster.module("etcd_info")["alarms"], "it was full all the time"
    done = cluster.module("etcd_maintenance")
    assert not done.get("failed"), done
    assert done["cluster"]["alarms"] == []
    assert cluster.etcdctl("put", "more", "x" * 100_000).strip() == "OK"


def test_with_a_member_down_nobody_else_is_blocked(cluster: Cluster) -> None:
    hosts = cluster.found("m1", "m2", "m3")
    hosts[2].stop()
    failed = cluster.module("etcd_maintenance", defragment="always", wait=0)
    assert failed["failed"]
    assert "m3 is not" in failed["msg"]


def readiness() -> str:
    """What the role asks a member before it goes on."""
    text = (ROLE / "vars/main.yml").read_text()
    return str(yaml.safe_load(text)["__etcd_components"][0]["ready"]["url"]).split(":2379")[1]


def probe(cluster: Cluster, host: Host, path: str) -> int:
    pki = cluster.authority.folder
    context = _http.tls_context(ca=str(pki / "ca.crt"), certificate=str(pki / "operator.crt"), key=str(pki / "operator.key"))
    return _http.http_request(f"{host.client}{path}", context=context, timeout=5).status


def corrupted(cluster: Cluster) -> Host:
    """Found three members, and change a byte in the data of one, so that etcd raises its alarm."""
    flags = {"feature-gates": "InitialCorruptCheck=false,CompactHashCheck=false", "corrupt-check-time": "2s"}
    hosts = cluster.found("m1", "m2", "m3", flags=flags)
    cluster.etcdctl("put", "kept", "needle" * 50)
    bad = next(host for host in hosts if host is not cluster.leader())
    bad.stop()
    database = bad.data / "member" / "snap" / "db"
    content = database.read_bytes()
    assert b"needleneedle" in content
    database.write_bytes(content.replace(b"needleneedle", b"needlfneedle"))
    bad.start()
    until(lambda: "CORRUPT" in cluster.etcdctl("alarm", "list", check=False), "the corruption is found")
    return bad


def test_a_corrupt_member_is_kept_as_evidence_replaced_and_the_alarm_ended(cluster: Cluster, tmp_path: Path) -> None:
    bad = corrupted(cluster)
    hosts = list(cluster.hosts.values())
    saved = snapshot(cluster, tmp_path / "one.db", via=bad)
    assert saved["changed"], saved
    assert b"needleneedle" in (tmp_path / "one.db").read_bytes(), "it was saved from the member whose data is wrong"
    refused = cluster.module("etcd_maintenance", defragment="always")
    assert f"The data of {bad.name} differs" in refused["msg"]
    other = next(host for host in hosts if host is not bad)
    assert "alarm" in cluster.module("etcd_quorum", action="restart", name=other.name, wait=0)["msg"]
    assert cluster.module("etcd_quorum", action="remove", name=other.name, wait=0, required=False)["allowed"] is False
    via = next(host for host in hosts if host is not bad)
    removed = cluster.module("etcd_member", name=bad.name, state="absent", via=via)
    assert removed["changed"], removed
    bad.stop()
    assert probe(cluster, via, "/readyz") == 503, "the alarm of the member that is gone is there still"
    assert probe(cluster, via, readiness()) == 200
    ended = cluster.module("etcd_maintenance", via=via, compact="always", retain_revisions=0, defragment="always", downtime=2)
    assert ended.get("changed"), ended
    assert ended["cluster"]["alarms"] == []
    joined = cluster.module(
        "etcd_member", via=bad, name=bad.name, peer_urls=[bad.peer], data_directory=str(bad.data), unit="", state="learner"
    )
    assert joined["data_moved_to"]
    bad.start(cluster=joined["initial_cluster"])
    assert cluster.module("etcd_member", via=via, name=bad.name, peer_urls=[bad.peer])["changed"]
    assert cluster.members(host=via) == {"m1": "voter", "m2": "voter", "m3": "voter"}
    assert "needleneedle" in cluster.etcdctl("get", "kept", host=bad)


@pytest.mark.parametrize("alarm", ["NOSPACE", "CORRUPT"])
def test_a_snapshot_that_holds_an_alarm_is_restored(cluster: Cluster, tmp_path: Path, alarm: str) -> None:
    if alarm == "CORRUPT":
        corrupted(cluster)
    else:
        cluster.found("m1", "m2", "m3", flags={"quota-backend-bytes": str(2 << 20)})
        until(lambda: "database space exceeded" in cluster.etcdctl("put", "k", "x" * 100_000, check=False), "the database is full")
    hosts, path = list(cluster.hosts.values()), tmp_path / "one.db"
    assert snapshot(cluster, path)["changed"]
    for host in hosts:
        host.stop()
    for host in hosts:
        assert restore(cluster, path, host, hosts)["changed"]
    for host in hosts:
        host.start()
    back = cluster.module("etcd_quorum", action="confirm", name="m1", wait=60, ignore_alarms=ignored("restore.yml")["confirm"])
    assert back.get("allowed"), back
    assert alarm in str(back["cluster"]["alarms"])
    # Also of a database that is full still: whether it is etcd finds out by itself.
    ended = cluster.module("etcd_maintenance", compact="never", defragment="never")
    assert ended.get("changed"), ended
    assert ended["cluster"]["alarms"] == []
    if alarm == "NOSPACE":
        until(lambda: "database space exceeded" in cluster.etcdctl("put", "k", "x" * 100_000, check=False), "etcd says so again")
        assert not cluster.module("etcd_maintenance").get("failed")
    assert cluster.etcdctl("put", "k", "small").strip() == "OK"


def test_a_way_back_that_was_given_up_is_cancelled(cluster: Cluster) -> None:
    cluster.found("m1", version=NEWER)
    assert cluster.module("etcd_version", target=OLDER)["changed"]
    done = cluster.module("etcd_maintenance")
    assert done["plan"] == ["Cancel the way back to 3.6.0, which no member has gone."], done
    assert not cluster.module("etcd_maintenance")["changed"]
    assert cluster.module("etcd_version", target=OLDER, check=True)["changed"], "it would have to be prepared anew"
