"""What pods leave on a node, found in what real tools printed."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils import _remains

FIXTURES = Path(__file__).parent / "fixtures" / "remains"
POD = "/var/lib/kubelet/pods/57f6bb13-768a-41cf-80bf-0d3b205f1353/volumes/kubernetes.io~projected/kube-api-access-r9k56"


def fixture(name: str) -> str:
    return (FIXTURES / name).read_text(encoding="utf-8")


# --- mounts ------------------------------------------------------------------------------------------------------------


def test_what_is_mounted_for_pods_goes_and_disks_stay() -> None:
    found = _remains.to_unmount(_remains.mounts(fixture("mountinfo")), {"/var/lib/kubelet", "/var/lib/containerd", "/run/containerd"})
    assert found[-2:] == [POD, "/var/lib/kubelet"], "kubelet has mounted its directory on itself; what is inside goes first"
    assert [path.split("/")[2] for path in found[:-2]] == ["containerd"] * 3
    assert "/var/lib/containerd" not in found, "the volume itself"


ROOT = "1 0 8:1 / / rw - ext4 /dev/sda rw\n"


@pytest.mark.parametrize(
    ("line", "found"),
    [
        pytest.param("2 1 8:1 /d /d rw - ext4 /dev/sda rw", ["/d"], id="on itself"),
        pytest.param("2 1 8:1 /other /d rw - ext4 /dev/sda rw", [], id="another directory of the same disk"),
        pytest.param("2 1 8:2 / /d rw - ext4 /dev/sdb rw", [], id="a disk"),
        pytest.param("2 1 8:2 /d /d rw - ext4 /dev/sdb rw", [], id="a part of a disk of the same name"),
        pytest.param("2 1 8:2 / /d/a rw - ext4 /dev/sdb rw", ["/d/a"], id="inside"),
        pytest.param("2 1 8:2 / /dd rw - ext4 /dev/sdb rw", [], id="a longer name"),
        pytest.param(r"2 1 8:2 / /d/a\040b rw - ext4 /dev/sdb rw", ["/d/a b"], id="a space"),
        pytest.param("2 9 8:1 /d /d rw - ext4 /dev/sda rw", [], id="parent not seen"),
    ],
)
def test_to_unmount(line: str, found: list[str]) -> None:
    assert _remains.to_unmount(_remains.mounts(ROOT + line), {"/d"}) == found


def test_mounted_on_itself_below_a_disk() -> None:
    mountinfo = ROOT + "2 1 8:2 / /var rw - ext4 /dev/sdb rw\n3 2 8:2 /d /var/d rw - ext4 /dev/sdb rw\n"
    assert _remains.to_unmount(_remains.mounts(mountinfo), {"/var/d"}) == ["/var/d"]


def test_mounted_twice_is_unmounted_twice() -> None:
    mountinfo = ROOT + "2 1 0:5 / /d/a rw - tmpfs x rw\n3 2 0:6 / /d/a rw - tmpfs x rw\n"
    assert _remains.to_unmount(_remains.mounts(mountinfo), {"/d"}) == ["/d/a", "/d/a"]


# --- processes, interfaces, routes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cgroup", "found"),
    [
        pytest.param("0::/kubepods.slice/kubepods-burstable.slice/x.scope\n", True, id="version 2"),
        pytest.param("3:cpu:/\n1:name=systemd:/kubepods.slice/kubepods-besteffort.slice\n", True, id="version 1"),
        pytest.param("0::/kubepods/burstable/pod1\n", True, id="without systemd"),
        pytest.param("0::/../../kubepods.slice/x\n", True, id="seen from outside its namespace"),
        pytest.param("0::/system.slice/kubelet.service\n", False, id="kubelet"),
        pytest.param("0::/system.slice/my-kubepods.service\n", False, id="another name"),
        pytest.param("0::/system.slice/kubepodsomething.service\n", False, id="a longer name"),
        pytest.param("", False, id="gone"),
    ],
)
def test_is_of_pod(cgroup: str, found: bool) -> None:
    assert _remains.is_of_pod(cgroup) is found


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("cni0", True),
        ("flannel.1", True),
        ("flannel-v6.1", True),
        ("flannel.4096", True),
        ("eth0", False),
        ("cni0x", False),
        ("flannel", False),
    ],
)
def test_is_our_link(name: str, ours: bool) -> None:
    assert _remains.is_our_link(name) is ours


@pytest.mark.parametrize(
    ("text", "network"),
    [
        pytest.param("FLANNEL_NETWORK=10.244.0.0/16\nFLANNEL_SUBNET=10.244.0.1/24\n", "10.244.0.0/16", id="there"),
        pytest.param("FLANNEL_SUBNET=10.244.0.1/24\n", "", id="not there"),
        pytest.param("FLANNEL_NETWORK=--help\n", "", id="not a network"),
        pytest.param("", "", id="no file"),
    ],
)
def test_pod_network(text: str, network: str) -> None:
    assert _remains.pod_network(text) == network


def test_pod_routes() -> None:
    told = (
        "10.244.0.0/24 dev cni0 proto kernel scope link src 10.244.0.1 \n"
        "10.244.1.0/24 via 192.0.2.12 dev eth0 \n"
        "10.244.2.0/24 via 10.244.2.0 dev flannel.1 onlink \n"
    )
    assert _remains.pod_routes(told) == ["10.244.1.0/24 via 192.0.2.12 dev eth0"]


def test_our_tables() -> None:
    told = "table ip nat\ntable ip kube-proxy\ntable ip6 kube-proxy\ntable inet firewalld\ntable ip flannel-ipv4\ntable ip my-kube-proxy\n"
    assert _remains.our_tables(told) == ["ip kube-proxy", "ip6 kube-proxy", "ip flannel-ipv4"]


# --- rules -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "count"), [("iptables-save", 27), ("ip6tables-save", 17)])
def test_all_rules_of_a_real_node_go(name: str, count: int) -> None:
    saved = fixture(name)
    rules, found = _remains.without_our_rules(saved)
    assert found == count
    lines = rules.splitlines()
    declared = [line[1:].split()[0] for line in lines if line.startswith(":")]
    assert [line[3:] for line in lines if line.startswith("-X ")] == declared
    assert not [chain for chain in declared if not chain.startswith(("KUBE-", "FLANNEL-", "CNI-"))]
    leading = [
        line for line in saved.splitlines() if line.startswith(("-A INPUT", "-A FORWARD", "-A OUTPUT", "-A PREROUTING", "-A POSTROUTING"))
    ]
    assert [line.replace("-D ", "-A ", 1) for line in lines if line.startswith("-D ")] == leading
    assert lines.count("COMMIT") == len([line for line in lines if line.startswith("*")])


SAVED = """# Generated
*filter
:INPUT ACCEPT [10:20]
:KUBE-FIREWALL - [0:0]
:MINE - [0:0]
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -j KUBE-FIREWALL
-A INPUT -m comment --comment "goes before -j KUBE-FIREWALL" -j MINE
-A FORWARD -s 10.244.0.0/16 -m comment --comment "flanneld forward" -j ACCEPT
-A KUBE-FIREWALL -j DROP
-A MINE -g KUBE-FIREWALL
COMMIT
# Completed
*mangle
:PREROUTING ACCEPT [0:0]
COMMIT
"""


def test_rules_of_others_are_not_named() -> None:
    rules, count = _remains.without_our_rules(SAVED)
    assert count == 1
    assert rules.splitlines() == [
        "*filter",
        ":KUBE-FIREWALL - [0:0]",
        "-D INPUT -j KUBE-FIREWALL",
        '-D FORWARD -s 10.244.0.0/16 -m comment --comment "flanneld forward" -j ACCEPT',
        "-D MINE -g KUBE-FIREWALL",
        "-X KUBE-FIREWALL",
        "COMMIT",
    ]


@pytest.mark.parametrize("saved", ["", "*nat\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n"], ids=["nothing", "no rules of ours"])
def test_no_rules(saved: str) -> None:
    assert _remains.without_our_rules(saved) == ("", 0)
