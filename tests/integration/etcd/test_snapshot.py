"""etcd_snapshot on real members: saved, verified, and restored after quorum was lost for good."""

from __future__ import annotations

import json
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from .harness import NEWER, OLDER, Cluster, Host, binaries, until


def snapshot(cluster: Cluster, path: Path, *, via: Host | None = None, check: bool = False, **options: Any) -> dict[str, Any]:
    version = (via or next(iter(cluster.hosts.values()))).version
    fixed = {"path": str(path), "etcdutl": str(binaries(version) / "etcdutl"), "unit": "", "owner": "root", "group": "root"}
    return cluster.module("etcd_snapshot", check=check, via=via, **{**fixed, **options})


def restore(cluster: Cluster, path: Path, host: Host, hosts: list[Host], **options: Any) -> dict[str, Any]:
    return snapshot(
        cluster,
        path,
        via=host,
        state="restored",
        name=host.name,
        peer_urls=[host.peer],
        initial_cluster=",".join(f"{one.name}={one.peer}" for one in hosts),
        data_directory=str(host.data),
        **{"token": "restored-1", **options},
    )


@pytest.mark.parametrize("version", [OLDER, NEWER])
def test_save_and_verify(cluster: Cluster, tmp_path: Path, version: str) -> None:
    cluster.found("m1", version=version)
    cluster.etcdctl("put", "a", "b")
    path = tmp_path / "snapshots" / "one.db"
    assert snapshot(cluster, path, check=True)["changed"]
    assert not path.exists()
    saved = snapshot(cluster, path)
    assert saved["changed"]
    assert saved["snapshot"]["keys"] == 1
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["one.db"]
    # An independent look at it.
    program = str(binaries(version) / "etcdutl")
    status = json.loads(subprocess.run([program, "snapshot", "status", str(path), "-w", "json"], capture_output=True, check=True).stdout)
    assert status["hash"] == saved["snapshot"]["hash"]
    assert not snapshot(cluster, path)["changed"]
    assert snapshot(cluster, path, state="verified")["snapshot"] == saved["snapshot"]


def test_older_ones_go_when_a_new_one_is_sound(cluster: Cluster, tmp_path: Path) -> None:
    cluster.found("m1")
    folder = tmp_path / "snapshots"
    names = [f"2026112{day}T120000Z.db" for day in range(3)]
    for name in names[:2]:
        snapshot(cluster, folder / name)
    (folder / "mine.db").write_text("not ours")
    assert snapshot(cluster, folder / names[2], keep=2)["removed"] == names[:1]
    assert sorted(entry.name for entry in folder.iterdir()) == [*names[1:], "mine.db"]


@pytest.mark.parametrize("damage", ["a flipped bit in a value", "cut off", "the digest cut off", "something else"])
def test_damage_is_found(cluster: Cluster, tmp_path: Path, damage: str) -> None:
    cluster.found("m1")
    cluster.etcdctl("put", "a", "needle" * 100)
    path = tmp_path / "one.db"
    snapshot(cluster, path)
    content = path.read_bytes()
    if damage == "cut off":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "the digest cut off":
        path.write_bytes(content[:-32])
    elif damage == "something else":
        path.write_bytes(b"no database" * 1000)
    else:
        path.write_bytes(content.replace(b"needleneedle", b"needlfneedle", 1))
    assert snapshot(cluster, path, state="verified").get("failed"), "the damage was not found"
    host = cluster.host("m1")
    host.stop()
    failed = restore(cluster, path, host, [host])
    assert failed["failed"]
    assert (host.data / "member" / "wal").is_dir(), "the data was touched before the snapshot was verified"


@pytest.mark.parametrize("version", [OLDER, NEWER])
def test_restore_after_losing_two_of_three_for_good(cluster: Cluster, tmp_path: Path, version: str) -> None:
    hosts = cluster.found("m1", "m2", "m3", version=version)
    identity = cluster.cluster_id()
    cluster.etcdctl("put", "kept", "value")
    path = tmp_path / "one.db"
    before = snapshot(cluster, path)["snapshot"]["revision"]
    cluster.etcdctl("put", "later", "lost")
    for host in hosts:
        host.stop()
    hosts[1].wipe()
    hosts[2].wipe()

    # Onto a survivor, a host that lost its data, and a new one.
    new = [hosts[0], hosts[1], cluster.host("m4", version=version)]
    for host in new:
        restored = restore(cluster, path, host, new)
        assert restored["changed"], restored
        assert not restore(cluster, path, host, new)["changed"]
    assert list(hosts[0].data.glob("member.aside-*/wal/*.wal")), "the former data is kept"
    for host in new:
        host.start()
    until(lambda: all(cluster.is_ready(host) for host in new), "the restored cluster is ready")
    assert cluster.members() == {"m1": "voter", "m2": "voter", "m4": "voter"}
    assert cluster.cluster_id() != identity
    assert "value" in cluster.etcdctl("get", "kept")
    assert "lost" not in cluster.etcdctl("get", "later")
    revision = json.loads(cluster.etcdctl("get", "kept", "-w", "json"))["header"]["revision"]
    assert revision >= before + 1_000_000_000
    assert "compacted" in cluster.etcdctl("get", "kept", f"--rev={before}", check=False), "a watcher would not notice"
    assert not restore(cluster, path, new[0], new)["changed"], "also not after its start"


def test_restore_onto_another_number_of_members_and_again_with_a_new_token(cluster: Cluster, tmp_path: Path) -> None:
    hosts = cluster.found("m1", "m2", "m3")
    cluster.etcdctl("put", "kept", "value")
    path = tmp_path / "one.db"
    snapshot(cluster, path)
    for host in hosts:
        host.stop()
    one = hosts[:1]
    assert restore(cluster, path, one[0], one)["changed"]
    # Cut short in the middle of another restore: its remains are no obstacle.
    (one[0].data / ".restoring" / "member").mkdir(parents=True)
    assert restore(cluster, path, one[0], one, token="restored-2")["changed"]
    assert not (one[0].data / ".restoring").exists()
    one[0].start()
    until(lambda: cluster.is_ready(one[0]), "the restored member is ready")
    assert cluster.members() == {"m1": "voter"}


def test_a_restore_that_was_cut_short_before_its_swap_goes_on(cluster: Cluster, tmp_path: Path) -> None:
    (host,) = cluster.found("m1")
    cluster.etcdctl("put", "kept", "value")
    path = tmp_path / "one.db"
    snapshot(cluster, path)
    host.stop()
    assert restore(cluster, path, host, [host])["changed"]
    # The former data was moved aside, and what was to take its place not yet there.
    (host.data / ".restoring").mkdir()
    (host.data / "member").rename(host.data / ".restoring" / "member")
    again = restore(cluster, path, host, [host])
    assert again["changed"], again
    assert "data_moved_to" not in again, "there was nothing to move"
    assert list(host.data.glob("member.aside-*/wal/*.wal")), "the former data is kept"
    assert not (host.data / ".restoring").exists()
    host.start()
    until(lambda: cluster.is_ready(host), "the restored member is ready")
    assert "value" in cluster.etcdctl("get", "kept")


def test_a_snapshot_of_a_later_minor_version_is_refused_before_anything_is_touched(cluster: Cluster, tmp_path: Path) -> None:
    (host,) = cluster.found("m1", version=NEWER)
    assert snapshot(cluster, tmp_path / "one.db")["changed"]
    host.stop()
    older = str(binaries(OLDER) / "etcdutl")
    for refused in (
        snapshot(cluster, tmp_path / "one.db", state="verified", etcdutl=older),
        restore(cluster, tmp_path / "one.db", host, [host], etcdutl=older),
    ):
        assert refused["failed"]
        assert "was saved by etcd 3.7, and the programs here are of 3.6" in refused["msg"]
    assert (host.data / "member/snap/db").exists()


def test_a_member_outside_the_restored_cluster_is_refused(cluster: Cluster, tmp_path: Path) -> None:
    hosts = cluster.found("m1")
    path = tmp_path / "one.db"
    snapshot(cluster, path)
    stranger = cluster.host("m2")
    assert "lacks m2=" in restore(cluster, path, stranger, hosts)["msg"]
    assert not stranger.data.exists()
