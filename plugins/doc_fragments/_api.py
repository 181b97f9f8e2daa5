# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: the options of the modules that talk to the Kubernetes API."""

from __future__ import annotations


class ModuleDocFragment:
    """What C(_kubernetes.API_OPTIONS) holds, documented."""

    DOCUMENTATION = r"""
description:
  - The host asks the API itself, with Python's standard library; it needs neither kubectl nor a Kubernetes library.
  - The control node signs a client certificate that is valid for half an hour longer than the module may wait. The host keeps its key in memory only.
    With C(pipelining) Ansible does not write it to a disk of the host either.
options:
  server:
    description:
      - URL of the API server as the host sees it.
    type: str
    default: https://127.0.0.1:6443
  ca:
    description:
      - File on the host with the authorities that may sign the API server's certificate.
      - Without it, the control node's own bundle is used.
    type: path
  pki_directory:
    description:
      - Directory of the authorities on the control node.
      - Without it, the variable C(pki_directory) of the host.
    type: path
  pki_passphrase:
    description:
      - Passphrase of the authorities' keys, if they are encrypted.
      - Without it, the variable C(pki_passphrase) of the host, if there is one.
    type: str
  identity:
    description:
      - Client certificate to ask with.
      - Without it, the control node signs one with the authority in O(pki_directory).
    type: dict
    suboptions:
      certificate:
        description:
          - The certificate with its chain, as PEM.
        type: str
        required: true
      key:
        description:
          - Its private key, as PEM.
        type: str
        required: true
      trusted:
        description:
          - Authorities that may sign the API server's certificate, as PEM. O(ca) comes first.
        type: str
        default: ''
  wait_part:
    description:
      - Set by the action, which cuts a long wait into several executions.
    type: dict
    suboptions:
      seconds:
        description:
          - Seconds that this execution may wait.
        type: float
        required: true
      last:
        description:
          - Whether it is the last one.
        type: bool
        required: true
"""
