# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control node's half of the module cluster_info: gives the host a client certificate."""

from __future__ import annotations

from typing import Any

from ansible_collections.quorate.kubernetes.plugins.plugin_utils import _api, _authority


class ActionModule(_api.ApiAction):
    """Send a client certificate to the host."""

    # With a limit it runs on a worker. The role addons binds the group, which may read what is asked for and no Secrets.
    GROUP = "quorate:node-operators"

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        task_vars = task_vars or {}
        result: dict[str, Any] = super().run(tmp, task_vars)
        try:
            arguments = {**self.public_arguments(), "identity": self.identity(task_vars)}
        except _authority.AuthorityError as error:
            return {**result, "failed": True, "msg": str(error), "executions": 0}
        return {**result, **self.in_slices(arguments, task_vars=task_vars, timeout=0, merge=_api.first_with_last_wait)}
