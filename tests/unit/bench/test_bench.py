from __future__ import annotations

import json

import pytest

from tests.bench import __main__ as bench

RECAP = """PLAY RECAP ****
m1 : ok=9    changed=2    unreachable=0    failed=0
w1 : ok=9    changed=1    unreachable=0    failed=0
"""


@pytest.mark.parametrize(
    ("output", "expected"),
    [pytest.param(RECAP, 3, id="all hosts"), pytest.param("", 0, id="nothing")],
)
def test_changes(output: str, expected: int) -> None:
    assert bench.changes(output) == expected


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [
        pytest.param([], 0, id="no run"),
        pytest.param([{"m1": {"modules": 3}, "w1": {"modules": 5}}, {"m1": {"modules": 4}}], 5, id="busiest"),
    ],
)
def test_most_modules(hosts: list[dict[str, dict[str, int]]], expected: int) -> None:
    assert bench.most_modules(json.dumps({"hosts": run}) for run in hosts) == expected


@pytest.mark.parametrize(
    ("changed", "bare", "part"),
    [
        pytest.param(0, None, "nothing to do / ping    2.00", id="ratio to ping"),
        pytest.param(0, 20.0, "1.50 x bare (20 s)", id="ratio to bare"),
        pytest.param(4, None, "4 CHANGES", id="changes are shouted"),
    ],
)
def test_report(changed: int, bare: float | None, part: str) -> None:
    fresh = bench.Compared("fresh cluster", bench.Run(seconds=30.0, changed=90, modules=20), bare)
    again = bench.Run(seconds=3.0, changed=changed, modules=1)
    assert part in bench.report(ping=1.5, compared=[fresh], again=again)


@pytest.mark.parametrize(
    ("bare", "least", "most"),
    [pytest.param("17.5", 17.5, 17.5, id="told"), pytest.param("sleep 0.2", 0.2, 5.0, id="measured")],
)
def test_seconds(bare: str, least: float, most: float) -> None:
    done: list[str] = []
    taken = bench.seconds(bare, before=lambda: done.append("hosts"))
    assert taken is not None
    assert least <= taken <= most
    assert done == (["hosts"] if " " in bare else [])
    assert bench.seconds(None) is None
