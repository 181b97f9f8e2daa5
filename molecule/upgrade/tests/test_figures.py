"""What the upgrade to the next minor version of Kubernetes cost those who worked meanwhile. Only a quiet machine gives these figures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

LONGEST_GAP = 1.0


@pytest.fixture(scope="module")
def measured(figures: Path) -> Mapping[str, Any]:
    """What was measured."""
    return dict(json.loads(figures.read_text(encoding="utf-8")))


def test_writes_have_no_long_gap(measured: Mapping[str, Any]) -> None:
    longest = max(LONGEST_GAP, 2 * measured["quiet"])
    assert measured["gaps"]
    assert {name: gap for name, gap in measured["gaps"].items() if gap["seconds"] > longest} == {}, f"quiet: {measured['quiet']:.2f} s"


def test_leadership_of_the_controllers_moves_once(measured: Mapping[str, Any]) -> None:
    assert {name: number for name, number in measured["moves"].items() if number > 1} == {}
