#!/usr/bin/python
# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_member
short_description: Make a host a member of an etcd cluster, a voter, or no member any more
version_added: 1.0.0
author: quorate.kubernetes contributors (@quorate)
description:
  - Changes the member list of etcd, one change at a time, only while quorum is safe, and decided on what the quorum says.
  - A host joins in three steps. O(state=learner) adds it without a vote, then the process is started on it, then O(state=present) gives it its vote
    as soon as it has caught up. Until then quorum is that of the other members.
  - Each step starts from what is true, so a run that was cut short anywhere is continued by the next one. What a former run left behind is cleared.
  - A host that is in the member list but has lost its data is removed and added again. It is never started as it was.
  - Data that belongs to no member of the cluster is moved aside, never deleted.
  - After a change etcd itself refuses the next one until a quorum has been connected for 5 seconds. The module waits.
  - The others may be a quorum without the member that has got its vote. So the module also waits until that member has been ready for 5 seconds without a
    break, unless O(members) tells that no change follows.
extends_documentation_fragment:
  - quorate.kubernetes._attributes
  - quorate.kubernetes._etcd
options:
  clear:
    description:
      - With O(state=absent), also stop O(unit) on this host, and move its data aside, once it is no member any more. Run it on the host of the member.
    type: bool
    default: false
  data_directory:
    description:
      - Data directory of the member on this host.
      - With O(state=learner) it decides which entry of the member list is this host's own.
    type: path
    default: /var/lib/etcd
  force:
    description:
      - With O(state=absent), remove one of two voters, although a failure of the other during the change loses the cluster.
    type: bool
    default: false
  log_directory:
    description:
      - Directory of the member's write-ahead log, if it is not C(member/wal) below O(data_directory).
    type: path
  members:
    description:
      - Names of all that belong to the cluster.
      - A learner of another name, left behind by a run that was cut short, is removed when a member is added. If not given, every learner that lives
        is given its vote instead.
      - Once all of them vote, and nobody else does, no change follows, and a new voter is waited for only until it is ready.
    type: list
    elements: str
  name:
    description:
      - Name of the member.
    type: str
    required: true
  peer_urls:
    description:
      - Its peer URLs. Needed with O(state=learner).
      - If they differ from those in the member list, the list is changed. Restart the member with the new ones afterwards.
    type: list
    elements: str
    default: []
  replaces:
    description:
      - With O(state=learner), names of members that this host takes the place of. Those that are still in the member list are removed first, if they
        are dead. If one of them answers, nothing is done, and the module fails.
    type: list
    elements: str
    default: []
  state:
    description:
      - With V(learner), the host is a member, with or without a vote, or can be started as one. Run it on the host itself, before the process is started.
      - With V(present), it has a vote.
      - With V(absent), it is no member. Run it on any host that reaches the others.
    type: str
    choices: [learner, present, absent]
    default: present
  timeout:
    description:
      - Seconds for etcd to accept a change, which includes the time that a learner needs to catch up.
    type: float
    default: 120
  unit:
    description:
      - The systemd unit of the member on this host. With O(state=learner) it is stopped if it runs without its data, or with data of no member.
      - Empty if there is none.
    type: str
    default: etcd.service
  wait:
    description:
      - Seconds to wait until a change is safe, before it is refused.
    type: float
    default: 10
seealso:
  - module: quorate.kubernetes.etcd_quorum
"""

EXAMPLES = r"""
- name: Make this host a learner
  quorate.kubernetes.etcd_member:
    name: m4
    peer_urls: [https://192.0.2.14:2380]
    endpoints: [https://192.0.2.11:2379, https://192.0.2.12:2379, https://192.0.2.13:2379]
    state: learner
  register: etcd_joined

# Start etcd on this host here, with ETCD_INITIAL_CLUSTER="{{ etcd_joined.initial_cluster }}" and ETCD_INITIAL_CLUSTER_STATE=existing.

- name: Give it a vote
  quorate.kubernetes.etcd_member:
    name: m4
    endpoints: [https://192.0.2.11:2379, https://192.0.2.12:2379, https://192.0.2.13:2379]

- name: Take a member out
  quorate.kubernetes.etcd_member:
    name: m2
    endpoints: [https://192.0.2.11:2379, https://192.0.2.13:2379]
    state: absent
"""

RETURN = r"""
plan:
  description: What was done, or would be in check mode, as sentences.
  returned: always
  type: list
  elements: str
initial_cluster:
  description: The setting of that name that this host starts with, if it has no data yet. The setting C(initial-cluster-state) is C(existing).
  returned: always
  type: str
  sample: m1=https://192.0.2.11:2380,m4=https://192.0.2.14:2380
data_moved_to:
  description: Where data that belonged to no member was moved.
  returned: when it was moved
  type: str
cluster:
  description: The cluster as M(quorate.kubernetes.etcd_info) returns it, after the changes.
  returned: always
  type: dict
"""

import os
from typing import Any, Optional

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.quorate.kubernetes.plugins.module_utils import _etcd, _etcd_client, _etcd_member, _host, _quorum

ARGUMENT_SPEC: dict[str, Any] = {
    **_etcd_client.ETCD_ARGUMENTS,
    "clear": {"type": "bool", "default": False},
    "data_directory": {"type": "path", "default": "/var/lib/etcd"},
    "force": {"type": "bool", "default": False},
    "log_directory": {"type": "path"},
    "members": {"type": "list", "elements": "str"},
    "name": {"type": "str", "required": True},
    "peer_urls": {"type": "list", "elements": "str", "default": []},
    "replaces": {"type": "list", "elements": "str", "default": []},
    "state": {"type": "str", "choices": ["learner", "present", "absent"], "default": "present"},
    "timeout": {"type": "float", "default": 120},
    "unit": {"type": "str", "default": "etcd.service"},
    "wait": {"type": "float", "default": 10},
}

# More changes than any plan has; a plan that goes on is an error in it.
MOST_STEPS = 12

# What etcd itself asks of its connections before a change.
SETTLED_SECONDS = 5.0


class EtcdMember:
    """One member of a cluster of etcd, or a host that is to become one."""

    def __init__(self, params: dict[str, Any]) -> None:
        self._params = params
        self._client = _etcd_client.EtcdClient(_etcd_client.Connection.of(params))
        self.cluster: Optional[_etcd.Cluster] = None
        self.moved_to: Optional[str] = None

    def plan(self) -> list[_etcd_member.Step]:
        """Steps from what is true now, as soon as they are safe."""
        steps: Optional[list[_etcd_member.Step]] = None
        refusal: Optional[Exception] = None

        def safe() -> bool:
            nonlocal steps, refusal
            try:
                steps = self._plan()
            except (_etcd_member.Refused, _etcd.EtcdError) as error:
                refusal = error
            return steps is not None

        _host.wait_until(safe, timeout=self._params["wait"], poll=_etcd_client.POLL_SECONDS)
        if isinstance(refusal, _etcd_member.NotYet) and steps is None:
            _host.wait_until(safe, timeout=self._params["timeout"], poll=_etcd_client.POLL_SECONDS)
        if steps is None:
            raise refusal or _etcd.EtcdError("It was not planned.")
        return steps

    def _plan(self) -> list[_etcd_member.Step]:
        params, name, peers = self._params, self._params["name"], tuple(self._params["peer_urls"])
        self.cluster = cluster = self._client.cluster()
        if params["state"] == "absent":
            cleared = self._host() if params["clear"] else None
            return _etcd_member.leave(cluster, name, peers, force=params["force"], cleared=cleared)
        if params["state"] == "present":
            return _etcd_member.vote(cluster, name, peers)
        return _etcd_member.join(cluster, self._host(), wanted=params["members"], replaces=params["replaces"])

    def _host(self) -> _etcd_member.Host:
        params, unit = self._params, self._params["unit"]
        running = bool(unit) and not _host.unit_states([unit])[unit].ended
        data = _etcd_client.data_of(params["data_directory"], log=params["log_directory"])
        return _etcd_member.Host(params["name"], tuple(params["peer_urls"]), data=data, running=running)

    def bring_about(self) -> list[str]:
        """Take the first step of a plan, look again, and plan anew, until nothing is left to do."""
        done: list[str] = []
        while steps := self.plan():
            if len(done) >= MOST_STEPS:
                raise _etcd.EtcdError(f"The plan does not come to an end: {' '.join(done)}")
            self._apply(steps[0])
            done.append(str(steps[0]))
        return done

    def _apply(self, step: _etcd_member.Step) -> None:
        params, number = self._params, f"{step.member:x}"
        peers = f"--peer-urls={','.join(params['peer_urls'])}"
        if step.verb == _etcd_member.STOP:
            _host.systemctl("stop", params["unit"])
        elif step.verb == _etcd_member.ASIDE:
            # A log that lies elsewhere is a part of the data: left behind, it would be taken for the member's again.
            moved = [_host.move_aside(path) for path in (os.path.join(params["data_directory"], "member"), params["log_directory"]) if path]
            self.moved_to = next((path for path in moved if path), None)
        elif step.verb == _etcd_member.REMOVE:
            self._insist(["member", "remove", number], lambda: self._entry(step.member) is None)
        elif step.verb == _etcd_member.ADD:
            self._insist(["member", "add", params["name"], "--learner", peers], self._is_added)
        elif step.verb == _etcd_member.UPDATE:
            self._insist(["member", "update", number, peers], lambda: False)
        elif step.verb == _etcd_member.MOVE_LEADER:
            self._client.move_leader(step.member, timeout=params["timeout"])
        else:
            self._promote(step.member)

    def _promote(self, identity: int) -> None:
        def lives(cluster: _etcd.Cluster) -> bool:
            return any(member.identity == identity and cluster.of(member).live for member in cluster.members)

        timeout = self._params["timeout"]
        cluster = self._client.wait_for(lives, timeout=timeout)
        entry = next((member for member in cluster.members if member.identity == identity), None) if cluster else None
        if cluster is None or entry is None or not lives(cluster):
            cause = cluster.of(entry).cause if cluster and entry else "the cluster could not be asked"
            raise _etcd.EtcdError(
                f"{entry.label if entry else f'{identity:x}'} gets no vote: it does not answer ({cause}), and was waited for {timeout:g} s. It stays "
                "without a vote, so quorum is what it was. See to its process and run again."
            )
        self._insist(["member", "promote", f"{identity:x}"], lambda: self._votes(identity), of_leader=True)
        self._settle(entry.label, 0.0 if _etcd_member.is_last(cluster, identity, self._params["members"]) else SETTLED_SECONDS)

    def _settle(self, name: str, seconds: float) -> None:
        """Wait until a new voter has been ready for so long without a break. etcd itself asks that of a quorum only, which the others may be."""
        cause, timeout = "", self._params["timeout"]

        def ready() -> bool:
            nonlocal cause
            try:
                decision = _quorum.confirm(_etcd_member.peers_of(self._client.cluster()), name)
            except _etcd.EtcdError as error:
                cause = str(error)
                return False
            cause = cause if decision.allowed else decision.explanation
            return decision.allowed

        if not _host.wait_until(ready, timeout=timeout + seconds, poll=_etcd_client.POLL_SECONDS, lasting=seconds):
            without_break = f" for {seconds:g} s without a break" if seconds else ""
            raise _etcd.EtcdError(
                f"{name} has its vote, but within {timeout + seconds:g} s it was not ready{without_break}. Seen last: {cause} See to its process before "
                "anything else is changed."
            )

    def _insist(self, arguments: list[str], done: Any, *, of_leader: bool = False) -> None:
        self._client.insist(arguments, timeout=self._params["timeout"], done=done, of_leader=of_leader)

    def _entry(self, identity: int) -> Optional[_etcd.Member]:
        return next((member for member in self._client.cluster().members if member.identity == identity), None)

    def _is_added(self) -> bool:
        peers = self._params["peer_urls"]
        return any(set(member.peers) == set(peers) for member in self._client.cluster().members)

    def _votes(self, identity: int) -> bool:
        entry = self._entry(identity)
        return entry is not None and not entry.learner

    def initial_cluster(self, steps: list[_etcd_member.Step]) -> str:
        """The setting for the first start; in check mode as it will be."""
        if self.cluster is None:
            return ""
        return _etcd_member.initial_cluster(self.cluster, steps, name=self._params["name"], peers=self._params["peer_urls"])


def _diff(before: Optional[_etcd.Cluster], after: Optional[_etcd.Cluster], plan: list[str]) -> dict[str, str]:
    """The member list before and after; in check mode what would be done."""
    texts = [
        "".join(f"{member.label} {'learner' if member.learner else 'voter'} {' '.join(member.peers)}\n" for member in one.members)
        if one
        else ""
        for one in (before, after)
    ]
    return {
        "before_header": "members",
        "after_header": "members",
        "before": texts[0],
        "after": texts[1] if texts[0] != texts[1] else texts[1] + "".join(f"# {line}\n" for line in plan),
    }


def foretell(module: AnsibleModule) -> None:
    """End with what is to be expected of a host that is fresh."""
    params = module.params
    plan = _etcd_member.foretold(params["name"], learner=params["state"] == "learner", replaces=params["replaces"])
    module.exit_json(changed=True, plan=plan, initial_cluster="", cluster={}, diff={"prepared": "".join(f"{line}\n" for line in plan)})


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True, required_if=[("state", "learner", ["peer_urls"])])
    if module.check_mode and module.params["state"] != "absent" and not os.path.exists(module.params["certificate"]):
        foretell(module)
    member = EtcdMember(module.params)
    try:
        steps = member.plan()
        before = member.cluster
        plan = [str(step) for step in steps] if module.check_mode else member.bring_about() if steps else []
    except (_etcd.EtcdError, _etcd_member.Refused, _host.HostError) as error:
        module.fail_json(msg=f"Making {module.params['name']} {module.params['state']} in etcd failed: {error}")
    result: dict[str, Any] = {
        "changed": bool(plan),
        "plan": plan,
        "initial_cluster": member.initial_cluster(steps if module.check_mode else []),
    }
    if member.moved_to:
        result["data_moved_to"] = member.moved_to
    cluster = _etcd_client.describe(member.cluster) if member.cluster else {}
    module.exit_json(cluster=cluster, diff=_diff(before, member.cluster, plan), **result)


if __name__ == "__main__":
    main()
