# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control node's half of the module manifests: reads YAML, and gives the host what it needs to ask the API, unless nothing differs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import yaml
from ansible.errors import AnsibleActionFail

from ansible_collections.quorate.kubernetes.plugins.module_utils import _manifests, _object_record
from ansible_collections.quorate.kubernetes.plugins.plugin_utils import _api, _authority, _observation, _templates

# libyaml's, where it is there: ten times as fast.
_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):
    """YAML as Kubernetes reads it: what looks like a date is text."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def objects_of(arguments: dict[str, Any], texts: Iterable[str] = ()) -> list[Any]:
    """The objects of a task, as plain data: those of the list, those of the texts of templates, those of the text."""
    given = arguments.get("objects") or []
    if not isinstance(given, list):
        raise AnsibleActionFail(f"objects is to be a list, but it is {type(given).__name__}.")
    try:
        # Bytes, because libyaml takes a text of Ansible's own type for a file.
        given_texts = [text.encode() for text in (*texts, arguments.get("text") or "")]
        documents = [document for text in given_texts for document in yaml.load_all(text, Loader=_Loader)]
    except yaml.YAMLError as error:
        raise AnsibleActionFail(f"The text is no YAML: {error}") from error
    # Through JSON, because values of templates are of Ansible's own types, and vaulted ones are text only when asked.
    plain: list[Any] = json.loads(json.dumps([*given, *documents], default=str))
    return plain


def is_seen(arguments: Mapping[str, Any], objects: Iterable[Mapping[str, Any]], observed: Iterable[Mapping[str, Any]]) -> bool:
    """Whether all objects were seen to be what a task would make of them, on any host: they belong to the cluster."""
    if arguments.get("state", "present") != "present":
        return False
    wanted = _object_record.wanted_digest(objects, manager=arguments.get("field_manager", "quorate"))
    return any((one.get("objects") or {}).get(arguments.get("record")) == wanted for one in observed)


def _observed(task_vars: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    hosts = (task_vars.get("cluster_topology") or {}).get("hosts") or {}
    return list(_observation.of_hosts(hosts, task_vars.get("hostvars") or {}, run=_observation.run_of(task_vars)).values())


class ActionModule(_api.ApiAction):
    """Send plain objects and a client certificate to the host."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        task_vars = task_vars or {}
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        present = arguments.get("state", "present") == "present"
        try:
            templates = _templates.Templates(self, task_vars)
            objects = _manifests.checked(objects_of(arguments, [templates.text(name) for name in arguments.get("templates") or []]))
        except _manifests.ManifestError as error:
            return {**result, "failed": True, "msg": str(error), "executions": 0}
        if not objects:
            return {**result, **_manifests.report([]), "waiting": [], "executions": 0}
        if is_seen(arguments, objects, _observed(task_vars)):
            steps = [_manifests.Step(_manifests.identity(thing), _manifests.KEEP) for thing in _manifests.in_order(objects)]
            return {**result, **_manifests.report(steps), "waiting": [], "executions": 0}
        try:
            identity = self.identity(task_vars)
        except _authority.AuthorityError as error:
            if not self._task.check_mode:
                return {**result, "failed": True, "msg": str(error), "executions": 0}
            steps = _manifests.plan_without_server(objects, present=present)
            return {**result, **_manifests.report(steps), "msg": f"There is no cluster yet: {error}", "waiting": [], "executions": 0}
        hidden = {"identity": identity, "documents": json.dumps(objects)}
        given = {key: value for key, value in self.public_arguments().items() if key not in ("objects", "templates", "text")}
        timeout = float(arguments.get("wait_timeout", 300))
        merge = _api.first_with_last_wait
        return {**result, **self.in_slices({**given, **hidden}, task_vars=task_vars, timeout=timeout, merge=merge)}
