# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: the control node's half of the modules that talk to the Kubernetes API."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.quorate.kubernetes.plugins.plugin_utils import _authority

INSTALLER = "quorate:installer"
INSTALLER_GROUP = "system:masters"
"""The one group that may do everything before there are any roles."""

NODE_OPERATORS = "quorate:node-operators"
"""A group that the role addons binds to what nodes are operated with, and to no Secrets."""

IDENTITY_MINUTES = 30
"""How long a client certificate lives, beside the time that the task may wait."""

SLICES = (10.0, 20.0, 40.0, 60.0)
"""Seconds that one remote execution waits before the control node tells what it waits for; the last one is repeated."""

Result = dict[str, Any]


def slices(total: float) -> Iterator[tuple[float, bool]]:
    """Parts of a wait: seconds, and whether it is the last. A rest too short for a part of its own joins the one before."""
    done = 0.0
    number = 0
    while True:
        part = SLICES[min(number, len(SLICES) - 1)]
        last = done + part * 1.5 >= total
        yield (total - done if last else part), last
        if last:
            return
        done += part
        number += 1


class ApiAction(ActionBase):
    """Run a module with a client certificate that outlives the task by half an hour, and tell what it waits for.

    Attributes:
        GROUP: the group of the certificate, which says what the host may do with it meanwhile.
    """

    GROUP = INSTALLER_GROUP

    _requires_connection = True

    def identity(self, task_vars: Mapping[str, Any]) -> dict[str, str]:
        """The client certificate that lets a module ask the API server."""
        if self._task.args.get("identity"):
            return dict(self._task.args["identity"])
        directory = self._setting("pki_directory", task_vars)
        if not directory:
            raise AnsibleActionFail("The directory of the authorities is not known. Set pki_directory, as a variable or in the task.")
        store = _authority.AuthorityStore(directory, self._setting("pki_passphrase", task_vars))
        minutes = IDENTITY_MINUTES + math.ceil(float(self._task.args.get("wait_timeout") or 0) / 60)
        pair = store.issue(authority="kubernetes", common_name=INSTALLER, organizations=[self.GROUP], minutes=minutes)
        return dataclasses.asdict(pair)

    def public_arguments(self) -> dict[str, Any]:
        """The task's arguments without what is for the control node only."""
        return {key: value for key, value in self._task.args.items() if key not in ("pki_directory", "pki_passphrase")}

    def in_slices(
        self, arguments: Mapping[str, Any], *, task_vars: dict[str, Any], timeout: float, merge: Callable[[Result, Result], Result]
    ) -> Result:
        """Run the module again and again until nothing is waited for, showing what is.

        Args:
            arguments: the module's arguments.
            task_vars: the task's variables.
            timeout: seconds to wait in all.
            merge: what to return of the results so far and the next one.
        """
        result: Result = {}
        began = time.monotonic()
        for executions, (seconds, last) in enumerate(slices(timeout), 1):
            given = {**arguments, "wait_part": {"seconds": seconds, "last": last}}
            name = f"quorate.kubernetes.{self._task.action.rsplit('.', 1)[-1]}"
            part = self._execute_module(module_name=name, module_args=given, task_vars=task_vars)
            result = {**(merge(result, part) if result else part), "executions": executions}
            if part.get("failed") or part.get("unreachable") or not part.get("waiting"):
                break
            self._tell(part["waiting"], task_vars, seconds=time.monotonic() - began)
        return result

    def _tell(self, waiting: list[str], task_vars: Mapping[str, Any], *, seconds: float) -> None:
        host = task_vars.get("inventory_hostname", "")
        for cause in waiting[:5]:
            self._display.display(f"{host}: waiting for {seconds:.0f} s: {cause}")
        if len(waiting) > 5:
            self._display.display(f"{host}: and {len(waiting) - 5} more")

    def _setting(self, name: str, task_vars: Mapping[str, Any]) -> str:
        value = self._task.args.get(name)
        if value is None:
            value = self._templar.template(task_vars.get(name))
        return str(value) if value else ""


class InfoAction(ApiAction):
    """Send a client certificate to the host, and bring what the module tells."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        task_vars = task_vars or {}
        result: dict[str, Any] = super().run(tmp, task_vars)
        try:
            arguments = {**self.public_arguments(), "identity": self.identity(task_vars)}
        except _authority.AuthorityError as error:
            return {**result, "failed": True, "msg": str(error), "executions": 0}
        return {**result, **self.in_slices(arguments, task_vars=task_vars, timeout=0, merge=first_with_last_wait)}


def first_with_last_wait(before: Result, now: Result) -> Result:
    """What the first execution did, with what the last one still waits for."""
    return {**before, **{key: now[key] for key in ("failed", "unreachable", "msg", "waiting") if key in now}}
