# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: most_disturbing
short_description: Sum up what several plans mean for a host
version_added: 1.0.0
author: quorate.kubernetes contributors (@quorate)
description:
  - Returns V(change) if any plan restarts something that runs, V(build) if any has something to do, V(keep) otherwise.
positional: _input
options:
  _input:
    description:
      - The RV(quorate.kubernetes.components#module:step) of each plan.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
step: "{{ [node_plan.step, workers_plan.step] | quorate.kubernetes.most_disturbing }}"
"""

RETURN = r"""
_value:
  description: V(change), V(build) or V(keep).
  type: str
"""

from collections.abc import Callable, Iterable
from typing import Any

from ansible_collections.quorate.kubernetes.plugins.module_utils import _component


def most_disturbing(_input: Iterable[str]) -> str:
    return _component.most_disturbing(_input)


class FilterModule:
    """The filter most_disturbing."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"most_disturbing": most_disturbing}
