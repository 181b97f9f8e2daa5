#!/usr/bin/python
# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_version
short_description: Judge and prepare a change of etcd's version
version_added: 1.0.0
author: quorate.kubernetes contributors (@quorate)
description:
  - Asks each member for its version, and refuses a change that etcd does not allow, before any member is touched.
  - Versions change by one minor version, from a version that works beside the next, and with all members healthy.
  - On the way to an older minor version, etcd first has to bring its stored data back. The module asks for that, and waits until it is done.
  - The programs are then changed one member at a time, the leader last, each behind M(quorate.kubernetes.etcd_quorum).
extends_documentation_fragment:
  - quorate.kubernetes._attributes
  - quorate.kubernetes._etcd
options:
  target:
    description:
      - The version that all members are to get.
    type: str
    required: true
  timeout:
    description:
      - Seconds for the stored data to be brought back.
    type: float
    default: 120
"""

EXAMPLES = r"""
- name: Refuse an upgrade that etcd does not allow
  quorate.kubernetes.etcd_version:
    target: 3.7.3
    endpoints: [https://192.0.2.11:2379, https://192.0.2.12:2379, https://192.0.2.13:2379]
"""

RETURN = r"""
kind:
  description: What the change is. V(keep) if all members have the target's version.
  returned: always
  type: str
  sample: upgrade
order:
  description: Names of the members that have another version, in the order to change them in. The leader is the last.
  returned: always
  type: list
  elements: str
plan:
  description: What was done to prepare it, or would be in check mode.
  returned: always
  type: list
  elements: str
versions:
  description: The version of each member.
  returned: always
  type: dict
  sample: {m1: 3.6.16, m2: 3.6.16, m3: 3.6.16}
advice:
  description: What does not stand against the change, but is worth knowing.
  returned: always
  type: list
  elements: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.quorate.kubernetes.plugins.module_utils import _etcd, _etcd_client, _etcd_version, _host, _version

ARGUMENT_SPEC: dict[str, Any] = {
    **_etcd_client.ETCD_ARGUMENTS,
    "target": {"type": "str", "required": True},
    "timeout": {"type": "float", "default": 120},
}


class EtcdVersion:
    """A change of the version of all members."""

    def __init__(self, params: dict[str, Any]) -> None:
        self._params = params
        self._client = _etcd_client.EtcdClient(_etcd_client.Connection.of(params))
        self.cluster = self._client.cluster()
        self.versions = self._ask()
        self.verdict = _etcd_version.judge(self.versions, params["target"])
        if self.verdict.problems:
            raise _version.VersionError(" ".join(self.verdict.problems))
        under_way = next((status.downgrade for status in self._statuses().values() if status.downgrade), "")
        self.steps = _etcd_version.preparation(self.versions, params["target"], under_way=under_way)

    def _statuses(self) -> dict[str, _etcd.Status]:
        found = ((member.label, self.cluster.of(member).status) for member in self.cluster.members)
        return {name: status for name, status in found if status}

    def _ask(self) -> dict[str, str]:
        """Versions of all members; an error if one does not answer, as nothing is known of it then."""
        sick = [
            f"{member.label} ({self.cluster.of(member).cause})" for member in self.cluster.members if not self.cluster.is_healthy(member)
        ]
        alarms = self.cluster.alarms_in_words()
        if sick or alarms:
            reasons = [f"not healthy: {', '.join(sick)}"] * bool(sick) + [f"alarms: {', '.join(alarms)}"] * bool(alarms)
            raise _version.VersionError(f"Versions are changed only while all members are healthy. {'; '.join(reasons).capitalize()}.")
        return {name: status.version for name, status in self._statuses().items()}

    @property
    def order(self) -> list[str]:
        goal = _version.parse(self._params["target"])
        others = [member for member in self.cluster.members if _version.parse(self.versions[member.label]) != goal]
        return [member.label for member in _etcd.leader_last(others, self.cluster.leader)]

    def apply(self) -> None:
        for arguments, _sentence in self.steps:
            self._client.insist(arguments, timeout=self._params["timeout"])
        if self.verdict.kind == _etcd_version.DOWNGRADE:
            self._wait_for_data()

    def _wait_for_data(self) -> None:
        line = _version.parse(self._params["target"]).line

        def is_back(cluster: _etcd.Cluster) -> bool:
            statuses = [cluster.of(member).status for member in cluster.members]
            return all(status and status.storage and _version.parse(status.storage).line == line for status in statuses)

        seen = self._client.wait_for(is_back, timeout=self._params["timeout"])
        if seen is None or not is_back(seen):
            raise _etcd.EtcdError(
                f"The stored data was not brought back to {self._params['target']} in {self._params['timeout']:g} s. No program was changed."
            )


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        version = EtcdVersion(module.params)
        if not module.check_mode:
            version.apply()
    except (_etcd.EtcdError, _version.VersionError, _host.HostError) as error:
        module.fail_json(msg=f"Bringing etcd to {module.params['target']} is refused: {error}")
    plan = [sentence for _arguments, sentence in version.steps]
    result: dict[str, Any] = {"changed": bool(plan), "plan": plan, "diff": {"before": "", "after": "".join(f"{line}\n" for line in plan)}}
    module.exit_json(
        kind=version.verdict.kind, order=version.order, versions=version.versions, advice=list(version.verdict.warnings), **result
    )


if __name__ == "__main__":
    main()
