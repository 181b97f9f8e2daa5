# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: unit_arguments
short_description: Print flags as the arguments of a systemd unit
version_added: 1.0.0
author: quorate.kubernetes contributors (@quorate)
description:
  - Prints a mapping of flags as continuation lines of C(ExecStart), quoted for systemd and sorted by name.
  - Booleans become V(true) and V(false), lists are joined by commas, mappings become C(a=b) pairs.
  - A flag whose value is null or empty is left out.
positional: _input
options:
  _input:
    description:
      - The flags by name, without dashes.
    type: dict
    required: true
"""

EXAMPLES = r"""
unit: |
  [Service]
  ExecStart=/usr/bin/etcd {{ '\\' }}
  {{ {'name': 'm1', 'client-cert-auth': true} | quorate.kubernetes.unit_arguments }}
"""

RETURN = r"""
_value:
  description: The arguments, one a line.
  type: str
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.quorate.kubernetes.plugins.module_utils import _settings


def unit_arguments(_input: Mapping[str, Any]) -> str:
    if not isinstance(_input, Mapping):
        raise AnsibleFilterError(f"unit_arguments takes a mapping of flags, not {type(_input).__name__}.")
    try:
        return _settings.unit_arguments(_input)
    except _settings.SettingsError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """The filter unit_arguments."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"unit_arguments": unit_arguments}
