"""What watches etcd while nobody is there, set up as an operator does it. The cluster is what the tests of heal have left: e1, e3 and e4 are its members."""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import yaml

from tests.cluster import control
from tests.cluster.api import Api
from tests.cluster.etcd import cluster, lives, members, voters
from tests.cluster.inventory import changed
from tests.cluster.playbook import Run, fine, play, play_until, unchanged
from tests.cluster.switch import ROOT, press
from tests.cluster.use import used
from tests.cluster.wait import until

pytestmark = pytest.mark.long


@pytest.fixture
def given(inventory: Path, tmp_path: Path) -> Callable[..., Path]:
    """An inventory of its own with other members and a spare: what former healings left beside it does not count."""

    def made(*etcd: str, spare: str) -> Path:
        folder = changed(inventory, tmp_path / "inventory", {"etcd": list(etcd), "etcd_spares": [spare]})
        for name in (".quorate-watch.json", "etcd_replaced.txt"):
            (folder / name).unlink()
        return folder

    return made


def journal() -> str:
    return " ".join(control.said("journalctl --unit=quorate-watch --output=cat").split())


def test_a_timer_lets_a_spare_take_the_place_of_a_dead_member(
    given: Callable[..., Path],
    tmp_path: Path,
    api: Api,
    addresses: Mapping[str, str],
    etcd_client: ssl.SSLContext,
    etcdctl: Callable[..., str],
) -> None:
    control.make(tmp_path, inventory=given("e1", "e3", "e4", spare="e2"), programs=["etcd"])
    playbook = f"{control.ENVIRONMENT}/bin/ansible-playbook --inventory={control.INVENTORY} quorate.kubernetes."
    control.said(f"{playbook}watch_etcd --become --extra-vars=heal_every=2")
    until("it looks", lambda: "nothing: All voters (e1, e3, e4) answer" in journal(), within=60)
    number = cluster(etcdctl, "e1")
    with used(
        api, addresses, through="m2", servers=["m1", "m2"], etcd=lives(addresses, ["e1", "e3", "e4"], client=etcd_client), killed=True
    ):
        press("kill", "e3")
        until("e2 has taken its place", lambda: members(etcdctl, "e1") == voters(["e1", "e2", "e4"]), within=180)
        until("it has told", lambda: "etcd is healed: e2 has taken the place of e3" in journal(), within=120)
    assert "wait: No answer from e3" in journal()
    assert cluster(etcdctl, "e1") == number
    assert "e3 replaced by e2" in control.said(f"cat {control.INVENTORY}/etcd_replaced.txt")
    until("it goes on", lambda: "nothing: All voters (e1, e2, e4) answer" in journal(), within=60)

    control.said(f"{playbook}watch_etcd --become --extra-vars=heal_watcher=false")
    # A look that was at work comes to its end.
    units = "systemctl list-units --all --no-legend 'quorate-watch*'; ls /etc/systemd/system"
    until("nothing is left of it", lambda: "quorate-watch" not in control.said(units), within=60)
    unchanged(Run(code=0, output=control.said(f"{playbook}site")))
    control.remove(tmp_path)


def test_a_rulebook_lets_a_member_that_is_back_have_its_place_and_replaces_a_dead_one(
    given: Callable[..., Path], tmp_path: Path, etcdctl: Callable[..., str]
) -> None:
    folder = given("e1", "e2", "e4", spare="e3")
    press("start", "e3")
    fine(play("reset", "--limit=e3", "--extra-vars=reset_confirmed=true", inventory=folder))
    record = folder / "etcd_replaced.txt"
    press("kill", "e2")
    play_until("heal", inventory=folder, task="Record what is about to be done", line=r"changed: \[e3\]")
    assert "e2 replaced by e3" in record.read_text(encoding="utf-8")
    press("start", "e2")

    (tmp_path / "vars.yml").write_text(yaml.safe_dump({"etcd_inventory": str(folder), "etcd_every": 2}), encoding="utf-8")
    words = ["--rulebook=quorate.kubernetes.heal_etcd", "--inventory=extensions/eda/inventory.yml", f"--vars={tmp_path / 'vars.yml'}"]
    log = tmp_path / "eda.log"
    with (
        log.open("w", encoding="utf-8") as output,
        subprocess.Popen(
            [ROOT / "tests/gate/eda.sh", *words],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as rulebook,
    ):
        try:
            until("e2 is off the record", lambda: "e2 replaced" not in record.read_text(encoding="utf-8"), within=180)
            assert members(etcdctl, "e1") == voters(["e1", "e2", "e4"])
            press("kill", "e2")
            until("e3 has taken its place", lambda: members(etcdctl, "e1") == voters(["e1", "e3", "e4"]), within=180)
            until("it has told", lambda: "etcd is healed: e3 has taken the place of e2" in " ".join(log.read_text().split()), within=120)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{log.read_text(encoding='utf-8')[-6000:]}") from error
        finally:
            os.killpg(rulebook.pid, signal.SIGTERM)
    assert "e2 replaced by e3" in record.read_text(encoding="utf-8")
