# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control node's half of the module components: a host that is as it should be is not contacted."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.quorate.kubernetes.plugins.module_utils import _component
from ansible_collections.quorate.kubernetes.plugins.plugin_utils import _observation


class ActionModule(ActionBase):
    """Plan on what was observed; run the module where there is something to do."""

    _requires_connection = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        task_vars = task_vars or {}
        result: dict[str, Any] = super().run(tmp, task_vars)
        try:
            components = [_component.parse(entry) for entry in self._task.args.get("components") or []]
        except (_component.ComponentError, KeyError, TypeError) as error:
            return {**result, "failed": True, "msg": f"The task's components make no sense: {error}"}
        observation = _observation.current(task_vars)
        plans = [_component.plan(component, _component.facts_from_observation(component, observation)) for component in components]
        # Nothing observed is not the same as nothing there: then the module looks for itself.
        if observation and (not any(plans) or not self._task.args.get("apply", True)):
            sentences = [str(step) for steps in plans for step in steps]
            return {**result, "changed": False, "plan": sentences, "step": _component.kind_of(plans), "executions": 0}
        result.update(self._execute_module("quorate.kubernetes.components", task_vars=task_vars))
        return _observation.noted(result, task_vars)
