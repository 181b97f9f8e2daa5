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
      - Whether a node is emptied is its own C(upgrade_drain). How many workers are changed at a time is what
        P(quorate.kubernetes.batch_size#filter) makes of those that change.
    type: dict
    required: true
"""

EXAMPLES = r"""
upgrade_steps: "{{ cluster_topology | quorate.kubernetes.upgrade_steps(hostvars) }}"
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

from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.quorate.kubernetes.plugins.module_utils import _component, _upgrade_plan
from ansible_collections.quorate.kubernetes.plugins.plugin_utils import _observation

ROLES = ("etcd", "masters", _upgrade_plan.NODE_ROLE)


def upgrade_steps(_input: Mapping[str, Any], hostvars: Mapping[str, Any]) -> list[dict[str, Any]]:
    observations = _observation.seen(_input, hostvars)
    plans = {name: _upgrade_plan.Plans({role: hostvars[name].get(f"{role}_plan") or {} for role in ROLES}) for name in observations}
    hosts = {observation["platform"]["hostname"]: name for name, observation in observations.items()}
    nodes = sorted(name for name, plan in plans.items() if plan.step(_upgrade_plan.NODE_ROLE) == _component.CHANGE)
    leaders = (_first(hostvars, plans, "upgrade_cluster") or _first(hostvars, plans, "masters_cluster")).get("leaders") or {}
    order = _upgrade_plan.Order(
        masters=_input["masters"],
        leader=_first(hostvars, plans, "etcd_cluster").get("leader"),
        leaders={name: hosts.get(host, host) for name, host in leaders.items()},
        down=_down(observations),
        undrained=[name for name in nodes if not boolean(hostvars[name].get("upgrade_drain", True))],
        batch=str(_upgrade_plan.batch_size([hostvars[name] for name in nodes if name not in _input["masters"]])),
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
