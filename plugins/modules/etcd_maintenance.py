#!/usr/bin/python
# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_maintenance
short_description: Compact and defragment etcd, and end its alarms
version_added: 1.0.0
author: quorate.kubernetes contributors (@quorate)
description:
  - Does the maintenance that a cluster of etcd needs, if any. Run it once for a cluster, on any host that reaches all members.
  - Defragmenting blocks a member, so it is done to one at a time, only while the others keep quorum, and to the leader last.
  - A leader with more than 256 MiB in use hands leadership over first. A smaller one is done before that would pay.
  - A database that has reached its quota (alarm C(NOSPACE)) is compacted and defragmented on all members, then the alarm is ended.
  - An alarm C(CORRUPT) is ended only after its member was removed, and then before all else. Until then nothing is touched.
  - So is any other alarm of a member that is gone, such as one that a restored snapshot held.
  - A way back to an older minor version that was prepared, and that no member has gone, is cancelled.
extends_documentation_fragment:
  - quorate.kubernetes._attributes
  - quorate.kubernetes._etcd
attributes:
  idempotent:
    support: partial
    details:
      - With V(always) the work is done each time.
options:
  compact:
    description:
      - When to forget former revisions. V(needed) means when the database is full. API servers compact every five minutes themselves.
    type: str
    choices: [needed, always, never]
    default: needed
  defragment:
    description:
      - When to give free space back. V(needed) means when the database is full, or when O(threshold) is reached.
    type: str
    choices: [needed, always, never]
    default: needed
  downtime:
    description:
      - Accept that a cluster of up to so many voters, V(1) or V(2), answers nobody while one of them is defragmented.
    type: int
    default: 0
  free:
    description:
      - Free bytes of the disk that holds a member's data, by the member's name. A member whose disk has no room for the copy that
        defragmenting writes is not defragmented, and the module fails. Members of which nothing is said count as having room.
    type: dict
    default: {}
  minimum_bytes:
    description:
      - Databases below this size are not defragmented for their free space.
    type: int
    default: 104857600
  retain_revisions:
    description:
      - Revisions that a compaction leaves. A full database keeps none.
    type: int
    default: 1000
  threshold:
    description:
      - Percentage of free space in its database at which a member is defragmented.
    type: int
    default: 45
  timeout:
    description:
      - Seconds for each piece of work, and for a member to come back.
    type: float
    default: 300
  wait:
    description:
      - Seconds to wait until a piece of work is safe, before it is refused.
    type: float
    default: 10
"""

EXAMPLES = r"""
- name: Maintain etcd
  quorate.kubernetes.etcd_maintenance:
    endpoints: [https://192.0.2.11:2379, https://192.0.2.12:2379, https://192.0.2.13:2379]
"""

RETURN = r"""
plan:
  description: What was done, or would be in check mode, as sentences.
  returned: always
  type: list
  elements: str
cluster:
  description: The cluster as M(quorate.kubernetes.etcd_info) returns it, afterwards.
  returned: always
  type: dict
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.quorate.kubernetes.plugins.module_utils import _etcd, _etcd_client, _etcd_maintenance, _etcd_member, _host, _quorum

WHEN = ["needed", "always", "never"]
ARGUMENT_SPEC: dict[str, Any] = {
    **_etcd_client.ETCD_ARGUMENTS,
    "compact": {"type": "str", "choices": WHEN, "default": "needed"},
    "defragment": {"type": "str", "choices": WHEN, "default": "needed"},
    "downtime": {"type": "int", "default": 0},
    "free": {"type": "dict", "default": {}},
    "minimum_bytes": {"type": "int", "default": 104857600},
    "retain_revisions": {"type": "int", "default": 1000},
    "threshold": {"type": "int", "default": 45},
    "timeout": {"type": "float", "default": 300},
    "wait": {"type": "float", "default": 10},
}


class EtcdMaintenance:
    """The maintenance of one cluster of etcd."""

    def __init__(self, params: dict[str, Any]) -> None:
        self._params = params
        self._client = _etcd_client.EtcdClient(_etcd_client.Connection.of(params))
        self._options = _etcd_maintenance.Options(
            compact=params["compact"],
            defragment=params["defragment"],
            threshold=params["threshold"],
            minimum=params["minimum_bytes"],
            retain=params["retain_revisions"],
        )
        self._free = {name: int(free) for name, free in params["free"].items()}
        self.before = self.cluster = self._client.cluster()
        self.steps = _etcd_maintenance.plan(self.cluster, self._options, self._free)

    def apply(self) -> None:
        for step in self.steps:
            if step.verb == _etcd_maintenance.COMPACT:
                self._compact(step.revision)
            elif step.verb == _etcd_maintenance.DEFRAGMENT:
                self._defragment(step.member)
            elif step.verb == _etcd_maintenance.CANCEL:
                self._client.insist(["downgrade", "cancel"], timeout=self._params["wait"])
            else:
                self._disarm(step)
        if self.steps:
            self.cluster = self._client.cluster()

    def _disarm(self, step: _etcd_maintenance.Step) -> None:
        """End all alarms, which is all that etcdctl can do: so look first whether one was raised meanwhile that has to stay."""

        def ended() -> bool:
            self.cluster = self._client.cluster()
            _etcd_maintenance.refuse_corruption(self.cluster)
            return not self.cluster.alarms

        if ended():
            return
        if step.verb == _etcd_maintenance.DISARM:
            self._refuse_full()
        self._client.insist(["alarm", "disarm"], timeout=self._params["wait"], done=ended)

    def _compact(self, revision: int) -> None:
        try:
            # Physically: what is only marked cannot be given back by defragmenting.
            self._client.control(["compact", "--physical", str(revision)], timeout=self._params["timeout"])
        except _etcd.EtcdError as error:
            if "has been compacted" not in str(error):
                raise

    def _defragment(self, identity: int) -> None:
        member = self._allowed(identity)
        _etcd_maintenance.refuse_without_room(self.cluster, [identity], self._free)
        heir = _etcd_member.heir(self.cluster, member.name)
        if heir and _etcd_maintenance.hands_over(self.cluster, member):
            self._client.move_leader(heir.identity, timeout=max(self._params["wait"], _etcd_client.COMMAND_SECONDS))
        self._client.control(["defrag"], endpoints=member.clients[:1], timeout=self._params["timeout"])
        if member.learner:
            return
        seen = self._client.wait_for(lambda now: self._confirm(now, member.label).allowed, timeout=self._params["timeout"])
        if seen is None or not self._confirm(seen, member.label).allowed:
            cause = self._confirm(seen, member.label).explanation if seen else "the cluster does not answer"
            raise _etcd.EtcdError(f"{member.label} was defragmented, and then: {cause} The other members were left alone.")

    def _allowed(self, identity: int) -> _etcd.Member:
        """Wait until this member may be blocked: as for a stop."""
        label = next((member.label for member in self.cluster.members if member.identity == identity), f"{identity:x}")

        def decide(cluster: _etcd.Cluster) -> _quorum.Decision:
            return _quorum.may_restart(_etcd_member.peers_of(cluster), label, downtime=self._params["downtime"])

        seen = self._client.wait_for(lambda now: decide(now).allowed, timeout=self._params["wait"])
        if seen is None or not decide(seen).allowed:
            raise _etcd.EtcdError(
                f"Defragmenting blocks a member, so: {decide(seen).explanation if seen else 'the cluster does not answer.'}"
            )
        self.cluster = seen
        return next(member for member in seen.members if member.identity == identity)

    @staticmethod
    def _confirm(cluster: _etcd.Cluster, name: str) -> _quorum.Decision:
        return _quorum.confirm(_etcd_member.peers_of(cluster), name, cluster.alarms_in_words([_etcd.NOSPACE]))

    def _refuse_full(self) -> None:
        full = _etcd_maintenance.still_full(self.cluster)
        if full:
            raise _etcd.EtcdError(
                f"The database of {', '.join(full)} is still full after the maintenance, so the alarm stays. Delete what fills it, or raise the quota "
                "(etcd_quota_bytes, at most 8 GiB, then the playbook site), and run again."
            )

    def diff(self) -> dict[str, Any]:
        return {"before": _table(self.before), "after": "".join(f"{step}\n" for step in self.steps) + _table(self.cluster)}


def _table(cluster: _etcd.Cluster) -> str:
    found = ((member, cluster.of(member).status) for member in cluster.members)
    return "".join(f"{member.label}: {status.size} bytes, {status.used} used\n" for member, status in found if status)


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        maintenance = EtcdMaintenance(module.params)
        if not module.check_mode:
            maintenance.apply()
    except (_etcd.EtcdError, _etcd_maintenance.MaintenanceRefused, _host.HostError) as error:
        module.fail_json(msg=f"Maintaining etcd failed: {error}")
    plan = [str(step) for step in maintenance.steps]
    module.exit_json(changed=bool(plan), plan=plan, cluster=_etcd_client.describe(maintenance.cluster), diff=maintenance.diff())


if __name__ == "__main__":
    main()
