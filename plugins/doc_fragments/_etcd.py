# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: the options that every module of etcd has."""

from __future__ import annotations


class ModuleDocFragment:
    """How to reach etcd."""

    DOCUMENTATION = r"""
options:
  ca:
    description:
      - File of the CA that members of etcd are verified with, on the host.
    type: path
    default: /etc/etcd/pki/ca.crt
  certificate:
    description:
      - File of the client certificate, on the host.
      - With access control on, its common name is the user of etcd, who must have the role C(root).
    type: path
    default: /etc/etcd/pki/operator.crt
  endpoint:
    description:
      - Client URL to ask first, usually that of the member on the host itself.
    type: str
    default: https://127.0.0.1:2379
  endpoints:
    description:
      - Client URLs to ask when O(endpoint) gives no answer that the quorum agrees to.
    type: list
    elements: str
    default: []
  etcdctl:
    description:
      - The program C(etcdctl), on the host.
    type: path
    default: etcdctl
  key:
    description:
      - File of the key of O(certificate), on the host.
    type: path
    default: /etc/etcd/pki/operator.key
"""
