# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: removal_plan
short_description: Tell what is done to take hosts out of a cluster
version_added: 1.0.0
author: quorate.kubernetes contributors (@quorate)
description:
  - Decides from what etcd, the API and the inventory say which members leave in which order, which nodes are emptied and forgotten, and what forbids it.
positional: _input
options:
  _input:
    description:
      - The topology of the cluster, in which the hosts that leave are listed as C(leaving).
    type: dict
    required: true
  hosts:
    description:
      - Names of the hosts that leave altogether.
    type: list
    elements: str
    required: true
  members:
    description:
      - Names of the hosts of which only the member of etcd leaves.
    type: list
    elements: str
    required: true
  inventory:
    description:
      - Names of all hosts of the inventory.
    type: list
    elements: str
    required: true
  dead:
    description:
      - Names of the hosts that leave and do not answer.
    type: list
    elements: str
    required: true
  etcd:
    description:
      - The members, as RV(quorate.kubernetes.etcd_info#module:members) lists them.
    type: list
    elements: dict
    required: true
  nodes:
    description:
      - The nodes, as RV(quorate.kubernetes.nodes_info#module:nodes) lists them.
    type: list
    elements: dict
    required: true
  force:
    description:
      - Whether members go though those that stay may lose their quorum.
    type: bool
    default: false
"""

EXAMPLES = r"""
plan: >-
  {{ cluster_topology | quorate.kubernetes.removal_plan(
     hosts=['w2'], members=[], inventory=hostvars | list, dead=[], etcd=etcd.members, nodes=cluster.nodes) }}
"""

RETURN = r"""
_value:
  description:
    - C(problems), a sentence for each reason not to begin; C(members) that leave etcd, in their order; the nodes that are C(drained) and C(forgotten), as
      entries of O(quorate.kubernetes.node#module:nodes); and all of it as C(sentences).
  type: dict
"""

import dataclasses
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from ansible_collections.quorate.kubernetes.plugins.module_utils import _removal


def removal_plan(
    _input: Mapping[str, Any],
    *,
    hosts: Sequence[str],
    members: Sequence[str],
    inventory: Collection[str],
    dead: Collection[str],
    etcd: Sequence[Mapping[str, Any]],
    nodes: Sequence[Mapping[str, Any]],
    force: bool = False,
) -> dict[str, list[Any]]:
    leaving = {name: host["kinds"] for name, host in _input["leaving"].items()}
    known = _removal.Known(leaving=leaving, inventory=inventory, dead=dead, etcd=etcd, nodes=nodes)
    found = _removal.plan(_removal.Asked(tuple(hosts), tuple(members)), known, force=force)
    words = {name: list(value) for name, value in dataclasses.asdict(found).items()}
    return {**words, **{name: [{"name": node} for node in words[name]] for name in ("drained", "forgotten")}}


class FilterModule:
    """The filter removal_plan."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"removal_plan": removal_plan}
