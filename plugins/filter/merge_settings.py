# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: merge_settings
short_description: Merge settings of a program in layers
version_added: 1.0.0
author: quorate.kubernetes contributors (@quorate)
description:
  - Merges mappings into one. The later one wins, mappings inside are merged, and a null takes a setting away.
positional: _input, layers
options:
  _input:
    description:
      - The settings to start from.
    type: dict
    required: true
  layers:
    description:
      - Further settings, one argument each.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
kubelet_configuration: "{{ defaults | quorate.kubernetes.merge_settings({'maxPods': 200, 'podPidsLimit': none}) }}"
"""

RETURN = r"""
_value:
  description: The merged settings.
  type: dict
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.quorate.kubernetes.plugins.module_utils import _settings
from ansible_collections.quorate.kubernetes.plugins.plugin_utils._plain import plain


def merge_settings(_input: Mapping[str, Any], *layers: Mapping[str, Any]) -> dict[str, Any]:
    for layer in (_input, *layers):
        if not isinstance(layer, Mapping):
            raise AnsibleFilterError(f"merge_settings takes mappings, not {type(layer).__name__}: {layer!r}")
    return _settings.merge(*(plain(layer) for layer in (_input, *layers)))


class FilterModule:
    """The filter merge_settings."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"merge_settings": merge_settings}
