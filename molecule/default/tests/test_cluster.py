"""The cluster took no more than what was promised, and brought what was foretold."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from testinfra.host import Host

from tests.cluster.hosts import brought, together, untold


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


def test_check_mode_on_fresh_hosts_told_of_all_files(hosts: Mapping[str, Host], remembered: Path, foretold: Path) -> None:
    fresh, told = json.loads(remembered.read_text(encoding="utf-8")), foretold.read_text(encoding="utf-8")
    files = together(lambda name: brought(hosts[name], fresh[name]), hosts)
    assert {name for name, paths in files.items() if len(paths) < 20} == set()
    assert {name: untold(paths, told) for name, paths in files.items()} == {name: [] for name in hosts}
