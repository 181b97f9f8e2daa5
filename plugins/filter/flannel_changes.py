# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: flannel_changes
short_description: Tell what of flannel's network would change although it cannot while pods run
version_added: 1.0.0
author: quorate.kubernetes contributors (@quorate)
description:
  - Compares a wanted network configuration of flannel with the one that a node runs with, where Kubernetes gives each node its subnet.
positional: _input, present
options:
  _input:
    description:
      - The wanted configuration.
    type: dict
    required: true
  present:
    description:
      - Content of the node's C(net-conf.json); empty if there is none.
    type: str
    required: true
"""

EXAMPLES = r"""
changes: "{{ {'Network': '10.244.0.0/16', 'Backend': {'Type': 'vxlan'}} | quorate.kubernetes.flannel_changes(contents['/etc/net-conf.json']) }}"
"""

RETURN = r"""
_value:
  description: What would change, and how. Empty if nothing would that matters.
  type: list
  elements: str
  sample: ['Backend.Type from "vxlan" to "host-gw"']
"""

from collections.abc import Callable, Mapping
from typing import Any, Optional

from ansible_collections.quorate.kubernetes.plugins.module_utils import _flannel


def flannel_changes(_input: Mapping[str, Any], present: Optional[str]) -> list[str]:
    # A file that cannot be read tells nothing of what runs; it is written anew.
    stored = _flannel.parse((present or "").encode(), damaged_too=True)
    return _flannel.differences(_input, stored, leases=False) if stored else []


class FilterModule:
    """The filter flannel_changes."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"flannel_changes": flannel_changes}
