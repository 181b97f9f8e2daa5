"""What keeps a host from being part of a cluster."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils import _fitness

GIB = 1 << 30
FIT: dict[str, Any] = {
    "platform": {"architecture": "amd64", "python": "3.11.2"},
    "clock_skew": 0.0,
    "components": {},
    "strangers": ["etcd"],
    "space": {"/opt": 10 * GIB, "/var/lib": 10 * GIB, "/etc": 0},
    "kernel": {"cgroup": 2, "modules": False, "features": {"overlay": True, "/proc/sys/net/bridge": True}},
}


def problems(observation: dict[str, Any], *, kinds: tuple[str, ...] = ("node", "worker")) -> list[str]:
    return _fitness.problems(observation, kinds=kinds, clock_skew=5, free_space=4 * GIB, features=["overlay", "/proc/sys/net/bridge"])


def but(**sections: Any) -> dict[str, Any]:
    """A fit host, but for these sections."""
    return {**FIT, **sections}


def python(version: str) -> dict[str, Any]:
    return but(platform={"architecture": "arm64", "python": version})


OLD_CGROUPS = but(kernel={**FIT["kernel"], "cgroup": 1})
SMALL = {"/opt": GIB, "/var/lib": 10 * GIB}
LACKING = {"cgroup": 2, "modules": False, "features": {"overlay": True, "/proc/sys/net/bridge": False}}


@pytest.mark.parametrize(
    "observation",
    [
        pytest.param(FIT, id="fit"),
        pytest.param(python("3.9.0"), id="oldest Python"),
        pytest.param(python("3.14.0rc2"), id="Python before its release"),
        pytest.param(python("3.11.2+"), id="Python that a distribution built between two releases"),
        pytest.param(but(clock_skew=5.0), id="clock just right"),
        pytest.param(but(space=SMALL, components={"etcd": {}}), id="little space, but already built"),
        pytest.param(but(kernel={**LACKING, "modules": True}), id="feature that a module may bring"),
    ],
)
def test_fit(observation: dict[str, Any]) -> None:
    assert problems(observation) == []


@pytest.mark.parametrize(
    ("observation", "words"),
    [
        pytest.param(but(platform={"architecture": "s390x", "python": "3.11.2"}), ["s390x", "amd64 and arm64"], id="architecture"),
        pytest.param(python("3.8.10"), ["3.8.10", "install Python 3.9"], id="old Python"),
        pytest.param(python("3.8.10rc1"), ["3.8.10rc1", "install Python 3.9"], id="old Python before its release"),
        pytest.param(OLD_CGROUPS, ["version 1", "failCgroupV1"], id="cgroups of version 1"),
        pytest.param(but(clock_skew=5.2), ["+5.2 s", "node_clock_skew", "chrony"], id="clock ahead"),
        pytest.param(but(clock_skew=-300.0), ["-300.0 s"], id="clock behind"),
        pytest.param(but(strangers=["containerd", "etcd"]), ["containerd.service", "stop and disable it"], id="somebody else's"),
        pytest.param(but(components={"kube-apiserver": {}, "kubelet": {}}), ["It has kube-apiserver of", "remove"], id="a master once"),
        pytest.param(but(space=SMALL), ["/opt", "1.0 GiB", "4.0 GiB", "node_free_space"], id="little space"),
        pytest.param(but(kernel=LACKING), ["/proc/sys/net/bridge", "cannot load modules"], id="kernel lacks a feature"),
        pytest.param(
            but(kernel={"cgroup": 2, "modules": False, "features": {"overlay": True}}),
            ["/proc/sys/net/bridge"],
            id="feature that was not looked at",
        ),
    ],
)
def test_one_problem(observation: dict[str, Any], words: list[str]) -> None:
    (problem,) = problems(observation)
    assert [word for word in words if word not in problem] == []


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        pytest.param({"space": {"/opt": GIB, "/var/lib": GIB}}, [], id="just enough space"),
        pytest.param(
            {"space": {"/opt": 10 * GIB, "/var/lib": GIB - 1, "/etc": GIB - 1}}, ["1024 MiB free below /var/lib, /etc"], id="one full disk"
        ),
        pytest.param(
            {"space": {"/opt": 5 << 20, "/var/lib": 10 * GIB}, "etcd": {"free": 0, "trouble": ""}},
            ["0 MiB free below the data directory of etcd", "5 MiB free below /opt"],
            id="full disks, the worst first",
        ),
        pytest.param(
            {"space": {}, "etcd": {"free": GIB, "trouble": "ALARM NOSPACE"}}, ["ALARM NOSPACE. The database is full"], id="full database"
        ),
        pytest.param({"space": {}, "etcd": {"free": GIB, "trouble": "RAFT NO LEADER"}}, ["not well: RAFT NO LEADER."], id="no leader"),
        pytest.param({"space": {}, "etcd": None}, [], id="no member"),
    ],
)
def test_concerns(sections: dict[str, Any], words: list[str]) -> None:
    found = _fitness.concerns(but(**sections))
    assert len(found) == len(words)
    assert [part for part, sentence in zip(words, found) if part not in sentence] == []


def test_a_host_that_runs_no_pods_needs_no_features() -> None:
    assert problems(but(kernel=LACKING), kinds=("etcd_spare",)) == []


def test_all_problems_are_told_at_once() -> None:
    worst = {
        "platform": {"architecture": "arm", "python": "3.6.8"},
        "clock_skew": 60.0,
        "components": {},
        "strangers": ["kubelet"],
        "space": {"/opt": 0, "/var/lib": 0},
        "kernel": {"cgroup": 2, "modules": False, "features": {}},
    }
    assert len(problems(worst)) == 8


def test_cgroups_of_version_1_that_were_accepted_or_run_no_pods() -> None:
    assert problems(OLD_CGROUPS, kinds=("etcd_spare",)) == []
    assert _fitness.problems(OLD_CGROUPS, kinds=["node"], clock_skew=5, free_space=0, features=[], cgroup_v1=True) == []
