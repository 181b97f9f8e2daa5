#!/usr/bin/python
# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: kubeconfig
short_description: Write a kubeconfig file on the control node
version_added: 1.0.0
author: quorate.kubernetes contributors (@quorate)
description:
  - Writes a file for C(kubectl), with an embedded key and certificate, that only its owner can read.
  - It is written anew when the certificate nears its end, when servers, user, groups, issuer or trusted authorities differ, and when it
    cannot be read.
  - Everything is done on the control node. No host is contacted.
extends_documentation_fragment:
  - quorate.kubernetes._attributes
  - quorate.kubernetes._attributes.action
options:
  path:
    description:
      - Path of the file. Its directory has to exist.
    type: path
    required: true
  server:
    description:
      - URL of the API.
    type: str
    required: true
  other_servers:
    description:
      - Further URLs of the API, by name. Each gets a context of its own, C(USER@CLUSTER-NAME), for when O(server) does not answer.
    type: dict
    default: {}
  cluster_name:
    description:
      - What the cluster is called in the file.
    type: str
    default: kubernetes
  common_name:
    description:
      - Name of the user.
    type: str
    required: true
  organizations:
    description:
      - Groups of the user.
    type: list
    elements: str
    default: []
  days:
    description:
      - How many days the certificate lives, though never longer than its authority.
    type: int
    default: 365
  renew_before_days:
    description:
      - How many days before its end the certificate is renewed, though never before two thirds of its life have passed.
    type: int
    default: 60
  pki_directory:
    description:
      - Directory of the authorities.
    type: path
    required: true
  passphrase:
    description:
      - Opens the keys of the authorities.
    type: str
    default: ""
requirements:
  - cryptography >= 42 on the control node
"""

EXAMPLES = r"""
- name: Write the kubeconfig of the administrators
  quorate.kubernetes.kubeconfig:
    path: "{{ inventory_dir }}/admin.kubeconfig"
    server: https://192.0.2.10:6443
    other_servers:
      m1: https://192.0.2.11:6443
      m2: https://192.0.2.12:6443
    common_name: admin
    organizations: [quorate:admins]
    pki_directory: "{{ inventory_dir }}/pki"
"""

RETURN = r"""
plan:
  description: What was done, or is to be done, a sentence each.
  returned: success
  type: list
  elements: str
  sample: ["write /home/me/inventory/admin.kubeconfig: it is missing"]
path:
  description: Absolute path of the file.
  returned: success
  type: str
"""
