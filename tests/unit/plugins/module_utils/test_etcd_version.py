"""From which version of etcd to which one may go."""

from __future__ import annotations

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils import _etcd_version
from ansible_collections.quorate.kubernetes.plugins.module_utils._etcd_version import VersionError, can_go_back, is_mixed, judge, parse


@pytest.mark.parametrize(("text", "version"), [("3.7.3", (3, 7, 3)), ("v3.6.16", (3, 6, 16)), ("3.8.0-rc.1", (3, 8, 0))])
def test_parse(text: str, version: tuple[int, int, int]) -> None:
    assert parse(text) == version


@pytest.mark.parametrize("text", ["", "3.7", "latest"])
def test_parse_refuses(text: str) -> None:
    with pytest.raises(VersionError):
        parse(text)


@pytest.mark.parametrize(
    ("versions", "target", "kind", "words"),
    [
        pytest.param("3.7.3 3.7.3 3.7.3", "3.7.3", "keep", "", id="nothing to do"),
        pytest.param("3.7.0 3.7.0 3.7.0", "3.7.3", "patch", "", id="patch"),
        pytest.param("3.7.3 3.7.3 3.7.3", "3.7.0", "patch", "", id="patch back"),
        pytest.param("3.6.11 3.6.11 3.6.11", "3.7.3", "upgrade", "", id="one minor version"),
        pytest.param("3.6.16 3.7.3 3.6.16", "3.7.3", "upgrade", "", id="resumed"),
        pytest.param("3.6.10 3.6.16 3.6.16", "3.7.3", "upgrade", "m1 has etcd 3.6.10: bring all members to 3.6.11", id="below the floor"),
        pytest.param("3.5.32 3.5.32 3.5.32", "3.6.16", "upgrade", "", id="3.5 to 3.6"),
        pytest.param("3.5.25 3.5.32 3.5.32", "3.6.16", "upgrade", "below 3.5.26", id="3.5 below the hard floor"),
        pytest.param("3.5.32 3.5.32 3.5.32", "3.7.3", "upgrade", "go through 3.6 first", id="two minor versions"),
        pytest.param("3.5.9 3.5.9 3.5.9", "3.5.1", "patch", "must not be used", id="a version that loses data"),
        pytest.param("3.7.3 3.7.3 3.7.3", "3.6.16", "downgrade", "", id="one minor version back"),
        pytest.param("3.6.16 3.7.3 3.7.3", "3.6.16", "downgrade", "", id="back, resumed"),
        pytest.param("3.7.3 3.7.3 3.7.3", "3.6.4", "downgrade", "3.6.11 is the first", id="back below the floor"),
        pytest.param("3.7.3 3.7.3 3.7.3", "3.5.32", "downgrade", "go through 3.6 first", id="two minor versions back"),
        pytest.param("3.5.32 3.5.32 3.5.32", "3.4.40", "downgrade", "cannot be brought back", id="back from what cannot"),
        pytest.param("3.6.16 3.8.0 3.7.0", "3.7.3", "upgrade", "finish the change", id="on both sides"),
    ],
)
def test_judge(versions: str, target: str, kind: str, words: str) -> None:
    members = {f"m{number}": version for number, version in enumerate(versions.split(), 1)}
    verdict = judge(members, target)
    assert verdict.kind == kind
    assert bool(verdict.problems) is bool(words)
    assert words in " ".join(verdict.problems)


def test_between_the_floors_is_a_warning() -> None:
    verdict = judge({"m1": "3.5.26"}, "3.6.16")
    assert verdict.problems == ()
    assert "3.5.32 is the better one" in verdict.warnings[0]


def test_content_of_the_v2_store_stops_the_way_to_3_6() -> None:
    assert "v2 store" in judge({"m1": "3.5.32"}, "3.6.16", v2_content=True).problems[0]
    assert judge({"m1": "3.6.16"}, "3.7.3", v2_content=True).problems == ()


@pytest.mark.parametrize(
    ("versions", "back"),
    [("3.7.3 3.6.16 3.7.3", True), ("3.7.3 3.7.3 3.7.3", False), ("3.6.16 3.6.16", True)],
)
def test_going_back_by_the_program_works_while_one_has_the_former_version(*, versions: str, back: bool) -> None:
    assert can_go_back({str(number): version for number, version in enumerate(versions.split())}, "3.6.16") is back


@pytest.mark.parametrize(
    ("kind", "under_way", "calls"),
    [
        pytest.param("downgrade", "", ["downgrade validate 3.6", "downgrade enable 3.6"], id="back"),
        pytest.param("downgrade", "3.6.0", [], id="back, under way"),
        pytest.param("downgrade", "3.5.0", ["downgrade cancel", "downgrade validate 3.6", "downgrade enable 3.6"], id="to another version"),
        pytest.param("upgrade", "", [], id="an upgrade needs none"),
        pytest.param("patch", "3.5.0", ["downgrade cancel"], id="what was begun and given up"),
        pytest.param("keep", "3.6.0", [], id="back, and nearly done"),
    ],
)
def test_preparation(kind: str, under_way: str, calls: list[str]) -> None:
    assert [" ".join(arguments) for arguments, _sentence in _etcd_version.preparation(kind, "3.6.16", under_way=under_way)] == calls


def test_is_mixed() -> None:
    assert is_mixed({"m1": "3.7.3", "m2": "3.6.16"})
    assert not is_mixed({"m1": "3.7.3", "m2": "3.7.0"})
    assert not is_mixed({})


def test_floors_are_of_the_minor_version_that_they_stand_for() -> None:
    for minor, (hard, recommended) in _etcd_version.FLOORS.items():
        assert hard[:2] == recommended[:2] == minor
        assert hard <= recommended
