# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: upgrade_summary
short_description: Tell what a run restarted, in which order, and how long it was away
version_added: 1.0.0
author: quorate.kubernetes contributors (@quorate)
description:
  - Sums up what M(quorate.kubernetes.components) measured on the hosts, from the moment in which a component was told to restart to that
    in which it was ready again.
positional: _input, hostvars
options:
  _input:
    description:
      - The topology of the cluster.
    type: dict
    required: true
  hostvars:
    description:
      - Variables of all hosts. Those that were observed have the fact C(host_observation).
    type: dict
    required: true
"""

EXAMPLES = r"""
summary: "{{ cluster_topology | quorate.kubernetes.upgrade_summary(hostvars) }}"
"""

RETURN = r"""
_value:
  description:
    - C(lines) is a sentence for each component. C(restarts) are all restarts in order, each with C(host), C(component), C(at) in seconds
      since the epoch by the clock of the control node, and the C(seconds) for which it was away.
  type: dict
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.quorate.kubernetes.plugins.module_utils import _upgrade_plan
from ansible_collections.quorate.kubernetes.plugins.plugin_utils import _observation


def upgrade_summary(_input: Mapping[str, Any], hostvars: Mapping[str, Any]) -> dict[str, Any]:
    found = _upgrade_plan.restarts(_observation.seen(_input, hostvars))
    return {"lines": _upgrade_plan.summary(found), "restarts": [dataclasses.asdict(restart) for restart in found]}


class FilterModule:
    """The filter upgrade_summary."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"upgrade_summary": upgrade_summary}
