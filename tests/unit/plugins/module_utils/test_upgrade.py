"""Whether a cluster may be taken from the versions that run to those that are wanted."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils import _upgrade


def component(program: str) -> dict[str, dict[str, str]]:
    return {"unit": {"program": program}}


def test_versions_are_read_from_the_programs() -> None:
    observation = {
        "components": {
            "kubelet": component("/opt/quorate/kubernetes/1.36.4/kubelet"),
            "etcd": component("/srv/bin/etcd/3.6.16/etcd"),
            "api-load-balancer": component("/usr/sbin/haproxy"),
            "kube-proxy": component(""),
        }
    }
    assert _upgrade.running_versions(observation) == {"kubelet": "1.36.4", "etcd": "3.6.16"}


@pytest.mark.parametrize(
    "running",
    [
        pytest.param({}, id="nothing runs"),
        pytest.param({"m1": {"kube-apiserver": "1.37.1", "kubelet": "1.37.1", "etcd": "3.7.3"}}, id="nothing changes"),
        pytest.param({"m1": {"kube-apiserver": "1.37.0", "kubelet": "1.37.0", "etcd": "3.7.3"}}, id="patch"),
        pytest.param({"m1": {"kube-apiserver": "1.36.4", "kubelet": "1.36.4", "etcd": "3.6.16"}}, id="one minor"),
        pytest.param({"m1": {"kube-apiserver": "1.37.1"}, "m2": {"kube-apiserver": "1.36.4"}}, id="halfway"),
        pytest.param({"m1": {"kube-apiserver": "1.36.4"}, "w1": {"kubelet": "1.34.4"}}, id="kubelet three behind"),
    ],
)
def test_the_way_is_allowed(running: dict[str, dict[str, str]]) -> None:
    assert _upgrade.problems(running, kubernetes="1.37.1", etcd="3.7.3") == []


@pytest.mark.parametrize(
    ("running", "words"),
    [
        pytest.param({"m1": {"kube-apiserver": "1.35.4"}}, ["1.35.4 to 1.37.1 skips a minor", "(on m1)"], id="two minors"),
        pytest.param({"m1": {"kube-apiserver": "1.38.0"}, "m2": {"kube-apiserver": "1.38.0"}}, ["(on m1, m2)"], id="downgrade"),
        pytest.param({"w1": {"kubelet": "1.38.0"}}, ["kubelet 1.38.0", "(on w1)"], id="newer kubelet"),
        pytest.param({"w1": {"kubelet": "1.33.1"}}, ["kubelet 1.33.1", "(on w1)"], id="kubelet four behind"),
        pytest.param({"e1": {"etcd": "3.5.20"}}, ["3.5.20", "(on e1)"], id="etcd skips a minor"),
        pytest.param({"e1": {"etcd": "3.6.1"}}, ["3.6.1", "(on e1)"], id="etcd below the floor"),
        pytest.param({"m1": {"kube-apiserver": "1.35.4"}, "m2": {"kube-apiserver": "1.37.1"}}, ["(on m1)"], id="mixed masters"),
    ],
)
def test_the_way_is_refused(running: dict[str, dict[str, str]], words: list[str]) -> None:
    found = "\n".join(_upgrade.problems(running, kubernetes="1.37.1", etcd="3.7.3"))
    assert [word for word in words if word not in found] == []


@pytest.mark.parametrize(
    ("running", "words"),
    [
        pytest.param(
            {"m1": {"kube-apiserver": "1.36.4", "kube-controller-manager": "1.35.4"}},
            ["kube-controller-manager 1.35.4"],
            id="old controller",
        ),
        pytest.param({"w1": {"kubelet": "1.37.0", "kube-proxy": "1.33.1"}}, ["kube-proxy 1.33.1"], id="old proxy"),
    ],
)
def test_every_component_counts(running: dict[str, dict[str, str]], words: list[str]) -> None:
    found = "\n".join(_upgrade.problems(running, kubernetes="1.37.1", etcd="3.7.3"))
    assert [word for word in words if word not in found] == []


@pytest.mark.parametrize(
    ("absent", "found"),
    [
        pytest.param({"m2"}, True, id="a master is left out"),
        pytest.param({"m2", "w1"}, False, id="and all nodes"),
        pytest.param(set(), False, id="nobody"),
    ],
)
def test_nodes_wait_for_masters_that_are_left_out(absent: set[str], found: bool) -> None:
    running = {"m2": {"kube-apiserver": "1.36.4"}, "w1": {"kubelet": "1.36.4"}}
    problems = _upgrade.problems(running, kubernetes="1.37.1", etcd="3.7.3", absent=absent)
    assert bool(problems) is found
    assert all("(on m2)" in problem for problem in problems)


@pytest.mark.parametrize(
    ("running", "differs"),
    [
        pytest.param({}, False, id="nothing runs"),
        pytest.param({"kubelet": "1.37.1", "etcd": "3.7.3", "flanneld": "0.28.4"}, False, id="all as wanted"),
        pytest.param({"kubelet": "1.37.0"}, True, id="patch"),
        pytest.param({"kubelet": "1.37.1", "etcd": "3.6.16"}, True, id="etcd"),
        pytest.param({"kubelet": "1.37.1", "containerd": "2.4.1"}, True, id="container runtime"),
        pytest.param({"kubelet": "1.37.1", "flanneld": "0.28.3"}, True, id="network of pods"),
        pytest.param({"kubelet": "1.37.1", "coredns": "1.0.0"}, False, id="no component of ours"),
    ],
)
def test_differs(running: dict[str, str], differs: bool) -> None:
    wanted = {"kubernetes": "1.37.1", "etcd": "3.7.3", "containerd": "2.4.2", "flannel": "0.28.4", "coredns": "1.15.0"}
    assert _upgrade.differs(running, wanted) is differs


def test_only_packages_that_are_wanted_are_compared() -> None:
    assert not _upgrade.differs({"kubelet": "1.36.4", "containerd": "2.4.1"}, {})
    assert not _upgrade.differs({"kubelet": "1.37.1", "containerd": "2.4.1"}, {"kubernetes": "1.37.1", "etcd": "3.7.3"})


CLUSTER: dict[str, Any] = {
    "servers": {"m1": {"version": "1.36.4", "cause": ""}, "m2": {"version": "1.36.4", "cause": ""}},
    "nodes": [{"name": "w9", "version": "v1.36.4", "ready": True, "reason": ""}],
}
ETCD: dict[str, Any] = {"members": [{"name": "m1", "id": "1", "version": "3.6.16", "healthy": True, "cause": ""}], "alarms": []}


def test_other_minor_versions_are_told_with_their_hosts() -> None:
    running = {
        "m1": {"kube-apiserver": "1.36.4", "etcd": "3.6.16", "containerd": "2.1.0"},
        "m2": {"kube-apiserver": "1.36.4", "etcd": "3.7.0"},
        "w1": {"kubelet": "1.37.0"},
    }
    assert _upgrade.other_minors(running, kubernetes="1.37.1", etcd="3.7.3") == [
        "etcd 3.6.16 runs, 3.7.3 is wanted (on m1).",
        "kube-apiserver 1.36.4 runs, 1.37.1 is wanted (on m1, m2).",
    ]


def test_of_hosts_that_were_not_seen_the_cluster_tells() -> None:
    found = _upgrade.known({"m1": {"kube-apiserver": "1.37.1"}}, cluster=CLUSTER, etcd=ETCD)
    assert found == {
        "m1": {"kube-apiserver": "1.37.1", "etcd": "3.6.16"},
        "m2": {"kube-apiserver": "1.36.4"},
        "w9": {"kubelet": "1.36.4"},
    }


def seen(name: str, *, active: str = "active", replaced: str = "") -> dict[str, Any]:
    return {"components": {name: {"unit": {"active": active}, "replaced": replaced}}}


AWAY = {"version": "", "cause": "no answer"}
NOT_READY = {"name": "w1", "version": "v1.36.4", "ready": False, "reason": "kubelet stopped posting"}


@pytest.mark.parametrize(
    ("cluster", "etcd", "observations", "words"),
    [
        pytest.param(CLUSTER, ETCD, {}, [], id="all well"),
        pytest.param({"servers": {"m1": AWAY}}, {}, {"m1": seen("kube-apiserver")}, ["API server of m1"], id="API server"),
        pytest.param({"servers": {"m1": AWAY}}, {}, {}, ["API server of m1"], id="API server that is left out"),
        pytest.param(
            {"servers": {"m1": AWAY}}, {}, {"m1": seen("kube-apiserver", active="activating")}, [], id="API server that is mended"
        ),
        pytest.param(
            {"servers": {"m1": AWAY, "m2": AWAY}},
            {},
            {"m1": seen("kube-apiserver", active="failed"), "m2": seen("kube-apiserver")},
            ["API server of m1", "API server of m2"],
            id="two API servers",
        ),
        pytest.param({"nodes": [NOT_READY]}, {}, {"w1": seen("kubelet")}, ["node w1"], id="node"),
        pytest.param({"nodes": [NOT_READY]}, {}, {"w1": seen("kubelet", replaced="abc")}, [], id="node that a dead run left behind"),
        pytest.param({"nodes": [NOT_READY]}, {}, {"w1": seen("containerd", active="failed")}, [], id="node without its runtime"),
        pytest.param({"nodes": [NOT_READY]}, {}, {}, [], id="node that is left out"),
        pytest.param(
            {}, {"members": [{"name": "m1", "id": "1", "healthy": False, "cause": "no"}]}, {"m1": seen("etcd")}, ["member m1"], id="member"
        ),
        pytest.param({}, {"alarms": [{"alarm": "NOSPACE", "member": "1"}]}, {}, ["NOSPACE"], id="alarm"),
    ],
)
def test_illnesses(cluster: dict[str, Any], etcd: dict[str, Any], observations: dict[str, Any], words: list[str]) -> None:
    found = _upgrade.illnesses(cluster=cluster, etcd=etcd, observations=observations, upgrades=True)
    assert len(found) == len(words)
    assert [word for word, line in zip(words, found) if word not in line] == []


READY = {"name": "w2", "version": "v1.36.4", "ready": True, "reason": ""}


@pytest.mark.parametrize(
    ("nodes", "run", "upgrades", "refused"),
    [
        pytest.param([NOT_READY, READY], ["w1", "w2"], False, True, id="beside one that serves"),
        pytest.param([NOT_READY, READY], ["w1"], False, False, id="alone, as a limit wants it"),
        pytest.param([NOT_READY], ["w1"], False, False, id="none is ready"),
        pytest.param([NOT_READY], ["w1"], True, True, id="none is ready for another version of Kubernetes or etcd"),
    ],
)
def test_another_version_of_what_makes_a_node_may_mend_it(
    nodes: list[dict[str, Any]], run: list[str], *, upgrades: bool, refused: bool
) -> None:
    observations = {name: seen("kubelet") for name in run}
    found = _upgrade.illnesses(cluster={"nodes": nodes}, etcd={}, observations=observations, upgrades=upgrades)
    assert [line.partition(":")[0] for line in found] == (["The node w1 is not ready"] if refused else [])


@pytest.mark.parametrize(
    ("target", "active", "told"),
    [
        pytest.param("3.6.16", "failed", True, id="back"),
        pytest.param("3.6.16", "active", False, id="back with all of them"),
        pytest.param("3.7.3", "failed", False, id="the version that runs"),
    ],
)
def test_etcd_goes_back_only_with_all_members(target: str, active: str, *, told: bool) -> None:
    running = {"m1": {"etcd": "3.7.3"}, "m2": {"etcd": "3.7.3"}}
    found = _upgrade.stopped_on_the_way_back(running, etcd=target, observations={"m1": seen("etcd"), "m2": seen("etcd", active=active)})
    assert [line.split(",")[0] for line in found] == (["The member of etcd on m2 does not run"] if told else [])


@pytest.mark.parametrize(
    ("cluster", "words"),
    [
        pytest.param({"deprecated": [{"api": "a/v1/b", "removed_release": "1.37"}]}, ["which 1.37 no longer has"], id="gone"),
        pytest.param({"deprecated": [{"api": "a/v1/b", "removed_release": "1.40"}]}, ["which will go with 1.40"], id="later"),
        pytest.param({"deprecated": [{"api": "a/v1/b", "removed_release": ""}]}, ["which is deprecated"], id="some day"),
        pytest.param({"webhooks": ["gate of guard (Service a/b)"]}, ["webhook gate of guard"], id="webhook"),
        pytest.param({"held": [{"node": "w1", "pod": "a/b", "cause": "budget"}]}, ["Pod a/b on w1"], id="budget"),
        pytest.param({"held": [{"node": "w9", "pod": "a/b", "cause": "budget"}]}, [], id="budget elsewhere"),
        pytest.param({"unread": ["leaders: HTTP 403"]}, ["leaders: HTTP 403"], id="unread"),
        pytest.param({}, [], id="nothing"),
    ],
)
def test_notes(cluster: dict[str, Any], words: list[str]) -> None:
    found = _upgrade.notes({"m1": {"etcd": "3.6.16"}}, kubernetes="1.37.1", etcd="3.7.3", cluster=cluster, hosts={"w1"})
    assert len(found) == len(words)
    assert [word for word, line in zip(words, found) if word not in line] == []


def test_a_patch_that_is_not_the_newest_is_told() -> None:
    found = _upgrade.notes({}, kubernetes="1.37.0", etcd="3.7.3", cluster={}, hosts=set())
    assert found == ["Kubernetes 1.37.0 is not the newest known of 1.37, which is 1.37.1."]


@pytest.mark.parametrize(
    ("problems", "unasked", "told"),
    [
        pytest.param([], [], [], id="nothing"),
        pytest.param(
            ["a."], [], ["Nothing was changed.", "What stands in the way of Kubernetes 1.37.1 with etcd 3.7.3:", "a."], id="a problem"
        ),
        pytest.param([], ["b."], ["Nothing was changed.", "The inventory wants another minor version", "b."], id="a minor version"),
        pytest.param(["a."], ["b."], ["Nothing was changed.", "What stands in the way", "a.", "The inventory wants", "b."], id="both"),
    ],
)
def test_refusals(problems: list[str], unasked: list[str], told: list[str]) -> None:
    found = _upgrade.refusals(problems, unasked, kubernetes="1.37.1", etcd="3.7.3")
    assert len(found) == len(told)
    assert all(line.startswith(start) for line, start in zip(found, told))
