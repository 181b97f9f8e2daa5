"""Members of etcd get other addresses: one at a time, and nobody notices."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from testinfra.host import Host

from tests.cluster import etcd
from tests.cluster.api import Api
from tests.cluster.hosts import said, starts, together
from tests.cluster.inventory import linked
from tests.cluster.playbook import fine, play, unchanged
from tests.cluster.use import stores, used

pytestmark = pytest.mark.long

OTHER = {"e2": "192.168.77.62", "e3": "192.168.77.63"}


@pytest.fixture
def moved(inventory: Path, hosts: Mapping[str, Host], tmp_path: Path) -> Callable[..., Path]:
    """The inventory with other addresses for some members, which have them beside the former ones."""
    for name, address in OTHER.items():
        said(hosts[name], "ip address replace %s/24 dev eth0", address)

    def changed(*names: str) -> Path:
        made = linked(inventory, tmp_path / "-".join(["moved", *names]))
        (made / "host_vars").mkdir()
        for name in names:
            (made / "host_vars" / f"{name}.yml").write_text(f"node_address: {OTHER[name]}\n", encoding="utf-8")
        return made

    return changed


def peers(etcdctl: Callable[..., str]) -> dict[str, str]:
    """Where each member is reached by the others, as the cluster knows it."""
    return {entry["name"]: ",".join(entry["peerURLs"]) for entry in etcd.listed(etcdctl, "e1")["members"]}


def test_two_at_once_are_refused_before_anything_is_changed(
    moved: Callable[..., Path], hosts: Mapping[str, Host], etcdctl: Callable[..., str]
) -> None:
    before = together(lambda name: (starts(hosts[name]), said(hosts[name], "cat /etc/etcd/pki/peer.crt")), OTHER), peers(etcdctl)
    refused = play("site", inventory=moved("e2", "e3"))
    assert refused.code != 0, refused.end
    assert "The addresses of 2 members of etcd would change at once: e2 (192.168.77.32 to 192.168.77.62), e3" in refused.flat, refused.end
    assert (together(lambda name: (starts(hosts[name]), said(hosts[name], "cat /etc/etcd/pki/peer.crt")), OTHER), peers(etcdctl)) == before


def test_one_is_told_to_the_others_and_then_restarted(
    moved: Callable[..., Path],
    inventory: Path,
    api: Api,
    hosts: Mapping[str, Host],
    addresses: Mapping[str, str],
    etcdctl: Callable[..., str],
    etcd_client: ssl.SSLContext,
) -> None:
    identities = etcd.identities(etcdctl, "e1")
    others = etcd.lives(addresses, ["e1", "e3"], client=etcd_client)
    there = moved("e2")
    for chosen, address in ((there, OTHER["e2"]), (inventory, addresses["e2"])):
        with used(api, addresses, through="w1", servers=["m1", "m2"], etcd=others):
            fine(play("site", inventory=chosen))
        assert peers(etcdctl)["e2"] == f"https://{address}:2380"
        assert f"https://{address}:2379" in stores(hosts, "m1")
        assert json.loads(etcdctl("e2", "endpoint", "health", "--cluster", "--write-out=json"))[2]["health"]
        unchanged(fine(play("site", inventory=chosen)))
    assert etcd.identities(etcdctl, "e1") == identities
