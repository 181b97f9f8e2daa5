#!/usr/bin/python
# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: components
short_description: Run programs as systemd units with exactly the inputs given
version_added: 1.0.0
author: quorate.kubernetes contributors (@quorate)
description:
  - A component is a systemd unit with its configuration files.
  - The module observes what is there, plans what has to be done, and does it, component by component in the order given.
  - A component is restarted when the digest of its inputs differs from the digest that its process was started with. So a run that
    died between writing and restarting is put right by the next one.
  - Files are written with fsync and rename. A crash leaves the old or the new content.
  - A component that ran before, and does not become ready with its new inputs, is put back to the former ones and started again. The
    module then fails, and says why.
  - If the fact C(host_observation) shows that there is nothing to do, the host is not contacted.
extends_documentation_fragment:
  - quorate.kubernetes._attributes
  - quorate.kubernetes._attributes.action
options:
  components:
    description:
      - The components, in the order in which they need each other.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description:
          - Name of the unit, without C(.service).
        type: str
        required: true
      unit:
        description:
          - Text of the unit.
          - Without it, the unit is one that the operating system brings.
        type: str
      unit_template:
        description:
          - A Jinja2 template on the control node, searched for as M(ansible.builtin.template) does; its text takes the place of
            O(components[].unit).
        type: str
      user:
        description:
          - System user that is made if it does not exist, with a group of its name.
        type: str
      directories:
        description:
          - Directories that have to exist. They are never removed.
        type: list
        elements: dict
        suboptions:
          path:
            description:
              - Absolute path.
            type: path
            required: true
          mode:
            description:
              - Permission bits, four octal digits.
            type: str
            default: "0755"
          owner:
            description:
              - User that owns it.
            type: str
            default: root
          group:
            description:
              - Group that owns it.
              - By default that of the name of O(components[].directories[].owner).
            type: str
      files:
        description:
          - Files that belong to the component. Those that it no longer names are removed.
        type: list
        elements: dict
        suboptions:
          path:
            description:
              - Absolute path.
            type: path
            required: true
          content:
            description:
              - Whole content.
              - Exactly one of O(components[].files[].content), O(components[].files[].template) and O(components[].files[].secret) is needed.
            type: str
          template:
            description:
              - A Jinja2 template on the control node, searched for as M(ansible.builtin.template) does; its text takes the place of
                O(components[].files[].content).
            type: str
          secret:
            description:
              - Whole content, never shown.
            type: str
          mode:
            description:
              - Permission bits, four octal digits.
            type: str
            default: "0644"
          owner:
            description:
              - User that owns it.
            type: str
            default: root
          group:
            description:
              - Group that owns it.
              - By default that of the name of O(components[].files[].owner).
            type: str
          restart:
            description:
              - Whether the component has to be restarted to notice a change.
            type: bool
            default: true
          reload:
            description:
              - Whether a change is noticed when the unit is reloaded, which its C(ExecReload) does. Then it is reloaded instead of restarted, which
                disturbs nothing, so O(components[].files[].restart) says nothing.
            type: bool
            default: false
      watch:
        description:
          - Paths that others write, such as bundles of authorities. If their content changes, the component is restarted.
        type: list
        elements: path
      stop_timeout:
        description:
          - Seconds that the component gets to stop, where it is to be V(stopped) or V(absent), before it is killed.
          - By default as long as its unit allows.
        type: float
      ready:
        description:
          - When the component counts as ready. All that is given has to hold.
        type: dict
        suboptions:
          url:
            description:
              - This answers with O(components[].ready.status).
            type: str
          ca:
            description:
              - Bundle that the server's certificate is checked against.
            type: path
          certificate:
            description:
              - Client certificate to show.
            type: path
          key:
            description:
              - Key of the client certificate.
            type: path
          status:
            description:
              - HTTP status expected.
            type: int
            default: 200
          object:
            description:
              - URL of an object of the Kubernetes API, as of a Node. It is asked for with the same certificates.
            type: str
          condition:
            description:
              - Type of a condition of O(components[].ready.object) that has to be true, and said since the component was started.
            type: str
            default: Ready
          port:
            description:
              - TCP port of 127.0.0.1 that accepts connections.
            type: int
          paths:
            description:
              - Paths that exist.
            type: list
            elements: path
          timeout:
            description:
              - Seconds to wait for it.
            type: float
            default: 60
      state:
        description:
          - V(started) is enabled, running and ready; V(stopped) is configured, disabled and not running; V(absent) is gone, its data
            directories excepted.
        type: str
        choices: [started, stopped, absent]
        default: started
  apply:
    description:
      - With V(false) nothing is done and nothing counts as changed. RV(step) and RV(plan) tell what there is to do.
    type: bool
    default: true
  refusals:
    description:
      - Why the components must not be touched, a sentence each, as far as the play knows. If there are any the task fails with them.
    type: list
    elements: str
    default: []
  group:
    description:
      - The host joins the group of this name with RV(step) behind it, such as C(nodes_change), unless there is nothing to do; as with
        M(ansible.builtin.group_by). The task needs C(changed_when), since a new group counts as a change.
    type: str
  groups:
    description:
      - Further groups that the host joins, whatever there is to do. Empty names are left out. The task needs C(changed_when) here too.
    type: list
    elements: str
    default: []
  step:
    description:
      - What stands behind the name of O(group), where the play knows better than RV(step).
    type: str
  wait:
    description:
      - Whether to wait until each component is ready.
      - With V(false) the components are only started. Members of a new etcd cluster need it, since none is ready before the others are
        started.
    type: bool
    default: true
  disturb:
    description:
      - Whether what runs may be restarted or stopped.
      - If it may not, a component that is ready by now, although it was to be started only, is an error. So nothing is restarted
        by a run that has taken it for stopped, and has asked nobody whether others can do without it.
    type: bool
    default: true
notes:
  - Needs systemd.
"""

EXAMPLES = r"""
- name: Run a web server
  quorate.kubernetes.components:
    components:
      - name: hello
        unit: |
          [Unit]
          Description=Says hello

          [Service]
          ExecStart=/usr/bin/python3 -m http.server --bind 127.0.0.1 --directory /etc/hello 8000

          [Install]
          WantedBy=multi-user.target
        directories:
          - path: /etc/hello
        files:
          - path: /etc/hello/index.html
            content: hello
            restart: false
        ready:
          url: http://127.0.0.1:8000/

- name: Ask what would be done, without doing it
  quorate.kubernetes.components:
    components:
      - name: hello
        state: absent
    apply: false
  register: hello_plan
"""

RETURN = r"""
plan:
  description: What was done, or is to be done, a sentence each.
  returned: always
  type: list
  elements: str
  sample: ["write /etc/hello/index.html (content)", "restart hello.service (it runs with other inputs)"]
step:
  description:
    - V(keep) if there is nothing to do, V(change) if something that runs has to be restarted or stopped, V(build) otherwise.
  returned: always
  type: str
  sample: build
observation:
  description: What is true of the components now, to be merged into the fact C(host_observation).
  returned: when the host was contacted
  type: dict
executions:
  description: How often the host was contacted, which is V(0) where the fact tells that there is nothing to do.
  returned: when the host was not contacted
  type: int
failure:
  description: Which component failed, why, and whether its former inputs were put back.
  returned: failure
  type: dict
  contains:
    component:
      description: Name of the component.
      type: str
      returned: always
    cause:
      description: What it lacked to be ready.
      type: str
      returned: always
    journal:
      description: Last lines of its journal.
      type: str
      returned: always
    put_back:
      description: Whether it runs again with its former inputs.
      type: bool
      returned: always
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.quorate.kubernetes.plugins.module_utils import _applying, _component, _component_files, _host

ARGUMENT_SPEC: dict[str, Any] = {
    "components": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "unit": {"type": "str"},
            # Rendered by the control node's half of the module, and never sent.
            "unit_template": {"type": "str"},
            "user": {"type": "str"},
            "directories": {
                "type": "list",
                "elements": "dict",
                "options": {
                    "path": {"type": "path", "required": True},
                    "mode": {"type": "str", "default": "0755"},
                    "owner": {"type": "str", "default": "root"},
                    "group": {"type": "str"},
                },
            },
            "files": {
                "type": "list",
                "elements": "dict",
                "options": {
                    "path": {"type": "path", "required": True},
                    "content": {"type": "str"},
                    "template": {"type": "str"},
                    "secret": {"type": "str", "no_log": True},
                    "mode": {"type": "str", "default": "0644"},
                    "owner": {"type": "str", "default": "root"},
                    "group": {"type": "str"},
                    "restart": {"type": "bool", "default": True},
                    "reload": {"type": "bool", "default": False},
                },
            },
            "watch": {"type": "list", "elements": "path"},
            "stop_timeout": {"type": "float"},
            "ready": {
                "type": "dict",
                "options": {
                    "url": {"type": "str"},
                    "ca": {"type": "path"},
                    "certificate": {"type": "path"},
                    "key": {"type": "path", "no_log": False},
                    "status": {"type": "int", "default": 200},
                    "object": {"type": "str"},
                    "condition": {"type": "str", "default": "Ready"},
                    "port": {"type": "int"},
                    "paths": {"type": "list", "elements": "path"},
                    "timeout": {"type": "float", "default": 60},
                },
            },
            "state": {"type": "str", "choices": ["started", "stopped", "absent"], "default": "started"},
        },
    },
    "apply": {"type": "bool", "default": True},
    "wait": {"type": "bool", "default": True},
    "disturb": {"type": "bool", "default": True},
    # These are dealt with by the control node's half of the module.
    "refusals": {"type": "list", "elements": "str", "default": []},
    "group": {"type": "str"},
    "groups": {"type": "list", "elements": "str", "default": []},
    "step": {"type": "str"},
}


def work(components: list[_component.Component], params: Mapping[str, Any], *, apply: bool, result: dict[str, Any]) -> None:
    """Plan the components, and bring them about one after the other. The result tells of all that came before a failure."""
    digests = _host.Digests().load()
    applying = _applying.Applying(wait=params["wait"])
    on_hosts = []
    with _host.locked("components"):
        for component in components:
            one = _applying.ComponentOnHost(component, digests)
            on_hosts.append(one)
            result["plan"] += [str(step) for step in one.steps]
            result["diff"] += one.diffs()
            result["changed"] = bool(result["plan"]) and params["apply"]
            if apply:
                if not params["disturb"]:
                    one.refuse_to_disturb()
                applying.add(one)
        applying.finish()
        digests.save()
    result["step"] = _component.kind_of(one.steps for one in on_hosts)
    result["observation"] = _component_files.observe([component.name for component in components], _component_files.read_records(), digests)
    if apply:
        # No record knows what was removed, and who plans on what was seen before would take it for still there.
        result["observation"]["files"].update({step.target: None for one in on_hosts for step in one.steps if step.verb == "remove"})
    if restarts := {component.name: one.restarted for component, one in zip(components, on_hosts) if one.restarted}:
        result["observation"]["restarts"] = restarts


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    result: dict[str, Any] = {"changed": False, "plan": [], "diff": []}
    try:
        components = [_component.parse(entry) for entry in module.params["components"]]
        module.no_log_values.update(_component.secret_words(components))
        work(components, module.params, apply=module.params["apply"] and not module.check_mode, result=result)
    except _applying.NotReadyError as error:
        module.fail_json(msg=str(error), failure=dataclasses.asdict(error), **result)
    except (_host.HostError, _component.ComponentError) as error:
        module.fail_json(msg=str(error), **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
