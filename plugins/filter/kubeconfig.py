# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: kubeconfig
short_description: Make a kubeconfig that names files
version_added: 1.0.0
author: quorate.kubernetes contributors (@quorate)
description:
  - Makes the structure of a kubeconfig that names the files of a client certificate and its key instead of holding them.
  - The input is the URL of the API server.
positional: _input
options:
  _input:
    description:
      - URL of the API server.
    type: str
    required: true
  user:
    description:
      - Name of the user entry.
    type: str
    required: true
  directory:
    description:
      - Directory on the host that holds C(client.crt) and C(client.key).
    type: path
    required: true
  authority:
    description:
      - Bundle on the host that the server is checked against.
    type: path
    default: /etc/kubernetes/pki/ca.crt
"""

EXAMPLES = r"""
content: "{{ server | quorate.kubernetes.kubeconfig(user='kubelet', directory='/etc/kubernetes/kubelet') | to_nice_yaml }}"
"""

RETURN = r"""
_value:
  description: The structure of the kubeconfig.
  type: dict
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.quorate.kubernetes.plugins.module_utils import _settings


def kubeconfig(_input: str, *, user: str, directory: str, authority: str = "/etc/kubernetes/pki/ca.crt") -> dict[str, Any]:
    return _settings.kubeconfig(
        server=_input, authority=authority, certificate=f"{directory}/client.crt", key=f"{directory}/client.key", user=user
    )


class FilterModule:
    """The filter kubeconfig."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"kubeconfig": kubeconfig}
