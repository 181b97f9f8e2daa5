"""Found, keep, join or refuse, for every mixture of hosts."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any, Optional

import pytest
import yaml
from jinja2.nativetypes import NativeEnvironment

from ansible_collections.quorate.kubernetes.plugins.module_utils import _component, _etcd_founding
from ansible_collections.quorate.kubernetes.plugins.module_utils._etcd_founding import Observation, decide, parse_bootstrap

ROOT = Path(__file__).resolve().parents[4]
CLUSTER = "m1=https://192.0.2.1:2380,m2=https://192.0.2.2:2380,m3=https://192.0.2.3:2380"
OTHER = CLUSTER.replace("192.0.2.3", "192.0.2.33")

FRESH = Observation(data=False)
STARTED = Observation(data=True, state="new", running=True, cluster=CLUSTER)
STARTED_ELSEWHERE = Observation(data=True, state="new", cluster=OTHER)
PREPARED = Observation(data=False, state="new", cluster=CLUSTER)
MEMBER = Observation(data=True, state="existing", running=True)
STOPPED = Observation(data=True, state="existing")
EMPTIED = Observation(data=False, state="existing")
EMPTIED_RUNNING = Observation(data=False, state="existing", running=True)
HALFWAY = Observation(data=True, state="joining")
HALFWAY_EMPTY = Observation(data=False, state="joining")
STRANGE = Observation(data=True, state="absent")
QUORATE = Observation(data=True, state="new", running=True, quorum=True, cluster=CLUSTER)
# Of the cluster a, and of another one that it was before a restore.
LEADING = Observation(data=True, state="existing", running=True, started=True, number="a", quorum=True)
SILENT = Observation(data=True, state="existing", running=True, started=True, number="a")
DOWN = Observation(data=True, state="existing", number="a")
ENDING = Observation(data=True, state="existing", running=True, number="a")
COMING = Observation(data=True, state="existing", running=True, number="a", quorum=True)
FORMER = Observation(data=True, state="existing", running=True, started=True, number="b", quorum=True)
FORMER_STRANGE = Observation(data=True, number="b")
ATTEMPT, FORMER_ATTEMPT = Observation(data=True, state="new", number="a"), Observation(data=True, state="new", number="b")
UNSEEN = None


@pytest.mark.parametrize(
    ("hosts", "actions"),
    [
        pytest.param([FRESH], "found", id="one fresh host"),
        pytest.param([FRESH, FRESH, FRESH], "found found found", id="three fresh hosts"),
        pytest.param([STARTED, FRESH, PREPARED], "found found found", id="killed while founding: goes on"),
        pytest.param([STARTED, STARTED, STARTED], "found found found", id="killed before the first quorum was noticed"),
        pytest.param([MEMBER, STARTED, STARTED], "keep keep keep", id="killed while noting the first quorum"),
        pytest.param([MEMBER, STARTED, PREPARED], "keep keep join", id="one never started beside a quorum: joins, never new"),
        pytest.param([QUORATE, QUORATE, FRESH], "keep keep join", id="a quorum that was only seen alive counts as founded"),
        pytest.param([MEMBER, MEMBER, MEMBER], "keep keep keep", id="living cluster"),
        pytest.param([STOPPED, STOPPED, STOPPED], "keep keep keep", id="stopped cluster"),
        pytest.param([MEMBER, MEMBER, FRESH], "keep keep join", id="grow, or a rebuilt host"),
        pytest.param([FRESH, MEMBER, MEMBER], "join keep keep", id="the first host rebuilt"),
        pytest.param([MEMBER, MEMBER, EMPTIED], "keep keep join", id="only the data directory gone"),
        pytest.param([MEMBER, MEMBER, EMPTIED_RUNNING], "keep keep join", id="data gone below a running process"),
        pytest.param([MEMBER, MEMBER, HALFWAY], "keep keep join", id="joining was cut short: goes on"),
        pytest.param([MEMBER, HALFWAY_EMPTY], "keep join", id="joining was cut short before its first start"),
        pytest.param([MEMBER, MEMBER, STRANGE], "keep keep keep", id="bootstrap file lost: data decides"),
        pytest.param([STRANGE], "keep", id="single member, bootstrap file lost"),
        pytest.param([STRANGE, STRANGE, STRANGE], "keep keep keep", id="all bootstrap files lost"),
        pytest.param([STRANGE, FRESH, FRESH], "refuse refuse refuse", id="data of unknown origin beside fresh hosts"),
        pytest.param([FRESH, FRESH, UNSEEN], "refuse refuse", id="one host down: no founding"),
        pytest.param([FRESH, UNSEEN, UNSEEN], "refuse", id="limited to one host: no founding"),
        pytest.param([STARTED, STARTED, UNSEEN], "found found", id="a founding goes on, and nothing says yet that it came to its end"),
        pytest.param([STARTED, FRESH, UNSEEN], "found refuse", id="a founding is not begun on another host while one is down"),
        pytest.param([MEMBER, FRESH, UNSEEN], "keep join", id="one host down in a founded cluster"),
        pytest.param([EMPTIED, UNSEEN, UNSEEN], "join", id="the only host seen lost its data: it was in a cluster, so never new"),
        pytest.param([EMPTIED, EMPTIED, EMPTIED], "join join join", id="all data lost: nobody founds over it, restore does"),
        pytest.param([LEADING, LEADING, LEADING], "keep keep keep", id="living cluster, of one number"),
        pytest.param([LEADING, LEADING, DOWN], "keep keep join", id="one does not run: maybe it was removed"),
        pytest.param([LEADING, LEADING, ENDING], "keep keep join", id="one ends again and again, as a removed one does"),
        pytest.param([LEADING, LEADING, SILENT], "keep keep keep", id="one runs and is slow"),
        pytest.param([LEADING, LEADING, COMING], "keep keep keep", id="one has just come to the quorum"),
        pytest.param([LEADING, LEADING, STOPPED], "keep keep keep", id="one does not run, and its data cannot be read"),
        pytest.param([LEADING, LEADING, HALFWAY], "keep keep join", id="joining was cut short, and its data cannot be read"),
        pytest.param([SILENT, DOWN, DOWN], "keep keep keep", id="without quorum all are started"),
        pytest.param([DOWN, DOWN, DOWN], "keep keep keep", id="stopped cluster, of one number"),
        pytest.param([QUORATE, DOWN], "keep keep", id="another one has a quorum, and its data cannot be read"),
        pytest.param([LEADING, FORMER, FORMER], "refuse refuse refuse", id="repaired hosts hold the cluster that a restore gave up"),
        pytest.param([LEADING, FORMER, FRESH], "refuse refuse refuse", id="and a fresh one must join neither"),
        pytest.param([LEADING, LEADING, FORMER_STRANGE], "refuse refuse refuse", id="and the bootstrap file of one is lost"),
        pytest.param([Observation(data=True, number="a"), FORMER_STRANGE], "refuse refuse", id="all bootstrap files lost, of two clusters"),
        pytest.param([LEADING, FORMER_ATTEMPT], "refuse refuse", id="a founding that failed beside a living cluster"),
        pytest.param([ATTEMPT, FORMER_ATTEMPT, FRESH], "found found found", id="two attempts that never had quorum"),
        pytest.param([LEADING, UNSEEN, FORMER], "refuse refuse", id="two clusters, and one host down"),
    ],
)
def test_decide(hosts: list[Optional[Observation]], actions: str) -> None:
    named = {f"m{number}": one for number, one in enumerate(hosts, 1)}
    decided = decide(named, cluster=CLUSTER)
    assert [decision.action for decision in decided.values()] == actions.split()
    assert list(decided) == [name for name, one in named.items() if one is not None]
    assert all(decision.reason for decision in decided.values())
    assert not any(decision.aside for decision in decided.values())


def test_a_member_that_is_down_comes_back_before_others_join() -> None:
    decided = decide({"m1": FRESH, "m2": DOWN, "m3": HALFWAY, "m4": LEADING}, cluster=CLUSTER)
    assert {name: one.returns for name, one in decided.items() if one.action == "join"} == {"m1": False, "m2": True, "m3": False}


@pytest.mark.parametrize(
    ("hosts", "actions"),
    [
        pytest.param([FRESH, FRESH, FRESH], "refuse refuse refuse", id="the group is another one, or all of its hosts were made anew"),
        pytest.param([FRESH, UNSEEN], "refuse", id="and one could not be looked at"),
        pytest.param([PREPARED], "refuse", id="a founding was begun over it, and nobody has written anything yet"),
        pytest.param([STARTED, FRESH], "found found", id="a founding that goes on is that of the users"),
        pytest.param([MEMBER, FRESH], "keep join", id="a member is left"),
    ],
)
def test_nothing_is_founded_below_those_who_have_used_a_cluster(hosts: list[Optional[Observation]], actions: str) -> None:
    names = dict(zip(("e1", "e2", "e3"), hosts))
    decided = decide(names, users=["w1", "m1"])
    assert " ".join(decided[name].action for name, one in names.items() if one) == actions
    if not any(one is None for one in hosts) and "refuse" in actions:
        assert "m1, w1 belong to a cluster that was founded, but no etcd host of the inventory" in decided["e1"].reason
        assert "restore" in decided["e1"].reason


def test_order_of_hosts_does_not_matter() -> None:
    hosts = {"m1": FRESH, "m2": MEMBER, "m3": STARTED}
    backwards = dict(reversed(hosts.items()))
    assert decide(hosts) == decide(backwards)


def test_founding_that_never_had_quorum_starts_over_when_addresses_changed() -> None:
    decided = decide({"m1": STARTED_ELSEWHERE, "m2": STARTED, "m3": FRESH}, cluster=CLUSTER)
    assert [(one.action, one.aside) for one in decided.values()] == [("found", True), ("found", True), ("found", False)]


@pytest.mark.parametrize(
    ("tokens", "told"),
    [
        pytest.param([None, None, None], "now now now", id="none has begun"),
        pytest.param(["first", None, None], "first first first", id="goes on with the token that it began with"),
        pytest.param(["first", "first", None], "first first first", id="two began"),
        pytest.param(["first", "second", None], "now now now", id="two foundings: all start over"),
        pytest.param(["", None, None], "  ", id="began without one: as etcd itself has it"),
    ],
)
def test_the_token_of_a_founding(tokens: list[Optional[str]], told: str) -> None:
    hosts = {f"m{number}": FRESH if token is None else dataclasses.replace(STARTED, token=token) for number, token in enumerate(tokens, 1)}
    decided = decide(hosts, cluster=CLUSTER, token="now")
    assert " ".join(one.token for one in decided.values()) == told
    assert {one.action for one in decided.values()} == {"found"}
    started_over = len({token for token in tokens if token is not None}) > 1
    assert [one.aside for one in decided.values()] == [started_over and token is not None for token in tokens]


def test_a_token_without_data_is_forgotten() -> None:
    prepared = dataclasses.replace(PREPARED, token="first")
    assert {one.token for one in decide({"m1": prepared, "m2": FRESH}, cluster=CLUSTER, token="now").values()} == {"now"}


def test_data_of_a_founded_cluster_is_never_moved_aside_here() -> None:
    decided = decide({"m1": MEMBER, "m2": STARTED_ELSEWHERE}, cluster=CLUSTER)
    assert [(one.action, one.aside) for one in decided.values()] == [("keep", False), ("keep", False)]


def test_refusals_name_the_hosts_and_what_to_do() -> None:
    reason = decide({"m1": FRESH, "m2": None, "m3": None})["m1"].reason
    assert "m2, m3 could not be looked at" in reason
    assert "--limit" in reason
    reason = decide({"m1": FRESH, "m2": STRANGE})["m1"].reason
    assert "m2 has data of etcd" in reason
    assert "move its data directory aside" in reason


def test_a_divided_cluster_is_told_with_who_answers_and_what_to_do() -> None:
    decided = decide({"m1": LEADING, "m2": FORMER, "m3": dataclasses.replace(DOWN, number="b"), "m4": DOWN})
    reasons = {one.reason for one in decided.values()}
    assert len(reasons) == 1, "one error, and not one a host"
    assert "m1, m4: cluster a (it has its quorum, says m1); m2, m3: cluster b (it has its quorum, says m2)" in reasons.pop()
    reason = decide({"m1": SILENT, "m2": dataclasses.replace(DOWN, number="b")})["m1"].reason
    assert "m2: cluster b (none of them says that it has its quorum)" in reason
    assert "the playbook reset with --limit HOST,HOST and -e reset_confirmed=true" in reason


@pytest.mark.parametrize(
    ("text", "state", "cluster"),
    [
        pytest.param("", "absent", "", id="empty file"),
        pytest.param("ETCD_INITIAL_CLUSTER_STATE=existing\n", "existing", "", id="existing"),
        pytest.param(f"ETCD_INITIAL_CLUSTER={CLUSTER}\nETCD_INITIAL_CLUSTER_STATE=new\n", "new", CLUSTER, id="new"),
        pytest.param(f'ETCD_INITIAL_CLUSTER_STATE="new"\nETCD_INITIAL_CLUSTER="{CLUSTER}"', "new", CLUSTER, id="quoted"),
        pytest.param(f"ETCD_INITIAL_CLUSTER_STATE=existing\nETCD_INITIAL_CLUSTER={CLUSTER}\n", "joining", CLUSTER, id="joining"),
        pytest.param("ETCD_INITIAL_CLUSTER_STATE=exis", "absent", "", id="cut off"),
        pytest.param("# ETCD_INITIAL_CLUSTER_STATE=new\n", "absent", "", id="comment"),
    ],
)
def test_parse_bootstrap(text: str, state: str, cluster: str) -> None:
    assert parse_bootstrap(text) == Observation(data=False, state=state, cluster=cluster)


def test_parse_bootstrap_token() -> None:
    assert parse_bootstrap("ETCD_INITIAL_CLUSTER_STATE=new\nETCD_INITIAL_CLUSTER_TOKEN=kubernetes-1\n").token == "kubernetes-1"


def read(path: str) -> Any:
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


def test_actions_are_those_that_roles_know() -> None:
    """The role hands the action on as the step of the host, or refuses; the stage has a play for each step and group."""
    plan = read("roles/etcd/tasks/plan.yml")[0]["quorate.kubernetes.components"]
    handed_on = set(re.findall(r"'(\w+)'", plan["step"]))
    assert handed_on == {_etcd_founding.FOUND, _etcd_founding.JOIN}
    refused = read("roles/etcd/vars/main.yml")["__etcd_refusals"]
    assert re.findall(r"\.action == '(\w+)'", refused) == [_etcd_founding.REFUSE]
    steps = {f"{plan['group']}_{step}" for step in (*handed_on, _component.BUILD, _component.CHANGE)}
    further = {name for group in plan["groups"] for name in re.findall(r"'(etcd_\w+)'", group)}
    played = {name for play in read("playbooks/stages/etcd.yml") for name in re.findall(r"\w+", play["hosts"])}
    assert further
    assert steps | further <= played


@pytest.mark.parametrize(
    ("hosts", "words"),
    [
        pytest.param([FRESH, FRESH], "", id="founds"),
        pytest.param([STARTED, FRESH], "", id="goes on"),
        pytest.param([FRESH, STRANGE], "m2 has data of etcd, but nothing says of which cluster", id="refuses"),
        pytest.param(
            [STARTED_ELSEWHERE, STARTED],
            "Names or addresses have changed since a founding that never had quorum, or there was more than one: all start over. "
            "Run the playbook reset for the hosts of etcd, which moves their data aside, and then site again.",
            id="a founding whose data cannot be used",
        ),
    ],
)
def test_what_the_role_refuses(hosts: list[Optional[Observation]], words: str) -> None:
    expression = NativeEnvironment(autoescape=False).from_string(read("roles/etcd/vars/main.yml")["__etcd_refusals"])
    decided = decide({f"m{number}": one for number, one in enumerate(hosts, 1)}, cluster=CLUSTER)
    refusals = expression.render(__etcd_founding=dataclasses.asdict(decided["m1"]))
    assert [words in refusal for refusal in refusals] == ([True] if words else [])


@pytest.mark.parametrize(
    ("hosts", "outside", "actions"),
    [
        pytest.param([FRESH, FRESH, FRESH], MEMBER, "refuse refuse refuse", id="the group was swapped: a second cluster"),
        pytest.param([FRESH, FRESH, UNSEEN], STOPPED, "refuse refuse", id="swapped, and it does not run now"),
        pytest.param([MEMBER, FRESH, FRESH], MEMBER, "keep join join", id="on the way from one to the other"),
        pytest.param([FRESH, FRESH, FRESH], EMPTIED, "found found found", id="was one once"),
    ],
)
def test_decide_sees_who_is_no_etcd_host_any_more(hosts: list[Optional[Observation]], outside: Observation, actions: str) -> None:
    names = dict(zip(("e1", "e2", "e3"), hosts))
    found = decide(names, outside={"m1": outside})
    assert " ".join(found[name].action for name, one in names.items() if one) == actions
    assert "m1 holds" in found["e1"].reason or actions[:6] != "refuse"
