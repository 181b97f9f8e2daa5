# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: what the API of a running cluster tells, brought down to what a change of it has to know."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.quorate.kubernetes.plugins.module_utils import _drain

CONTROLLERS = ("kube-controller-manager", "kube-scheduler")
"""Components of which one leads: the name of each is also that of its Lease."""

LEASE_NAMESPACE = "kube-system"

_DEPRECATED = re.compile(r"^apiserver_requested_deprecated_apis\{(?P<labels>[^}]*)\} (?P<value>\S+)", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="([^"]*)"')


def holders(leases: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Host name of the leader of each component that has one, from its Lease."""
    found = {}
    for name, lease in leases.items():
        # The host's name and something that tells one start of the program from the next.
        identity = str((lease.get("spec") or {}).get("holderIdentity") or "")
        if identity:
            found[name] = identity.rsplit("_", 1)[0]
    return found


def deprecated_apis(metrics: str) -> list[dict[str, str]]:
    """What clients asked an API server for, although a later release no longer has it; from the server's metrics."""
    found = []
    for match in _DEPRECATED.finditer(metrics):
        labels = dict(_LABEL.findall(match["labels"]))
        if float(match["value"]) > 0:
            api = "/".join(part for part in (labels.get("group"), labels.get("version"), labels.get("resource")) if part)
            found.append({"api": api, "removed_release": labels.get("removed_release", "")})
    return found


def closed_webhooks(configurations: Iterable[Mapping[str, Any]]) -> list[str]:
    """Admission webhooks that make requests fail while what they call does not answer."""
    found = [
        f"{webhook['name']} of {configuration['metadata']['name']} ({_called(webhook.get('clientConfig') or {})})"
        for configuration in configurations
        for webhook in configuration.get("webhooks") or []
        if webhook.get("failurePolicy", "Fail") == "Fail"
    ]
    return sorted(found)


def _called(client: Mapping[str, Any]) -> str:
    service = client.get("service")
    return f"Service {service['namespace']}/{service['name']}" if service else str(client.get("url") or "nothing")


def tight_namespaces(budgets: Iterable[Mapping[str, Any]]) -> list[str]:
    """Namespaces whose disruption budgets may hold a pod: one of them allows no disruption now although it has pods, or two may cover the same pod."""
    found, seen = set(), set()
    for budget in budgets:
        namespace, status = str(budget["metadata"]["namespace"]), budget.get("status") or {}
        if namespace in seen or (status.get("expectedPods", 0) > 0 and status.get("disruptionsAllowed", 0) == 0):
            found.add(namespace)
        seen.add(namespace)
    return sorted(found)


def held_pods(pods: Iterable[Mapping[str, Any]], budgets: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Pods that could not be evicted now, each with its node and the cause."""
    known = list(budgets)
    found = []
    for pod in pods:
        causes = _drain.blocking_budgets(pod, known)
        node = (pod.get("spec") or {}).get("nodeName", "")
        if causes and node and (pod.get("status") or {}).get("phase") == "Running":
            found.append({"node": node, "pod": _drain.pod_name(pod), "cause": "; ".join(causes)})
    return found
