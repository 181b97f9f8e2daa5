# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Moves files of the control node aside. No host is contacted."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from typing import Any, Optional

from ansible.plugins.action import ActionBase

from ansible_collections.quorate.kubernetes.plugins.module_utils import _reset

ARGUMENT_SPEC: dict[str, Any] = {"paths": {"type": "list", "elements": "path", "required": True}}


def names_aside(paths: Iterable[str], *, now: float) -> dict[str, str]:
    """Where each path that is there is moved to. Ansible takes nothing that ends with .bak for an inventory."""
    there = _reset.outermost(os.path.abspath(path) for path in paths if os.path.lexists(path))
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    return {path: _free(f"{path}.aside-{stamp}", ".bak") for path in there}


def _free(name: str, ending: str) -> str:
    number, candidate = 0, name + ending
    while os.path.lexists(candidate):
        number += 1
        candidate = f"{name}-{number}{ending}"
    return candidate


class ActionModule(ActionBase):
    """Rename what is there."""

    _requires_connection = False

    def run(self, tmp: Optional[str] = None, task_vars: Optional[dict[str, Any]] = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(ARGUMENT_SPEC)
        moves = names_aside(arguments["paths"], now=time.time())
        plan = [f"move {path} aside to {target}" for path, target in moves.items()]
        result.update(changed=bool(plan), plan=plan, moved_aside={}, diff={"prepared": "".join(f"{line}\n" for line in plan)})
        for path, target in ({} if self._task.check_mode else moves).items():
            try:
                os.rename(path, target)
            except OSError as error:
                words = f"Moving {path} aside on the control node failed: {error.strerror}. It is where it was. Mend that and run again."
                return {**result, "failed": True, "msg": words}
            result["moved_aside"][path] = target
        return result
