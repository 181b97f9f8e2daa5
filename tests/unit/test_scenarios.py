"""Promises of Molecule's scenarios that Molecule does not check: it skips tests and playbooks that it does not find."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
SCENARIOS = [pytest.param(path.parent, id=path.parent.name) for path in sorted(ROOT.glob("molecule/*/molecule.yml"))]
SHARED: dict[str, Any] = yaml.safe_load((ROOT / ".config/molecule/config.yml").read_text(encoding="utf-8"))

# The scenarios that make a cluster of each kind. Others do something with one.
TOPOLOGIES = ("default", "external", "one_master", "single")


def sequence(scenario: Path) -> list[str]:
    own = yaml.safe_load((scenario / "molecule.yml").read_text(encoding="utf-8")) or {}
    return list(own.get("scenario", {}).get("test_sequence", SHARED["scenario"]["test_sequence"]))


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_folders_and_playbooks_of_the_sequence_are_there(scenario: Path) -> None:
    steps = [step.split(" ") for step in sequence(scenario)]
    folders = [scenario / words[1] for words in steps if words[0] == "verify" and words[1:]] + [
        scenario / "tests",
        ROOT / "molecule/shared/tests",
    ]
    assert [folder for folder in folders if not list(folder.glob("test_*.py"))] == []
    assert [words[1] for words in steps if words[0] == "side_effect" and words[1:] and not (scenario / words[1]).is_file()] == []


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_fresh_hosts_see_check_mode_and_converged_ones_a_second_run(scenario: Path) -> None:
    steps = sequence(scenario)
    wanted = ["create", "verify ../shared/fresh", "converge", "idempotence", "verify", "destroy"]
    if scenario.name not in TOPOLOGIES:
        # What such a scenario is about comes after a cluster like those has been made.
        wanted = [step for step in wanted if step in steps or step in ("create", "converge", "verify", "destroy")]
    assert [step for step in steps if step in wanted] == wanted


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_inventory_has_the_settings_of_the_lab(scenario: Path) -> None:
    assert (scenario / "inventory/group_vars/all/lab.yml").resolve() == ROOT / "lab/group_vars/all.yml"


def test_the_default_scenario_is_the_lab() -> None:
    assert (ROOT / "molecule/default/inventory/hosts.yml").resolve() == ROOT / "inventories/lab/hosts.yml"
