#!/usr/bin/python
# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: timer
short_description: Run something on a host by a systemd timer
version_added: 1.0.0
author: quorate.kubernetes contributors (@quorate)
description:
  - Makes a timer, the service that it starts, and files that the service needs, what they should be, or removes them.
  - The service itself is not started by it.
extends_documentation_fragment:
  - quorate.kubernetes._attributes
options:
  files:
    description:
      - Further files that the service needs, content by path. Only root can read and run them.
    type: dict
    default: {}
  name:
    description:
      - Name of both units, without their ending.
    type: str
    required: true
  record:
    description:
      - Whether the host remembers it as a component of the cluster, so that it is observed, and removed by a reset.
    type: bool
    default: true
  service:
    description:
      - Text of the service's unit. Needed with O(state=started).
    type: str
  state:
    description:
      - With V(started), the timer runs, also after a boot.
      - With V(absent), timer, service and files are gone.
    type: str
    choices: [started, absent]
    default: started
  timer:
    description:
      - Text of the timer's unit. Needed with O(state=started).
    type: str
"""

EXAMPLES = r"""
- name: Save a snapshot every night
  quorate.kubernetes.timer:
    name: etcd-snapshot
    files:
      /usr/local/lib/quorate/save_snapshot.py: "{{ lookup('ansible.builtin.file', 'save_snapshot.py') }}"
    service: "{{ lookup('ansible.builtin.template', 'etcd-snapshot.service.j2') }}"
    timer: "{{ lookup('ansible.builtin.template', 'etcd-snapshot.timer.j2') }}"
"""

RETURN = r"""
plan:
  description: What was done, or would be in check mode, as sentences.
  returned: always
  type: list
  elements: str
"""

import os
import stat
from typing import Any, Optional

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.quorate.kubernetes.plugins.module_utils import _component_files, _host, _timer

ARGUMENT_SPEC: dict[str, Any] = {
    "files": {"type": "dict", "default": {}},
    "name": {"type": "str", "required": True},
    "record": {"type": "bool", "default": True},
    "service": {"type": "str"},
    "state": {"type": "str", "choices": ["started", "absent"], "default": "started"},
    "timer": {"type": "str"},
}

UNITS = "/etc/systemd/system"


class Timer:
    """A timer with what belongs to it."""

    def __init__(self, params: dict[str, Any]) -> None:
        self._params = params
        self._unit = f"{params['name']}.timer"
        self._record_path = _component_files.record_path(params["name"])

    def plan(self) -> list[_timer.Step]:
        wanted, state = self.wanted(), _host.unit_states([self._unit])[self._unit]
        return _timer.plan(
            wanted,
            present={path: present(path) for path in wanted},
            timer=self._unit,
            runs=state.active == "active",
            enabled=state.enabled,
            recorded=_host.read_json(self._record_path) == self.record(),
            state=self._params["state"],
        )

    def wanted(self) -> dict[str, _timer.File]:
        """Units come last, so that a service never lacks its files."""
        name, params = self._params["name"], self._params
        files = {path: _timer.File(text, "0700") for path, text in params["files"].items()}
        files[f"{UNITS}/{name}.service"] = _timer.File(params["service"] or "", "0600")
        files[f"{UNITS}/{name}.timer"] = _timer.File(params["timer"] or "", "0600")
        return files

    def record(self) -> Optional[dict[str, Any]]:
        """What the host has to remember of it, in the form of a component's record; None for nothing."""
        if not self._params["record"] or self._params["state"] == "absent":
            return None
        links = _timer.links(self._unit, self._params["timer"])
        return {"files": [*self.wanted(), *links], "watch": [], "directories": [], "users": []}

    def apply(self, steps: list[_timer.Step]) -> None:
        wanted, record = self.wanted(), self.record()
        for step in steps:
            if step.verb == _timer.RECORD:
                _write_record(self._record_path, record)
            elif step.verb == _timer.WRITE:
                _host.make_directory_of(step.target)
                _host.write_file(step.target, wanted[step.target].content.encode(), mode=wanted[step.target].mode)
            elif step.verb == _timer.REMOVE:
                _host.remove_file(step.target)
            elif step.verb == _timer.RELOAD:
                _host.systemctl("daemon-reload")
            elif step.verb == _timer.START:
                _host.systemctl("enable", "--now", step.target)
            elif step.verb == _timer.RESTART:
                _host.systemctl("restart", step.target)
            else:
                _host.systemctl("disable", "--now", step.target)


def _write_record(path: str, record: Optional[dict[str, Any]]) -> None:
    if record is None:
        _host.remove_file(path)
    else:
        _host.make_directory_of(path)
        _host.write_json(path, record)


def present(path: str) -> Optional[_timer.File]:
    content = _host.read_file(path)
    if content is None:
        return None
    return _timer.File(content.decode("utf-8", "replace"), f"{stat.S_IMODE(os.stat(path).st_mode):04o}")


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True, required_if=[("state", "started", ["service", "timer"])])
    timer = Timer(module.params)
    try:
        steps = timer.plan()
        if not module.check_mode:
            timer.apply(steps)
    except (_host.HostError, OSError) as error:
        module.fail_json(msg=f"Making the timer {module.params['name']} {module.params['state']} failed: {error}")
    lines = [str(step) for step in steps]
    module.exit_json(changed=bool(lines), plan=lines, diff={"prepared": "".join(f"{line}\n" for line in lines)})


if __name__ == "__main__":
    main()
