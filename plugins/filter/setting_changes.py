# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: setting_changes
short_description: Tell which settings of a cluster differ from those that it was built with
version_added: 1.0.0
author: quorate.kubernetes contributors (@quorate)
description:
  - Compares settings that stay what they are for as long as a cluster lives with those that a host has noted.
positional: _input, noted
options:
  _input:
    description:
      - The settings that are wanted.
    type: dict
    required: true
  noted:
    description:
      - What the host has noted, as JSON. Empty if there is nothing, which is so of a host that is new. What cannot be read says nothing.
    type: str
    required: true
"""

EXAMPLES = r"""
changes: "{{ {'cluster_domain': 'cluster.local'} | quorate.kubernetes.setting_changes(contents['/etc/kubernetes/cluster.json']) }}"
"""

RETURN = r"""
_value:
  description: What would change, and how; empty if nothing would.
  type: list
  elements: str
  sample: [cluster_domain from cluster.local to example.com]
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, Optional


def setting_changes(_input: Mapping[str, Any], noted: Optional[str]) -> list[str]:
    try:
        former = json.loads(noted or "{}")
    except ValueError:
        former = {}
    if not isinstance(former, dict):
        return []
    return [f"{name} from {former[name]} to {value}" for name, value in _input.items() if former.get(name, value) != value]


class FilterModule:
    """The filter setting_changes."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"setting_changes": setting_changes}
