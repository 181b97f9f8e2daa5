#!/usr/bin/python
# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_info
short_description: Read what runs in a Kubernetes cluster, and what a change of it has to know
version_added: 1.0.0
author: quorate.kubernetes contributors (@quorate)
description:
  - Asks each API server itself for its version and readiness, all at once, and one that is ready for everything else.
  - One remote execution on any host that reaches the API servers.
  - What cannot be read, because no API server is ready or because of a missing right, is named in RV(unread) and is no error.
extends_documentation_fragment:
  - quorate.kubernetes._attributes.info_module
  - quorate.kubernetes._attributes.action
  - quorate.kubernetes._api
options:
  gather:
    description:
      - What to read besides the API servers.
      - V(nodes) are the nodes, V(leaders) who leads of controller managers and schedulers, V(risks) what may break or block when nodes
        and API servers are changed.
    type: list
    elements: str
    choices: [nodes, leaders, risks]
    default: [nodes, leaders, risks]
  servers:
    description:
      - URLs of the API servers by name. O(server) is not used.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Read what runs
  quorate.kubernetes.cluster_info:
    servers:
      m1: https://192.0.2.11:6443
      m2: https://192.0.2.12:6443
  register: cluster

- name: Show who leads
  ansible.builtin.debug:
    var: cluster.leaders
"""

RETURN = r"""
servers:
  description: Each API server by name.
  returned: success
  type: dict
  contains:
    version: {description: Its version; empty if it does not tell., returned: always, type: str, sample: 1.37.1}
    cause: {description: What it lacks to be ready; empty if it is., returned: always, type: str}
nodes:
  description: The nodes, as M(quorate.kubernetes.nodes_info) returns them.
  returned: with V(nodes) in O(gather)
  type: list
  elements: dict
leaders:
  description: Host name of the leader of C(kube-controller-manager) and of C(kube-scheduler).
  returned: with V(leaders) in O(gather)
  type: dict
  sample: {kube-controller-manager: m1, kube-scheduler: m3}
deprecated:
  description: APIs in use that a later release no longer has.
  returned: with V(risks) in O(gather)
  type: list
  elements: dict
  sample: [{api: batch/v1beta1/cronjobs, removed_release: "1.25"}]
webhooks:
  description: Admission webhooks that make requests fail while what they call does not answer.
  returned: with V(risks) in O(gather)
  type: list
  elements: str
held:
  description: Pods that disruption budgets would not let go now, each with C(node), C(pod) and C(cause).
  returned: with V(risks) in O(gather)
  type: list
  elements: dict
unread:
  description: What could not be read, and why.
  returned: success
  type: list
  elements: str
executions:
  description: How often the host was contacted.
  returned: always
  type: int
"""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Optional

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.quorate.kubernetes.plugins.module_utils import _cluster_state, _kubernetes, _node

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    **_kubernetes.API_OPTIONS,
    "gather": {"type": "list", "elements": "str", "choices": ["nodes", "leaders", "risks"], "default": ["nodes", "leaders", "risks"]},
    "servers": {"type": "dict", "required": True},
}

ANSWER_SECONDS = 5.0
NOTHING: dict[str, dict[str, Any]] = {
    "nodes": {"nodes": []},
    "leaders": {"leaders": {}},
    "risks": {"deprecated": [], "webhooks": [], "held": []},
}
LEASES = _kubernetes.Resource("/apis/coordination.k8s.io/v1", "leases", namespaced=True)
WEBHOOKS = tuple(
    _kubernetes.Resource("/apis/admissionregistration.k8s.io/v1", plural, namespaced=False)
    for plural in ("mutatingwebhookconfigurations", "validatingwebhookconfigurations")
)


class Cluster:
    """A cluster, only read."""

    def __init__(self, clients: Mapping[str, _kubernetes.Client]) -> None:
        self._clients = clients
        self._server: Optional[_kubernetes.Client] = None
        self.unread: list[str] = []

    def servers(self) -> dict[str, dict[str, str]]:
        """Version and readiness of each API server."""
        with ThreadPoolExecutor(max_workers=max(1, len(self._clients))) as pool:
            answers = dict(zip(self._clients, pool.map(_asked, self._clients.values())))
        ready = [name for name, answer in answers.items() if not answer["cause"]]
        self._server = self._clients[ready[0]] if ready else None
        return answers

    def read(self, what: str) -> dict[str, Any]:
        """One of the choices of C(gather)."""
        readers: dict[str, Callable[[_kubernetes.Client], dict[str, Any]]] = {
            "nodes": self._nodes,
            "leaders": self._leaders,
            "risks": self._risks,
        }
        if self._server is None:
            self.unread.append(f"{what}: no API server is ready")
            return dict(NOTHING[what])
        return readers[what](self._server)

    def _nodes(self, server: _kubernetes.Client) -> dict[str, Any]:
        return {"nodes": _node.summaries(self._collection(server, _kubernetes.NODES.path()))}

    def _leaders(self, server: _kubernetes.Client) -> dict[str, Any]:
        leases = {}
        for name in _cluster_state.CONTROLLERS:
            try:
                leases[name] = server.get(LEASES.path(name=name, namespace=_cluster_state.LEASE_NAMESPACE)) or {}
            except _kubernetes.KubernetesError as error:
                self.unread.append(f"who leads of {name}: {error}")
        return {"leaders": _cluster_state.holders(leases)}

    def _risks(self, server: _kubernetes.Client) -> dict[str, Any]:
        deprecated: dict[str, dict[str, str]] = {}
        # Each API server counts what was asked of it only.
        for name, client in self._clients.items():
            try:
                deprecated.update({entry["api"]: entry for entry in _cluster_state.deprecated_apis(client.text("/metrics"))})
            except _kubernetes.KubernetesError as error:
                self.unread.append(f"deprecated APIs that clients ask of {name}: {error}")
        configurations = [configuration for kind in WEBHOOKS for configuration in self._collection(server, kind.path())]
        budgets = self._collection(server, _kubernetes.BUDGETS.path())
        pods = [
            pod
            for namespace in _cluster_state.tight_namespaces(budgets)
            for pod in self._collection(server, _kubernetes.PODS.path(namespace=namespace))
        ]
        return {
            "deprecated": sorted(deprecated.values(), key=lambda entry: entry["api"]),
            "webhooks": _cluster_state.closed_webhooks(configurations),
            "held": _cluster_state.held_pods(pods, budgets),
        }

    def _collection(self, server: _kubernetes.Client, path: str) -> list[dict[str, Any]]:
        try:
            return server.collection(path)
        except _kubernetes.KubernetesError as error:
            self.unread.append(f"{path}: {error}")
            return []


def _asked(client: _kubernetes.Client) -> dict[str, str]:
    try:
        client.text("/readyz")
        version, cause = str(client.request("GET", "/version")["gitVersion"]).lstrip("v"), ""
    except _kubernetes.KubernetesError as error:
        version, cause = "", str(error)
    return {"version": version, "cause": cause}


def run(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The module's work; its result."""
    context = _kubernetes.context_of(parameters)
    clients = {
        name: _kubernetes.Client(url, context=context, timeout=ANSWER_SECONDS, patience=0) for name, url in parameters["servers"].items()
    }
    cluster = Cluster(clients)
    result: dict[str, Any] = {"servers": cluster.servers()}
    for what in parameters["gather"]:
        result.update(cluster.read(what))
    return {**result, "unread": cluster.unread}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        result = run(module.params)
    except _kubernetes.KubernetesError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
