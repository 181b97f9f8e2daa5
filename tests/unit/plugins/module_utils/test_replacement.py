"""What the record of replaced members means for an inventory, before and after its user has changed it."""

from __future__ import annotations

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils import _replacement
from ansible_collections.quorate.kubernetes.plugins.module_utils._inventory import Inventory, inventory_problems
from ansible_collections.quorate.kubernetes.plugins.module_utils._replacement import Replacement, ReplacementError
from ansible_collections.quorate.kubernetes.plugins.module_utils._topology import topology

TIME = "2026-11-21T12:00:00Z"


def record(*pairs: str) -> list[Replacement]:
    return [Replacement(member, spare, TIME) for member, spare in (pair.split(">") for pair in pairs)]


@pytest.mark.parametrize(
    ("members", "spares", "pairs", "expected"),
    [
        pytest.param("e1 e2 e3", "s1", [], ("e1 e2 e3", "s1", {}), id="nothing recorded"),
        pytest.param("e1 e2 e3", "s1", ["e2>s1"], ("e1 e3 s1", "", {"e2": "s1"}), id="replaced"),
        pytest.param("e1 e2 e3", "s1 s2", ["e2>s1", "s1>s2"], ("e1 e3 s2", "", {"e2": "s1", "s1": "s2"}), id="the spare died too"),
        pytest.param("e1 s1 e3", "s2", ["e2>s1"], ("e1 e3 s1", "s2", {}), id="inventory changed"),
        pytest.param("e1 s1 e3", "e2", ["e2>s1"], ("e1 e3 s1", "e2", {}), id="inventory changed, the old one is a spare now"),
        pytest.param("e1 s1 e3", "e2", ["e2>s1", "s1>e2"], ("e1 e2 e3", "", {"s1": "e2"}), id="and came back as one"),
        pytest.param("e1 e2 e3", "", ["e2>s1"], ("e1 e2 e3", "", {}), id="a spare that the inventory does not know"),
    ],
)
def test_effective(members: str, spares: str, pairs: list[str], expected: tuple[str, str, dict[str, str]]) -> None:
    found = _replacement.effective(members=members.split(), spares=spares.split(), replacements=record(*pairs))
    assert (" ".join(found.members), " ".join(found.spares), found.replaced) == expected


@pytest.mark.parametrize(
    ("members", "pairs", "left"),
    [
        pytest.param("e1 e2 e3", ["e2>s1"], ["e2>s1"], id="inventory unchanged"),
        pytest.param("e1 s1 e3", ["e2>s1"], [], id="inventory changed"),
        pytest.param("e1 s2 e3", ["e2>s1", "s1>s2"], [], id="changed after two"),
        pytest.param("e1 s1 e3", ["e2>s1", "s1>s2"], ["s1>s2"], id="changed after the first of two"),
        pytest.param("a b c", ["e2>s1"], ["e2>s1"], id="another inventory of the same folder"),
    ],
)
def test_what_the_inventory_has_caught_up_with_is_forgotten(members: str, pairs: list[str], left: list[str]) -> None:
    assert _replacement.remaining(members=members.split(), replacements=record(*pairs)) == record(*left)


@pytest.mark.parametrize(
    ("groups", "found"),
    [
        pytest.param({"etcd": "e1 e2 e3", "etcd_spares": "s1"}, [], id="unchanged"),
        pytest.param({"etcd": "e1 s1 e3"}, [], id="changed"),
        pytest.param({"etcd": "e1 s1 e3", "etcd_spares": "e2"}, [], id="changed, the old one is a spare"),
        pytest.param(
            {"etcd": "e1 e2 e3 s1 e5"}, ["e2: it is a member of etcd in the inventory, but s1, which is one too"], id="old one left"
        ),
        pytest.param({"etcd": "e1 e3 e5", "etcd_spares": "s1"}, ["s1: it has taken the place of e2"], id="spare still a spare"),
    ],
)
def test_half_of_a_change_is_refused(groups: dict[str, str], found: list[str]) -> None:
    known = inventory(groups)
    problems = [f"{', '.join(one.hosts)}: {one.what}" for one in inventory_problems(known)]
    assert len(problems) == len(found), problems
    assert all(problem.startswith(start) for problem, start in zip(problems, found))


def test_a_spare_takes_its_place_in_the_whole_topology() -> None:
    fact = topology(inventory({"etcd": "e1 e2 e3", "etcd_spares": "s1 s2"})).as_fact()
    assert (fact["etcd"], fact["etcd_spares"], fact["etcd_replaced"]) == (["e1", "e3", "s1"], ["s2"], {"e2": "s1"})
    assert fact["hosts"]["s1"]["kinds"] == ["etcd"]
    assert "e2" not in fact["hosts"]


def test_a_master_that_lost_its_member_stays_a_master() -> None:
    known = inventory({"masters": "e1 e2 e3", "etcd_spares": "s1"})
    assert list(inventory_problems(known)) == []
    fact = topology(known).as_fact()
    assert (fact["etcd"], fact["masters"]) == (["e1", "e3", "s1"], ["e1", "e2", "e3"])
    assert fact["hosts"]["e2"]["kinds"] == ["master", "node"]


def test_written_and_read() -> None:
    lines = record("e2>s1", "s1>s2")
    assert _replacement.parse(_replacement.render(lines)) == lines


@pytest.mark.parametrize("line", ["e2 s1", "e2 replaced by s1", f"e2 replaced by at {TIME}", "e2 replaced by s1 at noon"])
def test_a_line_that_cannot_be_read(line: str) -> None:
    with pytest.raises(ReplacementError, match=r"Line 2 of etcd_replaced\.txt"):
        _replacement.parse(f"# heading\n{line}\n")


@pytest.mark.parametrize(
    ("own_group", "pairs", "lines"),
    [
        pytest.param(True, [], [], id="nothing"),
        pytest.param(
            True, ["e2>s1"], ["in the group etcd: remove e2, add s1", "in the group etcd_spares: remove s1"], id="a group of its own"
        ),
        pytest.param(False, ["e2>s1"], ["make a group etcd of e1, e3, s1", "in the group etcd_spares: remove s1"], id="on the masters"),
        pytest.param(
            True, ["e2>s1", "s1>s2"], ["in the group etcd: remove e2, add s2", "in the group etcd_spares: remove s1, s2"], id="twice"
        ),
    ],
)
def test_advice(own_group: bool, pairs: list[str], lines: list[str]) -> None:
    known = _replacement.effective(members=["e1", "e2", "e3"], spares=["s1", "s2"], replacements=record(*pairs))
    assert _replacement.advice(known, own_group=own_group) == lines


def inventory(groups: dict[str, str]) -> Inventory:
    split = {"masters": ["m1"], "workers": ["w1"], **{name: hosts.split() for name, hosts in groups.items()}}
    names = sorted({host for hosts in split.values() for host in hosts})
    return Inventory(
        groups=split,
        variables={},
        connections={name: f"192.0.2.{number}" for number, name in enumerate(names, start=1)},
        defaults=DEFAULTS,
        replacements=record("e2>s1"),
    )


DEFAULTS = {
    "cluster_name": "kubernetes",
    "cluster_domain": "cluster.local",
    "cluster_version": "1.37.1",
    "cluster_versions": {},
    "cluster_pod_network": "10.244.0.0/16",
    "cluster_service_network": "10.96.0.0/16",
    "cluster_api_port": 6443,
    "cluster_api_local_port": 7443,
    "cluster_api_endpoint": "",
    "cluster_api_balanced": True,
    "cluster_api_names": [],
    "cluster_binaries_directory": "/opt/quorate",
    "cluster_allow_even_etcd": False,
}
