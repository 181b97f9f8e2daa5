# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: count_executions
type: aggregate
short_description: Count what a playbook runs on each host
version_added: 1.0.0
author: quorate.kubernetes contributors (@quorate)
description:
  - Counts the modules and the commands that a playbook runs on each host, and prints both after the recap.
  - They are what a run costs. A module run on a host takes about as long as fifteen tasks that run on the control node only.
  - Nothing is inferred from results. The counting is done where Ansible runs a module over a connection, so an action plugin that
    runs three modules counts as three, and one that found nothing to do as none.
  - A module that runs over a C(local) connection is not counted. A delegated one counts for the host on which it runs.
  - Each item of a loop and each retry counts.
requirements:
  - Enable it, for example with E(ANSIBLE_CALLBACKS_ENABLED=quorate.kubernetes.count_executions).
options:
  output_path:
    description:
      - A file on the control node to which each run of a playbook appends a line of JSON when it ends.
      - It has C(playbook), the name of the playbook's file, C(check_mode), and C(hosts).
      - The latter maps each host to C(modules), C(commands) and C(by_module), the number of runs of each module.
      - C(commands) are all commands sent over the connection. With pipelining a module takes one, without it several.
    type: path
    env:
      - name: QUORATE_EXECUTIONS_PATH
    ini:
      - section: callback_count_executions
        key: output_path
"""

import functools
import json
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from ansible import context
from ansible.plugins.action import ActionBase
from ansible.plugins.callback import CallbackBase

MODULE = "module"
COMMAND = "command"


class Journal:
    """Executions noted by the worker processes of Ansible, in a file that all of them append to."""

    def __init__(self) -> None:
        self._descriptor, self._path = tempfile.mkstemp(prefix="quorate-executions-")
        os.close(self._descriptor)
        # Appending is atomic, so workers do not need a lock; they inherit the descriptor when they are forked.
        self._descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND)

    def note(self, *, host: str, kind: str, name: str) -> None:
        os.write(self._descriptor, (json.dumps([host, kind, name]) + "\n").encode())

    def close(self) -> list[list[str]]:
        """All that was noted; the file is gone afterwards."""
        os.close(self._descriptor)
        with open(self._path, encoding="utf-8") as file:
            noted = [json.loads(line) for line in file]
        os.unlink(self._path)
        return noted


def counted(original: Callable[..., Any], *, kind: str, journal: Journal) -> Callable[..., Any]:
    """A method of an action that notes each of its calls which goes to another machine."""

    @functools.wraps(original)
    def wrapper(action: Any, *args: Any, **keywords: Any) -> Any:
        if action._connection.transport != "local":
            name = keywords.get("module_name") or (args[0] if args and kind == MODULE else None) or action._task.action
            journal.note(host=host_of(action), kind=kind, name=str(name))
        return original(action, *args, **keywords)

    return wrapper


def host_of(action: Any) -> str:
    """The inventory name of the host that the connection of an action leads to."""
    return str(action._task.delegate_to or action._templar.available_variables["inventory_hostname"])


def summed(noted: Iterable[list[str]], *, hosts: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Counts of each host, also of those where nothing ran."""
    entries = [tuple(entry) for entry in noted]
    names = sorted({*hosts, *(host for host, _kind, _name in entries)})
    return {
        name: {
            "modules": sum(1 for host, kind, _module in entries if (host, kind) == (name, MODULE)),
            "commands": sum(1 for host, kind, _module in entries if (host, kind) == (name, COMMAND)),
            "by_module": dict(sorted(Counter(module for host, kind, module in entries if (host, kind) == (name, MODULE)).items())),
        }
        for name in names
    }


def line(name: str, counts: dict[str, Any], *, width: int) -> str:
    """One host of the summary."""
    modules = ", ".join(f"{module} {number}" for module, number in counts["by_module"].items())
    return f"{name:<{width}} : modules={counts['modules']:<4} commands={counts['commands']:<4} {modules}".rstrip()


class CallbackModule(CallbackBase):
    """Counts from the start of a playbook to its end."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "quorate.kubernetes.count_executions"
    CALLBACK_NEEDS_ENABLED = True

    _journal: Journal | None = None
    _playbook = ""

    def v2_playbook_on_start(self, playbook: Any) -> None:
        self._playbook = os.path.basename(playbook._file_name)
        # Workers are forks of this process: what is replaced here before the first of them is replaced in all of them.
        self._journal = Journal()
        for method, kind in (("_execute_module", MODULE), ("_low_level_execute_command", COMMAND)):
            setattr(ActionBase, method, counted(getattr(ActionBase, method), kind=kind, journal=self._journal))

    def v2_playbook_on_stats(self, stats: Any) -> None:
        if self._journal is None:
            return
        hosts = summed(self._journal.close(), hosts=stats.processed)
        self._display.banner("REMOTE EXECUTIONS")
        width = max((len(name) for name in hosts), default=0)
        for name, counts in hosts.items():
            self._display.display(line(name, counts, width=width))
        if path := self.get_option("output_path"):
            run = {"playbook": self._playbook, "check_mode": bool(context.CLIARGS.get("check")), "hosts": hosts}
            with open(path, "a", encoding="utf-8") as file:
                file.write(json.dumps(run) + "\n")
