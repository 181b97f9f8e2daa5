"""A cluster gets a second master; etcd moves to hosts of its own and comes back, while others read and write.

Each test goes on from where the one before left the cluster.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from testinfra.host import Host

from tests.cluster.api import Api
from tests.cluster.etcd import cluster, lives, members, voters
from tests.cluster.hosts import look, said, together
from tests.cluster.inventory import changed
from tests.cluster.playbook import fine, play, unchanged
from tests.cluster.switch import press
from tests.cluster.use import stores, urls, used

MASTERS, APART = ["m1", "m2"], ["e1", "e2", "e3"]


@pytest.fixture
def altered(inventory: Path, tmp_path: Path) -> Callable[..., Path]:
    """The inventory with a second master, and other members and spares."""

    def made(*names: str, spares: tuple[str, ...] = (), workers: tuple[str, ...] = ("m2",)) -> Path:
        groups = {"masters": MASTERS, "workers": workers, "etcd": names, "etcd_spares": spares}
        return changed(inventory, tmp_path / "-".join(names), {group: list(hosts) for group, hosts in groups.items()})

    return made


def test_a_swapped_group_founds_no_second_cluster(
    altered: Callable[..., Path], etcdctl: Callable[..., str], hosts: Mapping[str, Host]
) -> None:
    run = play("site", inventory=altered(*APART))
    assert run.code != 0
    assert "they would found a second one beside it" in run.flat, run.end
    assert members(etcdctl, "m1") == voters(["m1"])
    assert together(lambda name: hosts[name].file("/var/lib/etcd/member").exists, APART) == dict.fromkeys(APART, False)


def test_from_one_master_to_two_and_from_one_member_to_five(
    altered: Callable[..., Path], api: Api, hosts: Mapping[str, Host], addresses: Mapping[str, str], etcdctl: Callable[..., str]
) -> None:
    """The first API server is restarted for the new members. Load balancers know the second one by then."""
    number = cluster(etcdctl, "m1")
    with used(api, addresses, through="m2", servers=MASTERS):
        fine(play("site", inventory=altered(*MASTERS, *APART)))
    assert members(etcdctl, "e3") == voters([*MASTERS, *APART])
    assert cluster(etcdctl, "e1") == number
    assert stores(hosts, "m2") == urls(addresses, [*MASTERS, *APART])


def test_maintenance_goes_from_member_to_member(
    altered: Callable[..., Path], api: Api, addresses: Mapping[str, str], etcd_client: ssl.SSLContext
) -> None:
    inventory = altered(*MASTERS, *APART)
    alive = lives(addresses, [*MASTERS, *APART], client=etcd_client)
    with used(api, addresses, through="m2", servers=MASTERS, etcd=alive):
        run = fine(play("maintain_etcd", "--extra-vars=etcd_compact=always etcd_defragment=always", inventory=inventory))
    assert sum(run.changed.values()) == 1, run.output
    assert sorted(set(re.findall(r"Defragment (\w+)\.", run.output))) == sorted([*MASTERS, *APART])
    again = fine(play("maintain_etcd", inventory=inventory))
    assert sum(again.changed.values()) == 0, again.output
    assert "There is nothing to do." in again.flat


def test_from_masters_to_hosts_of_their_own(
    altered: Callable[..., Path],
    api: Api,
    hosts: Mapping[str, Host],
    addresses: Mapping[str, str],
    etcd_client: ssl.SSLContext,
    etcdctl: Callable[..., str],
) -> None:
    number = cluster(etcdctl, "m1")
    # Those that stay: the others are away in the end, both of them.
    alive = lives(addresses, APART, client=etcd_client)
    with used(api, addresses, through="m2", servers=MASTERS, etcd=alive):
        fine(play("remove", "--extra-vars=remove_members=m1,m2", inventory=altered(*MASTERS, *APART)))
    assert members(etcdctl, "e1") == voters(APART)
    assert cluster(etcdctl, "e1") == number
    assert together(lambda name: stores(hosts, name), MASTERS) == dict.fromkeys(MASTERS, urls(addresses, APART))
    assert together(lambda name: hosts[name].file("/etc/etcd").exists, MASTERS) == dict.fromkeys(MASTERS, False)
    running = together(lambda name: {it["program"] for it in look(hosts[name], "processes")}, MASTERS)
    assert [name for name in MASTERS if "etcd" in running[name]] == []
    assert said(hosts["m1"], "ls -d /var/lib/etcd/member.aside-*").strip()
    inventory = altered(*APART)
    # This copy of the inventory has the kubeconfig of the one master yet.
    assert set(fine(play("site", inventory=inventory)).changed.values()) == {0, 1}
    unchanged(fine(play("site", inventory=inventory)))


def test_back_to_the_masters(
    altered: Callable[..., Path], api: Api, hosts: Mapping[str, Host], addresses: Mapping[str, str], etcdctl: Callable[..., str]
) -> None:
    with used(api, addresses, through="m2", servers=MASTERS):
        fine(play("site", inventory=altered(*MASTERS, *APART)))
        fine(play("remove", "--extra-vars=remove_hosts=e2,e3", inventory=altered(*MASTERS, *APART, "m1")))
    assert members(etcdctl, "m1") == voters(["m1", "m2", "e1"])
    assert stores(hosts, "m1") == urls(addresses, ["m1", "m2", "e1"])


def test_nothing_is_left_on_hosts_that_left(hosts: Mapping[str, Host]) -> None:
    # What they held of the cluster's data is moved aside.
    folders = ["/etc/etcd", "/opt/quorate", "/var/lib/quorate", "/var/lib/etcd", "/etc/systemd/system/etcd.service"]
    found = together(lambda name: [path for path in folders if hosts[name].file(path).exists], ["e2", "e3"])
    assert found == {"e2": [], "e3": []}


def test_a_spare_takes_the_place_of_a_member_on_a_master_that_is_dead_and_comes_back(
    altered: Callable[..., Path], api: Api, hosts: Mapping[str, Host], addresses: Mapping[str, str], etcdctl: Callable[..., str]
) -> None:
    number = cluster(etcdctl, "m1")
    inventory = altered("m1", "m2", "e1", spares=("e2",))
    with used(api, addresses, through="m1", servers=MASTERS, killed=True):
        press("kill", "m2")
        run = fine(play("heal", inventory=inventory))
    assert "etcd is healed: e2 has taken the place of m2" in run.flat
    assert "m2 did not answer, so no API server was restarted" in run.flat
    assert members(etcdctl, "m1") == voters(["m1", "e1", "e2"])
    assert cluster(etcdctl, "e2") == number
    # It is the only one: to restart it for this would be worse than what it goes on with.
    assert stores(hosts, "m1") == urls(addresses, ["m1", "m2", "e1"])

    press("start", "m2")
    fine(play("site", inventory=inventory))
    assert members(etcdctl, "m1") == voters(["m1", "e1", "e2"])
    assert together(lambda name: stores(hosts, name), MASTERS) == dict.fromkeys(MASTERS, urls(addresses, ["m1", "e1", "e2"]))
    unchanged(fine(play("site", inventory=inventory)))


def test_a_master_that_lives_leaves_and_nothing_of_it_is_left(
    altered: Callable[..., Path], api: Api, hosts: Mapping[str, Host], addresses: Mapping[str, str], kubectl: Callable[..., str]
) -> None:
    # One has to run pods.
    inventory = altered("m1", "e1", "e2", workers=("m1", "m2"))
    with used(api, addresses, through="m1", servers=MASTERS):
        fine(play("remove", "--extra-vars=remove_hosts=m2", inventory=inventory))
    assert kubectl("get", "nodes", "--output=name").split() == ["node/m1"]
    assert "192.168.77.12" not in said(hosts["m1"], "cat /etc/kubernetes/load-balancer/haproxy.cfg")
    folders = ["/etc/kubernetes", "/opt/quorate", "/var/lib/kubelet", "/etc/systemd/system/kubelet.service"]
    assert [path for path in folders if hosts["m2"].file(path).exists] == []
    assert {it["program"] for it in look(hosts["m2"], "processes")}.isdisjoint({"kubelet", "kube-apiserver", "containerd", "haproxy"})
