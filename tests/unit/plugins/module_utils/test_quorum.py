"""The arithmetic of quorum, from one to seven voters."""

from __future__ import annotations

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils._quorum import Peer, Sum, confirm, may_add, may_remove, may_restart, quorum


def peers(healthy: int, down: int = 0, learners: int = 0) -> list[Peer]:
    """Voters m1, m2, ...: first the healthy ones, then those that are down; then learners l1, l2, ..."""
    up = [Peer(f"m{number}", leader=1, term=7) for number in range(1, healthy + 1)]
    dead = [Peer(f"m{number}", healthy=False, cause="connection refused") for number in range(healthy + 1, healthy + down + 1)]
    return [*up, *dead, *(Peer(f"l{number}", learner=True) for number in range(1, learners + 1))]


@pytest.mark.parametrize(("voters", "needed"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3), (6, 4), (7, 4)])
def test_quorum(voters: int, needed: int) -> None:
    assert quorum(voters) == needed


# By number of voters and of those that are down: may a healthy one be stopped, may it be removed, may a dead one be removed.
@pytest.mark.parametrize(
    ("voters", "down", "stop", "remove", "remove_dead"),
    [
        (1, 0, False, False, None),
        (2, 0, False, False, None),
        (2, 1, False, False, False),
        (3, 0, True, True, None),
        (3, 1, False, False, True),
        (3, 2, False, False, False),
        (4, 0, True, True, None),
        (4, 1, False, True, True),
        (4, 2, False, False, True),
        (4, 3, False, False, False),
        (5, 0, True, True, None),
        (5, 1, True, True, True),
        (5, 2, False, False, True),
        (5, 3, False, False, False),
        (6, 0, True, True, None),
        (6, 1, True, True, True),
        (6, 2, False, True, True),
        (6, 3, False, False, True),
        (7, 0, True, True, None),
        (7, 1, True, True, True),
        (7, 2, True, True, True),
        (7, 3, False, False, True),
        (7, 4, False, False, False),
    ],
)
@pytest.mark.parametrize("learners", [0, 1])
def test_table(*, voters: int, down: int, stop: bool, remove: bool, remove_dead: bool | None, learners: int) -> None:
    cluster = peers(voters - down, down, learners)
    assert may_restart(cluster, "m1").allowed is stop
    assert may_remove(cluster, "m1").allowed is remove
    if remove_dead is not None:
        # With two voters, one of them dead, the list cannot even be read; arithmetic says no as well: one of one left, but quorum of two is gone.
        expected = remove_dead or (voters, down) == (2, 1)
        assert may_remove(cluster, f"m{voters}", force=True).allowed is expected


@pytest.mark.parametrize(
    ("healthy", "down", "allowed"),
    [
        pytest.param(2, 1, True, id="one of three, the others are the quorum"),
        pytest.param(3, 2, True, id="one of two of five"),
        pytest.param(1, 2, False, id="somebody has to be the quorum that answered"),
        pytest.param(3, 3, False, id="three of six"),
    ],
)
def test_a_member_that_seems_ill_may_be_stopped_if_the_others_are_the_quorum(*, healthy: int, down: int, allowed: bool) -> None:
    """It may be slow only, or asked at an address that has changed."""
    assert may_restart(peers(healthy, down), f"m{healthy + 1}").allowed is allowed


def test_while_data_differ_not_even_one_that_seems_ill_is_stopped() -> None:
    assert not may_restart(peers(2, 1), "m3", alarms=["CORRUPT on m3"]).allowed


def test_a_learner_may_be_stopped_and_removed() -> None:
    cluster = peers(2, 1, 1)
    assert may_restart(cluster, "l1").allowed
    assert may_remove(cluster, "l1").allowed


def test_learners_do_not_count() -> None:
    assert not may_restart(peers(2, 1, 4), "m1").allowed
    assert may_restart(peers(3, 0, 1), "m1").sum == Sum(
        voters=3, healthy=3, learners=1, quorum=2, voters_after=3, healthy_after=2, quorum_after=2
    )


def test_one_of_two_goes_only_by_force() -> None:
    decision = may_remove(peers(2), "m2")
    assert not decision.allowed
    assert "force" in decision.explanation
    assert may_remove(peers(2), "m2", force=True).allowed
    assert not may_remove(peers(1), "m1", force=True).allowed, "force never takes the last"


@pytest.mark.parametrize(
    ("voters", "down", "downtime", "allowed"),
    [
        pytest.param(1, 0, 1, True, id="only member"),
        pytest.param(1, 0, 0, False, id="only member, and nobody asked for it"),
        pytest.param(2, 0, 2, True, id="two members"),
        pytest.param(2, 0, 1, False, id="one more than was counted"),
        pytest.param(2, 1, 2, False, id="one of two down"),
        pytest.param(3, 1, 3, False, id="never with three"),
    ],
)
def test_down_time_on_request(*, voters: int, down: int, downtime: int, allowed: bool) -> None:
    assert may_restart(peers(voters - down, down), "m1", downtime=downtime).allowed is allowed


@pytest.mark.parametrize(
    ("voters", "down", "learners", "allowed"),
    [
        pytest.param(1, 0, 0, True, id="one"),
        pytest.param(3, 0, 0, True, id="three"),
        pytest.param(3, 1, 0, False, id="never while one of three is down"),
        pytest.param(5, 1, 0, False, id="nor one of five: etcd wants all connected"),
        pytest.param(3, 0, 1, False, id="another learner"),
    ],
)
def test_may_add(*, voters: int, down: int, learners: int, allowed: bool) -> None:
    assert may_add(peers(voters - down, down, learners), "m9").allowed is allowed


def test_its_own_learner_is_no_obstacle_to_adding() -> None:
    assert may_add(peers(3, 0, 1), "l1").allowed


@pytest.mark.parametrize(
    ("changed", "alarms", "words"),
    [
        pytest.param({}, [], "", id="all agree"),
        pytest.param(
            {1: Peer("m2", healthy=False, cause="connection refused")}, [], "", id="another is down: that is the next one's guard"
        ),
        pytest.param({0: Peer("m1", healthy=False, cause="it answers 503")}, [], "not ready (it answers 503)", id="not ready"),
        pytest.param({0: Peer("m1", leader=1, term=6)}, [], "do not agree", id="former term"),
        pytest.param({2: Peer("m3", leader=2, term=7)}, [], "do not agree", id="another leader"),
        pytest.param({0: Peer("m1", learner=True)}, [], "learner", id="learner"),
        pytest.param({}, ["NOSPACE on m2"], "NOSPACE on m2", id="alarm"),
    ],
)
def test_confirm(changed: dict[int, Peer], alarms: list[str], words: str) -> None:
    cluster = [changed.get(number, peer) for number, peer in enumerate(peers(3))]
    decision = confirm(cluster, "m1", alarms)
    assert decision.allowed is (words == "")
    assert words in decision.explanation


def test_no_leader_is_not_agreement() -> None:
    assert "no member knows a leader" in confirm([Peer(name) for name in ("m1", "m2", "m3")], "m1").explanation


def test_alarms_forbid_stopping_but_not_what_is_dead() -> None:
    assert "NOSPACE on m2" in may_restart(peers(3), "m1", alarms=["NOSPACE on m2"]).explanation
    assert may_restart(peers(2, 1), "m3", alarms=["NOSPACE on m2"]).allowed


@pytest.mark.parametrize("decide", [may_restart, confirm], ids=["restart", "confirm"])
def test_names_that_are_no_members_are_refused_with_the_members(decide: object) -> None:
    decision = decide(peers(3), "m9")  # type: ignore[operator]
    assert not decision.allowed
    assert "m1, m2 and m3" in decision.explanation


def test_removing_what_is_not_there_is_allowed() -> None:
    assert may_remove(peers(3), "m9").allowed


def test_explanations_name_members_and_arithmetic() -> None:
    assert may_restart(peers(3), "m1").explanation == (
        "m1 may be stopped: all 3 voters (m1, m2 and m3) are healthy, and quorum is 2; without m1 2 remain."
    )
    assert may_restart(peers(2, 1), "m1").explanation == (
        "m1 may not be stopped: of 3 voters (m1, m2 and m3) 2 are healthy, m3 is not (connection refused), and quorum is 2; without m1 1 remains. "
        "Bring back m3 first."
    )
    assert may_remove(peers(2, 1), "m1").explanation == (
        "m1 may not be removed: of 3 voters (m1, m2 and m3) 2 are healthy, m3 is not (connection refused), and quorum is 2; "
        "of the 2 left 1 would be healthy, and their quorum is 2. Bring back m3 first."
    )
