# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: templates rendered by an action, for the lookup template copies all variables of all hosts each time."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.plugins.action import ActionBase
from ansible.template import generate_ansible_template_vars

try:
    from ansible.template import trust_as_template
except ImportError:  # ansible-core before 2.19 trusts all text.

    def trust_as_template(value: str) -> str:
        return value


ROLES = Path(__file__).parents[2] / "roles"


class Templates:
    """The templates that a task may name.

    They are searched for where M(ansible.builtin.template) looks, and then among those of this collection's roles: a role may apply what
    another one defines.
    """

    def __init__(self, action: ActionBase, task_vars: dict[str, Any]) -> None:
        self._action = action
        self._variables = task_vars

    def text(self, name: str) -> str:
        """A template's text, with the variables of the task."""
        path = self._path(name)
        known = self._variables.get("ansible_search_path") or []
        # The last one, so that a template may also include another by its whole path, as that of CoreDNS includes the Corefile.
        folders = [os.path.dirname(path), *(place for folder in known for place in (os.path.join(folder, "templates"), folder)), "/"]
        variables = {**self._variables, **generate_ansible_template_vars(name, path)}
        templar = self._action._templar.copy_with_new_env(searchpath=folders, available_variables=variables)
        text = trust_as_template(Path(self._action._loader.get_real_file(path)).read_text(encoding="utf-8"))
        try:
            return str(templar.template(text, escape_backslashes=False))
        except AnsibleError as error:
            raise AnsibleActionFail(f"The template {path} cannot be rendered: {error}") from error

    def has(self, name: str) -> bool:
        """Whether there is a template of this name or path."""
        try:
            return os.path.isfile(self._path(name))
        except AnsibleError:
            return False

    def _path(self, name: str) -> str:
        try:
            return str(self._action._find_needle("templates", name))
        except AnsibleError:
            found = list(ROLES.glob(f"*/templates/{name}")) if os.path.basename(name) == name else []
            if len(found) != 1:
                raise
            return str(found[0])
