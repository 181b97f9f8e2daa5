# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: node_object
short_description: Tell what a host's Node object carries
version_added: 1.0.0
author: quorate.kubernetes contributors (@quorate)
description:
  - Makes of a host of the topology an entry of O(quorate.kubernetes.node#module:nodes), with its roles, labels and taints.
positional: _input
options:
  _input:
    description:
      - A host of the topology.
    type: dict
    required: true
"""

EXAMPLES = r"""
nodes: "{{ cluster_topology.hosts.values() | map('quorate.kubernetes.node_object') }}"
"""

RETURN = r"""
_value:
  description: The entry.
  type: dict
  sample: {name: m1, labels: {node-role.kubernetes.io/control-plane: ""}, taints: []}
"""

from collections.abc import Callable, Mapping
from typing import Any

ROLE_LABELS = {"master": "node-role.kubernetes.io/control-plane", "worker": "node-role.kubernetes.io/worker"}


def node_object(_input: Mapping[str, Any]) -> dict[str, Any]:
    roles = {label: "" for kind, label in ROLE_LABELS.items() if kind in _input["kinds"]}
    places = {f"topology.kubernetes.io/{place}": _input[place] for place in ("zone", "region") if _input[place]}
    return {"name": _input["name"], "labels": {**roles, **places, **_input["labels"]}, "taints": list(_input["taints"])}


class FilterModule:
    """The filter node_object."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"node_object": node_object}
