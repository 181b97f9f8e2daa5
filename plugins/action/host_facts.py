# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control node's half of the module host_facts: only here can a host's clock be compared with another."""

from __future__ import annotations

import time
from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.quorate.kubernetes.plugins.plugin_utils import _observation


class ActionModule(ActionBase):
    """Run the module, and tell how far the host's clock is off."""

    _requires_connection = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        asked = time.time()
        result.update(self._execute_module("quorate.kubernetes.host_facts", task_vars=task_vars))
        answered = time.time()
        observation = (result.get("ansible_facts") or {}).get(_observation.FACT)
        if observation:
            # The host looked at its clock somewhere between both.
            clock = observation.pop("clock")
            observation["run"] = _observation.run_of(task_vars or {})
            observation["clock_skew"] = round(min(0.0, clock - asked) or max(0.0, clock - answered), 3)
        return result
