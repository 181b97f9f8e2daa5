# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: host_problems
short_description: Tell what keeps a host from being part of a cluster
version_added: 1.0.0
author: quorate.kubernetes contributors (@quorate)
description:
  - Judges a host by the fact C(host_observation), and returns a sentence for each problem with what to do about it.
positional: _input
options:
  _input:
    description:
      - The fact C(host_observation).
    type: dict
    required: true
  kinds:
    description:
      - What the host is to be, C(kinds) of a host of the topology. What it is to run must not run already as something else, nor must it have what
        it was to run before.
    type: list
    elements: str
    required: true
  clock_skew:
    description:
      - Seconds that its clock may differ from the control node's.
    type: float
    required: true
  free_space:
    description:
      - Bytes that a fresh host needs.
    type: int
    required: true
  features:
    description:
      - What the kernel has to be able to do, as for M(quorate.kubernetes.host_facts).
    type: list
    elements: str
    required: true
  cgroup_v1:
    description:
      - Whether kubelet was told to run with cgroups of version 1.
    type: bool
    default: false
"""

EXAMPLES = r"""
problems: "{{ host_observation | quorate.kubernetes.host_problems(kinds=['node', 'worker'], clock_skew=5, free_space=0, features=['overlay']) }}"
"""

RETURN = r"""
_value:
  description: The problems; empty if there are none.
  type: list
  elements: str
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.quorate.kubernetes.plugins.module_utils import _fitness


def host_problems(
    _input: Mapping[str, Any], *, kinds: Sequence[str], clock_skew: float, free_space: int, features: Sequence[str], cgroup_v1: bool = False
) -> list[str]:
    return _fitness.problems(_input, kinds=kinds, clock_skew=clock_skew, free_space=free_space, features=features, cgroup_v1=cgroup_v1)


class FilterModule:
    """The filter host_problems."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"host_problems": host_problems}
