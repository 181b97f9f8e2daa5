"""Quorum is lost for good and the cluster restored: each test goes on from where the one before left the cluster."""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from testinfra.host import Host

from tests.cluster.api import Api
from tests.cluster.etcd import cluster, members, voters
from tests.cluster.hosts import said, starts, together, units
from tests.cluster.inventory import changed
from tests.cluster.playbook import fine, play, unchanged
from tests.cluster.switch import press
from tests.cluster.wait import settled

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
HOSTS = ["m1", "e2", "e3"]


def make(api: Api, name: str) -> str:
    """A config map; the revision of the cluster that it has made."""
    answer = api.ask(CONFIG_MAPS, method="POST", body={"metadata": {"name": name}})
    assert answer.status == 201, answer.text
    return str(answer.data["metadata"]["resourceVersion"])


def started(hosts: Mapping[str, Host], name: str) -> list[str]:
    found = starts(hosts[name])
    return [found[unit] for unit in ("etcd", "kube-apiserver")]


@pytest.fixture(scope="module")
def snapshot(inventory: Path, api: Api) -> Path:
    """A snapshot with one object; another one is made after it."""
    make(api, "before")
    fine(play("backup", inventory=inventory))
    return sorted((inventory / "snapshots").glob("*.db"))[-1]


@pytest.fixture(scope="module")
def later(snapshot: Path, api: Api) -> str:
    """The revision of an object that is younger than the snapshot."""
    assert snapshot.exists()
    return make(api, "after")


@pytest.fixture(scope="module")
def identity(etcdctl: Callable[..., str]) -> int:
    return cluster(etcdctl, "m1")


def test_the_authorities_are_sealed_and_saved_with_it(snapshot: Path, inventory: Path, tmp_path: Path) -> None:
    keys = sorted((inventory / "pki").rglob("*.key"))
    assert len(keys) > 2
    assert [path for path in keys if not path.read_text(encoding="ascii").startswith("-----BEGIN ENCRYPTED")] == []
    [archive] = snapshot.parent.glob("*.pki.vault")
    (tmp_path / "passphrase").write_text("only a test", encoding="ascii")
    opened = tmp_path / "pki.tar.gz"
    subprocess.run(
        ["ansible-vault", "decrypt", "--vault-password-file", str(tmp_path / "passphrase"), "--output", str(opened), str(archive)],
        check=True,
        capture_output=True,
    )
    with tarfile.open(opened) as content:
        assert [path.name for path in keys if not any(name.endswith(path.name) for name in content.getnames())] == []


def test_it_asks_first_and_tells_what_is_lost(snapshot: Path, later: str, inventory: Path, hosts: Mapping[str, Host]) -> None:
    before = started(hosts, "m1")
    run = play("restore", f"--extra-vars=restore_snapshot={snapshot}", inventory=inventory)
    assert run.code != 0
    told = ("What was written to the API since then is lost", "has its quorum", "-e restore_confirmed=kubernetes")
    assert [text for text in told if text not in run.flat] == [], run.end
    assert later
    assert started(hosts, "m1") == before


def test_a_damaged_snapshot_is_refused(snapshot: Path, inventory: Path, hosts: Mapping[str, Host], tmp_path: Path) -> None:
    before = started(hosts, "m1")
    damaged = tmp_path / "damaged.db"
    shutil.copy(snapshot, damaged)
    with damaged.open("r+b") as file:
        file.seek(damaged.stat().st_size // 2)
        file.write(b"damage")
    run = play("restore", f"--extra-vars=restore_snapshot={damaged} restore_confirmed=kubernetes", inventory=inventory)
    assert run.code != 0
    assert "does not match the digest at its end" in run.flat, run.end
    assert started(hosts, "m1") == before


def test_a_member_that_is_out_of_sight_might_go_on(snapshot: Path, identity: int, inventory: Path, hosts: Mapping[str, Host]) -> None:
    assert identity
    press("kill", "e2")
    press("kill", "e3")
    run = play("restore", f"--extra-vars=restore_snapshot={snapshot} restore_confirmed=kubernetes", inventory=inventory)
    assert run.code != 0
    assert "e2, e3 could not be looked at" in run.flat, run.end
    assert units(hosts["m1"])["kube-apiserver.service"]["ActiveState"] != "inactive"


def test_check_mode_tells_the_plan_without_quorum_and_on_empty_hosts(snapshot: Path, inventory: Path, hosts: Mapping[str, Host]) -> None:
    press("replace", "e2")
    press("replace", "e3")
    before = started(hosts, "m1")
    run = fine(play("restore", "--check", f"--extra-vars=restore_snapshot={snapshot} restore_confirmed=kubernetes", inventory=inventory))
    assert "The snapshot would be in its place here" in run.flat
    assert started(hosts, "m1") == before
    assert said(hosts["m1"], "ls /var/lib/etcd").split() == ["member"]
    assert said(hosts["e2"], "ls -d /var/lib/etcd /var/lib/quorate 2>/dev/null || true") == ""


def test_two_of_three_are_replaced_by_empty_hosts_and_all_is_back(
    snapshot: Path, later: str, identity: int, inventory: Path, api: Api, hosts: Mapping[str, Host], etcdctl: Callable[..., str]
) -> None:
    before = starts(hosts["m1"])
    fine(play("restore", f"--extra-vars=restore_snapshot=snapshots/{snapshot.name} restore_confirmed=kubernetes", inventory=inventory))
    # Whoever remembers what was given up has begun anew.
    after = starts(hosts["m1"])
    assert sorted(name for name in after if after[name] != before.get(name)) == [
        "etcd",
        "flanneld",
        "kube-apiserver",
        "kube-controller-manager",
        "kube-scheduler",
        "kubelet",
    ]
    assert members(etcdctl, "m1") == voters(HOSTS)
    assert cluster(etcdctl, "e2") != identity
    assert api.ask(f"{CONFIG_MAPS}/before").status == 200
    assert api.ask(f"{CONFIG_MAPS}/after").status == 404
    watched = api.ask(CONFIG_MAPS, query={"watch": "1", "resourceVersion": later, "timeoutSeconds": "5"})
    assert json.loads(watched.text.splitlines()[0])["object"]["code"] == 410, "who watched before would not notice"


def test_the_former_data_is_kept_and_the_snapshot_is_not(hosts: Mapping[str, Host]) -> None:
    assert said(hosts["m1"], "ls -d /var/lib/etcd/member.aside-*/wal").strip()
    left = together(lambda name: hosts[name].file("/var/lib/quorate/restore.db").exists, HOSTS)
    assert left == dict.fromkeys(HOSTS, False)


def test_flannel_has_its_rights_and_its_network(etcdctl: Callable[..., str], api: Api) -> None:
    assert json.loads(etcdctl("e3", "auth", "status", "--write-out=json"))["enabled"]
    assert etcdctl("m1", "get", "--print-value-only", "/coreos.com/network/config").strip()

    def unready() -> list[str]:
        nodes = api.get("/api/v1/nodes")["items"]
        states = {node["metadata"]["name"]: {it["type"]: it["status"] for it in node["status"]["conditions"]}["Ready"] for node in nodes}
        return [name for name in ["m1"] if states.get(name) != "True"]

    settled("the node", unready, within=60)


def test_afterwards_there_is_nothing_to_do(inventory: Path) -> None:
    unchanged(fine(play("site", inventory=inventory)))


@pytest.mark.long
def test_another_number_of_members(
    snapshot: Path, inventory: Path, api: Api, hosts: Mapping[str, Host], etcdctl: Callable[..., str], tmp_path: Path
) -> None:
    """Both hosts are lost again, and nobody puts others in their place."""
    press("kill", "e2")
    press("kill", "e3")
    alone = changed(inventory, tmp_path / "alone", {"etcd": ["m1"]})
    fine(play("restore", f"--extra-vars=restore_snapshot={snapshot} restore_confirmed=kubernetes", inventory=alone))
    assert members(etcdctl, "m1") == voters(["m1"])
    assert api.ask(f"{CONFIG_MAPS}/before").status == 200
    assert len(said(hosts["m1"], "ls -d /var/lib/etcd/member.aside-*").split()) == 2


@pytest.mark.long
def test_what_was_given_up_is_refused_when_it_comes_back_and_joins_after_a_reset(inventory: Path, etcdctl: Callable[..., str]) -> None:
    press("start", "e2")
    press("start", "e3")
    refused = play("site", inventory=inventory)
    assert refused.code != 0
    assert "The etcd hosts hold data of different clusters" in refused.flat, refused.end
    assert members(etcdctl, "m1") == voters(["m1"])
    fine(play("reset", "--limit=e2,e3", "--extra-vars=reset_confirmed=true", inventory=inventory))
    fine(play("site", inventory=inventory))
    assert members(etcdctl, "m1") == voters(HOSTS)
