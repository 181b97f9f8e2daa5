"""A dead member is told from one that is well by what real members say, and a spare takes its place."""

from __future__ import annotations

import importlib.util
import signal
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils import _etcd_snapshot, _healing

from .harness import NEWER, OLDER, Cluster, Host, binaries, until

SCRIPT = Path(__file__).resolve().parents[3] / "roles/etcd/files/save_snapshot.py"


def views(cluster: Cluster, *hosts: Host) -> dict[str, _healing.View]:
    """What the module says on each host, asked at its own member only; a host whose process is gone is gone itself."""
    return {
        host.name: _healing.view_of(cluster.module("etcd_info", via=host, endpoints=[], required=False) if host.process else None)
        for host in hosts
    }


def join(cluster: Cluster, host: Host, *, replaces: list[str], **options: Any) -> dict[str, Any]:
    fixed = {"name": host.name, "peer_urls": [host.peer], "data_directory": str(host.data), "unit": "", "state": "learner"}
    return cluster.module("etcd_member", via=host, replaces=replaces, **{**fixed, **options})


@pytest.mark.parametrize("version", [OLDER, NEWER])
def test_a_spare_takes_the_place_of_a_dead_member(cluster: Cluster, version: str) -> None:
    hosts = cluster.found("e1", "e2", "e3", version=version)
    assert _healing.state(views(cluster, *hosts)).dead == ()
    cluster.etcdctl("put", "a", "b", host=hosts[0])
    hosts[1].stop(signal.SIGKILL)
    until(lambda: _healing.state(views(cluster, *hosts)).dead == ("e2",), "the others say that e2 is dead")

    spare = cluster.host("s1", version=version)
    shown = join(cluster, spare, replaces=["e2"], check=True)
    assert [line.split()[0] for line in shown["plan"]] == ["Remove", "Add"]
    assert set(cluster.members(hosts[0])) == {"e1", "e2", "e3"}
    joined = join(cluster, spare, replaces=["e2"])
    spare.start(cluster=joined["initial_cluster"])
    cluster.module("etcd_member", via=spare, name="s1")
    assert cluster.members(hosts[0]) == {"e1": "voter", "e3": "voter", "s1": "voter"}
    assert cluster.etcdctl("get", "a", "--print-value-only", host=spare).strip() == "b"
    assert not join(cluster, spare, replaces=["e2"])["changed"]
    assert _healing.state(views(cluster, hosts[0], hosts[2], spare)).dead == ()

    # The lost host comes back with its data: it is no member any more, and cannot become one by itself.
    process = hosts[1]
    process.start()
    assert process.process
    until(lambda: process.process is not None and process.process.poll() is not None, "the former member ends by itself")
    assert "removed" in process.log


def test_a_member_that_hangs_is_dead_too(cluster: Cluster) -> None:
    hosts = cluster.found("e1", "e2", "e3")
    hosts[2].freeze()
    until(lambda: _healing.state(views(cluster, *hosts[:2])).dead == ("e3",), "e3 hangs")
    hosts[2].thaw()
    until(lambda: _healing.state(views(cluster, *hosts)).dead == (), "e3 is back")


def test_nobody_is_replaced_without_a_majority(cluster: Cluster) -> None:
    hosts = cluster.found("e1", "e2", "e3")
    for host in hosts[1:]:
        host.stop(signal.SIGKILL)
    until(lambda: bool(_healing.state(views(cluster, *hosts)).problem), "e1 has lost its quorum")
    assert "Without quorum nothing is replaced" in _healing.state(views(cluster, *hosts)).problem
    refused = join(cluster, cluster.host("s1"), replaces=["e2", "e3"], wait=1)
    assert refused["failed"]


def test_a_member_that_answers_again_is_not_removed(cluster: Cluster) -> None:
    hosts = cluster.found("e1", "e2", "e3")
    refused = join(cluster, cluster.host("s1"), replaces=["e2"], wait=1)
    assert refused["failed"]
    assert "e2 was to be replaced, but it answers again" in refused["msg"]
    assert set(cluster.members(hosts[0])) == {"e1", "e2", "e3"}


def test_two_of_five_go_before_the_first_spare_comes(cluster: Cluster) -> None:
    hosts = cluster.found("e1", "e2", "e3", "e4", "e5")
    for host in hosts[3:]:
        host.stop(signal.SIGKILL)
    until(lambda: _healing.state(views(cluster, *hosts)).dead == ("e4", "e5"), "two are dead")
    for name in ("s1", "s2"):
        spare = cluster.host(name)
        joined = join(cluster, spare, replaces=["e4", "e5"])
        spare.start(cluster=joined["initial_cluster"])
        cluster.module("etcd_member", via=spare, name=name)
    assert cluster.members(hosts[0]) == dict.fromkeys(["e1", "e2", "e3", "s1", "s2"], "voter")


# --- snapshots by the clock ----------------------------------------------------------------------------------------------


@pytest.fixture
def script(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The program of the timer, which speaks to the member of its host."""
    spec = importlib.util.spec_from_file_location("save_snapshot", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "PKI", str(cluster.authority.folder))
    return module


@pytest.mark.parametrize("version", [OLDER, NEWER])
def test_the_timer_saves_a_sound_snapshot_and_drops_the_oldest(
    cluster: Cluster, script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    (host,) = cluster.found("m1", version=version)
    monkeypatch.setattr(script, "ENDPOINT", host.client)
    cluster.etcdctl("put", "a", "b")
    folder = tmp_path / "snapshots"
    folder.mkdir()
    for name in ("20260101T000000Z.db", "20260102T000000Z.db", "mine.db"):
        (folder / name).write_bytes(b"old")
    path = Path(script.save(str(folder), keep=2, binaries=str(binaries(version)), data=str(host.data)))
    assert sorted(entry.name for entry in folder.iterdir()) == sorted(["20260102T000000Z.db", path.name, "mine.db"])
    seen = cluster.module("etcd_snapshot", path=str(path), state="verified", etcdutl=str(binaries(version) / "etcdutl"), unit="")
    assert seen["snapshot"]["keys"] == 1
    assert _etcd_snapshot.expired([path.name, "99991231T000000Z.db"], 1) == [path.name], "backup knows it as one of its own"


def test_the_timer_saves_a_full_database_too(cluster: Cluster, script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (host,) = cluster.found("m1", flags={"quota-backend-bytes": str(2 << 20)})
    monkeypatch.setattr(script, "ENDPOINT", host.client)
    until(lambda: "database space exceeded" in cluster.etcdctl("put", "k", "x" * 100_000, check=False), "the database is full")
    assert "NOSPACE" in cluster.etcdctl("alarm", "list")
    assert Path(script.save(str(tmp_path / "snapshots"), keep=2, binaries=str(binaries(NEWER)), data=str(host.data))).exists()


def test_the_timer_drops_nothing_when_there_is_no_member(
    cluster: Cluster, script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (host,) = cluster.found("m1")
    host.stop()
    monkeypatch.setattr(script, "ENDPOINT", host.client)
    old = tmp_path / "20260101T000000Z.db"
    old.write_bytes(b"old")
    with pytest.raises(script.SnapshotFailure, match="quorate --count-only"):
        script.save(str(tmp_path), keep=1, binaries=str(binaries(NEWER)), data=str(host.data))
    assert old.exists()


@pytest.mark.parametrize(
    ("cut", "words"),
    [pytest.param(slice(None, -40), "no digest", id="cut off"), pytest.param(slice(600, None), "no digest|does not match", id="head lost")],
)
def test_the_timer_notices_damage(
    cluster: Cluster, script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut: slice, words: str
) -> None:
    (host,) = cluster.found("m1")
    monkeypatch.setattr(script, "ENDPOINT", host.client)
    path = Path(script.save(str(tmp_path / "s"), keep=0, binaries=str(binaries(NEWER)), data=str(host.data)))
    path.write_bytes(path.read_bytes()[cut])
    with pytest.raises(script.SnapshotFailure, match=words):
        script.verify(str(path))


def test_the_timers_program_says_how_it_ended(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, SCRIPT, tmp_path / "s", "3", tmp_path, tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("No snapshot was saved, and none was dropped: ")
