"""The cluster took no more than what was promised."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.parametrize(
    ("position", "most"),
    [
        pytest.param(0, 25, id="fresh"),
        pytest.param(1, 6, id="nothing to do"),
    ],
)
def test_a_run_takes_few_modules(runs: list[dict[str, Any]], position: int, most: int) -> None:
    real = [run for run in runs if run["playbook"] == "site.yml" and not run["check_mode"]]
    assert len(real) >= 2, "converge and idempotence"
    too_many = {name: counts["by_module"] for name, counts in real[position]["hosts"].items() if counts["modules"] > most}
    assert too_many == {}
