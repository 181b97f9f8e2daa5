# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: etcd_replacements
short_description: Choose spares for dead members of etcd
version_added: 1.0.0
author: quorate.kubernetes contributors (@quorate)
description:
  - Gives each dead member a spare that was reached and holds no data of etcd, of the same zone if there is one.
  - A spare that a former run has chosen stays the one, unless it is lost too.
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
  dead:
    description:
      - Names of the members to replace.
    type: list
    elements: str
    required: true
  data:
    description:
      - Path that the hosts were probed for, to tell whether they hold data of a member.
    type: path
    required: true
"""

EXAMPLES = r"""
chosen: "{{ cluster_topology | quorate.kubernetes.etcd_replacements(hostvars, dead=['e2'], data='/var/lib/etcd/member') }}"
"""

RETURN = r"""
_value:
  description: C(pairs), the spare of each member, and C(problem), why there are none; one of the two is empty.
  type: dict
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.quorate.kubernetes.plugins.module_utils import _healing
from ansible_collections.quorate.kubernetes.plugins.plugin_utils import _observation


def etcd_replacements(_input: Mapping[str, Any], hostvars: Mapping[str, Any], *, dead: Sequence[str], data: str) -> dict[str, Any]:
    fixed = {str(member): str(spare) for member, spare in _input["etcd_replaced"].items() if spare in _input["etcd"]}
    chosen = [spare for member, spare in fixed.items() if member in dead]
    observed = _observation.of_hosts([*_input["etcd_spares"], *chosen], hostvars, run=_input["run"])
    candidates = {name: _problem(one, data=data, fresh=name not in chosen) for name, one in observed.items()}
    zones = {name: host["zone"] for name, host in _input["hosts"].items()}
    pairs, problem = _healing.pair(list(dead), candidates=candidates, zones=zones, fixed=fixed)
    return {"pairs": pairs, "problem": problem}


def _problem(observed: Mapping[str, Any], *, data: str, fresh: bool) -> str:
    if not observed:
        return "it could not be reached"
    if fresh and observed["probes"].get(data) == "filled":
        return f"it holds data of etcd in {data}: move that aside, or reset the host"
    return ""


class FilterModule:
    """The filter etcd_replacements."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"etcd_replacements": etcd_replacements}
