#!/usr/bin/python
# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_info
short_description: Read members, health, versions, sizes and alarms of etcd
version_added: 1.0.0
author: quorate.kubernetes contributors (@quorate)
description:
  - Reads the member list through the quorum, and asks each member itself, over mutual TLS, how it is.
  - It fails if no member answers through the quorum, unless O(required=false).
extends_documentation_fragment:
  - quorate.kubernetes._attributes.info_module
  - quorate.kubernetes._etcd
options:
  required:
    description:
      - Whether it is an error that the cluster does not answer.
    type: bool
    default: true
  wait:
    description:
      - Seconds to wait for an answer.
    type: float
    default: 0
seealso:
  - module: quorate.kubernetes.etcd_quorum
"""

EXAMPLES = r"""
- name: Read the members of etcd
  quorate.kubernetes.etcd_info:
    endpoints: [https://192.0.2.11:2379, https://192.0.2.12:2379, https://192.0.2.13:2379]
  register: etcd
"""

RETURN = r"""
reachable:
  description: Whether the cluster answered.
  returned: always
  type: bool
cause:
  description: Why it did not.
  returned: when it did not answer
  type: str
cluster_id:
  description: Number of the cluster, in hexadecimal.
  returned: when it answered
  type: str
leader:
  description: Name of the leader.
  returned: when it answered
  type: str
members:
  description: Each entry of the member list with what the member said of itself.
  returned: when it answered
  type: list
  elements: dict
  contains:
    cause: {description: Why it is not healthy or has no vote, returned: always, type: str}
    client_urls: {description: Its client URLs. None before its first start, returned: always, type: list, elements: str}
    database_quota: {description: Largest size that it allows its database, returned: always, type: int}
    database_size: {description: Size of its database in bytes, returned: always, type: int}
    database_used: {description: Bytes of it that are in use, returned: always, type: int}
    healthy: {description: Whether a read through the quorum succeeds on it; for a learner whether it answers, returned: always, type: bool}
    id: {description: Its number in hexadecimal, returned: always, type: str}
    leader: {description: Whether it leads, returned: always, type: bool}
    learner: {description: Whether it has no vote, returned: always, type: bool}
    live: {description: Whether its process answers, returned: always, type: bool}
    name: {description: Its name. Empty before its first start, returned: always, type: str}
    peer_urls: {description: Its peer URLs, returned: always, type: list, elements: str}
    raft_index: {description: Last entry of its log, returned: always, type: int}
    storage_version: {description: Version of its store, returned: always, type: str}
    term: {description: Raft term that it is in, returned: always, type: int}
    version: {description: Version of its program, returned: always, type: str}
quorum:
  description: How many voters there are, how many of them are healthy, how many are needed, how many can be spared, and the number of learners.
  returned: when it answered
  type: dict
  sample: {voters: 3, healthy: 3, learners: 0, quorum: 2, spare: 1}
alarms:
  description: Active alarms. Each is a warning too.
  returned: when it answered
  type: list
  elements: dict
  sample: [{alarm: NOSPACE, member: 2e122b5e0afe0040}]
"""

from typing import Any, Optional

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.quorate.kubernetes.plugins.module_utils import _etcd, _etcd_client, _host

ARGUMENT_SPEC: dict[str, Any] = {
    **_etcd_client.ETCD_ARGUMENTS,
    "required": {"type": "bool", "default": True},
    "wait": {"type": "float", "default": 0},
}


class EtcdInfo:
    """A cluster of etcd, only read."""

    def __init__(self, params: dict[str, Any]) -> None:
        self._params = params
        self.alarms: list[str] = []
        self._client = _etcd_client.EtcdClient(_etcd_client.Connection.of(params))

    def read(self) -> dict[str, Any]:
        cluster: Optional[_etcd.Cluster] = None
        failure = ""

        def answered() -> bool:
            nonlocal cluster, failure
            try:
                cluster = self._client.cluster()
            except (_etcd.EtcdError, _host.HostError) as error:
                failure = str(error)
            return cluster is not None

        _host.wait_until(answered, timeout=self._params["wait"], poll=_etcd_client.POLL_SECONDS)
        if cluster is not None:
            self.alarms = cluster.alarms_in_words()
            return {"reachable": True, **_etcd_client.describe(cluster)}
        if self._params["required"]:
            raise _etcd.EtcdError(failure)
        return {"reachable": False, "cause": failure}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        info = EtcdInfo(module.params)
        result = info.read()
    except (_etcd.EtcdError, _host.HostError) as error:
        module.fail_json(msg=f"Reading etcd failed: {error}")
    for alarm in info.alarms:
        module.warn(f"etcd has the alarm {alarm}. See the playbook maintain_etcd.")
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
