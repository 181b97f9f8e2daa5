#!/usr/bin/python
# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: node
short_description: Label, taint, cordon, drain and remove nodes of a Kubernetes cluster
version_added: 1.0.0
author: quorate.kubernetes contributors (@quorate)
description:
  - Acts on the Node objects of the cluster. It runs on any host that reaches an API server, not on the node itself.
  - Any number of nodes is one remote execution. Only a wait that lasts needs a few more.
  - Draining uses the eviction API, so disruption budgets are respected. A pod that a budget holds is tried again until the time is
    over.
extends_documentation_fragment:
  - quorate.kubernetes._attributes
  - quorate.kubernetes._attributes.action
  - quorate.kubernetes._api
attributes:
  check_mode:
    support: full
    details:
      - Where no API server answers yet, all nodes are predicted to change.
options:
  name:
    description:
      - Name of a node.
    type: str
  labels:
    description:
      - Labels of the node O(name), as in O(nodes[].labels).
    type: dict
  annotations:
    description:
      - Annotations of the node O(name), as in O(nodes[].annotations).
    type: dict
  taints:
    description:
      - Taints of the node O(name), as in O(nodes[].taints).
    type: list
    elements: str
  nodes:
    description:
      - Nodes, besides O(name).
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description:
          - Name of the node.
        type: str
        required: true
      labels:
        description:
          - Labels that the node has.
          - A label that an earlier call gave and this one does not is removed. All others, and all if this is omitted, are left alone.
        type: dict
      annotations:
        description:
          - Annotations that the node has; the rule for labels holds.
        type: dict
      taints:
        description:
          - Taints that the node has, as C(key=value:effect) or C(key:effect); the rule for labels holds.
        type: list
        elements: str
  state:
    description:
      - V(present) gives nodes their labels, annotations and taints. A node that has not registered yet is waited for.
      - V(cordoned) keeps new pods away.
      - V(uncordoned) lets pods in again, if it was this module that kept them away; see O(force). A cordon that somebody took away and
        somebody made anew is not this module's.
      - V(drained) cordons the nodes and evicts their pods. Static pods, finished pods and those of daemon sets stay.
      - V(absent) removes the Node objects. Drain before, and stop kubelet, or it registers again.
    type: str
    choices:
      - present
      - cordoned
      - uncordoned
      - drained
      - absent
    default: present
  wait_ready:
    description:
      - Names of nodes to wait for until they are ready.
    type: list
    elements: str
    default: []
  wait_version:
    description:
      - Version that the kubelets of O(wait_ready) must report; any if empty.
    type: str
    default: ''
  wait_since:
    description:
      - Seconds since the epoch, from when on the kubelets of O(wait_ready) must have told that they are ready. A node whose kubelet has fallen
        silent counts as ready for most of a minute. With V(0) what they told last counts.
      - Only with O(state=uncordoned).
    type: float
    default: 0
  wait_pods:
    description:
      - With O(state=uncordoned), pods on the nodes of O(wait_ready) to wait for until they are ready, such as RV(stayed) of the draining.
      - One that is no longer there is not waited for.
    type: list
    elements: str
    default: []
  wait_timeout:
    description:
      - Seconds to wait for all nodes together, also for pods to leave.
    type: int
    default: 300
  cordoned_by:
    description:
      - Who cordons, kept in the node's annotation C(quorate.io/cordoned-by).
    type: str
    default: quorate
  grace_period:
    description:
      - Seconds that evicted pods have to end; what each pod asks for if omitted.
    type: int
  ignore_daemonsets:
    description:
      - Leave the pods of daemon sets. With V(false), such a pod makes draining fail before anything is changed.
    type: bool
    default: true
  delete_emptydir_data:
    description:
      - Evict pods with C(emptyDir) volumes, whose content is lost. Without it, such a pod makes draining fail before anything is
        changed.
    type: bool
    default: false
  force:
    description:
      - When draining, evict pods that no controller makes anew. Without it, such a pod makes draining fail before anything is changed.
      - When uncordoning, do so whoever cordoned the node.
    type: bool
    default: false
  uncordon_on_failure:
    description:
      - Uncordon the nodes again if they could not be drained, be it in time or at all.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Give nodes their roles, and wait until all are ready
  quorate.kubernetes.node:
    nodes:
      - name: m1
        labels:
          node-role.kubernetes.io/control-plane: ""
        taints:
          - node-role.kubernetes.io/control-plane:NoSchedule
      - name: w1
    wait_ready: [m1, w1]
    wait_timeout: 120

- name: Empty a node
  quorate.kubernetes.node:
    name: w1
    state: drained
    delete_emptydir_data: true
    wait_timeout: 600

- name: Take it back when its kubelet has the new version
  quorate.kubernetes.node:
    name: w1
    state: uncordoned
    wait_ready: [w1]
    wait_version: 1.37.1

- name: Remove it
  quorate.kubernetes.node:
    name: w1
    state: absent
"""

RETURN = r"""
nodes:
  description: Names of the nodes that were changed.
  returned: success
  type: list
  elements: str
evicted:
  description: Pods that were evicted, or would be, as namespace/name.
  returned: success
  type: list
  elements: str
left:
  description: Pods that stay on the nodes, and why.
  returned: when O(state=drained)
  type: list
  elements: str
  sample:
    - "pod kube-system/proxy-x: it belongs to the DaemonSet proxy"
stayed:
  description: Pods of daemon sets that stay on the nodes and were ready, as namespace/name.
  returned: when O(state=drained)
  type: list
  elements: str
blocked:
  description: In check mode, pods that could not be evicted now, and why.
  returned: when O(state=drained) in check mode
  type: list
  elements: str
waiting:
  description: What was waited for when the time was over, and why it did not come. Empty otherwise.
  returned: success or when waiting failed
  type: list
  elements: str
executions:
  description: How often the host was contacted.
  returned: always
  type: int
"""

import contextlib
import dataclasses
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.quorate.kubernetes.plugins.module_utils import _drain, _draining, _kubernetes, _node

_PROPERTIES: dict[str, Any] = {
    "labels": {"type": "dict"},
    "annotations": {"type": "dict"},
    "taints": {"type": "list", "elements": "str"},
}

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    **_kubernetes.API_OPTIONS,
    **_PROPERTIES,
    "name": {"type": "str"},
    "nodes": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {"name": {"type": "str", "required": True}, **_PROPERTIES},
    },
    "state": {
        "type": "str",
        "choices": ["present", "cordoned", "uncordoned", "drained", "absent"],
        "default": "present",
    },
    "wait_ready": {"type": "list", "elements": "str", "default": []},
    "wait_version": {"type": "str", "default": ""},
    "wait_since": {"type": "float", "default": 0},
    "wait_pods": {"type": "list", "elements": "str", "default": []},
    "wait_timeout": {"type": "int", "default": 300},
    "cordoned_by": {"type": "str", "default": "quorate"},
    "grace_period": {"type": "int"},
    "ignore_daemonsets": {"type": "bool", "default": True},
    "delete_emptydir_data": {"type": "bool", "default": False},
    "force": {"type": "bool", "default": False},
    "uncordon_on_failure": {"type": "bool", "default": False},
}

START_SECONDS = 60.0
POLL_SECONDS = 0.25


class Nodes:
    """Node objects of a cluster, and what is done to some of them."""

    def __init__(self, client: _kubernetes.Client, parameters: Mapping[str, Any]) -> None:
        self._client = client
        self._options = parameters
        self._wanted = _node.all_wanted(parameters)
        self._timeout = _kubernetes.wait_part(parameters)[0]
        self._done: list[_node.Change] = []

    def planned(self) -> dict[str, Any]:
        """What would be done, as the module's result."""
        state, nodes = self._options["state"], self._live()
        if state != "drained":
            return _node.report(self._changes(nodes))
        draining = self._new_draining()
        chosen, decisions = self._to_drain(nodes, draining)
        evicted = [decision for decision in decisions if decision.action == _drain.EVICT]
        result = _node.report(self._changes(nodes), pods=[decision.pod for decision in evicted])
        return {**result, "left": _drain.left(decisions), "stayed": draining.stayers(chosen), "blocked": draining.blocked(chosen, evicted)}

    def present(self) -> dict[str, Any]:
        """Give the nodes what they are to have, and wait for them."""

        def pending() -> list[str]:
            nodes = self._live()
            self._apply(change for change in self._changes(nodes) if change.before is not None)
            missing = [want.name for want in self._wanted if want.name not in nodes]
            named = dict.fromkeys([*missing, *self._options["wait_ready"]])
            return _node.not_ready(named, nodes, version=self._options["wait_version"])

        return self._result(self._wait(pending))

    def cordoned(self) -> dict[str, Any]:
        """Keep new pods away."""
        self._apply(self._changes(self._live()))
        return self._result([])

    def uncordoned(self) -> dict[str, Any]:
        """Let pods in again, once the nodes that are waited for are ready."""

        names, pods = self._options["wait_ready"], self._options["wait_pods"]

        def pending() -> list[str]:
            lines = _node.not_ready(names, self._live(), version=self._options["wait_version"], since=self._options["wait_since"])
            return lines or (_drain.not_back(pods, _draining.pods_on(self._client, names)) if pods else [])

        waiting = self._wait(pending)
        if not waiting:
            self._apply(self._changes(self._live()))
        return self._result(waiting)

    def drained(self) -> dict[str, Any]:
        """Cordon the nodes and evict their pods."""
        nodes, draining = self._live(), self._new_draining()
        try:
            chosen, decisions = self._to_drain(nodes, draining)
        except _node.NodeError:
            # Of a pod that came since a former part of the wait: the node is closed by now.
            with contextlib.suppress(_kubernetes.KubernetesError):
                self._give_up()
            raise
        stayed = draining.stayers(chosen)
        self._apply(self._changes(nodes))
        try:
            waiting = draining.blocked(chosen, draining.drain(chosen, timeout=self._timeout))
        except _kubernetes.KubernetesError:
            # What opens the node again may fail as well; what is told is the first cause.
            with contextlib.suppress(_kubernetes.KubernetesError):
                self._give_up()
            raise
        if waiting and _kubernetes.wait_part(self._options)[1]:
            self._give_up()
        result = _node.report(self._done, pods=draining.evicted)
        return {**result, "left": _drain.left(decisions), "stayed": stayed, "waiting": waiting}

    def _give_up(self) -> None:
        if self._options["uncordon_on_failure"]:
            self._apply(self._changes(self._live(), state="uncordoned"), state="uncordoned")

    def absent(self) -> dict[str, Any]:
        """Remove the Node objects."""
        for change in self._changes(self._live()):
            self._client.delete(_kubernetes.NODES.path(name=change.name))
            self._done.append(change)
        return self._result([])

    def _changes(self, nodes: Mapping[str, Mapping[str, Any]], *, state: str = "") -> list[_node.Change]:
        options = self._options
        force = options["force"] and not state  # what undoes a drain undoes our own cordon only
        return _node.changes(state or options["state"], self._wanted, nodes, by=options["cordoned_by"], force=force)

    def _apply(self, changes: Iterable[_node.Change], *, state: str = "") -> None:
        for change in changes:
            try:
                self._client.merge(_kubernetes.NODES.path(name=change.name), change.patch, manager=_node.MANAGER)
            except _kubernetes.KubernetesError as error:
                # kubelet or a controller was quicker: what is to change is computed anew from what they made.
                if error.status != 409:
                    raise
                self._apply((again for again in self._changes(self._live(), state=state) if again.name == change.name), state=state)
            else:
                self._done.append(change)

    def _new_draining(self) -> _draining.Draining:
        names = [field.name for field in dataclasses.fields(_drain.Options)]
        options = _drain.Options(**{name: self._options[name] for name in names})
        return _draining.Draining(self._client, options=options, grace_period=self._options["grace_period"])

    def _to_drain(
        self, nodes: Mapping[str, Mapping[str, Any]], draining: _draining.Draining
    ) -> tuple[list[Mapping[str, Any]], list[_drain.Decision]]:
        chosen = [nodes[want.name] for want in self._wanted if want.name in nodes]
        decisions = draining.survey(chosen)
        problems = _drain.refused(decisions)
        if problems:
            names = ", ".join(want.name for want in self._wanted)
            nothing = ", and nothing was changed" if self._changes(nodes) else ""
            raise _node.NodeError(f"{names} cannot be drained{nothing}: " + "; ".join(problems) + ".")
        return chosen, decisions

    def _live(self) -> dict[str, dict[str, Any]]:
        return {node["metadata"]["name"]: node for node in self._client.collection(_kubernetes.NODES.path())}

    def _wait(self, pending: Callable[[], list[str]]) -> list[str]:
        end = time.monotonic() + self._timeout
        while True:
            lines = pending()
            if not lines or time.monotonic() >= end:
                return lines
            time.sleep(POLL_SECONDS)

    def _result(self, waiting: list[str]) -> dict[str, Any]:
        return {**_node.report(self._done), "waiting": waiting}


def run(parameters: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """The module's work; its result."""
    client = _kubernetes.client_of(parameters)
    nodes = Nodes(client, parameters)
    if check_mode and not client.reachable():
        return {**_node.report_without_server(parameters), "msg": f"No API server answers at {parameters['server']} yet."}
    client.wait_ready(0 if check_mode else START_SECONDS)
    if check_mode:
        return nodes.planned()
    verbs: dict[str, Callable[[], dict[str, Any]]] = {
        "present": nodes.present,
        "cordoned": nodes.cordoned,
        "uncordoned": nodes.uncordoned,
        "drained": nodes.drained,
        "absent": nodes.absent,
    }
    result = verbs[parameters["state"]]()
    if result.get("waiting") and _kubernetes.wait_part(parameters)[1]:
        result["failed"] = True
        result["msg"] = _node.waiting_failed(parameters["state"], result["waiting"], seconds=parameters["wait_timeout"])
    return result


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        result = run(module.params, check_mode=module.check_mode)
    except (_kubernetes.KubernetesError, _node.NodeError) as error:
        module.fail_json(msg=str(error))
    if result.pop("failed", False):
        module.fail_json(**result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
