#!/usr/bin/python
# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_quorum
short_description: May a member of etcd be stopped, removed or added now
version_added: 1.0.0
author: quorate.kubernetes contributors (@quorate)
description:
  - Asks the living cluster before a member is stopped, removed or added, and after it was started again.
  - Voters come from the member list, read through the quorum, and never from an inventory. Each member is asked itself whether it is healthy.
  - It fails if the answer is no, with the members and the sum in words.
  - It changes nothing, except that it moves leadership if O(hand_over) asks for that.
extends_documentation_fragment:
  - quorate.kubernetes._attributes
  - quorate.kubernetes._etcd
attributes:
  diff_mode:
    support: none
    details:
      - No file or setting changes.
options:
  action:
    description:
      - What is to be done, or was done, with the member.
      - V(restart) holds if the healthy voters without it still are a quorum, and there is no alarm but O(ignore_alarms).
      - V(remove) holds if those that stay have a quorum of healthy voters. Of two voters none is removed without O(force).
      - V(add) holds if all voters are healthy, and no other member is on its way.
      - V(confirm) holds if the member is ready after its restart, all agree on leader and term, and there is no alarm but O(ignore_alarms).
    type: str
    required: true
    choices: [restart, remove, add, confirm]
  downtime:
    description:
      - Accept that a cluster of up to so many voters, V(1) or V(2), is down while one of them is.
      - Give the number that you know of. If a member is there that you have not counted, nothing is restarted.
    type: int
    default: 0
  force:
    description:
      - Allow to remove one of two voters, although a failure of the other during the change loses the cluster.
    type: bool
    default: false
  hand_over:
    description:
      - With O(action=restart), move leadership away from the member before it is stopped, so that no write waits for an election.
      - The new leader is the last healthy voter by name, as hosts are usually changed in the order of their names.
    type: bool
    default: false
  ignore_alarms:
    description:
      - Alarms that do not stand in the way. V(NOSPACE) says nothing about the quorum, and a restart with a larger quota may be what ends it.
    type: list
    elements: str
    choices: [NOSPACE, CORRUPT]
    default: []
  name:
    description:
      - Name of the member.
    type: str
    required: true
  required:
    description:
      - Whether a no is an error.
    type: bool
    default: true
  unit:
    description:
      - Name of the systemd unit of the member, if it is the one on this host.
      - If the unit is not active, O(action=restart) is allowed without asking anybody, as nothing is stopped.
      - In check mode O(action=confirm) is then not asked either, as the unit was not started.
    type: str
  wait:
    description:
      - Seconds to wait for a yes.
    type: float
    default: 10
seealso:
  - module: quorate.kubernetes.etcd_info
"""

EXAMPLES = r"""
- name: Ask whether etcd may be restarted on this host
  quorate.kubernetes.etcd_quorum:
    action: restart
    name: m2
    hand_over: true
    endpoints: [https://192.0.2.11:2379, https://192.0.2.12:2379, https://192.0.2.13:2379]

- name: See that it has come back
  quorate.kubernetes.etcd_quorum:
    action: confirm
    name: m2
    endpoints: [https://192.0.2.11:2379, https://192.0.2.12:2379, https://192.0.2.13:2379]
    wait: 60
"""

RETURN = r"""
allowed:
  description: Whether it may be done.
  returned: always
  type: bool
explanation:
  description: The sum in words, with names.
  returned: always
  type: str
  sample: "m2 may be stopped: all 3 voters (m1, m2 and m3) are healthy, and quorum is 2; without m2 2 remain."
handed_over_to:
  description: The member that got the leadership, or would in check mode.
  returned: when it was moved
  type: str
leader:
  description: Whether the member led when it was asked.
  returned: when the cluster answered
  type: bool
sum:
  description: The sum as data.
  returned: when the cluster answered
  type: dict
  sample: {voters: 3, healthy: 3, learners: 0, quorum: 2, voters_after: 3, healthy_after: 2, quorum_after: 2}
cluster:
  description: The cluster as M(quorate.kubernetes.etcd_info) returns it.
  returned: when the cluster answered
  type: dict
"""

import dataclasses
from typing import Any, Optional

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.quorate.kubernetes.plugins.module_utils import _etcd, _etcd_client, _etcd_member, _host, _quorum

ARGUMENT_SPEC: dict[str, Any] = {
    **_etcd_client.ETCD_ARGUMENTS,
    "action": {"type": "str", "required": True, "choices": ["restart", "remove", "add", "confirm"]},
    "downtime": {"type": "int", "default": 0},
    "force": {"type": "bool", "default": False},
    "hand_over": {"type": "bool", "default": False},
    "ignore_alarms": {"type": "list", "elements": "str", "choices": ["NOSPACE", "CORRUPT"], "default": []},
    "name": {"type": "str", "required": True},
    "required": {"type": "bool", "default": True},
    "unit": {"type": "str"},
    "wait": {"type": "float", "default": 10},
}


class EtcdQuorum:
    """The guard of a cluster of etcd."""

    def __init__(self, params: dict[str, Any], *, check_mode: bool = False) -> None:
        self._params = params
        self._check_mode = check_mode
        self._client = _etcd_client.EtcdClient(_etcd_client.Connection.of(params))
        self._cluster: Optional[_etcd.Cluster] = None

    def answer(self) -> dict[str, Any]:
        """Ask until it is a yes, or the time is over."""
        result: dict[str, Any] = {}

        def allowed() -> bool:
            nonlocal result
            result = self._ask()
            return bool(result["allowed"])

        _host.wait_until(allowed, timeout=self._params["wait"], poll=_etcd_client.POLL_SECONDS)
        return result

    def hand_over(self, *, apply: bool) -> Optional[str]:
        """Move leadership away from a member that may be stopped; the name of the heir, or None if there is nothing to move."""
        if not self._params["hand_over"] or self._params["action"] != _quorum.RESTART or self._cluster is None:
            return None
        heir = _etcd_member.heir(self._cluster, self._params["name"])
        if heir is not None and apply:
            self._client.move_leader(heir.identity, timeout=max(self._params["wait"], _etcd_client.COMMAND_SECONDS))
        return heir.name if heir else None

    def _ask(self) -> dict[str, Any]:
        name, unit = self._params["name"], self._params["unit"]
        if unit and self._params["action"] == _quorum.RESTART and not self._runs(unit):
            return {"allowed": True, "explanation": f"{name} may be started: {unit} does not run on this host, so nothing is stopped."}
        if unit and self._check_mode and self._params["action"] == _quorum.CONFIRM and not self._runs(unit):
            return {"allowed": True, "explanation": f"In check mode {unit} was not started on this host, so there is nothing to confirm."}
        self._cluster = None
        try:
            self._cluster = cluster = self._client.cluster()
        except _etcd.EtcdError as error:
            return {"allowed": False, "explanation": f"{self._params['action']} of {name} is not allowed: {error}"}
        decision = self._decide(cluster)
        leader = cluster.leader
        return {
            "allowed": decision.allowed,
            "explanation": decision.explanation,
            "sum": dataclasses.asdict(decision.sum),
            "leader": leader is not None and leader.name == name,
            "cluster": _etcd_client.describe(cluster),
        }

    def _decide(self, cluster: _etcd.Cluster) -> _quorum.Decision:
        action, name = self._params["action"], self._params["name"]
        peers, alarms = _etcd_member.peers_of(cluster), cluster.alarms_in_words(self._params["ignore_alarms"])
        if action == _quorum.REMOVE:
            return _quorum.may_remove(peers, name, force=self._params["force"])
        if action == _quorum.ADD:
            return _quorum.may_add(peers, name)
        if action == _quorum.CONFIRM:
            return _quorum.confirm(peers, name, alarms)
        return _quorum.may_restart(peers, name, alarms=alarms, downtime=self._params["downtime"])

    @staticmethod
    def _runs(unit: str) -> bool:
        return not _host.unit_states([unit])[unit].ended


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    guard = EtcdQuorum(module.params, check_mode=module.check_mode)
    try:
        result = guard.answer()
        if module.params["required"] and not result["allowed"]:
            module.fail_json(msg=result["explanation"], **result)
        heir = guard.hand_over(apply=not module.check_mode) if result["allowed"] else None
    except (_etcd.EtcdError, _host.HostError) as error:
        module.fail_json(msg=f"Asking etcd whether {module.params['action']} of {module.params['name']} is allowed failed: {error}")
    if heir:
        result["handed_over_to"] = heir
    module.exit_json(changed=heir is not None, **result)


if __name__ == "__main__":
    main()
