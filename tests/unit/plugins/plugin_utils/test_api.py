"""Long waits are cut into remote executions, so that the control node can tell what is waited for."""

from __future__ import annotations

import pytest

from ansible_collections.quorate.kubernetes.plugins.plugin_utils import _api


@pytest.mark.parametrize(
    ("total", "parts"),
    [
        pytest.param(0, [0], id="none"),
        pytest.param(5, [5], id="short"),
        pytest.param(14, [14], id="no rest of a few seconds"),
        pytest.param(16, [10, 6], id="two"),
        pytest.param(60, [10, 20, 30], id="a minute"),
        pytest.param(300, [10, 20, 40, 60, 60, 60, 50], id="five minutes"),
    ],
)
def test_slices(total: float, parts: list[float]) -> None:
    found = list(_api.slices(total))
    assert [seconds for seconds, _last in found] == parts
    assert [last for _seconds, last in found] == [False] * (len(parts) - 1) + [True]


def test_an_hour_is_few_executions() -> None:
    assert len(list(_api.slices(3600))) < 65


def test_first_execution_changed_and_last_one_waited() -> None:
    first = {"changed": True, "diff": ["d"], "objects": ["o"], "waiting": ["a"]}
    last = {"changed": False, "diff": [], "objects": ["p"], "waiting": [], "failed": True, "msg": "no"}
    merged = _api.first_with_last_wait(first, last)
    assert merged == {"changed": True, "diff": ["d"], "objects": ["o"], "waiting": [], "failed": True, "msg": "no"}
