# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control node's half of the module host_facts: compares the host's clock with its own, and what runs with what is wanted."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.quorate.kubernetes.plugins.module_utils import _fitness, _upgrade
from ansible_collections.quorate.kubernetes.plugins.plugin_utils import _groups, _observation


def groups(observation: Mapping[str, Any], *, versions: Mapping[str, str]) -> list[str]:
    """Groups that a host joins by what was observed, for plays that few hosts need."""
    lacks = any(path is None for path in (observation.get("commands") or {}).values())
    other = _upgrade.differs(_upgrade.running_versions(observation), versions)
    quorum = bool((observation.get("etcd") or {}).get("quorum"))
    return ["host_lacks_command"] * lacks + ["host_other_version"] * other + ["etcd_quorate"] * quorum


class ActionModule(ActionBase):
    """Run the module, tell how far the host's clock is off and what an operator should know, and sort the host."""

    _requires_connection = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        task_vars = task_vars or {}
        result: dict[str, Any] = super().run(tmp, task_vars)
        versions = self._task.args.pop("versions", None) or {}
        asked = time.time()
        result.update(self._execute_module("quorate.kubernetes.host_facts", task_vars=task_vars))
        answered = time.time()
        observation = (result.get("ansible_facts") or {}).get(_observation.FACT)
        if observation:
            # The host looked at its clock somewhere between both.
            clock = observation.pop("clock")
            observation["run"] = _observation.run_of(task_vars)
            observation["clock_skew"] = round(min(0.0, clock - asked) or max(0.0, clock - answered), 3)
            result["warnings"] = [f"{task_vars['inventory_hostname']}: {concern}" for concern in _fitness.concerns(observation)]
            result.update(_groups.joining(task_vars, groups(observation, versions=versions)))
        return result
