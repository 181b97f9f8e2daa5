# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: upgrade_steps
short_description: Tell in which order a run changes what runs
version_added: 1.0.0
author: quorate.kubernetes contributors (@quorate)
description:
  - Puts what the plans of the roles found on all hosts in the order in which the stages change it.
  - Only what is restarted or stopped is part of it. Hosts that are built disturb nothing.
positional: _input, hostvars
options:
  _input:
    description:
      - The topology of the cluster.
    type: dict
    required: true
  hostvars:
    description:
      - Variables of all hosts, with the results of the plans, as C(masters_plan).
    type: dict
    required: true
  drain:
    description:
      - Whether nodes are emptied before they are changed.
    type: bool
    default: true
  batch:
    description:
      - How many workers are changed at a time after the first, a number or a percentage.
    type: raw
    default: 1
"""

EXAMPLES = r"""
upgrade_steps: "{{ cluster_topology | quorate.kubernetes.upgrade_steps(hostvars, batch='25%') }}"
"""

RETURN = r"""
_value:
  description:
    - The steps in order. C(stage) and C(batch) tell which are done together, C(host) where, C(restarts) which units, C(waits) what has to
      hold before and after, C(text) all of it in words.
  type: list
  elements: dict
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.quorate.kubernetes.plugins.module_utils import _upgrade_plan
from ansible_collections.quorate.kubernetes.plugins.plugin_utils import _observation

ROLES = ("etcd", "masters", _upgrade_plan.NODE_ROLE)


def upgrade_steps(_input: Mapping[str, Any], hostvars: Mapping[str, Any], *, drain: bool = True, batch: Any = 1) -> list[dict[str, Any]]:
    observations = _observation.seen(_input, hostvars)
    plans = {name: _upgrade_plan.Plans({role: hostvars[name].get(f"{role}_plan") or {} for role in ROLES}) for name in observations}
    hosts = {observation["platform"]["hostname"]: name for name, observation in observations.items()}
    leaders = (_first(hostvars, plans, "upgrade_cluster") or _first(hostvars, plans, "masters_cluster")).get("leaders") or {}
    order = _upgrade_plan.Order(
        masters=_input["masters"],
        leader=_first(hostvars, plans, "etcd_cluster").get("leader"),
        leaders={name: hosts.get(host, host) for name, host in leaders.items()},
        down=_down(observations),
        drain=drain,
        batch=str(batch),
    )
    steps = _upgrade_plan.steps(plans, order)
    return [{**step.as_data(), "text": f"{number}. {step}"} for number, step in enumerate(steps, 1)]


def _down(observations: Mapping[str, Mapping[str, Any]]) -> set[tuple[str, str]]:
    return {
        (host, name)
        for host, observation in observations.items()
        for name, component in observation["components"].items()
        if (component.get("unit") or {}).get("active") != "active"
    }


def _first(hostvars: Mapping[str, Any], names: Mapping[str, Any], variable: str) -> Mapping[str, Any]:
    results = (hostvars[name].get(variable) or {} for name in names)
    return next((result for result in results if "leader" in result or "leaders" in result), {})


class FilterModule:
    """The filter upgrade_steps."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"upgrade_steps": upgrade_steps}
