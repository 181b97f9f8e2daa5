# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control node's half of the module components: a host that is as it should be is not contacted."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.plugins.action import ActionBase
from ansible.template import generate_ansible_template_vars

from ansible_collections.quorate.kubernetes.plugins.module_utils import _component
from ansible_collections.quorate.kubernetes.plugins.plugin_utils import _observation

try:
    from ansible.template import trust_as_template
except ImportError:  # ansible-core before 2.19 trusts all text.

    def trust_as_template(value: str) -> str:
        return value


class ActionModule(ActionBase):
    """Plan on what was observed; run the module where there is something to do."""

    _requires_connection = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        task_vars = task_vars or {}
        result: dict[str, Any] = super().run(tmp, task_vars)
        if refusals := [str(sentence) for sentence in self._task.args.pop("refusals", None) or []]:
            return {**result, "failed": True, "msg": "\n".join(refusals)}
        group = self._task.args.pop("group", None)
        try:
            self._task.args["components"] = [self._rendered(entry, task_vars) for entry in self._task.args.get("components") or []]
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
            result.update(self._execute_module("quorate.kubernetes.components", task_vars=task_vars))
        if group and result.get("step", _component.KEEP) != _component.KEEP:
            # As the action of ansible.builtin.group_by asks for it.
            result.update({"add_group": f"{group}_{result['step']}", "parent_groups": ["all"]})
        return _observation.noted(result, task_vars)

    def _rendered(self, entry: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """The component with texts in place of the names of templates, for a host renders nothing."""
        rendered = self._with_text(entry, "unit_template", "unit", task_vars)
        if entry.get("files"):
            rendered["files"] = [self._with_text(file, "template", "content", task_vars) for file in entry["files"]]
        return rendered

    def _with_text(self, entry: dict[str, Any], template: str, text: str, task_vars: dict[str, Any]) -> dict[str, Any]:
        name = entry.get(template)
        if name is None:
            return dict(entry)
        if entry.get(text) is not None:
            raise _component.ComponentError(f"{entry.get('name') or entry.get('path')} has both '{text}' and '{template}'.")
        rest = {key: value for key, value in entry.items() if key != template}
        return {**rest, text: self._render(name, task_vars)}

    def _render(self, name: str, task_vars: dict[str, Any]) -> str:
        """A template's text, as the lookup ansible.builtin.template renders it, which copies all variables of all hosts each time."""
        path = self._find_needle("templates", name)
        folders = [os.path.dirname(path), *(task_vars.get("ansible_search_path") or [])]
        variables = {**task_vars, **generate_ansible_template_vars(name, path)}
        templar = self._templar.copy_with_new_env(searchpath=folders, available_variables=variables)
        text = trust_as_template(Path(self._loader.get_real_file(path)).read_text(encoding="utf-8"))
        try:
            return str(templar.template(text, escape_backslashes=False))
        except AnsibleError as error:
            raise AnsibleActionFail(f"The template {path} cannot be rendered: {error}") from error
