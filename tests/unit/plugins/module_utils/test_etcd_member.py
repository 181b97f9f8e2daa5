"""Steps that make a host a learner, a voter, or no member, from everything that can be true before."""

from __future__ import annotations

import dataclasses

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils import _etcd_member
from ansible_collections.quorate.kubernetes.plugins.module_utils._etcd import Cluster, Health, Member, Status
from ansible_collections.quorate.kubernetes.plugins.module_utils._etcd_member import Data, Host, NotYet, Refused, Step

HERE, ELSEWHERE = 77, 88
NUMBERS = {f"m{number}": number for number in range(1, 8)}


def url(name: str, port: int = 2380) -> str:
    return f"https://{name}:{port}"


def entry(name: str, *, learner: bool = False, started: bool = True, named: bool = True, peer: str = "") -> Member:
    clients = (url(name, 2379),) if started else ()
    return Member(NUMBERS[name], name if named else "", (peer or url(name),), clients, learner)


def waiting(name: str) -> Member:
    """Added, but never started."""
    return entry(name, learner=True, started=False, named=False)


def cluster(*members: Member, dead: str = "", leader: str = "m1") -> Cluster:
    status = Status(
        identity=0, version="3.7.3", storage="", leader=NUMBERS[leader], term=2, index=1, size=1, used=1, quota=1, learner=False
    )
    health = {
        one.identity: Health(live=False, ready=False, cause="connection refused")
        if one.name in dead.split()
        else Health(live=True, ready=not one.learner, status=status)
        for one in members
        if one.clients
    }
    return Cluster(HERE, members, health)


THREE = (entry("m1"), entry("m2"), entry("m3"))


def host(name: str, *, data: str = "empty", running: bool = False) -> Host:
    known = {
        "empty": Data(),
        "own": Data(filled=True, member=NUMBERS[name], cluster=HERE),
        "former": Data(filled=True, member=99, cluster=HERE),
        "foreign": Data(filled=True, member=NUMBERS[name], cluster=ELSEWHERE),
        "unknown": Data(filled=True),
        "void": Data(filled=True, logged=False),
    }
    return Host(name, (url(name),), data=known[data], running=running)


def verbs(steps: list[Step]) -> str:
    return " ".join(step.verb + (f":{step.member}" if step.member else "") for step in steps)


@pytest.mark.parametrize(
    ("before", "joining", "steps"),
    [
        pytest.param(cluster(*THREE), host("m4"), "add", id="a new host"),
        pytest.param(cluster(entry("m1")), host("m2"), "add", id="from one to two"),
        pytest.param(cluster(*THREE), host("m3", data="own", running=True), "", id="a member already"),
        pytest.param(cluster(*THREE, dead="m3"), host("m3", data="own"), "", id="a member that is down is no reason to change anything"),
        pytest.param(cluster(*THREE, waiting("m4")), host("m4"), "", id="killed after adding"),
        pytest.param(cluster(*THREE, waiting("m4")), host("m4", data="own"), "", id="killed at its first start"),
        pytest.param(cluster(*THREE, entry("m4", learner=True)), host("m4", data="own", running=True), "", id="killed before promotion"),
        pytest.param(cluster(*THREE, dead="m3"), host("m3"), "remove:3 add", id="lost its data"),
        pytest.param(cluster(*THREE), host("m3", running=True), "stop remove:3 add", id="lost its data below the running process"),
        pytest.param(
            cluster(*THREE, dead="m3"),
            host("m3", data="void", running=True),
            "remove:3 stop aside add",
            id="lost its data and was started without",
        ),
        pytest.param(cluster(*THREE, waiting("m4")), host("m4", data="void"), "remove:4 aside add", id="killed before it had a log"),
        pytest.param(
            cluster(entry("m1"), entry("m2"), entry("m3", started=False)), host("m3"), "remove:3 add", id="a founder that never started"
        ),
        pytest.param(cluster(*THREE, entry("m4", learner=True), dead="m4"), host("m4"), "remove:4 add", id="a learner that lost its data"),
        pytest.param(cluster(*THREE), host("m4", data="former"), "aside add", id="removed before, with its old data"),
        pytest.param(cluster(*THREE), host("m4", data="foreign"), "aside add", id="data of another cluster"),
        pytest.param(cluster(*THREE), host("m4", data="foreign", running=True), "stop aside add", id="a member of another cluster runs"),
        pytest.param(cluster(*THREE), host("m4", data="unknown"), "aside add", id="damaged data, no entry"),
        pytest.param(
            cluster(*THREE, dead="m3"), host("m3", data="foreign"), "remove:3 aside add", id="rebuilt, with data of another cluster"
        ),
        pytest.param(cluster(*THREE), host("m3", data="unknown", running=True), "", id="whose data cannot be told, but it lives"),
        pytest.param(
            cluster(entry("m1"), entry("m2"), entry("m3", peer="https://former:2380"), dead="m3"),
            host("m3", data="own"),
            "update:3",
            id="another address",
        ),
        pytest.param(
            cluster(entry("m1"), entry("m2"), entry("m3", peer="https://former:2380"), dead="m3"),
            host("m3"),
            "remove:3 add",
            id="rebuilt at another address",
        ),
        pytest.param(
            cluster(entry("m1"), entry("m2"), dataclasses.replace(entry("m7"), peers=(url("m3"),)), dead="m7"),
            host("m3"),
            "remove:7 add",
            id="rebuilt under another name at the same address",
        ),
        pytest.param(cluster(*THREE, waiting("m5")), host("m4"), "remove:5 add", id="another's entry that never started"),
        pytest.param(
            cluster(*THREE, entry("m5", learner=True), dead="m5"), host("m4"), "remove:5 add", id="another's learner that is dead"
        ),
        pytest.param(cluster(*THREE, entry("m5", learner=True)), host("m4"), "promote:5 add", id="another's learner that lives"),
    ],
)
def test_join(before: Cluster, joining: Host, steps: str) -> None:
    assert verbs(_etcd_member.join(before, joining)) == steps


@pytest.mark.parametrize(("wanted", "steps"), [(["m4", "m5"], "promote:5 add"), (["m4"], "remove:5 add")])
def test_a_learner_that_does_not_belong_to_the_cluster_any_more_goes(wanted: list[str], steps: str) -> None:
    before = cluster(*THREE, entry("m5", learner=True))
    assert verbs(_etcd_member.join(before, host("m4"), wanted=wanted)) == steps


@pytest.mark.parametrize(
    ("before", "joining", "words"),
    [
        pytest.param(cluster(*THREE, dead="m2"), host("m4"), "m2 is not", id="never add while one of three is down"),
        pytest.param(cluster(*THREE), host("m3"), "Two hosts have the same name", id="alive elsewhere"),
        pytest.param(
            cluster(*THREE, dead="m2"), host("m3", running=True), "m3 may not be stopped", id="data lost below a process that quorum needs"
        ),
        pytest.param(cluster(*THREE, dead="m2 m3"), host("m3"), "may not be removed", id="lost its data with another one down"),
        pytest.param(cluster(entry("m1")), host("m1", running=True), "down time", id="the only member lost its data"),
        pytest.param(
            cluster(*THREE, dead="m3"), host("m3", data="unknown"), "cannot be told", id="data that cannot be told, of a dead member"
        ),
    ],
)
def test_join_refused(before: Cluster, joining: Host, words: str) -> None:
    with pytest.raises(Refused, match=words):
        _etcd_member.join(before, joining)


def test_joining_is_repeated_from_each_place_where_it_can_be_cut() -> None:
    """A host that lost its data: after any number of the steps, the rest is planned."""
    lost = cluster(*THREE, dead="m3")
    assert verbs(_etcd_member.join(lost, host("m3"))) == "remove:3 add"
    removed = cluster(entry("m1"), entry("m2"))
    assert verbs(_etcd_member.join(removed, host("m3"))) == "add"
    added = cluster(entry("m1"), entry("m2"), waiting("m3"))
    assert verbs(_etcd_member.join(added, host("m3"))) == ""
    started = cluster(entry("m1"), entry("m2"), entry("m3", learner=True))
    assert verbs(_etcd_member.join(started, host("m3", data="own", running=True))) == ""
    assert verbs(_etcd_member.vote(started, "m3", [])) == "promote:3"


@pytest.mark.parametrize(
    ("before", "peers", "steps"),
    [
        pytest.param(cluster(*THREE), [], "", id="votes already"),
        pytest.param(cluster(*THREE), [url("m3")], "", id="same address"),
        pytest.param(cluster(*THREE), ["https://moved:2380"], "update:3", id="another address"),
        pytest.param(cluster(entry("m1"), entry("m3", learner=True)), [], "promote:3", id="learner"),
        pytest.param(cluster(entry("m1"), waiting("m3")), [url("m3")], "promote:3", id="learner that has no name yet"),
    ],
)
def test_vote(before: Cluster, peers: list[str], steps: str) -> None:
    assert verbs(_etcd_member.vote(before, "m3", peers)) == steps


@pytest.mark.parametrize(
    ("members", "wanted", "last"),
    [
        pytest.param(THREE, ["m1", "m2", "m3", "m4"], True, id="all that are wanted vote then"),
        pytest.param(THREE, ["m1", "m2", "m3", "m4", "m5"], False, id="another one is to join"),
        pytest.param(THREE, ["m1", "m2", "m4"], False, id="another one is to leave"),
        pytest.param((*THREE, waiting("m5")), ["m1", "m2", "m3", "m4", "m5"], False, id="another one has no vote yet"),
        pytest.param(THREE, None, False, id="nobody knows"),
    ],
)
def test_is_last(members: tuple[Member, ...], wanted: list[str] | None, last: bool) -> None:
    assert _etcd_member.is_last(cluster(*members, entry("m4", learner=True)), NUMBERS["m4"], wanted) is last


def test_vote_of_a_stranger_is_refused() -> None:
    with pytest.raises(Refused, match=r"m4 is not in the member list \(m1, m2, m3\)"):
        _etcd_member.vote(cluster(*THREE), "m4", [])


def test_a_learner_that_has_not_told_its_name_is_waited_for() -> None:
    with pytest.raises(NotYet):
        _etcd_member.vote(cluster(*THREE, waiting("m4")), "m4", [])
    with pytest.raises(Refused) as refused:
        _etcd_member.vote(cluster(*THREE), "m4", [])
    assert refused.type is Refused


@pytest.mark.parametrize(
    ("before", "name", "steps"),
    [
        pytest.param(cluster(*THREE), "m4", "", id="gone already"),
        pytest.param(cluster(*THREE), "m3", "remove:3", id="a follower"),
        pytest.param(cluster(*THREE, leader="m3"), "m3", "move_leader:2 remove:3", id="the leader"),
        pytest.param(cluster(*THREE, leader="m3", dead="m3"), "m3", "remove:3", id="a dead one, known as the leader"),
        pytest.param(cluster(*THREE, dead="m1"), "m1", "remove:1", id="the first of the list, dead"),
        pytest.param(cluster(*THREE, entry("m4", learner=True), dead="m4"), "m4", "remove:4", id="a dead learner"),
    ],
)
def test_leave(before: Cluster, name: str, steps: str) -> None:
    assert verbs(_etcd_member.leave(before, name)) == steps


@pytest.mark.parametrize(
    ("before", "left", "steps"),
    [
        pytest.param(cluster(*THREE), host("m3", data="own", running=True), "remove:3 stop aside", id="all of it"),
        pytest.param(cluster(*THREE[:2]), host("m3", data="own"), "aside", id="cut short after it was removed"),
        pytest.param(cluster(*THREE[:2]), host("m3"), "", id="nothing left"),
    ],
)
def test_leave_clears_the_host(before: Cluster, left: Host, steps: str) -> None:
    assert verbs(_etcd_member.leave(before, left.name, cleared=left)) == steps


@pytest.mark.parametrize(
    ("before", "name", "words"),
    [
        pytest.param(cluster(*THREE, dead="m2"), "m3", "of the 2 left 1 would be healthy", id="a healthy one with one down"),
        pytest.param(cluster(entry("m1"), entry("m2")), "m2", "force", id="one of two"),
        pytest.param(cluster(entry("m1")), "m1", "the only voter", id="the only one"),
    ],
)
def test_leave_refused(before: Cluster, name: str, words: str) -> None:
    with pytest.raises(Refused, match=words):
        _etcd_member.leave(before, name)


@pytest.mark.parametrize(
    ("before", "name", "heir"),
    [
        pytest.param(cluster(*THREE), "m1", "m3", id="the last by name"),
        pytest.param(cluster(*THREE, leader="m3"), "m3", "m2", id="the last of the others"),
        pytest.param(cluster(*THREE), "m2", None, id="no leader"),
        pytest.param(cluster(*THREE, dead="m3"), "m1", "m2", id="a healthy one"),
        pytest.param(cluster(*THREE, entry("m4", learner=True)), "m1", "m3", id="no learner"),
        pytest.param(cluster(entry("m1")), "m1", None, id="nobody else"),
    ],
)
def test_heir(before: Cluster, name: str, heir: str | None) -> None:
    found = _etcd_member.heir(before, name)
    assert (found.name if found else None) == heir


def test_one_of_two_leaves_by_force() -> None:
    assert verbs(_etcd_member.leave(cluster(entry("m1"), entry("m2")), "m2", force=True)) == "remove:2"


def test_an_entry_without_a_name_leaves_by_its_address() -> None:
    assert verbs(_etcd_member.leave(cluster(*THREE, waiting("m4")), "m4", [url("m4")])) == "remove:4"


@pytest.mark.parametrize(
    ("before", "setting"),
    [
        pytest.param(cluster(entry("m1"), waiting("m2")), "m1=https://m1:2380,m2=https://m2:2380", id="its own entry has no name yet"),
        pytest.param(cluster(entry("m2"), entry("m1")), "m1=https://m1:2380,m2=https://m2:2380", id="sorted"),
        pytest.param(cluster(entry("m1"), waiting("m5")), "5=https://m5:2380,m1=https://m1:2380", id="another's entry without a name"),
    ],
)
def test_initial_cluster(before: Cluster, setting: str) -> None:
    assert _etcd_member.initial_cluster(before, [], name="m2", peers=[url("m2")]) == setting


def test_initial_cluster_is_predicted_in_check_mode() -> None:
    before = cluster(*THREE, dead="m3")
    steps = _etcd_member.join(before, host("m3"))
    predicted = _etcd_member.initial_cluster(before, steps, name="m3", peers=[url("m3")])
    assert predicted == "m1=https://m1:2380,m2=https://m2:2380,m3=https://m3:2380"


FIVE = (*THREE, entry("m4"), entry("m5"))


@pytest.mark.parametrize(
    ("members", "dead", "replaces", "expected"),
    [
        pytest.param(THREE, "m2", ["m2"], "remove:2 add", id="one of three"),
        pytest.param(FIVE, "m2 m3", ["m2", "m3"], "remove:2 remove:3 add", id="two of five"),
        pytest.param((THREE[0], THREE[2]), "", ["m2"], "add", id="removed already"),
        pytest.param((*THREE[:1], THREE[2], waiting("m6")), "", ["m2"], "", id="removed and added already"),
        pytest.param((*THREE, entry("m6")), "m2", ["m2"], "", id="this host is a member already"),
    ],
)
def test_a_spare_takes_the_place_of_the_dead(members: tuple[Member, ...], dead: str, replaces: list[str], expected: str) -> None:
    data = "own" if any(one.name == "m6" for one in members) else "empty"
    assert verbs(_etcd_member.join(cluster(*members, dead=dead), host("m6", data=data), replaces=replaces)) == expected


@pytest.mark.parametrize(
    ("members", "dead", "replaces", "words"),
    [
        pytest.param(THREE, "", ["m2"], "m2 was to be replaced, but it answers again", id="it lives"),
        pytest.param(THREE, "m2 m3", ["m2"], "m2 may not be removed", id="without quorum"),
        pytest.param(FIVE, "m2 m3", ["m2"], "m3 is not", id="another one is down, and stays"),
    ],
)
def test_nobody_is_replaced_when(members: tuple[Member, ...], dead: str, replaces: list[str], words: str) -> None:
    with pytest.raises(Refused, match=words):
        _etcd_member.join(cluster(*members, dead=dead), host("m6"), replaces=replaces)


@pytest.mark.parametrize(
    ("learner", "replaces", "expected"),
    [
        pytest.param(True, [], ["Add m6 as a learner."], id="learner"),
        pytest.param(True, ["m2"], ["Remove the member m2, if it is dead still.", "Add m6 as a learner."], id="in the place of another"),
        pytest.param(False, [], ["Give m6 a vote when it has caught up with the leader."], id="voter"),
    ],
)
def test_foretold(learner: bool, replaces: list[str], expected: list[str]) -> None:
    assert _etcd_member.foretold("m6", learner=learner, replaces=replaces) == expected
