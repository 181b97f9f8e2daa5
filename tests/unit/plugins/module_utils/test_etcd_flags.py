"""Flags of etcd by minor version."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils._etcd_flags import FLAGS, problems

OLD, NEW = (3, 6), (3, 7)


@pytest.mark.parametrize(
    ("flags", "minor", "words"),
    [
        pytest.param({"name": "m1", "feature-gates": {"InitialCorruptCheck": True}}, NEW, "", id="known"),
        pytest.param({"experimental-initial-corrupt-check": True}, OLD, "", id="known to the older"),
        pytest.param(
            {"experimental-initial-corrupt-check": True}, NEW, "set InitialCorruptCheck in feature-gates", id="became a feature gate"
        ),
        pytest.param({"experimental-corrupt-check-time": "1h"}, NEW, "it is called --corrupt-check-time now", id="renamed"),
        pytest.param({"hearbeat-interval": 100}, NEW, "did you mean --heartbeat-interval?", id="misspelt"),
        pytest.param({"enable-v2": True}, OLD, "--enable-v2 is not known to etcd 3.6", id="gone"),
        pytest.param({"enable-v2": None}, OLD, "", id="taken away"),
        pytest.param({"what-will-be": 1}, (3, 9), "", id="a minor version that nobody knows yet"),
        pytest.param({"strict-reconfig-check": False}, NEW, "stays on", id="no strict check"),
        pytest.param({"strict-reconfig-check": True}, NEW, "", id="strict check"),
        pytest.param({"force-new-cluster": True}, NEW, "--force-new-cluster is refused", id="force a new cluster"),
        pytest.param({"unsafe-no-fsync": "true"}, NEW, "--unsafe-no-fsync is refused", id="no fsync"),
        pytest.param({"unsafe-no-fsync": False}, NEW, "", id="fsync"),
        pytest.param({"wal-dir": "/x"}, NEW, "set the variable etcd_log_directory", id="a flag that has a variable"),
        pytest.param({"quota-backend-bytes": 8 << 30}, NEW, "", id="largest quota"),
        pytest.param({"quota-backend-bytes": 9 << 30}, NEW, "8 GiB", id="quota too large"),
        pytest.param({"quota-backend-bytes": "4G"}, NEW, "must be a number", id="quota in words"),
    ],
)
def test_problems(flags: dict[str, Any], minor: tuple[int, int], words: str) -> None:
    found = problems(flags, minor)
    assert bool(found) is bool(words)
    assert words in " ".join(found)


def test_all_problems_are_listed_at_once() -> None:
    assert len(problems({"a-b-c": 1, "x-y-z": 1, "force-new-cluster": True}, NEW)) == 3


def test_no_experimental_flag_is_left_in_3_7() -> None:
    assert [flag for flag in FLAGS[NEW] if flag.startswith("experimental-")] == []
