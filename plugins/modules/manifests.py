#!/usr/bin/python
# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: manifests
short_description: Have objects in a Kubernetes cluster, or not
version_added: 1.0.0
author: quorate.kubernetes contributors (@quorate)
description:
  - Objects are applied by the server (server-side apply), so other managers of the same objects keep their fields.
  - A field that an earlier call gave and this one does not is removed.
  - All objects of a call are tried by the server before the first one is changed; everything it refuses is listed at once.
  - One remote execution does all of it, on any host that reaches an API server. Only a wait that lasts needs a few more.
extends_documentation_fragment:
  - quorate.kubernetes._attributes
  - quorate.kubernetes._attributes.action
  - quorate.kubernetes._api
attributes:
  check_mode:
    support: full
    details:
      - Where no API server answers yet, all objects are predicted to be made.
options:
  objects:
    description:
      - Objects, in any order. Those that others need, such as namespaces and custom resource definitions, are applied first.
    type: list
    elements: dict
    default: []
  templates:
    description:
      - Jinja2 templates on the control node, searched for as M(ansible.builtin.template) does, with more objects as YAML or JSON.
    type: list
    elements: str
    default: []
  text:
    description:
      - More objects, as YAML or JSON with any number of documents.
    type: str
    default: ''
  state:
    description:
      - Whether the objects are to be there.
    type: str
    choices:
      - present
      - absent
    default: present
  wait:
    description:
      - Wait until the objects are ready, or gone.
      - Workloads, pods, nodes, namespaces, custom resource definitions and API services are ready when their status says so; all
        others as soon as they exist.
    type: bool
    default: false
  wait_timeout:
    description:
      - Seconds to wait for all of them together.
    type: int
    default: 300
  field_manager:
    description:
      - Name under which the fields are the caller's own.
    type: str
    default: quorate
  record:
    description:
      - Name under which the host remembers what was applied, so that M(quorate.kubernetes.host_facts) sees whether it is still the same.
      - Where it was seen in this run that nothing differs, and nothing says of itself that it is not available, the host is not contacted.
      - With O(wait) it is remembered once all of it is ready.
    type: str
  documents:
    description:
      - Set by the action, from O(objects), O(templates) and O(text).
    type: json
"""

EXAMPLES = r"""
- name: Have a namespace and what is in a file
  quorate.kubernetes.manifests:
    objects:
      - apiVersion: v1
        kind: Namespace
        metadata:
          name: shop
    text: "{{ lookup('ansible.builtin.file', 'shop.yml') }}"

- name: Have a workload that runs
  quorate.kubernetes.manifests:
    templates: [deployment.yml.j2]
    wait: true
    wait_timeout: 120

- name: Have no test namespace
  quorate.kubernetes.manifests:
    state: absent
    objects:
      - apiVersion: v1
        kind: Namespace
        metadata:
          name: test
    wait: true
"""

RETURN = r"""
objects:
  description: What became of each object, in the order in which it was done.
  returned: success
  type: list
  elements: dict
  contains:
    api_version:
      description: Its group and version.
      type: str
    kind:
      description: Its kind.
      type: str
    namespace:
      description: Its namespace; empty if it is in none.
      type: str
    name:
      description: Its name.
      type: str
    action:
      description: One of V(created), V(updated), V(deleted), V(unchanged).
      type: str
  sample:
    - action: updated
      api_version: apps/v1
      kind: Deployment
      name: coredns
      namespace: kube-system
waiting:
  description: What is not ready yet, and why. Empty unless the time is over.
  returned: success or when waiting failed
  type: list
  elements: str
executions:
  description: How often the host was contacted.
  returned: always
  type: int
"""

import json
import time
from collections.abc import Mapping
from typing import Any, Optional

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.quorate.kubernetes.plugins.module_utils import _host, _kubernetes, _manifests, _object_record, _readiness

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    **_kubernetes.API_OPTIONS,
    "objects": {"type": "list", "elements": "dict", "default": []},
    # Rendered by the control node's half of the module, and never sent.
    "templates": {"type": "list", "elements": "str", "default": []},
    "text": {"type": "str", "default": ""},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "wait": {"type": "bool", "default": False},
    "wait_timeout": {"type": "int", "default": 300},
    "field_manager": {"type": "str", "default": "quorate"},
    "record": {"type": "str"},
    # As a whole a secret, because some of the objects may be.
    "documents": {"type": "json", "no_log": True},
}

START_SECONDS = 60.0
"""How long the API server may take to answer: it was perhaps started a moment ago."""

DEFINED_SECONDS = 30.0
"""How long a new custom resource definition may take to be served."""

WAIT_POLL_SECONDS = 0.25


class Manifests:
    """Objects of a cluster."""

    def __init__(self, client: _kubernetes.Client, *, manager: str, objects: list[dict[str, Any]]) -> None:
        self._client = client
        self._manager = manager
        self._objects = _manifests.in_order(_manifests.checked(objects))
        self._defined = _manifests.defined_kinds(self._objects)
        self._live: dict[_manifests.Identity, Mapping[str, Any]] = {}

    def plan_present(self) -> list[_manifests.Step]:
        """Let the server try everything; what it refuses is one error."""
        steps: list[_manifests.Step] = []
        refused: list[str] = []
        for wanted in self._objects:
            try:
                steps.append(self._plan_one(self._located(wanted), _manifests.new_namespaces(steps)))
            except _kubernetes.KubernetesError as error:
                refused.append(f"{_manifests.identity(wanted)}: {error}")
        if refused:
            raise _kubernetes.KubernetesError("Nothing was changed, because the API server refuses: " + "; ".join(refused))
        return steps

    def plan_absent(self) -> list[_manifests.Step]:
        """What there is of the objects is to go, in the reverse order. An object of a kind that is not served is gone already."""
        steps = []
        for thing in reversed(self._objects):
            served = self._client.resource(thing["apiVersion"], thing["kind"])
            name = _manifests.identity(self._located(thing) if served else thing)
            steps.append(_manifests.plan_absent(name, live=self._client.get(self._path(name)) if served else None))
        return steps

    def apply(self, steps: list[_manifests.Step]) -> None:
        """Carry out a plan."""
        done: list[str] = []
        for step in steps:
            if step.action == _manifests.KEEP:
                continue
            try:
                self._apply_one(step)
            except _kubernetes.KubernetesError as error:
                before = f" Done before: {', '.join(done)}." if done else ""
                raise _kubernetes.KubernetesError(
                    f"{step.identity} was not {step.action}: {error}{before} Remove the cause and run again."
                ) from error
            done.append(f"{step.identity} {step.action}")

    def remember(self, record: str, objects: list[dict[str, Any]]) -> None:
        """Write down what was asked for, and what the server has of it now."""
        _object_record.remember(
            record,
            wanted=_object_record.wanted_digest(objects, manager=self._manager),
            manager=self._manager,
            objects={(self._path(name).rpartition("/")[0], name.name): live for name, live in self._live.items()},
        )

    def pending(self, steps: list[_manifests.Step]) -> _manifests.Pending:
        """What is not as it should be yet, with the cause."""
        causes, hopeless = [], False
        for step in steps:
            goes = step.wanted is None
            if (step.action == _manifests.KEEP) if goes else not _readiness.is_waited_for(step.identity.kind):
                continue
            live = self._client.get(self._path(step.identity))
            if live is not None:
                self._live[step.identity] = live
            state = _readiness.absence(live) if goes else _readiness.readiness(live or {})
            if not state.ready:
                causes.append(f"{step.identity}: " + "; ".join([state.reason, *_readiness.pod_troubles(self._pods(live))]))
                hopeless = hopeless or state.hopeless
        return _manifests.Pending(tuple(causes), hopeless)

    def _plan_one(self, wanted: Mapping[str, Any], new_namespaces: set[str]) -> _manifests.Step:
        name = _manifests.identity(wanted)
        live = result = None
        if self._client.resource(name.api_version, name.kind) and name.namespace not in new_namespaces:
            live = self._client.get(self._path(name))
            result = self._dry_run(name, wanted)
            if live is not None:
                self._live[name] = live
        return _manifests.plan_present(wanted, live=live, result=result, manager=self._manager)

    def _dry_run(self, name: _manifests.Identity, wanted: Mapping[str, Any]) -> Optional[dict[str, Any]]:
        try:
            return self._client.apply(self._path(name), wanted, manager=self._manager, dry_run=True)
        except _kubernetes.KubernetesError as error:
            if "does not support dry run" in str(error):
                return None
            raise

    def _apply_one(self, step: _manifests.Step) -> None:
        path = self._path(step.identity)
        if step.wanted is None:
            self._client.delete(path)
            return
        self._live[step.identity] = self._client.apply(path, step.wanted, manager=self._manager)
        if step.identity.kind == "CustomResourceDefinition":
            self._wait_served(path, step.wanted)

    def _wait_served(self, path: str, definition: Mapping[str, Any]) -> None:
        kinds = _manifests.defined_kinds([definition])

        def served() -> bool:
            for version, _kind in kinds:
                self._client.forget(version)
            return _readiness.readiness(self._client.get(path) or {}).ready and all(self._client.resource(*kind) for kind in kinds)

        if not _host.wait_until(served, timeout=DEFINED_SECONDS):
            state = _readiness.readiness(self._client.get(path) or {})
            raise _kubernetes.KubernetesError(f"its kinds are not served after {DEFINED_SECONDS:g} s. {state.reason}")

    def _located(self, wanted: Mapping[str, Any]) -> Mapping[str, Any]:
        """The object with the namespace that it falls into when it names none."""
        if wanted["metadata"].get("namespace") or not self._resource(wanted["apiVersion"], wanted["kind"]).namespaced:
            return wanted
        return {**wanted, "metadata": {**wanted["metadata"], "namespace": "default"}}

    def _resource(self, version: str, kind: str) -> _kubernetes.Resource:
        served = self._client.resource(version, kind)
        if served:
            return served
        if (version, kind) in self._defined:
            plural, namespaced = self._defined[version, kind]
            return _kubernetes.Resource(_kubernetes.group_prefix(version), plural, namespaced)
        raise _kubernetes.KubernetesError(
            f"this cluster knows no kind {kind} of {version}. Is the version right, or is a custom resource definition missing?"
        )

    def _path(self, name: _manifests.Identity) -> str:
        return self._resource(name.api_version, name.kind).path(name=name.name, namespace=name.namespace)

    def _pods(self, owner: Optional[Mapping[str, Any]]) -> list[dict[str, Any]]:
        selector = _readiness.pod_selector(owner or {})
        if not owner or not selector:
            return []
        path = _kubernetes.PODS.path(namespace=owner["metadata"]["namespace"])
        return self._client.collection(path, query={"labelSelector": selector})


def wait(manifests: Manifests, steps: list[_manifests.Step], *, timeout: float) -> _manifests.Pending:
    """Wait until nothing is pending, it is hopeless, or the time is over."""
    end = time.monotonic() + timeout
    while True:
        pending = manifests.pending(steps)
        if not pending.causes or pending.hopeless or time.monotonic() >= end:
            return pending
        time.sleep(WAIT_POLL_SECONDS)


def run(parameters: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """The module's work; its result."""
    objects = json.loads(parameters["documents"] or "[]")
    client = _kubernetes.client_of(parameters)
    present = parameters["state"] == "present"
    manifests = Manifests(client, manager=parameters["field_manager"], objects=objects)
    if check_mode and not client.reachable():
        steps = _manifests.plan_without_server(objects, present=present)
        return {**_manifests.report(steps), "msg": f"No API server answers at {parameters['server']} yet: everything is new."}
    client.wait_ready(0 if check_mode else START_SECONDS)
    steps = manifests.plan_present() if present else manifests.plan_absent()
    pending = _manifests.Pending()
    seconds, last = _kubernetes.wait_part(parameters)
    if not check_mode:
        manifests.apply(steps)
        if parameters["wait"]:
            pending = wait(manifests, steps, timeout=seconds)
        # What did not get ready is looked at and waited for again in the next run.
        if present and parameters["record"] and not pending.causes:
            manifests.remember(parameters["record"], objects)
    result = {
        **_manifests.report(steps),
        "waiting": list(pending.causes),
        "warnings": client.warnings,
    }
    if pending.causes and (last or pending.hopeless):
        result["failed"] = True
        result["msg"] = _manifests.waiting_failed(pending, present=present, seconds=parameters["wait_timeout"])
    return result


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        result = run(module.params, check_mode=module.check_mode)
    except (_kubernetes.KubernetesError, _manifests.ManifestError) as error:
        module.fail_json(msg=str(error))
    for warning in result.pop("warnings", []):
        module.warn(warning)
    if result.pop("failed", False):
        module.fail_json(**result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
