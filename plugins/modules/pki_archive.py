#!/usr/bin/python
# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pki_archive
short_description: Save the authorities and keys of the control node in an encrypted archive
version_added: 1.0.0
author: quorate.kubernetes contributors (@quorate)
description:
  - A snapshot of etcd is of no use without the keys that Secrets are encrypted with, and a cluster cannot be mended without its authorities.
  - The archive is a compressed tar archive of the whole directory, sealed as C(ansible-vault) does, and open to its owner only.
  - It is read back and compared before an older one is deleted.
  - Everything is done on the control node. No host is contacted.
extends_documentation_fragment:
  - quorate.kubernetes._attributes
  - quorate.kubernetes._attributes.action
attributes:
  idempotent:
    support: full
    details:
      - An archive that holds the same is kept. Put the time into its name.
options:
  keep:
    description:
      - How many archives to keep in the folder of O(path).
      - Only files whose name is a time in UTC count, such as C(20261121T120000Z.pki.vault). V(0) keeps all.
    type: int
    default: 0
  passphrase:
    description:
      - Seals the archive. Without it the archive cannot be opened any more, by nobody.
    type: str
    required: true
  path:
    description:
      - The file of the archive.
    type: path
    required: true
  pki_directory:
    description:
      - The directory to save.
    type: path
    required: true
seealso:
  - module: quorate.kubernetes.etcd_snapshot
"""

EXAMPLES = r"""
- name: Save the authorities
  quorate.kubernetes.pki_archive:
    pki_directory: "{{ inventory_dir }}/pki"
    path: "{{ inventory_dir }}/snapshots/{{ now(utc=true, fmt='%Y%m%dT%H%M%SZ') }}.pki.vault"
    passphrase: "{{ pki_passphrase }}"
    keep: 7

# To open it: ansible-vault decrypt --output pki.tar.gz 20261121T120000Z.pki.vault && tar -xzf pki.tar.gz
"""

RETURN = r"""
path:
  description: The file of the archive.
  returned: success
  type: str
plan:
  description: What was done, or is to be done, a sentence each.
  returned: success
  type: list
  elements: str
removed:
  description: Names of the older archives that were deleted.
  returned: success
  type: list
  elements: str
"""
