"""What is done to take hosts out of a cluster, and what forbids it."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils._removal import Asked, Known, Removal, plan

MASTER, WORKER = ("etcd", "master"), ("worker",)


def known(
    leaving: dict[str, tuple[str, ...]], *, down: str = "", dead: str = "", members: str = "m1 m2 m3", nodes: str = "m1 m2 m3 w1 w2"
) -> Known:
    """Three masters with stacked etcd and two workers; nodes of hosts that are down are not ready."""
    etcd: list[dict[str, Any]] = [
        {"name": name, "id": name, "learner": False, "healthy": name not in down.split(), "cause": "no answer"} for name in members.split()
    ]
    seen = [{"name": name, "ready": name not in down.split()} for name in nodes.split()]
    return Known(leaving=leaving, inventory=("m1", "m2", "m3", "w1", "w2"), dead=dead.split(), etcd=etcd, nodes=seen)


def short(removal: Removal) -> str:
    return f"{' '.join(removal.drained)} | {' '.join(removal.members)} | {' '.join(removal.forgotten)}".strip()


@pytest.mark.parametrize(
    ("hosts", "members", "seen", "done"),
    [
        pytest.param("w2", "", known({"w2": WORKER}), "w2 |  | w2", id="a worker"),
        pytest.param("m3", "", known({"m3": MASTER}), "m3 | m3 | m3", id="a master"),
        pytest.param("w2", "", known({"w2": WORKER}, down="w2", dead="w2"), "|  | w2", id="a dead worker is not emptied"),
        pytest.param("w2", "", known({"w2": WORKER}, down="w2"), "|  | w2", id="a worker whose kubelet is down: nobody would end its pods"),
        pytest.param("m3", "", known({"m3": MASTER}, down="m3", dead="m3"), "| m3 | m3", id="a dead master"),
        pytest.param("", "m3", known({"m3": ("etcd",)}), "| m3 |", id="only its member"),
        pytest.param(
            "", "m3 m2", known({"m2": ("etcd",), "m3": ("etcd",)}, members="m1 m2 m3 e1 e2 e3"), "| m2 m3 |", id="two of six members"
        ),
        pytest.param(
            "m1 m3",
            "",
            known({"m1": MASTER, "m3": MASTER}, down="m3", members="m1 m2 m3 m4 m5"),
            "m1 | m3 m1 | m1 m3",
            id="the dead one first",
        ),
        pytest.param("x9", "", known({}, members="m1 m2 m3 x9", nodes="m1 x9"), "x9 | x9 | x9", id="not in the inventory any more"),
        pytest.param(
            "m3", "", known({"m3": MASTER}, members="m1 m2", nodes="m1 m2"), "| m3 |", id="cut short: maybe a member without a name"
        ),
    ],
)
def test_plan(hosts: str, members: str, seen: Known, done: str) -> None:
    found = plan(Asked(tuple(hosts.split()), tuple(members.split())), seen)
    assert found.problems == ()
    assert short(found) == done
    assert len(found.sentences) == len([*hosts.split(), *members.split()])


@pytest.mark.parametrize(
    ("hosts", "members", "seen", "words"),
    [
        pytest.param("w9", "", known({}), "w9 is neither in the inventory", id="nobody knows it"),
        pytest.param("w2", "", known({}), "Leave out --limit", id="left out by a limit"),
        pytest.param("", "w2", known({}), "w2 is no etcd host", id="no member"),
        pytest.param(
            "m3",
            "",
            known({"m3": MASTER}, down="m2"),
            "of the 2 left 1 would be healthy, and their quorum is 2. Bring back m2",
            id="quorum",
        ),
        pytest.param("m2 m3", "", known({"m2": MASTER, "m3": MASTER}), "fails during the change", id="one of two in the end"),
    ],
)
def test_problems(hosts: str, members: str, seen: Known, words: str) -> None:
    asked = Asked(tuple(hosts.split()), tuple(members.split()))
    (problem,) = plan(asked, seen).problems
    assert words in problem


def test_force_goes_on() -> None:
    seen = known({"m2": MASTER, "m3": MASTER})
    assert plan(Asked(("m2", "m3")), seen, force=True).problems == ()


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        pytest.param(
            known({"m3": MASTER}), "its pods go elsewhere; the API servers and load balancers of the others do without it", id="alive"
        ),
        pytest.param(known({"m3": MASTER}, down="m3", dead="m3"), "the host itself is not reached, and stays as it is", id="dead"),
    ],
)
def test_sentences(seen: Known, words: str) -> None:
    assert words in plan(Asked(("m3",)), seen).sentences[0]
