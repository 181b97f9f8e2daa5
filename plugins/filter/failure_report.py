# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: failure_report
short_description: Tell what failed on some hosts, what was restarted before, and what to run next
version_added: 1.0.0
author: quorate.kubernetes contributors (@quorate)
description:
  - For a C(rescue), where C(ansible_failed_result) is what the task returned that failed.
positional: _input, hostvars
options:
  _input:
    description:
      - Names of the hosts.
    type: list
    elements: str
    required: true
  hostvars:
    description:
      - Variables of all hosts. Those that were observed have the fact C(host_observation).
    type: dict
    required: true
"""

EXAMPLES = r"""
message: "{{ [inventory_hostname] | quorate.kubernetes.failure_report(hostvars) }}"
"""

RETURN = r"""
_value:
  description: Host, component, cause, the last lines of the journal, what this run has restarted, and the command that goes on.
  type: str
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible import context

from ansible_collections.quorate.kubernetes.plugins.module_utils import _failure, _upgrade_plan
from ansible_collections.quorate.kubernetes.plugins.plugin_utils import _observation


def failure_report(_input: Sequence[str], hostvars: Mapping[str, Any]) -> str:
    results = {name: hostvars[name].get("ansible_failed_result") or {} for name in _input}
    topologies = (hostvars[name].get("cluster_topology") for name in _input)
    topology: Mapping[str, Any] = next(filter(None, topologies), {})
    settings = context.CLIARGS
    command = _failure.command(
        list(settings.get("args") or []),
        inventories=list(settings.get("inventory") or []),
        limit=str(settings.get("subset") or ""),
        version=str(topology["versions"]["kubernetes"]) if topology else "",
    )
    restarts = _upgrade_plan.restarts(_observation.seen(topology, hostvars)) if topology else []
    return _failure.report(results, command=command, restarted=_upgrade_plan.summary(restarts))


class FilterModule:
    """The filter failure_report."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"failure_report": failure_report}
