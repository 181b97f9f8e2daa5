"""What has to be done so that nothing is left on a host."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils import _reset
from ansible_collections.quorate.kubernetes.plugins.module_utils._reset import Observed, Runtime, Unit

UNIT = "/etc/systemd/system/kubelet.service"


def sentences(observed: Observed, *, delete_data: bool = False) -> list[str]:
    return [str(step) for step in _reset.plan(observed, delete_data=delete_data)]


@pytest.mark.parametrize(
    ("observed", "wanted"),
    [
        pytest.param(Observed(), [], id="nothing left"),
        pytest.param(Observed(units=(Unit("kubelet"),)), [], id="a unit that is gone"),
        pytest.param(
            Observed(units=(Unit("kubelet", running=True, enabled=True),)),
            ["stop kubelet.service", "disable kubelet.service", "reload systemd"],
            id="a unit that runs",
        ),
        pytest.param(Observed(units=(Unit("kubelet", stale=True),)), ["reload systemd"], id="a unit that systemd remembers"),
        pytest.param(
            Observed(units=(Unit("systemd-sysctl", own=False, running=True, enabled=True, stale=True),)),
            [],
            id="the system's own unit goes on",
        ),
        pytest.param(
            Observed(
                units=(Unit("systemd-sysctl", own=False, running=True),),
                files=("/etc/systemd/system/systemd-sysctl.service.d/50-inputs.conf",),
            ),
            ["remove /etc/systemd/system/systemd-sysctl.service.d/50-inputs.conf", "reload systemd"],
            id="the system's own unit loses our configuration",
        ),
        pytest.param(Observed(files=("/opt/quorate/x",)), ["remove /opt/quorate/x"], id="files that systemd does not read"),
        pytest.param(Observed(records=True), ["forget /var/lib/quorate"], id="records"),
        pytest.param(
            Observed(records=True, kept=("snapshots", "restore.db")),
            ["forget /var/lib/quorate", "move aside /var/lib/quorate (snapshots, restore.db)"],
            id="snapshots beside the records",
        ),
        pytest.param(
            Observed(kept=("snapshots",)), ["move aside /var/lib/quorate (snapshots)"], id="records forgotten, snapshots not yet moved"
        ),
        pytest.param(Observed(users=("etcd",)), ["remove user etcd"], id="a user"),
        pytest.param(Observed(entries={"/var/lib/etcd": ("member",)}, data=("/var/lib/etcd",)), ["move aside /var/lib/etcd"], id="data"),
        pytest.param(Observed(entries={"/var/lib/etcd": ()}), ["remove directory /var/lib/etcd"], id="no data in its directory"),
    ],
)
def test_plan(observed: Observed, wanted: list[str]) -> None:
    assert sentences(observed) == wanted


@pytest.mark.parametrize(
    ("delete_data", "wanted"),
    [
        pytest.param(False, ["move aside /var/log/kubernetes/api", "move aside /var/lib/quorate (snapshots)"], id="aside"),
        pytest.param(
            True,
            ["delete /var/log/kubernetes/api", "remove directory /var/log/kubernetes", "delete /var/lib/quorate (snapshots)"],
            id="deleted",
        ),
    ],
)
def test_data(delete_data: bool, wanted: list[str]) -> None:
    observed = Observed(
        entries={"/var/log/kubernetes/api": ("audit.log",), "/var/log/kubernetes": ("api",)},
        data=("/var/log/kubernetes/api",),
        kept=("snapshots",),
    )
    assert sentences(observed, delete_data=delete_data) == wanted


def test_units_stop_in_an_order_in_which_none_waits_for_another() -> None:
    names = ["containerd", "etcd", "flanneld", "container-images", "kube-apiserver", "api-load-balancer", "kubelet", "kube-proxy"]
    steps = _reset.plan(Observed(units=tuple(Unit(name, running=True) for name in names)), delete_data=False)
    assert [step.target.removesuffix(".service") for step in steps[:-1]] == [
        "kubelet",
        "flanneld",
        "kube-proxy",
        "kube-apiserver",
        "api-load-balancer",
        "etcd",
        "container-images",
        "containerd",
    ]


def test_whole_host_in_order() -> None:
    observed = Observed(
        units=(Unit("kubelet", running=True),),
        files=(UNIT, "/opt/quorate/a/1/kubelet"),
        entries={"/opt/quorate": ("a",), "/opt/quorate/a": ("1",), "/opt/quorate/a/1": ("kubelet",), "/run/netns": ("cni-1",)},
        data=("/var/lib/etcd",),
        users=("etcd",),
        runtime=Runtime(
            processes=2,
            slice=True,
            cgroups=("/sys/fs/cgroup/pids/kubepods.slice",),
            mounts=("/var/lib/kubelet/pods/x",),
            links=("cni0",),
            routes=("10.244.1.0/24 via 192.0.2.2 dev eth0",),
            namespaces=("/run/netns/cni-1",),
            chains={"iptables": 3, "ip6tables": 0},
            tables=("ip kube-proxy",),
            directories=("/var/lib/kubelet",),
        ),
        records=True,
    )
    assert sentences(observed) == [
        "stop kubelet.service",
        "end the processes of pods (2)",
        "stop kubepods.slice",
        "remove cgroup /sys/fs/cgroup/pids/kubepods.slice",
        "unmount /var/lib/kubelet/pods/x",
        "remove route 10.244.1.0/24 via 192.0.2.2 dev eth0",
        "remove interface cni0",
        "remove network namespace /run/netns/cni-1",
        "remove rules iptables (3 chains)",
        "remove table ip kube-proxy",
        f"remove {UNIT}",
        "remove /opt/quorate/a/1/kubelet",
        "reload systemd",
        "clear /var/lib/kubelet",
        "move aside /var/lib/etcd",
        "remove directory /opt/quorate/a/1",
        "remove directory /opt/quorate/a",
        "remove directory /opt/quorate",
        "remove directory /run/netns",
        "remove user etcd",
        "forget /var/lib/quorate",
    ]


# --- directories -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "directories", "found"),
    [
        pytest.param(["/etc/etcd/pki/ca.crt"], [], ["/etc/etcd/pki", "/etc/etcd"], id="parents of a file"),
        pytest.param([], ["/var/lib/etcd"], ["/var/lib/etcd"], id="a directory"),
        pytest.param(["/usr/local/bin/kubectl", "/etc/sysctl.d/90-kubernetes.conf", UNIT], [], [], id="what every system has"),
        pytest.param(["/etc/systemd/system/a.service.d/50.conf"], [], ["/etc/systemd/system/a.service.d"], id="a folder of drop-ins"),
        pytest.param([], ["/data"], [], id="what lies at the root"),
        pytest.param(["/a/b/c", "/a/b/d"], ["/a/b"], ["/a/b"], id="each once"),
    ],
)
def test_own_directories(files: list[str], directories: list[str], found: list[str]) -> None:
    assert _reset.own_directories(files, directories) == found


@pytest.mark.parametrize(
    ("entries", "gone", "found"),
    [
        pytest.param({"/a/b": ("c",)}, ["/a/b/c"], ["/a/b"], id="all gone"),
        pytest.param({"/a/b": ("c", "d")}, ["/a/b/c"], [], id="something stays"),
        pytest.param({"/a/b": ("c",), "/a/b/c": ("d",)}, ["/a/b/c/d"], ["/a/b/c", "/a/b"], id="inside first"),
        pytest.param({"/a/b": ("c",), "/a/b/c": ("d", "mine")}, ["/a/b/c/d"], [], id="something stays inside"),
        pytest.param({"/a/b": ()}, ["/a/b"], [], id="gone itself"),
    ],
)
def test_emptied(entries: dict[str, tuple[str, ...]], gone: list[str], found: list[str]) -> None:
    assert _reset.emptied(entries, gone) == found


def test_leftovers_of_a_run_that_died_go() -> None:
    observed = Observed(files=("/etc/etcd/pki/a.key",), entries={"/etc/etcd/pki": (".x1y2.new", "a.key", "my.new")})
    assert sentences(observed) == ["remove /etc/etcd/pki/a.key", "remove /etc/etcd/pki/.x1y2.new"]
    assert _reset.foreign(observed) == {"/etc/etcd/pki": ["my.new"]}


@pytest.mark.parametrize(
    ("observed", "found"),
    [
        pytest.param(Observed(entries={"/etc/etcd": ("pki", "mine"), "/etc/etcd/pki": ()}), {"/etc/etcd": ["mine"]}, id="a file"),
        pytest.param(Observed(entries={"/etc/cni/net.d": ("other.conf",)}), {}, id="where others have a right to be"),
        pytest.param(Observed(entries={"/var/log/kubernetes": ("api.aside-20261121T120000Z",)}), {}, id="moved aside earlier"),
        pytest.param(Observed(entries={"/var/lib/etcd": ("member",)}, data=("/var/lib/etcd",)), {}, id="data"),
    ],
)
def test_foreign(observed: Observed, found: dict[str, list[str]]) -> None:
    assert _reset.foreign(observed) == found


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("/var/lib/etcd", True),
        ("/var/log/kubernetes/kube-apiserver", True),
        ("/srv/etcd", True),
        ("/etc/kubernetes/kubelet", False),
        ("/run/flannel", False),
        ("/var/lib/kubelet", False),
    ],
)
def test_is_data(path: str, data: bool) -> None:
    assert _reset.is_data(path, runtime=_reset.RUNTIME_DIRECTORIES) is data


def test_outermost() -> None:
    assert _reset.outermost(["/a/b/c", "/a/b", "/a/bc", "/a/b"]) == ["/a/b", "/a/bc"]


@pytest.mark.parametrize(
    "path", ["/", "/var", "/var/lib", "/etc", "var/lib/x", "/var/lib/../../etc/x", "/var/lib/", "/usr/local", "", "/data"]
)
def test_directories_of_the_system_are_not_cleared(path: str) -> None:
    with pytest.raises(_reset.ResetError, match="Nothing was changed"):
        _reset.check_directories(["/var/lib/kubelet", path])


def test_directories_of_pods_are_cleared() -> None:
    _reset.check_directories([*_reset.RUNTIME_DIRECTORIES, "/data/containerd"])


# --- the cluster that stays --------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Members:
    healthy: str
    sick: str = ""
    learners: str = ""

    def listed(self) -> list[dict[str, Any]]:
        names = [*self.healthy.split(), *self.sick.split(), *self.learners.split()]
        return [
            {
                "name": name,
                "id": "1f",
                "learner": name in self.learners.split(),
                "healthy": name not in self.sick.split(),
                "cause": "it does not answer" if name in self.sick.split() else "",
            }
            for name in names
        ]


@pytest.mark.parametrize(
    ("members", "leaving", "words"),
    [
        pytest.param(Members("a b c"), ["a"], "", id="one of three"),
        pytest.param(Members("a b c"), ["a", "b"], "if the other one fails", id="two of three"),
        pytest.param(Members("a b c d e"), ["a", "b"], "", id="two of five"),
        pytest.param(Members("a b", "c"), ["a"], "1 would be healthy, and their quorum is 2", id="a healthy one with one down"),
        pytest.param(Members("a b", "c"), ["c"], "", id="the one that is down"),
        pytest.param(Members("a b", "c"), ["c", "a"], "a may not be removed", id="the one that is down, and another"),
        pytest.param(Members("a b"), ["a"], "if the other one fails", id="one of two"),
        pytest.param(Members("a"), ["a"], "without it there is no cluster", id="the only one"),
        pytest.param(Members("a b c", learners="d"), ["d"], "", id="a learner"),
        pytest.param(Members("a b c"), ["x"], "", id="no member (any more)"),
        pytest.param(Members("a b c"), [], "", id="none"),
    ],
)
def test_cost(members: Members, leaving: list[str], words: str) -> None:
    found = _reset.cost(members.listed(), leaving)
    assert words in found
    assert bool(found) is bool(words)
