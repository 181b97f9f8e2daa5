#!/usr/bin/python
# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: topology
short_description: Check an inventory and tell which cluster it describes
version_added: 1.0.0
author: quorate.kubernetes contributors (@quorate)
description:
  - Checks the groups, hosts and variables of the whole inventory and computes the topology of the cluster.
  - Reads the hosts of the groups C(masters), C(workers), C(etcd) and C(etcd_spares), whatever hosts the play or C(--limit) has.
  - Checks the name, type and choices of each variable that a role of the collection declares in C(meta/argument_specs.yml).
  - Looks for templates and folders on the control node that variables name.
  - A variable that begins with the name of a role and that no role declares is reported, with the name that was probably meant.
  - Fails with all problems at once.
  - Runs on the control node, once for all hosts, and contacts none.
extends_documentation_fragment:
  - quorate.kubernetes._attributes.info_module
  - quorate.kubernetes._attributes.action
options:
  installs:
    description:
      - Whether programs are installed in this run, so that a folder they come from has to be there.
    type: bool
    default: false
  lock:
    description:
      - Whether to take the lock that keeps two runs on one inventory apart. In check mode it is never taken.
    type: bool
    default: true
  replaced:
    description:
      - Members of etcd that are about to be replaced, and the spare that takes the place of each, beside those that C(etcd_replaced.txt) beside
        the inventory records.
    type: dict
    default: {}
  run:
    description:
      - Token of the run, if it has one already. What was observed with it stays valid.
    type: str
    default: ""
seealso:
  - name: The topology
    description: What roles read from it.
    link: https://github.com/quorate/quorate.kubernetes/tree/main/docs/architecture.md
"""

EXAMPLES = r"""
- name: Check the inventory and all variables
  quorate.kubernetes.topology:
  run_once: true
  register: checked

- name: Show the etcd members
  ansible.builtin.debug:
    var: checked.topology.etcd
"""

RETURN = r"""
topology:
  description: The topology, as docs/architecture.md describes it.
  returned: success
  type: dict
  contains:
    name:
      description: Name of the cluster.
      returned: success
      type: str
      sample: kubernetes
    domain:
      description: Domain of its Services.
      returned: success
      type: str
      sample: cluster.local
    layout:
      description: V(stacked) if the masters are the etcd members, V(external) otherwise.
      returned: success
      type: str
      sample: stacked
    versions:
      description: Version of each package.
      returned: success
      type: dict
      sample: {kubernetes: 1.37.1, etcd: 3.7.3}
    binaries:
      description: Folder of each package on the hosts.
      returned: success
      type: dict
      sample: {etcd: /opt/quorate/etcd/3.7.3}
    networks:
      description: Networks of pods and Services.
      returned: success
      type: dict
      sample: {pods: 10.244.0.0/16, services: 10.96.0.0/16}
    flannel_store:
      description: Where flannel has its network's configuration, V(kubernetes) or V(etcd).
      returned: success
      type: str
      sample: kubernetes
    services:
      description: Addresses of the Services of the API and of DNS.
      returned: success
      type: dict
      sample: {api: 10.96.0.1, dns: 10.96.0.10}
    api:
      description: How the API is reached, and what its certificates carry.
      returned: success
      type: dict
      sample: {port: 6443, local: "https://127.0.0.1:7443", endpoint: "https://192.0.2.11:6443", servers: {m1: "https://192.0.2.11:6443"}}
    hosts:
      description: Each host by its name.
      returned: success
      type: dict
      sample: {w1: {name: w1, address: 192.0.2.21, kinds: [node, worker], zone: a, region: "", labels: {}, taints: []}}
    leaving:
      description:
        - What the playbook remove takes out, by name. C(kinds) is what a host will not be any more.
        - Hosts of the group C(leaving) are in no other part of the topology; those of C(leaving_etcd) are no members of etcd in it.
      returned: success
      type: dict
      sample: {}
    in_use:
      description: Names of all hosts but spares that wait, sorted.
      returned: success
      type: list
      elements: str
      sample: [m1, m2, m3, w1, w2]
    etcd:
      description: Names of the etcd members, sorted.
      returned: success
      type: list
      elements: str
      sample: [m1, m2, m3]
    etcd_urls:
      description: Where each member of etcd serves clients, by name.
      returned: success
      type: dict
      sample: {m1: "https://192.0.2.11:2379"}
    etcd_spares:
      description: Names of the hosts that may replace an etcd member, sorted.
      returned: success
      type: list
      elements: str
      sample: []
    etcd_replaced:
      description: Hosts that the inventory names as etcd members, but whose place a spare has taken, and that spare.
      returned: success
      type: dict
      sample: {}
    masters:
      description: Names of the masters, sorted.
      returned: success
      type: list
      elements: str
      sample: [m1, m2, m3]
    workers:
      description: Names of the workers, sorted.
      returned: success
      type: list
      elements: str
      sample: [w1, w2]
    nodes:
      description: Names of masters and workers, sorted.
      returned: success
      type: list
      elements: str
      sample: [m1, m2, m3, w1, w2]
failure:
  description: What is wrong, for programs.
  returned: failure
  type: dict
  contains:
    problems:
      description: Each problem, sorted by where it is.
      returned: failure
      type: list
      elements: dict
      contains:
        where:
          description: Hosts, group or variable that it concerns.
          returned: failure
          type: str
          sample: group etcd
        what:
          description: What is wrong and why.
          returned: failure
          type: str
          sample: "4 etcd members: an even number survives the loss of 1, no more than 3 would, and is likelier to lose one"
        remedy:
          description: What to do.
          returned: failure
          type: str
          sample: Make it 3 or 5
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

ARGUMENT_SPEC: dict[str, Any] = {
    "installs": {"type": "bool", "default": False},
    "lock": {"type": "bool", "default": True},
    "replaced": {"type": "dict", "default": {}},
    "run": {"type": "str", "default": ""},
}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    module.fail_json(
        msg=(
            "The topology could not be computed on this host, because it needs the whole inventory: its action plugin did not run. "
            "Call the module by its full name, quorate.kubernetes.topology, in a task of a playbook"
        )
    )


if __name__ == "__main__":
    main()
