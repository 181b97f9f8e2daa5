# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: failure_report
short_description: Tell what failed on some hosts, and what to run next
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
      - Variables of all hosts.
    type: dict
    required: true
"""

EXAMPLES = r"""
message: "{{ [inventory_hostname] | quorate.kubernetes.failure_report(hostvars) }}"
"""

RETURN = r"""
_value:
  description: Host, component, cause, the last lines of the journal, and the command that goes on.
  type: str
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible import context

from ansible_collections.quorate.kubernetes.plugins.module_utils import _failure


def failure_report(_input: Sequence[str], hostvars: Mapping[str, Any]) -> str:
    results = {name: hostvars[name].get("ansible_failed_result") or {} for name in _input}
    versions = (hostvars[name].get("cluster_topology") or {} for name in _input)
    version = next((str(topology["versions"]["kubernetes"]) for topology in versions if topology), "")
    settings = context.CLIARGS
    command = _failure.command(
        list(settings.get("args") or []),
        inventories=list(settings.get("inventory") or []),
        limit=str(settings.get("subset") or ""),
        version=version,
    )
    return _failure.report(results, command=command)


class FilterModule:
    """The filter failure_report."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"failure_report": failure_report}
