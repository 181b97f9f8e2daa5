#!/usr/bin/python
# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: host_reset
short_description: Take all that the collection brought off a host
version_added: 1.0.0
author: quorate.kubernetes contributors (@quorate)
description:
  - Stops and removes the components, ends the pods, and removes programs, configuration, keys, certificates, users, mounts, interfaces
    and rules of the network. What there is to remove is read from the records below C(/var/lib/quorate), which go last.
  - A host without records is left alone, whatever runs on it.
  - A reset that was cut short anywhere is finished by the next one.
  - Data of components, such as that of etcd, audit logs and snapshots, is moved aside unless O(delete_data) is set.
  - Units of the operating system that were only configured go on running, without that configuration. Kernel settings hold until the
    next boot. Packages stay installed.
  - It asks nobody. Take a member of etcd out of its cluster before, with M(quorate.kubernetes.etcd_member).
extends_documentation_fragment:
  - quorate.kubernetes._attributes
options:
  delete_data:
    description:
      - Delete the data of components instead of moving it aside. What was moved aside earlier stays.
    type: bool
    default: false
  grace_period:
    description:
      - Seconds that the processes of pods have to end before they are killed.
    type: float
    default: 10
  runtime_directories:
    description:
      - Directories of what pods leave on a node. Whatever is mounted inside is unmounted, then they are deleted.
      - One that is a disk of its own, or a link, is emptied and stays.
    type: list
    elements: path
    default:
      - /var/lib/kubelet
      - /var/lib/containerd
      - /run/containerd
      - /run/flannel
      - /run/nri
      - /var/lib/cni
      - /var/log/pods
      - /var/log/containers
      - /opt/containerd
seealso:
  - module: quorate.kubernetes.components
  - module: quorate.kubernetes.etcd_member
notes:
  - Needs systemd.
"""

EXAMPLES = r"""
- name: Take the host back to what it was
  quorate.kubernetes.host_reset:

- name: Take the host back, and keep nothing of its data
  quorate.kubernetes.host_reset:
    delete_data: true
"""

RETURN = r"""
plan:
  description: What was done, or is to be done, a sentence each.
  returned: always
  type: list
  elements: str
  sample: ["stop kubelet.service", "end the processes of pods (14)", "remove /etc/systemd/system/kubelet.service", "move aside /var/lib/etcd"]
moved_aside:
  description: Where data was moved, by the path where it was.
  returned: always
  type: dict
  sample: {/var/lib/etcd: /var/lib/etcd.aside-20261121T120000Z}
foreign:
  description: What was found in directories of the collection and is not of the collection, by directory. It stays.
  returned: always
  type: dict
  sample: {/etc/kubernetes: [notes.txt]}
"""

from contextlib import ExitStack
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.quorate.kubernetes.plugins.module_utils import _host, _reset, _reset_host, _reset_state

ARGUMENT_SPEC: dict[str, Any] = {
    "delete_data": {"type": "bool", "default": False},
    "grace_period": {"type": "float", "default": 10},
    "runtime_directories": {"type": "list", "elements": "path", "default": list(_reset.RUNTIME_DIRECTORIES)},
}

# All that may work on a host at the same time.
LOCKS = ("components", "certificates", "artifacts")


class HostReset:
    """All of the collection on this host."""

    def __init__(self, params: dict[str, Any]) -> None:
        self._params = params
        self._observed = _reset.Observed()
        self.moved_aside: dict[str, str] = {}
        self.left: list[str] = []

    def plan(self) -> list[_reset.Step]:
        directories = self._params["runtime_directories"]
        _reset.check_directories(directories)
        self._observed = _reset_state.observe(directories)
        return _reset.plan(self._observed, delete_data=self._params["delete_data"])

    @property
    def foreign(self) -> dict[str, list[str]]:
        return _reset.foreign(self._observed)

    def apply(self, steps: list[_reset.Step]) -> None:
        for step in steps:
            self._apply(step.verb, step.target)

    def _apply(self, verb: str, target: str) -> None:
        if verb == "stop":
            _reset_host.stop(target)
        elif verb == "disable":
            _host.systemctl(verb, target)
        elif verb == "end":
            _reset_host.end_processes(self._params["grace_period"])
        elif verb == "reload":
            self._reload()
        elif verb == "clear":
            _reset_host.clear(target, _reset_state.names_in(target))
        elif verb == "delete":
            _reset_host.clear(target, _reset_state.data_in(target))
        elif verb == "move aside":
            self.moved_aside[target] = _reset_host.move_data_aside(target)
        elif verb == "forget":
            _reset_host.forget()
        elif left := _reset_host.REMOVALS[verb](target):
            self.left.append(left)

    def _reload(self) -> None:
        """Let systemd forget the units."""
        _host.systemctl("daemon-reload")
        for unit in self._observed.units:
            if unit.own:
                # Fails if there is nothing to forget.
                _host.run(["systemctl", "reset-failed", unit.service], check=False)


def work(reset: HostReset, *, apply: bool, result: dict[str, Any]) -> None:
    """Plan, and carry the plan out under the locks of all who change a host."""
    with ExitStack() as locks:
        for name in LOCKS if apply else ():
            locks.enter_context(_host.locked(name))
        steps = reset.plan()
        plan = [str(step) for step in steps]
        result.update(plan=plan, changed=bool(steps), diff={"prepared": "".join(f"{line}\n" for line in plan)})
        if apply:
            try:
                reset.apply(steps)
            finally:
                _reset_host.remove_locks()


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    reset = HostReset(module.params)
    result: dict[str, Any] = {"changed": False, "plan": []}
    try:
        work(reset, apply=not module.check_mode, result=result)
    except (_host.HostError, _reset.ResetError) as error:
        module.fail_json(msg=f"Resetting this host failed: {error}", moved_aside=reset.moved_aside, **result)
    for words in reset.left:
        module.warn(words)
    for directory, names in reset.foreign.items():
        module.warn(f"{directory} stays, because it holds what is not of the collection: {', '.join(names)}.")
    module.exit_json(moved_aside=reset.moved_aside, foreign=reset.foreign, **result)


if __name__ == "__main__":
    main()
