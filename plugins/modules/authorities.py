#!/usr/bin/python
# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: authorities
short_description: Make the authorities of a cluster on the control node
version_added: 1.0.0
author: quorate.kubernetes contributors (@quorate)
description:
  - Makes what is missing of the authorities C(kubernetes), C(etcd) and C(front_proxy), of the key that signs tokens of service
    accounts, and of the key that encrypts Secrets in etcd. What is there is used as it is.
  - Everything is done on the control node. No host is contacted.
  - Each authority is a folder. C(ca.crt) holds the certificate that signs, and the intermediates above it if there are any; C(ca.key) is
    its key; C(trusted.crt) is the bundle that hosts trust; C(former.crt) may hold authorities that hosts were built with before.
  - To bring an authority, put its C(ca.crt) and C(ca.key) there. Without C(ca.key) nothing can be signed or renewed. Unless C(trusted.crt)
    is brought too, hosts trust the first certificate of C(ca.crt) and nothing above it. With the root of a company in there, anybody whom
    that root certifies could come as any user. Let the chain follow in C(ca.crt) up to the root all the same, for programs that use
    OpenSSL.
  - It stops if a host holds certificates of another authority, and if something is missing that hosts were built with.
  - It stops if the addresses of more than one member of a living etcd have changed, as no new certificates may be made for these.
extends_documentation_fragment:
  - quorate.kubernetes._attributes
  - quorate.kubernetes._attributes.action
options:
  pki_directory:
    description:
      - Directory of the authorities. It gets mode 0700, and its files 0600.
    type: path
    required: true
  passphrase:
    description:
      - Encrypts the keys. Keys that are there without encryption are encrypted too.
      - C(ansible-vault view) opens C(encryption/keys.json) with it, C(openssl pkey) the others.
    type: str
    default: ""
  days:
    description:
      - How many days an authority lives.
    type: int
    default: 3650
  key_type:
    description:
      - Algorithm and size of the keys.
    type: str
    choices: [ecdsa-p256, ecdsa-p384, rsa-2048, rsa-3072, rsa-4096]
    default: ecdsa-p256
  hosts:
    description:
      - Names of all hosts of the cluster. Those that were observed must not hold certificates of other authorities. Nothing is made
        unless all of them were observed.
    type: list
    elements: str
    default: []
requirements:
  - cryptography >= 42 on the control node
seealso:
  - module: quorate.kubernetes.certificates
  - plugin: quorate.kubernetes.pki_secret
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: Make the authorities that are missing
  quorate.kubernetes.authorities:
    pki_directory: "{{ inventory_dir }}/pki"
    hosts: "{{ cluster_topology.hosts | list }}"
"""

RETURN = r"""
plan:
  description: What was made, or is to be made, a sentence each.
  returned: success
  type: list
  elements: str
  sample: ["make /home/me/inventory/pki/etcd/ca.key"]
ansible_facts:
  description: What hosts may know.
  returned: success
  type: dict
  contains:
    pki_authorities:
      description:
        - For each authority C(trusted), C(issuer_fingerprint), which is the SHA-256 of the certificate that signs, and C(not_after), its
          last day. For C(service_account) C(trusted), the public keys that tokens are checked with.
        - Texts are empty in check mode as long as there is no authority.
      returned: success
      type: dict
      sample: {etcd: {trusted: "-----BEGIN CERTIFICATE-----...", issuer_fingerprint: 5d0c..., not_after: "2036-11-18"}}
"""
