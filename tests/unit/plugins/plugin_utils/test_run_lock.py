"""Of two runs on one inventory at once, the second is refused."""

from __future__ import annotations

import json
import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ansible_collections.quorate.kubernetes.plugins.plugin_utils import _run_lock


def test_the_second_run_is_refused_as_long_as_the_first_lives(tmp_path: Path) -> None:
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as first:
        assert _run_lock.refusal(tmp_path, process=first.pid) == ""
        assert _run_lock.refusal(tmp_path, process=first.pid) == ""
        words = _run_lock.refusal(tmp_path, process=os.getpid())
        assert f"process {first.pid} of " in words
        assert str(tmp_path) in words
        first.kill()
        first.wait()
    assert _run_lock.refusal(tmp_path, process=os.getpid()) == ""
    assert json.loads((tmp_path / _run_lock.NAME).read_text())["process"] == os.getpid()


def test_a_process_of_the_same_number_is_not_the_holder(tmp_path: Path) -> None:
    (tmp_path / _run_lock.NAME).write_text(json.dumps({"process": 1, "started": "another", "user": "root", "since": "x"}))
    assert _run_lock.refusal(tmp_path, process=os.getpid()) == ""


def test_a_damaged_lock_is_none(tmp_path: Path) -> None:
    (tmp_path / _run_lock.NAME).write_text("{")
    assert _run_lock.refusal(tmp_path, process=os.getpid()) == ""


def test_a_folder_that_is_not_there_has_none(tmp_path: Path) -> None:
    assert _run_lock.refusal(tmp_path / "absent", process=os.getpid()) == ""


def test_of_two_that_start_in_the_same_moment_one_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def started(process: int) -> str:
        time.sleep(0.05)  # long enough for the other to look too, if it may
        return str(process)

    monkeypatch.setattr(_run_lock, "_started", started)
    with ThreadPoolExecutor() as pool:
        words = list(pool.map(lambda process: _run_lock.refusal(tmp_path, process=process), [101, 102]))
    assert sorted(bool(word) for word in words) == [False, True]
