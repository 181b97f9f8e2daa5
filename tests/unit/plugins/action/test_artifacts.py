"""The control node's half of the module artifacts."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.quorate.kubernetes.plugins.action import artifacts

FOUND = {"digest": "old", "mode": "0644", "owner": "root", "group": "root", "changed": 1.0}


@pytest.mark.parametrize(
    ("files", "renewed"),
    [
        pytest.param({"/opt/a": FOUND}, {"/opt/a": {**FOUND, "digest": "new"}}, id="watched"),
        pytest.param({"/opt/a": None}, {}, id="watched and new"),
        pytest.param({"/opt/b": FOUND}, {}, id="not installed now"),
        pytest.param({}, {}, id="nothing is known"),
    ],
)
def test_what_is_known_of_watched_files_follows_what_was_installed(files: dict[str, Any], renewed: dict[str, Any]) -> None:
    assert artifacts._seen_anew(files, {"/opt/a": "new"}) == renewed
