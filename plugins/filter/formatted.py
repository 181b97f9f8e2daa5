# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: formatted
short_description: Fill the fields of a mapping into a text
version_added: 1.0.0
author: quorate.kubernetes contributors (@quorate)
description:
  - Fills the fields of a mapping into a text, so that P(ansible.builtin.map#filter) can turn a list of hosts into a list of addresses.
positional: _input, text
options:
  _input:
    description:
      - The fields.
    type: dict
    required: true
  text:
    description:
      - The text, with the name of each field in braces.
    type: str
    required: true
"""

EXAMPLES = r"""
endpoints: "{{ hosts | map('quorate.kubernetes.formatted', 'https://{address}:2379') }}"
"""

RETURN = r"""
_value:
  description: The text with its fields filled in.
  type: str
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError


def formatted(_input: Mapping[str, Any], text: str) -> str:
    # Not str.format: that would let a text reach into the attributes of Python objects.
    try:
        return re.sub(r"\{(\w+)\}", lambda field: str(_input[field[1]]), text)
    except KeyError as error:
        raise AnsibleFilterError(f"formatted: there is no field {error} for the text {text!r}.") from error


class FilterModule:
    """The filter formatted."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"formatted": formatted}
