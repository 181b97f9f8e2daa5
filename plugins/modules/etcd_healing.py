#!/usr/bin/python
# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_healing
short_description: Decide whether members of etcd are replaced by spares, and record it
version_added: 1.0.0
author: quorate.kubernetes contributors (@quorate)
description:
  - Decides from what the members themselves said whether one of them is dead, and whether it is replaced now. Nothing is decided on the word of fewer
    than a majority.
  - Keeps what it has seen from look to look in C(.quorate-watch.json), and who was replaced in C(etcd_replaced.txt), both in O(directory).
  - Runs on the control node, once for all hosts, and contacts none.
extends_documentation_fragment:
  - quorate.kubernetes._attributes
  - quorate.kubernetes._attributes.action
attributes:
  idempotent:
    support: partial
    details:
      - A decision depends on the time.
options:
  after:
    description:
      - Seconds that a member has to be dead before it is replaced.
    type: float
    default: 0
  directory:
    description:
      - Folder of the inventory.
    type: path
    required: true
  members:
    description:
      - Names of the members of etcd, as in the topology.
    type: list
    elements: str
    default: []
  own_group:
    description:
      - Whether the inventory has a group C(etcd), for what is advised.
    type: bool
    default: true
  pairs:
    description:
      - With O(state=begun), the spare that takes the place of each member.
    type: dict
    default: {}
  pause:
    description:
      - Seconds between two healings.
    type: float
    default: 0
  per_day:
    description:
      - How many healings may begin in 24 hours; V(0) for any number.
    type: int
    default: 0
  remember:
    description:
      - With O(state=decided), whether this look counts for the time that a member has been dead.
    type: bool
    default: false
  replaced:
    description:
      - Replacements that the inventory does not know yet, as in the topology.
    type: dict
    default: {}
  spares:
    description:
      - Names of the spares that are left, as in the topology.
    type: list
    elements: str
    default: []
  state:
    description:
      - With V(decided), say what is to be done.
      - With V(begun), record that these members are replaced. It comes before the first change, so that a run that was cut short is known of.
      - With V(forgotten), decide again, and take members that were to be replaced, but answer again, off the record.
      - These two write to the record, so let the run have the lock of the inventory first (M(quorate.kubernetes.topology)), and for V(forgotten) look at
        the members after that. Else a healing that runs beside it could come to its end without its record.
    type: str
    choices: [decided, begun, forgotten]
    default: decided
  version:
    description:
      - The version of etcd that a spare would join with. With the minor version of no running member nothing is healed.
    type: str
    default: ""
  views:
    description:
      - What M(quorate.kubernetes.etcd_info) returned on the host of each member, asked at the member's own endpoint only.
    type: dict
    default: {}
seealso:
  - module: quorate.kubernetes.etcd_member
"""

EXAMPLES = r"""
- name: Ask the member of this host
  quorate.kubernetes.etcd_info:
    required: false
  ignore_unreachable: true
  register: __heal_look

- name: Decide
  quorate.kubernetes.etcd_healing:
    directory: "{{ inventory_dir }}"
    members: "{{ cluster_topology.etcd }}"
    spares: "{{ cluster_topology.etcd_spares }}"
    replaced: "{{ cluster_topology.etcd_replaced }}"
    views: "{{ dict(cluster_topology.etcd | zip(cluster_topology.etcd | map('extract', hostvars) | map(attribute='__heal_look', default={}))) }}"
  run_once: true
"""

RETURN = r"""
decision:
  description: What is to be done, V(nothing), V(wait), V(heal), V(forget) or V(refuse), why, and with which members.
  returned: with O(state=decided) and O(state=forgotten)
  type: dict
  sample: {action: wait, reason: "No answer from e2 for 60 s. A member is replaced after 300 s.", members: [e2]}
silent:
  description: Names of the members whose hosts could not be reached.
  returned: with O(state=decided) and O(state=forgotten)
  type: list
  elements: str
voters:
  description: Names of the members that have a vote.
  returned: with O(state=decided) and O(state=forgotten)
  type: list
  elements: str
advice:
  description: What the user changes in the inventory, a line each.
  returned: with O(state=begun)
  type: list
  elements: str
plan:
  description: What was written, or is to be written, a sentence each.
  returned: always
  type: list
  elements: str
"""
