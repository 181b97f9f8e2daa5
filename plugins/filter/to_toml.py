# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: to_toml
short_description: Print settings as TOML
version_added: 1.0.0
author: quorate.kubernetes contributors (@quorate)
description:
  - Prints nested mappings as TOML, as containerd reads it.
positional: _input
options:
  _input:
    description:
      - The settings.
    type: dict
    required: true
"""

EXAMPLES = r"""
configuration: "{{ {'version': 3, 'plugins': {}} | quorate.kubernetes.to_toml }}"
"""

RETURN = r"""
_value:
  description: The text.
  type: str
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.quorate.kubernetes.plugins.module_utils import _settings


def to_toml(_input: Mapping[str, Any]) -> str:
    if not isinstance(_input, Mapping):
        raise AnsibleFilterError(f"to_toml takes a mapping, not {type(_input).__name__}.")
    return _settings.to_toml(_input)


class FilterModule:
    """The filter to_toml."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"to_toml": to_toml}
