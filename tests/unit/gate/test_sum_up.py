from __future__ import annotations

import pytest

from tests.gate.sum_up import summed

RUN = '{"tests": "a", "passed": 3, "failed": 1, "error": 1, "skipped": 2}'


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param([], {"passed": 0, "failed": 0, "skipped": 0}, id="no run"),
        pytest.param([RUN, RUN], {"passed": 6, "failed": 4, "skipped": 4}, id="errors are failures"),
    ],
)
def test_summed(lines: list[str], expected: dict[str, int]) -> None:
    assert summed(lines) == expected
