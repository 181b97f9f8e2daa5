"""From which version of etcd to which one may go."""

from __future__ import annotations

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils import _etcd_version
from ansible_collections.quorate.kubernetes.plugins.module_utils._etcd_version import is_mixed, judge


@pytest.mark.parametrize(
    ("versions", "target", "kind", "words"),
    [
        pytest.param("3.7.3 3.7.3 3.7.3", "3.7.3", "keep", "", id="nothing to do"),
        pytest.param("3.7.0 3.7.0 3.7.0", "3.7.3", "patch", "", id="patch"),
        pytest.param("3.7.3 3.7.3 3.7.3", "3.7.0", "patch", "", id="patch back"),
        pytest.param("3.6.11 3.6.11 3.6.11", "3.7.3", "upgrade", "", id="one minor version"),
        pytest.param("3.6.16 3.7.3 3.6.16", "3.7.3", "upgrade", "", id="resumed"),
        pytest.param(
            "3.6.10 3.6.16 3.6.16",
            "3.7.3",
            "upgrade",
            "3.6.10 is too old to go to 3.7; upgrade to 3.6.11 or later first (members: m1)",
            id="below the floor",
        ),
        pytest.param("3.5.32 3.5.32 3.5.32", "3.6.16", "upgrade", "", id="3.5 to 3.6"),
        pytest.param("3.5.25 3.5.32 3.5.32", "3.6.16", "upgrade", "upgrade to 3.5.32", id="3.5 below the hard floor"),
        pytest.param("3.5.32 3.5.32 3.5.32", "3.7.3", "upgrade", "upgrade to 3.6 first (members: m1, m2, m3)", id="two minor versions"),
        pytest.param("3.5.9 3.5.9 3.5.9", "3.5.1", "patch", "can lose data", id="a version that loses data"),
        pytest.param("3.7.3 3.7.3 3.7.3", "3.6.16", "downgrade", "", id="one minor version back"),
        pytest.param("3.6.16 3.7.3 3.7.3", "3.6.16", "downgrade", "", id="back, resumed"),
        pytest.param("3.7.3 3.7.3 3.7.3", "3.6.4", "downgrade", "3.6.11 is the first", id="back below the floor"),
        pytest.param("3.7.3 3.7.3 3.7.3", "3.5.32", "downgrade", "cannot go back", id="two minor versions back"),
        pytest.param("3.5.32 3.5.32 3.5.32", "3.4.40", "downgrade", "not known", id="back from what cannot"),
        pytest.param("3.6.16 3.8.0 3.7.3", "3.7.3", "upgrade", "finish the change", id="on both sides"),
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
    assert "3.5.32 or later" in verdict.warnings[0]


@pytest.mark.parametrize(
    ("versions", "under_way", "calls"),
    [
        pytest.param("3.7.3 3.7.3", "", ["downgrade validate 3.6", "downgrade enable 3.6"], id="back"),
        pytest.param("3.7.3 3.7.3", "3.6.0", [], id="back, under way"),
        pytest.param("3.7.3 3.6.16", "3.6.0", [], id="back, resumed"),
        pytest.param("3.7.3 3.6.16 3.6.16", "", [], id="back from an upgrade of which one member had come to its end"),
        pytest.param(
            "3.7.3 3.7.3", "3.5.0", ["downgrade cancel", "downgrade validate 3.6", "downgrade enable 3.6"], id="to another version"
        ),
        pytest.param("3.5.32 3.5.32", "", [], id="an upgrade needs none"),
        pytest.param("3.6.15 3.6.15", "3.5.0", ["downgrade cancel"], id="what was begun and given up"),
        pytest.param("3.6.16", "3.6.0", [], id="back, and nearly done"),
    ],
)
def test_preparation(versions: str, under_way: str, calls: list[str]) -> None:
    members = {f"m{number}": version for number, version in enumerate(versions.split(), 1)}
    assert [" ".join(arguments) for arguments, _sentence in _etcd_version.preparation(members, "3.6.16", under_way=under_way)] == calls


def test_is_mixed() -> None:
    assert is_mixed({"m1": "3.7.3", "m2": "3.6.16"})
    assert not is_mixed({"m1": "3.7.3", "m2": "3.7.0"})
    assert not is_mixed({})
