# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control node's half of the module node: gives the host a client certificate, and tells what is waited for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.quorate.kubernetes.plugins.module_utils import _node
from ansible_collections.quorate.kubernetes.plugins.plugin_utils import _api, _authority, _observation


def together(before: _api.Result, now: _api.Result) -> _api.Result:
    """What all executions so far did, with what the last one still waits for."""
    return {
        **now,
        "changed": bool(before.get("changed") or now.get("changed")),
        **{key: _united(before, now, key) for key in ("nodes", "evicted", "diff") if key in before or key in now},
    }


def _united(before: _api.Result, now: _api.Result, key: str) -> list[Any]:
    known = before.get(key) or []
    return [*known, *(entry for entry in now.get(key) or [] if entry not in known)]


def is_satisfied(arguments: Mapping[str, Any], observed: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether all that the task wants was seen on the hosts themselves.

    Args:
        arguments: the task's arguments.
        observed: what was observed, by the name of the node.
    """
    if arguments.get("state", "present") != "present":
        return False
    nodes = {name: one["node"] for name, one in observed.items() if one.get("node")}
    wants = _node.all_wanted(arguments)
    waited = arguments.get("wait_ready") or []
    return not _node.changes("present", wants, nodes, by="", force=False) and not _node.not_ready(
        waited, nodes, version=arguments.get("wait_version") or ""
    )


class ActionModule(_api.ApiAction):
    """Send a client certificate to the host, unless what was observed shows that there is nothing to do."""

    # It runs on workers too: there it must not open more than what it is for.
    GROUP = _api.NODE_OPERATORS

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        task_vars = task_vars or {}
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = self.public_arguments()
        try:
            if is_satisfied(arguments, _observed(task_vars)):
                return {**result, **_node.report([]), "waiting": [], "executions": 0}
            identity = self.identity(task_vars)
        except _node.NodeError as error:
            return {**result, "failed": True, "msg": str(error), "executions": 0}
        except _authority.AuthorityError as error:
            if not self._task.check_mode:
                return {**result, "failed": True, "msg": str(error), "executions": 0}
            plan = _node.report_without_server(arguments)
            return {**result, **plan, "msg": f"There is no cluster yet: {error}", "waiting": [], "executions": 0}
        timeout = float(arguments.get("wait_timeout", 300))
        done = self.in_slices({**arguments, "identity": identity}, task_vars=task_vars, timeout=timeout, merge=together)
        return {**result, **done}


def _observed(task_vars: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """What was observed in this run, by the name of the node."""
    names = {host: entry["name"] for host, entry in ((task_vars.get("cluster_topology") or {}).get("hosts") or {}).items()}
    observed = _observation.of_hosts(names, task_vars.get("hostvars") or {}, run=_observation.run_of(task_vars))
    return {names[host]: one for host, one in observed.items()}
