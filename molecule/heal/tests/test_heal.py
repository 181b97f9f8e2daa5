"""A member of etcd is lost while nobody looks: each test goes on from where the one before left the cluster."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from testinfra.host import Host

from tests.cluster.api import Api
from tests.cluster.etcd import cluster, lives, members, voters
from tests.cluster.hosts import said, together
from tests.cluster.inventory import changed
from tests.cluster.playbook import fine, play, play_until, unchanged
from tests.cluster.switch import press
from tests.cluster.use import stores, urls, used
from tests.cluster.wait import until

WATCH = "--extra-vars=heal_mode=patient"
SNAPSHOTS = "/var/lib/quorate/snapshots"


def executions() -> dict[str, int]:
    """Modules that the last run needed on each host."""
    last = Path(os.environ["QUORATE_EXECUTIONS_PATH"]).read_text(encoding="utf-8").splitlines()[-1]
    return {name: int(counts["modules"]) for name, counts in json.loads(last)["hosts"].items() if counts["modules"]}


# --- snapshots and keys ------------------------------------------------------------------------------------------------


def test_the_clock_saves_snapshots_that_only_root_reads(hosts: Mapping[str, Host]) -> None:
    def saved(name: str) -> list[str]:
        assert hosts[name].run("systemctl is-active etcd-snapshot.timer").stdout.strip() == "active"
        for _number in range(3):
            said(hosts[name], "systemctl start etcd-snapshot.service && sleep 1.1")
        return said(hosts[name], f"stat -c '%a %U %n' {SNAPSHOTS}/*").splitlines()

    for name, found in together(saved, ["e1", "e2", "e3"]).items():
        assert len(found) == 2, (name, found)
        assert [line.split()[:2] for line in found] == [["600", "root"]] * 2
    assert not hosts["e4"].file("/etc/systemd/system/etcd-snapshot.timer").exists


def test_a_backup_holds_the_keys_too(inventory: Path, tmp_path: Path) -> None:
    old = inventory / "snapshots/20260101T000000Z.db"
    old.parent.mkdir(mode=0o700, exist_ok=True)
    old.write_bytes(b"old")
    given = "{pki_archive_passphrase: correct horse, etcd_snapshot_destination_keep: 1}\n"
    (tmp_path / "secret.yml").write_text(given, encoding="utf-8")
    fine(play("backup", f"--extra-vars=@{tmp_path / 'secret.yml'}", inventory=inventory))
    found = sorted((inventory / "snapshots").iterdir())
    assert [path.suffix for path in found] == [".db", ".vault"]
    assert {path.stat().st_mode & 0o777 for path in found} == {0o600}
    (tmp_path / "password").write_text("correct horse\n", encoding="utf-8")
    vault = str(Path(sys.executable).with_name("ansible-vault"))
    command = [vault, "decrypt", "--vault-password-file=password", "--output=pki.tar.gz", str(found[1])]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    subprocess.run(["tar", "-xzf", "pki.tar.gz"], cwd=tmp_path, check=True)
    for name in ("etcd/ca.key", "kubernetes/ca.key", "encryption/keys.json"):
        assert (tmp_path / "pki" / name).read_bytes() == (inventory / "pki" / name).read_bytes()


# --- healing -----------------------------------------------------------------------------------------------------------


def test_a_look_at_a_healthy_cluster_costs_one_execution_a_member(inventory: Path) -> None:
    run = fine(play("heal", inventory=inventory))
    assert "All voters (e1, e2, e3) answer" in run.flat
    unchanged(run)
    assert executions() == {"e1": 1, "e2": 1, "e3": 1}


def test_a_short_outage_is_waited_out(inventory: Path, hosts: Mapping[str, Host], etcdctl: Callable[..., str]) -> None:
    said(hosts["e2"], "systemctl stop etcd")
    run = fine(play("heal", WATCH, inventory=inventory))
    assert "wait: No answer from e2 for 0 s. A member is replaced after 12 s." in run.flat
    said(hosts["e2"], "systemctl start etcd")
    until("e2 is seen to be back", lambda: "nothing: All voters" in fine(play("heal", WATCH, inventory=inventory)).flat, within=30)
    assert members(etcdctl, "e1") == voters(["e1", "e2", "e3"])
    assert not (inventory / "etcd_replaced.txt").exists()


def test_what_would_be_done_is_told_and_nothing_is_changed(inventory: Path, etcdctl: Callable[..., str]) -> None:
    press("kill", "e2")
    foretold = fine(play("heal", "--check", "--diff", inventory=inventory)).flat
    assert "record: e2 replaced by e4" in foretold
    assert "etcd would be healed so: e4 has taken the place of e2" in foretold
    assert members(etcdctl, "e1") == voters(["e1", "e2", "e3"])
    assert not (inventory / "etcd_replaced.txt").exists()


def test_nobody_is_there_and_the_spare_takes_the_place_although_the_watcher_is_killed_once(
    inventory: Path,
    api: Api,
    hosts: Mapping[str, Host],
    addresses: Mapping[str, str],
    etcd_client: ssl.SSLContext,
    etcdctl: Callable[..., str],
) -> None:
    before = cluster(etcdctl, "e1")
    alive = lives(addresses, ["e1", "e2", "e3"], client=etcd_client)
    with used(api, addresses, through="m2", servers=["m1", "m2"], etcd=alive):
        until("e2 is dead for long enough", lambda: decided(inventory) == "heal", within=60)
        play_until("heal", WATCH, inventory=inventory, task="Start the learner", line=r"changed: \[e4\]")
        assert "e2" not in members(etcdctl, "e1")
        assert "voter" not in members(etcdctl, "e1").get("e4", "learner")
        healed = until("the watcher goes on with it", lambda: watched(inventory), within=60)
    assert "A former run did not come to its end: e2 is replaced by e4" in healed
    assert "etcd is healed: e4 has taken the place of e2" in healed
    assert "in the group etcd: remove e2, add e4" in healed
    assert max(executions().values()) <= 12
    # An observation, the question whether the other API server is ready, and the change.
    assert {name: executions()[name] for name in ("m1", "m2")} == {"m1": 3, "m2": 3}
    assert members(etcdctl, "e4") == voters(["e1", "e3", "e4"])
    assert cluster(etcdctl, "e4") == before
    assert together(lambda name: stores(hosts, name), ["m1", "m2"]) == dict.fromkeys(["m1", "m2"], urls(addresses, ["e1", "e3", "e4"]))


def watched(inventory: Path) -> str:
    """One look of the watcher; what it told, if it has healed."""
    told = fine(play("heal", WATCH, inventory=inventory)).flat
    return told if "etcd is healed" in told else ""


def decided(inventory: Path) -> str:
    """What one look says, as the event source takes it."""
    fine(play("heal", "--extra-vars=heal_mode=look", inventory=inventory))
    return str(json.loads((inventory / ".quorate-watch.json").read_text(encoding="utf-8"))["decision"]["action"])


def test_with_the_same_inventory_site_has_nothing_to_do(inventory: Path, etcdctl: Callable[..., str]) -> None:
    run = fine(play("site", inventory=inventory))
    unchanged(run)
    assert "e2" not in executions()
    assert "e4" in executions()
    assert members(etcdctl, "e1") == voters(["e1", "e3", "e4"])


def test_the_lost_host_comes_back_and_stays_out(inventory: Path, hosts: Mapping[str, Host], etcdctl: Callable[..., str]) -> None:
    press("start", "e2")
    run = fine(play("site", inventory=inventory))
    unchanged(run)
    assert members(etcdctl, "e1") == voters(["e1", "e3", "e4"])
    assert "nothing: All voters (e1, e3, e4) answer" in fine(play("heal", WATCH, inventory=inventory)).flat
    # As the run advised.
    fine(play("reset", "--limit=e2", "--extra-vars=reset_confirmed=true", inventory=inventory))
    assert not hosts["e2"].file("/etc/systemd/system/etcd.service").exists
    assert members(etcdctl, "e1") == voters(["e1", "e3", "e4"])


def test_without_a_spare_it_refuses_and_says_why(inventory: Path, etcdctl: Callable[..., str], hosts: Mapping[str, Host]) -> None:
    said(hosts["e3"], "systemctl stop etcd")
    refused = play("heal", inventory=inventory)
    said(hosts["e3"], "systemctl start etcd")
    assert refused.code != 0
    assert "e3 would be replaced, but the group etcd_spares has no host left" in refused.flat
    assert members(etcdctl, "e1") == voters(["e1", "e3", "e4"])


def test_an_inventory_that_was_changed_as_advised_makes_the_record_needless(inventory: Path, tmp_path: Path) -> None:
    advised = changed(inventory, tmp_path / "advised", {"etcd": ["e1", "e3", "e4"], "etcd_spares": []})
    run = fine(play("site", inventory=advised))
    unchanged(run)
    record = (advised / "etcd_replaced.txt").read_text(encoding="utf-8").splitlines()
    assert [line for line in record if not line.startswith("#")] == []
    half = changed(inventory, tmp_path / "half", {"etcd": ["e1", "e2", "e3", "e4"], "etcd_spares": []})
    refused = play("site", inventory=half)
    assert refused.code != 0
    assert "e4, which is one too, has taken its place" in refused.flat
