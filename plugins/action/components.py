# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control node's half of the module components: a host that is as it should be is not contacted."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.quorate.kubernetes.plugins.module_utils import _component, _progress
from ansible_collections.quorate.kubernetes.plugins.plugin_utils import _groups, _observation, _templates


class ActionModule(ActionBase):
    """Plan on what was observed; run the module where there is something to do."""

    _requires_connection = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        task_vars = task_vars or {}
        result: dict[str, Any] = super().run(tmp, task_vars)
        if refusals := [str(sentence) for sentence in self._task.args.pop("refusals", None) or []]:
            return {**result, "failed": True, "msg": "\n".join(refusals)}
        group, groups, step = (self._task.args.pop(name, None) for name in ("group", "groups", "step"))
        try:
            templates = _templates.Templates(self, task_vars)
            self._task.args["components"] = [_rendered(entry, templates) for entry in self._task.args.get("components") or []]
            components = [_component.parse(entry) for entry in self._task.args["components"]]
        except (_component.ComponentError, KeyError, TypeError, AttributeError) as error:
            return {**result, "failed": True, "msg": f"The task's components make no sense: {error}"}
        observation = _observation.current(task_vars)
        plans = [_component.plan(component, _component.facts_from_observation(component, observation)) for component in components]
        # Nothing observed is not the same as nothing there: then the module looks for itself.
        if observation and (not any(plans) or not self._task.args.get("apply", True)):
            sentences = [str(step) for steps in plans for step in steps]
            result.update({"changed": False, "plan": sentences, "step": _component.kind_of(plans), "executions": 0})
        else:
            result.update(self._apply(components, plans, task_vars))
        step = step or result.get("step", _component.KEEP)
        result.update(_groups.joining(task_vars, [f"{group}_{step}" if group and step != _component.KEEP else "", *(groups or [])]))
        return _observation.noted(result, task_vars)

    def _apply(
        self, components: list[_component.Component], plans: list[list[_component.Step]], task_vars: dict[str, Any]
    ) -> dict[str, Any]:
        """Run the module, and tell what is waited for meanwhile."""
        host = str(task_vars.get("inventory_hostname", ""))
        if self._task.args.get("apply", True) and not self._task.check_mode:
            self._tell(_progress.before(host, components, plans))
        result: dict[str, Any] = self._execute_module("quorate.kubernetes.components", task_vars=task_vars)
        if result.get("changed") and "observation" in result:
            # What kubelet tells of the node is not known any more, nor which objects a restarted API server has.
            result["observation"] = {**result["observation"], "node": None, "objects": None}
        self._tell(_progress.after(host, (result.get("observation") or {}).get("restarts") or {}))
        return result

    def _tell(self, lines: list[str]) -> None:
        for line in lines:
            self._display.display(line)


def _rendered(entry: dict[str, Any], templates: _templates.Templates) -> dict[str, Any]:
    """The component with texts in place of the names of templates, for a host renders nothing."""
    rendered = _with_text(entry, "unit_template", "unit", templates)
    if entry.get("files"):
        rendered["files"] = [_with_text(file, "template", "content", templates) for file in entry["files"]]
    return rendered


def _with_text(entry: dict[str, Any], template: str, text: str, templates: _templates.Templates) -> dict[str, Any]:
    name = entry.get(template)
    if name is None:
        return dict(entry)
    if entry.get(text) is not None:
        raise _component.ComponentError(f"{entry.get('name') or entry.get('path')} has both '{text}' and '{template}'.")
    rest = {key: value for key, value in entry.items() if key != template}
    return {**rest, text: templates.text(name)}
