# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: still_running
type: aggregate
short_description: Tell what a run waits for, and how long it has so far
version_added: 1.0.0
author: quorate.kubernetes contributors (@quorate)
description:
  - Ansible prints nothing of a task before it ends. A node that is emptied, or a member of etcd that catches up, may take minutes.
  - This callback prints a line each time another while has passed, with the name of the task and the hosts on which it still runs.
  - It runs nothing on any host, and prints nothing while tasks are quick.
requirements:
  - Enable it, as C(ansible.cfg) of this collection does with C(callbacks_enabled = quorate.kubernetes.still_running).
options:
  interval:
    description:
      - Seconds after which a task that still runs is told of, again and again.
    type: float
    default: 20
    env:
      - name: QUORATE_STILL_RUNNING_INTERVAL
    ini:
      - section: callback_still_running
        key: interval
"""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible import constants
from ansible.plugins.callback import CallbackBase


@dataclass(frozen=True)
class Started:
    """A task that runs on a host since a moment of the monotonic clock."""

    task: str
    host: str
    at: float


def due(running: Mapping[Any, Started], *, since: float, now: float, interval: float) -> list[str]:
    """What to tell: a line for each task that another interval has passed for between two moments, with all the hosts on which it runs."""
    passed = {one.task for one in running.values() if (now - one.at) // interval > max(since - one.at, 0) // interval}
    return [_line(task, [one for one in running.values() if one.task == task], now=now) for task in sorted(passed)]


def _line(task: str, started: list[Started], *, now: float) -> str:
    longest = now - min(one.at for one in started)
    return f"Still running after {longest:.0f} s on {', '.join(sorted(one.host for one in started))}: {task}"


class CallbackModule(CallbackBase):
    """Knows what runs, and looks at the clock beside the run."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "quorate.kubernetes.still_running"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *arguments: object, **options: object) -> None:
        super().__init__(*arguments, **options)
        self._running: dict[tuple[str, str], Started] = {}
        self._known = threading.Lock()
        self._over = threading.Event()

    def v2_playbook_on_start(self, *_arguments: object) -> None:
        # Ansible forks while it holds the lock of its display, which is the only one that this thread shares with it.
        threading.Thread(target=self._watch, daemon=True).start()

    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        started = Started(task=task.get_name().strip(), host=host.get_name(), at=time.monotonic())
        with self._known:
            self._running[started.host, task._uuid] = started

    def v2_runner_on_ok(self, result: Any, **_keywords: Any) -> None:
        with self._known:
            self._running.pop((result._host.get_name(), result._task._uuid), None)

    v2_runner_on_failed = v2_runner_on_skipped = v2_runner_on_unreachable = v2_runner_on_ok

    def v2_playbook_on_stats(self, *_arguments: object) -> None:
        self._over.set()

    def _watch(self) -> None:
        interval = self.get_option("interval")
        since = time.monotonic()
        # A tenth of the interval is as late as a line may be.
        while not self._over.wait(interval / 10):
            now = time.monotonic()
            with self._known:
                lines = due(self._running, since=since, now=now, interval=interval)
            for line in lines:
                self._display.display(line, color=constants.COLOR_VERBOSE)
            since = now
