"""What is wrong with an inventory, as data and as text."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils._problem import Problem, merge, render, show, show_hosts

EVERYONE = ["h1", "h2", "h3", "h4", "h5", "h6", "h7"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        pytest.param("plain", '"plain"', id="text"),
        pytest.param("a\nb\x1b[31m", '"a\\nb\\u001b[31m"', id="control characters"),
        pytest.param([1, {"a": None}], '[1, {"a": null}]', id="structure"),
        pytest.param("x" * 500, '"' + "x" * 116 + "...", id="long"),
    ],
)
def test_show(value: Any, shown: str) -> None:
    assert show(value) == shown


@pytest.mark.parametrize(
    ("hosts", "shown"),
    [
        pytest.param(["b", "a"], "a, b", id="sorted"),
        pytest.param(["a\nb"], '"a\\nb"', id="unusual"),
        pytest.param(EVERYONE[:5], "h1, h2, h3, h4, h5", id="all shown rather than 'and 1 more'"),
        pytest.param(EVERYONE, "h1, h2, h3, h4 and 3 more", id="many"),
    ],
)
def test_show_hosts(hosts: list[str], shown: str) -> None:
    assert show_hosts(hosts) == shown


@pytest.mark.parametrize(
    ("problems", "where"),
    [
        pytest.param([Problem("w", "r", place="group etcd")], ["group etcd"], id="place"),
        pytest.param([Problem("w", "r")], ["inventory"], id="nowhere"),
        pytest.param([Problem("w", "r", hosts=("h1",))], ["host h1"], id="one host"),
        pytest.param([Problem("w", "r", hosts=("h2",)), Problem("w", "r", hosts=("h1",))], ["hosts h1, h2"], id="same, two hosts"),
        pytest.param([Problem("w", "r", hosts=(host,)) for host in EVERYONE], ["all hosts"], id="same, all hosts"),
        pytest.param([Problem("w", "r", hosts=("h2",)), Problem("v", "r", hosts=("h1",))], ["host h1", "host h2"], id="different"),
    ],
)
def test_merge(problems: list[Problem], where: list[str]) -> None:
    assert [entry["where"] for entry in merge(problems, everyone=EVERYONE)] == where


def test_render_numbers_problems_with_their_remedies() -> None:
    entries = merge([Problem("is bad", "Mend it", place="x"), Problem("is worse", "Replace it", place="y")], everyone=())
    assert render(entries).splitlines() == [
        "The inventory cannot be used: 2 problems. No host has been contacted, nothing has been changed.",
        "  1. x: is bad",
        "     -> Mend it",
        "  2. y: is worse",
        "     -> Replace it",
    ]
