# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePath
from typing import Any

import pytest

from ansible_collections.quorate.kubernetes.lab.hosts import Container, Plan, arguments, containers, plan, specification
from ansible_collections.quorate.kubernetes.lab.inventory import Host
from ansible_collections.quorate.kubernetes.lab.process import LabError

HERE = PurePath("/home/me/inventories/lab")
M1 = Host(name="m1", address="192.168.77.11")
W1 = Host(name="w1", address="192.168.77.21")


def container(host: Host, *, running: bool = True, inventory: PurePath = HERE, image: str = "image:1") -> Container:
    return Container(
        name=host.name,
        running=running,
        inventory=str(inventory),
        address=host.address,
        specification=specification(host, inventory=inventory, image=image),
    )


OTHER = PurePath("/home/me/inventories/other")
E1_AT_M1 = Host(name="e1", address=M1.address)
M1_ELSEWHERE = Host(name="m1", address="192.168.77.99")
X9 = Host(name="x9", address="192.168.77.99")


@pytest.mark.parametrize(
    ("existing", "fresh", "removed", "created", "started", "kept"),
    [
        pytest.param([], False, [], ["m1", "w1"], [], [], id="nothing there"),
        pytest.param([container(M1), container(W1)], False, [], [], [], ["m1", "w1"], id="all there"),
        pytest.param([container(M1), container(W1)], True, ["m1", "w1"], ["m1", "w1"], [], [], id="fresh"),
        pytest.param([container(M1, running=False)], False, [], ["w1"], ["m1"], [], id="switched off"),
        pytest.param([container(M1, image="image:0"), container(W1)], False, ["m1"], ["m1"], [], ["w1"], id="older image"),
        pytest.param([container(M1_ELSEWHERE), container(W1)], False, ["m1"], ["m1"], [], ["w1"], id="moved"),
        pytest.param([container(M1), container(W1), container(X9)], False, ["x9"], [], [], ["m1", "w1"], id="left the inventory"),
        pytest.param([container(M1, inventory=OTHER), container(W1)], False, ["m1"], ["m1"], [], ["w1"], id="name of another's"),
        pytest.param([container(E1_AT_M1, inventory=OTHER), container(W1)], False, ["e1"], ["m1"], [], ["w1"], id="address of another's"),
        pytest.param([container(X9, inventory=OTHER), container(M1), container(W1)], False, [], [], [], ["m1", "w1"], id="another's"),
        pytest.param([replace(container(M1), dead=True), container(W1)], False, ["m1"], ["m1"], [], ["w1"], id="killed"),
        pytest.param([Container(name="database", running=True)], True, [], ["m1", "w1"], [], [], id="not the lab's"),
    ],
)
def test_plan(existing: list[Container], fresh: bool, removed: list[str], created: list[str], started: list[str], kept: list[str]) -> None:
    made = plan([M1, W1], existing, inventory=HERE, image="image:1", fresh=fresh)
    assert [old.name for old, _why in made.remove] == removed
    assert [host.name for host in made.create] == created
    assert [host.name for host in made.start] == started
    assert [host.name for host in made.keep] == kept


def test_a_container_of_somebody_else_is_never_removed() -> None:
    with pytest.raises(LabError, match="not the lab's"):
        plan([M1], [Container(name="m1", running=True)], inventory=HERE, image="image:1", fresh=True)


def test_a_removal_has_a_reason() -> None:
    made: Plan = plan([M1], [container(E1_AT_M1, inventory=OTHER)], inventory=HERE, image="image:1")
    assert made.remove[0][1] == f"the inventory {OTHER} has a host with the address 192.168.77.11"


def test_containers_of_podman() -> None:
    listing: list[dict[str, Any]] = [
        {
            "Names": ["m1"],
            "State": "running",
            "Pid": 100,
            "Labels": {
                "quorate.lab": "host",
                "quorate.inventory": "/i",
                "quorate.address": "192.168.77.11",
                "quorate.specification": "abc",
            },
        },
        {"Names": ["database"], "State": "exited", "Pid": 0, "Labels": None},
        # The label of the image alone does not make a container a host of the lab.
        {"Names": ["tried"], "State": "running", "Pid": 101, "Labels": {"quorate.lab": "host"}},
    ]
    assert containers(listing, processes={1, 100}) == [
        Container(name="m1", running=True, inventory="/i", address="192.168.77.11", specification="abc"),
        Container(name="database", running=False),
        Container(name="tried", running=True, dead=True),
    ]


@pytest.mark.parametrize(
    ("host", "image"),
    [
        pytest.param(M1, "image:2", id="image"),
        pytest.param(M1_ELSEWHERE, "image:1", id="address"),
        pytest.param(E1_AT_M1, "image:1", id="name"),
    ],
)
def test_the_specification_tells_recipes_apart(host: Host, image: str) -> None:
    assert specification(host, inventory=HERE, image=image) != specification(M1, inventory=HERE, image="image:1")


def test_arguments() -> None:
    words = arguments(M1, inventory=HERE, image="image:1")
    assert words[-1] == "image:1"
    assert words[words.index("--ip") + 1] == "192.168.77.11"
    assert words[words.index("--network") + 1] == "quorate-192-168-77"
    assert words[words.index("--mac-address") + 1] == "02:71:c0:a8:4d:0b"
    assert "quorate-m1:/var/lib/containerd" in words
