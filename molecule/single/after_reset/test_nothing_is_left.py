"""After the reset the hosts are what they were before the cluster; only packages stay installed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from testinfra.host import Host

from tests.cluster.hosts import left, state, together


@pytest.fixture(scope="module")
def before(remembered: Path) -> Mapping[str, Any]:
    return dict(json.loads(remembered.read_text(encoding="utf-8")))


def test_nothing_is_left(hosts: Mapping[str, Host], before: Mapping[str, Any]) -> None:
    assert together(lambda name: left(hosts[name], before[name]), hosts) == {name: {} for name in before}


def test_no_file_of_others_is_gone(hosts: Mapping[str, Host], before: Mapping[str, Any]) -> None:
    after = together(lambda name: state(hosts[name])["files"], hosts)
    gone = {name: set(found["files"]) - set(after[name]) for name, found in before.items()}
    assert gone == {name: set() for name in before}
