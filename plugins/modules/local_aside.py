#!/usr/bin/python
# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: local_aside
short_description: Move files and directories of the control node aside
version_added: 1.0.0
author: quorate.kubernetes contributors (@quorate)
description:
  - Renames each path to one beside it that ends with the time and C(.bak), so that Ansible does not take it for an inventory. Nothing is
    deleted.
  - Everything is done on the control node. No host is contacted.
extends_documentation_fragment:
  - quorate.kubernetes._attributes
  - quorate.kubernetes._attributes.action
options:
  paths:
    description:
      - What to move. What is not there is left out; so is what lies in another one, since it moves with that.
    type: list
    elements: path
    required: true
"""

EXAMPLES = r"""
- name: Begin with new authorities
  quorate.kubernetes.local_aside:
    paths:
      - "{{ inventory_dir }}/pki"
      - "{{ inventory_dir }}/admin.kubeconfig"
"""

RETURN = r"""
plan:
  description: What was done, or is to be done, a sentence each.
  returned: always
  type: list
  elements: str
moved_aside:
  description: Where each was moved, by the path where it was.
  returned: always
  type: dict
  sample: {/srv/inventory/pki: /srv/inventory/pki.aside-20261121T120000Z.bak}
"""
