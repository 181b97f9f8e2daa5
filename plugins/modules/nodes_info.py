#!/usr/bin/python
# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nodes_info
short_description: Read the nodes of a Kubernetes cluster
version_added: 1.0.0
author: quorate.kubernetes contributors (@quorate)
description:
  - Tells of every node whether it is ready, which version its kubelet has, and what it carries.
extends_documentation_fragment:
  - quorate.kubernetes._attributes.info_module
  - quorate.kubernetes._attributes.action
  - quorate.kubernetes._api
"""

EXAMPLES = r"""
- name: Read the nodes
  quorate.kubernetes.nodes_info:
  register: cluster_nodes

- name: Show those that are not ready
  ansible.builtin.debug:
    msg: "{{ cluster_nodes.nodes | rejectattr('ready') | map(attribute='name') }}"
"""

RETURN = r"""
nodes:
  description: The nodes, sorted by name.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Its name.
      type: str
    ready:
      description: Whether it is ready.
      type: bool
    reason:
      description: Why it is not; empty if it is.
      type: str
    version:
      description: Version of its kubelet.
      type: str
      sample: v1.37.1
    architecture:
      description: Its architecture.
      type: str
      sample: amd64
    addresses:
      description: Its addresses and names.
      type: list
      elements: str
    cordoned:
      description: Whether new pods are kept away.
      type: bool
    cordoned_by:
      description: Who cordoned it, if it was M(quorate.kubernetes.node).
      type: str
    labels:
      description: Its labels.
      type: dict
    taints:
      description: Its taints.
      type: list
      elements: dict
executions:
  description: How often the host was contacted.
  returned: always
  type: int
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.quorate.kubernetes.plugins.module_utils import _kubernetes, _node


def main() -> None:
    module = AnsibleModule(argument_spec=_kubernetes.API_OPTIONS, supports_check_mode=True)
    try:
        nodes = _kubernetes.client_of(module.params).collection(_kubernetes.NODES.path())
    except _kubernetes.KubernetesError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, nodes=_node.summaries(nodes))


if __name__ == "__main__":
    main()
