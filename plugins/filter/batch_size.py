# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: batch_size
short_description: Tell how many nodes are changed at a time
version_added: 1.0.0
author: quorate.kubernetes contributors (@quorate)
description:
  - For C(serial), where a play knows the variables of no host. It is the first C(upgrade_batch) that a host has, by the names of the hosts,
    else the first C(workers_batch), else 1.
positional: _input, hostvars
options:
  _input:
    description:
      - Names of the hosts that are changed.
    type: list
    elements: str
    required: true
  hostvars:
    description:
      - Variables of all hosts.
    type: dict
    required: true
"""

EXAMPLES = r"""
serial: "{{ groups['workers'] | quorate.kubernetes.batch_size(hostvars) }}"
"""

RETURN = r"""
_value:
  description: A number, or a percentage.
  type: raw
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.quorate.kubernetes.plugins.module_utils import _upgrade_plan


def batch_size(_input: Sequence[str], hostvars: Mapping[str, Any]) -> Any:
    return _upgrade_plan.batch_size([hostvars[name] for name in sorted(_input)])


class FilterModule:
    """The filter batch_size."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"batch_size": batch_size}
