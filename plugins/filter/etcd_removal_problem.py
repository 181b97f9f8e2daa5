# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: etcd_removal_problem
short_description: Tell why members of etcd cannot be taken out
version_added: 1.0.0
author: quorate.kubernetes contributors (@quorate)
description:
  - Sums up whether all these members can be taken out, one after the other, so that those that stay keep their quorum all the time.
positional: _input, names
options:
  _input:
    description:
      - The members, as RV(quorate.kubernetes.etcd_info#module:members) lists them.
    type: list
    elements: dict
    required: true
  names:
    description:
      - Names of the members to take out.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
problem: "{{ etcd.members | quorate.kubernetes.etcd_removal_problem(['m2', 'm3']) }}"
"""

RETURN = r"""
_value:
  description: The sum in words; empty if they can be taken out.
  type: str
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.quorate.kubernetes.plugins.module_utils import _reset


def etcd_removal_problem(_input: Iterable[Mapping[str, Any]], names: Sequence[str]) -> str:
    return _reset.cost(_input, names)


class FilterModule:
    """The filter etcd_removal_problem."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"etcd_removal_problem": etcd_removal_problem}
