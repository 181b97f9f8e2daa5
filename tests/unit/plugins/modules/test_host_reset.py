# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan is carried out step by step, or only told."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils import _host, _reset, _reset_host, _reset_state
from ansible_collections.quorate.kubernetes.plugins.modules import host_reset


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """What is done on the host."""
    done: list[tuple[str, ...]] = []

    def remove(path: str) -> str:
        done.append(("remove", path))
        return f"{path} stays"

    monkeypatch.setattr(_host, "LOCK_DIRECTORY", str(tmp_path))
    monkeypatch.setattr(_host, "systemctl", lambda *words: done.append(("systemctl", *words)))
    monkeypatch.setattr(_host, "run", lambda words, **_options: done.append(tuple(words)))
    monkeypatch.setattr(_reset_host, "stop", lambda unit: done.append(("stop", unit)))
    monkeypatch.setattr(_reset_host, "REMOVALS", {"remove": remove})
    monkeypatch.setattr(_reset_host, "move_data_aside", lambda path: f"{path}.aside-now")
    monkeypatch.setattr(_reset_host, "forget", lambda: done.append(("forget",)))
    observed = _reset.Observed(
        units=(_reset.Unit("etcd", running=True), _reset.Unit("systemd-sysctl", own=False, running=True)),
        files=("/etc/systemd/system/etcd.service",),
        data=("/var/lib/etcd",),
        records=True,
    )
    monkeypatch.setattr(_reset_state, "observe", lambda _directories: observed)
    return done


def reset_with(*, apply: bool) -> tuple[host_reset.HostReset, dict[str, Any]]:
    reset = host_reset.HostReset({"delete_data": False, "grace_period": 1.0, "runtime_directories": ["/var/lib/kubelet"]})
    result: dict[str, Any] = {}
    host_reset.work(reset, apply=apply, result=result)
    return reset, result


def test_apply(calls: list[tuple[str, ...]], tmp_path: Path) -> None:
    reset, result = reset_with(apply=True)
    assert calls == [
        ("stop", "etcd.service"),
        ("remove", "/etc/systemd/system/etcd.service"),
        ("systemctl", "daemon-reload"),
        ("systemctl", "reset-failed", "etcd.service"),
        ("forget",),
    ]
    assert reset.moved_aside == {"/var/lib/etcd": "/var/lib/etcd.aside-now"}
    assert reset.left == ["/etc/systemd/system/etcd.service stays"]
    assert result["changed"] is True
    assert os.listdir(tmp_path) == [], "no lock is left behind"


def test_check_mode(calls: list[tuple[str, ...]], tmp_path: Path) -> None:
    _reset_of, applied = reset_with(apply=True)
    calls.clear()
    reset, told = reset_with(apply=False)
    assert calls == []
    assert reset.moved_aside == {}
    assert os.listdir(tmp_path) == []
    assert told == applied, "what is told is what is done"
    assert told["diff"]["prepared"].splitlines() == told["plan"]


def test_unfit_directory_is_refused_before_anything_is_done(calls: list[tuple[str, ...]]) -> None:
    reset = host_reset.HostReset({"delete_data": False, "grace_period": 1.0, "runtime_directories": ["/var/lib"]})
    with pytest.raises(_reset.ResetError):
        host_reset.work(reset, apply=True, result={})
    assert calls == []
