"""When a member of etcd is replaced: what the members say in, a decision out."""

from __future__ import annotations

import dataclasses
import re

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils import _healing
from ansible_collections.quorate.kubernetes.plugins.module_utils._healing import Decision, Entry, Limits, Memory, State, View

NOW = 1_000_000.0
WATCH = Limits(after=300, pause=1800, per_day=3)


def entries(names: str, *, dead: str = "", ill: str = "", learner: str = "") -> dict[str, Entry]:
    return {
        name: Entry(
            identity=f"id-{name}",
            voter=name not in learner.split(),
            live=name not in dead.split(),
            healthy=name not in (dead + " " + ill).split(),
            cause="refused" if name in dead.split() else "",
        )
        for name in names.split()
    }


def view(names: str = "e1 e2 e3", *, cluster: str = "c", dead: str = "", ill: str = "") -> View:
    return View(cluster=cluster, entries=entries(names, dead=dead, ill=ill))


SILENT = View(cause="no SSH")


@pytest.mark.parametrize(
    ("views", "dead", "problem"),
    [
        pytest.param({"e1": view(), "e2": view(), "e3": view()}, (), "", id="all well"),
        pytest.param({"e1": view(dead="e2"), "e2": SILENT, "e3": view(dead="e2")}, ("e2",), "", id="one dead, and the rest say so"),
        pytest.param({"e1": view(dead="e2"), "e2": SILENT, "e3": view()}, (), "", id="one of them still sees it"),
        pytest.param({"e1": SILENT, "e2": view(), "e3": view()}, (), "", id="only the control node cannot reach it"),
        pytest.param({"e1": view(dead="e2"), "e2": SILENT, "e3": SILENT}, (), "Of 3 voters .* only e1 could be asked", id="one of three"),
        pytest.param({"e1": SILENT, "e2": SILENT, "e3": SILENT}, (), r"No member of etcd answers.*e1: no SSH", id="nobody"),
        pytest.param({"e1": view(), "e2": view(cluster="d"), "e3": view()}, (), "do not agree", id="two clusters"),
        pytest.param({"e1": view(), "e2": view("e1 e2 s1"), "e3": view()}, (), "do not agree", id="a change on its way"),
        pytest.param(
            {"x": view(dead="e2"), "y": view(dead="e2")}, (), "only none could be asked", id="hosts that are no voters have no word"
        ),
        pytest.param({name: view("e1 e2 e3 e4 e5", dead="e4 e5") for name in ("e1", "e2", "e3")}, ("e4", "e5"), "", id="two of five dead"),
    ],
)
def test_state(views: dict[str, View], dead: tuple[str, ...], problem: str) -> None:
    found = _healing.state(views)
    assert found.dead == dead
    assert re.search(problem or "^$", found.problem), found.problem


def test_a_name_that_one_of_them_knows_already_is_no_difference() -> None:
    new = Entry("id-s1", voter=False, live=True, healthy=True)
    views = {name: View(cluster="c", entries={**entries("e1 e3"), known: new}) for name, known in (("e1", "s1"), ("e3", "id-s1"))}
    assert _healing.state(views).problem == ""


def seen(names: str = "e1 e2 e3", *, dead: str = "", ill: str = "", learner: str = "") -> State:
    return State(entries=entries(names, dead=dead, ill=ill, learner=learner), dead=tuple(dead.split()), ill=tuple(ill.split()))


def decide(what: State, *, memory: Memory | None = None, limits: Limits = WATCH, spares: str = "s1", **known: object) -> Decision:
    members = str(known.get("members", "e1 e2 e3")).split()
    replaced = dict(known.get("replaced", {}))  # type: ignore[call-overload]
    return _healing.decide(
        what, memory=memory or Memory(), limits=limits, now=NOW, members=members, spares=spares.split(), replaced=replaced
    )


def dead_for(seconds: float, *names: str, attempts: tuple[float, ...] = ()) -> Memory:
    return Memory(looked=NOW, since=dict.fromkeys(names or ("e2",), NOW - seconds), attempts=tuple(NOW - ago for ago in attempts))


@pytest.mark.parametrize(
    ("what", "memory", "action", "words"),
    [
        pytest.param(seen(), Memory(), "nothing", "All voters (e1, e2, e3) answer.", id="all well"),
        pytest.param(seen(ill="e2"), Memory(), "nothing", "e2 not through the quorum", id="ill, but alive"),
        pytest.param(State(problem="no quorum"), dead_for(9999), "refuse", "no quorum", id="no quorum"),
        pytest.param(State(problem="it changes", passes=True), dead_for(9999), "wait", "it changes", id="a change on its way"),
        pytest.param(seen(dead="e2"), dead_for(0), "wait", "e2 for 0 s", id="just died"),
        pytest.param(seen(dead="e2"), dead_for(299), "wait", "replaced after 300 s", id="a short outage"),
        pytest.param(seen(dead="e2"), dead_for(300), "heal", "e2 is dead (e2: refused)", id="dead long enough"),
        pytest.param(seen(dead="e2"), dead_for(400, attempts=(1799,)), "wait", "the pause is 1800 s", id="in the pause"),
        pytest.param(seen(dead="e2"), dead_for(400, attempts=(1801,)), "heal", "", id="after the pause"),
        pytest.param(seen(dead="e2"), dead_for(400, attempts=(80000, 70000, 60000)), "refuse", "3 healings were begun", id="limit"),
        pytest.param(seen(dead="e2"), dead_for(400, attempts=(90000, 70000, 60000)), "heal", "", id="one of them was yesterday"),
        pytest.param(seen("e1 e2", dead="e2"), dead_for(400), "refuse", "e2 may not be removed", id="one of two"),
        pytest.param(seen(dead="e2", ill="e3"), dead_for(400), "refuse", "e2 may not be removed", id="another one is ill"),
        pytest.param(
            seen("e1 e2 e3 e4 e5", dead="e2", ill="e3"), dead_for(400), "refuse", "answers, but not through", id="ill, with quorum"
        ),
    ],
)
def test_the_watcher(what: State, memory: Memory, action: str, words: str) -> None:
    found = decide(what, memory=memory, members="e1 e2 e3 e4 e5")
    assert (found.action, words in found.reason) == (action, True), found


def test_a_person_does_not_wait() -> None:
    found = decide(seen(dead="e2"), limits=Limits())
    assert found.action == "heal"
    assert found.members == ("e2",)


@pytest.mark.parametrize(
    ("spares", "action", "words"),
    [
        pytest.param("s1 s2", "heal", "e4 and e5 is dead", id="a spare for each"),
        pytest.param("s1", "refuse", "has s1 left", id="too few"),
        pytest.param("", "refuse", "has no host left", id="none"),
    ],
)
def test_two_of_five_go_together_because_etcd_adds_none_while_one_is_down(spares: str, action: str, words: str) -> None:
    what = seen("e1 e2 e3 e4 e5", dead="e4 e5")
    found = decide(what, memory=dead_for(400, "e4", "e5"), spares=spares, members="e1 e2 e3 e4 e5")
    assert (found.action, words in found.reason) == (action, True), found


def test_three_of_five_are_for_nobody_to_heal() -> None:
    found = decide(
        seen("e1 e2 e3 e4 e5", dead="e3 e4 e5"), memory=dead_for(400, "e3", "e4", "e5"), spares="a b c", members="e1 e2 e3 e4 e5"
    )
    assert found.action == "refuse"


def test_a_young_death_holds_up_an_old_one() -> None:
    memory = Memory(looked=NOW, since={"e4": NOW - 400, "e5": NOW - 10})
    found = decide(seen("e1 e2 e3 e4 e5", dead="e4 e5"), memory=memory, spares="s1 s2", members="e1 e2 e3 e4 e5")
    assert found.action == "wait"


def test_a_member_that_the_inventory_does_not_know() -> None:
    assert decide(seen("e1 e2 e3 x1 x2", dead="x1"), memory=dead_for(400, "x1")).action == "refuse"


@pytest.mark.parametrize(
    ("what", "action", "members"),
    [
        pytest.param(seen("e1 e2 e3", dead="e2"), "heal", ("e2",), id="killed before the removal"),
        pytest.param(seen("e1 e3"), "heal", ("e2",), id="killed after the removal"),
        pytest.param(seen("e1 e3 s1", learner="s1"), "heal", ("e2",), id="killed before the promotion"),
        pytest.param(seen("e1 e3 s1"), "nothing", (), id="done"),
        pytest.param(seen("e1 e2 e3"), "forget", ("e2",), id="back before it was removed"),
    ],
)
def test_a_healing_that_was_cut_short(what: State, action: str, members: tuple[str, ...]) -> None:
    found = decide(what, memory=dead_for(10), members="e1 e3 s1", replaced={"e2": "s1"}, spares="")
    assert (found.action, found.members) == (action, members), found


@pytest.mark.parametrize(
    ("attempts", "action"),
    [
        pytest.param((60,), "heal", id="no pause before it"),
        pytest.param((300, 200, 100), "refuse", id="but not for ever"),
    ],
)
def test_what_was_cut_short_is_gone_on_with(attempts: tuple[float, ...], action: str) -> None:
    found = decide(seen("e1 e3"), memory=dead_for(10, attempts=attempts), members="e1 e3 s1", replaced={"e2": "s1"}, spares="")
    assert found.action == action


@pytest.mark.parametrize(
    ("before", "what", "ago", "since"),
    [
        pytest.param({}, seen(dead="e2"), 30, {"e2": NOW}, id="new"),
        pytest.param({"e2": NOW - 100}, seen(dead="e2"), 30, {"e2": NOW - 100}, id="still"),
        pytest.param({"e2": NOW - 100}, seen(), 30, {}, id="back"),
        pytest.param({"e2": NOW - 100}, seen(dead="e2"), 400, {"e2": NOW}, id="nobody looked for a while"),
        pytest.param({"e2": NOW - 100}, State(problem="no quorum"), 30, {"e2": NOW - 100}, id="a look without a majority"),
        pytest.param({"e2": NOW + 50}, seen(dead="e2"), -60, {"e2": NOW}, id="the clock was put back"),
    ],
)
def test_remember(before: dict[str, float], what: State, ago: float, since: dict[str, float]) -> None:
    found = _healing.remember(Memory(looked=NOW - ago, since=before), what, now=NOW, gap=300)
    assert found.since == since


@pytest.mark.parametrize("data", [None, [], {}, {"looked": "x"}, {"looked": 1, "since": [], "attempts": []}])
def test_a_memory_that_cannot_be_read_starts_over(data: object) -> None:
    assert Memory.of(data) == Memory()


def test_a_memory_survives_the_file() -> None:
    memory = dead_for(10, attempts=(100, 50))
    assert Memory.of(memory.as_data()) == dataclasses.replace(memory, attempts=(NOW - 100, NOW - 50))


@pytest.mark.parametrize(
    ("candidates", "zones", "fixed", "expected"),
    [
        pytest.param({"s1": "", "s2": ""}, {}, {}, {"e2": "s1"}, id="first by name"),
        pytest.param({"s1": "", "s2": ""}, {"e2": "b", "s1": "a", "s2": "b"}, {}, {"e2": "s2"}, id="of the same zone"),
        pytest.param({"s1": "it has data", "s2": ""}, {}, {}, {"e2": "s2"}, id="not fit"),
        pytest.param({"s1": "it has data"}, {}, {}, {}, id="none fit"),
        pytest.param({"s1": "", "s2": ""}, {}, {"e2": "s2"}, {"e2": "s2"}, id="chosen by a former run"),
        pytest.param({"s2": ""}, {}, {"e2": "s1"}, {"s1": "s2"}, id="chosen by a former run, and lost since"),
    ],
)
def test_pair(candidates: dict[str, str], zones: dict[str, str], fixed: dict[str, str], expected: dict[str, str]) -> None:
    pairs, problem = _healing.pair(["e2"], candidates=candidates, zones=zones, fixed=fixed)
    assert (pairs, bool(problem)) == (expected, not expected)


def test_each_gets_its_own_spare() -> None:
    pairs, _problem = _healing.pair(["e1", "e2"], candidates={"s1": "", "s2": ""}, zones={}, fixed={})
    assert pairs == {"e1": "s1", "e2": "s2"}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(None, View(cause="it could not be asked"), id="nothing"),
        pytest.param({"unreachable": True, "msg": "Task failed: no route"}, View(cause="no route"), id="no SSH"),
        pytest.param({"reachable": False, "cause": "no quorum"}, View(cause="no quorum"), id="no quorum"),
        pytest.param(
            {
                "reachable": True,
                "cluster_id": "c",
                "members": [{"name": "e1", "id": "1", "learner": False, "live": True, "healthy": True, "cause": ""}],
            },
            View(cluster="c", entries={"e1": Entry("1", True, True, True)}),
            id="an answer",
        ),
    ],
)
def test_view_of(answer: object, expected: View) -> None:
    assert _healing.view_of(answer) == expected


@pytest.mark.parametrize(
    ("running", "wanted", "refused"),
    [
        pytest.param(["3.6.16", "3.6.16"], "3.6.16", False, id="the same"),
        pytest.param(["3.6.15", "3.6.16"], "3.6.17", False, id="a patch"),
        pytest.param(["3.6.16", "3.6.16"], "3.7.3", True, id="an upgrade is prepared"),
        pytest.param(["3.6.16", "3.7.3"], "3.7.3", False, id="an upgrade is half done"),
        pytest.param(["", ""], "3.7.3", False, id="unknown"),
    ],
)
def test_version(running: list[str], wanted: str, refused: bool) -> None:
    known = {f"e{number}": Entry(str(number), True, True, True, version=version) for number, version in enumerate(running)}
    assert bool(_healing.version_problem(State(entries=known), wanted)) == refused
