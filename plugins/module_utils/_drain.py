# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: decisions about the pods of a node that is to be emptied."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Optional

from ansible_collections.quorate.kubernetes.plugins.module_utils import _readiness

EVICT, LEAVE, REFUSE, AWAIT = "evict", "leave", "refuse", "await"
ACCEPTED, GONE, RETRY, FAILED = "accepted", "gone", "retry", "failed"

MIRROR = "kubernetes.io/config.mirror"
BACKOFF_SECONDS = (0.5, 1.0, 2.0, 4.0, 5.0)


@dataclasses.dataclass(frozen=True)
class Options:
    """What may be lost.

    Attributes:
        ignore_daemonsets: leave the pods of daemon sets; without it they are a reason to refuse.
        delete_emptydir_data: evict pods although what they keep in C(emptyDir) volumes goes with them.
        force: evict pods that nothing makes anew elsewhere.
    """

    ignore_daemonsets: bool = True
    delete_emptydir_data: bool = False
    force: bool = False


@dataclasses.dataclass(frozen=True)
class Decision:
    """What becomes of one pod.

    Attributes:
        node: where it runs.
        namespace: its namespace.
        name: its name.
        uid: its identity: a pod of the same name may be made anew.
        action: C(evict), C(leave), C(refuse), or C(await) if it is on its way out already.
        reason: why; empty if it is simply evicted.
    """

    node: str
    namespace: str
    name: str
    uid: str
    action: str
    reason: str = ""

    @property
    def pod(self) -> str:
        return f"{self.namespace}/{self.name}"


def decide(pod: Mapping[str, Any], *, options: Options, daemon_sets: frozenset[tuple[str, str]]) -> Decision:
    """What to do with a pod of the node.

    Args:
        pod: the pod.
        options: what may be lost.
        daemon_sets: namespace and name of all daemon sets of the cluster.
    """
    metadata = pod["metadata"]
    action, reason = _verdict(pod, options, daemon_sets)
    node = (pod.get("spec") or {}).get("nodeName", "")
    return Decision(node, metadata["namespace"], metadata["name"], metadata.get("uid", ""), action, reason)


def _controller(pod: Mapping[str, Any]) -> Mapping[str, Any]:
    owners = pod["metadata"].get("ownerReferences") or []
    return next((owner for owner in owners if owner.get("controller")), {})


def _verdict(pod: Mapping[str, Any], options: Options, daemon_sets: frozenset[tuple[str, str]]) -> tuple[str, str]:
    metadata = pod["metadata"]
    owner = _controller(pod)
    if MIRROR in (metadata.get("annotations") or {}):
        return LEAVE, "it is a static pod"
    if (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
        return LEAVE, "it has finished"
    from_daemon_set = owner.get("kind") == "DaemonSet" and (metadata["namespace"], owner.get("name")) in daemon_sets
    if from_daemon_set and options.ignore_daemonsets:
        return LEAVE, f"it belongs to the DaemonSet {owner['name']}"
    if metadata.get("deletionTimestamp"):
        return AWAIT, "it is being deleted"
    if from_daemon_set:
        return REFUSE, f"the DaemonSet {owner['name']} would make it again at once; set ignore_daemonsets"
    if (not owner or owner.get("kind") == "DaemonSet") and not options.force:
        lack = f"its DaemonSet {owner['name']} is gone" if owner else "no controller made it"
        return REFUSE, f"{lack}, so nothing would make it anew; set force to lose it"
    volumes = [volume["name"] for volume in (pod.get("spec") or {}).get("volumes") or [] if "emptyDir" in volume]
    if volumes and not options.delete_emptydir_data:
        return REFUSE, f"its emptyDir volumes ({', '.join(volumes)}) would be lost; set delete_emptydir_data to lose them"
    return EVICT, ""


def refused(decisions: Iterable[Decision]) -> list[str]:
    """What keeps the node from being drained at all."""
    return [f"pod {decision.pod}: {decision.reason}" for decision in decisions if decision.action == REFUSE]


def left(decisions: Iterable[Decision]) -> list[str]:
    """Pods that stay on the node, and why."""
    return [f"pod {decision.pod}: {decision.reason}" for decision in decisions if decision.action == LEAVE]


# --- pods that stay -----------------------------------------------------------------------------------------------------


def ready_stayers(pods: Iterable[Mapping[str, Any]]) -> list[str]:
    """Pods of daemon sets that are ready: they stay on a node that is drained, and have to be ready again before it takes others."""
    return sorted(pod_name(pod) for pod in pods if _controller(pod).get("kind") == "DaemonSet" and _is_ready(pod))


def not_back(wanted: Iterable[str], pods: Iterable[Mapping[str, Any]]) -> list[str]:
    """Which of some pods are there and not ready, a line each. One that was replaced meanwhile is its daemon set's affair."""
    found = {pod_name(pod): pod for pod in pods}
    return [f"pod {name}: it is not ready again" for name in wanted if name in found and not _is_ready(found[name])]


def _is_ready(pod: Mapping[str, Any]) -> bool:
    return not pod["metadata"].get("deletionTimestamp") and _readiness.condition(pod, "Ready").get("status") == "True"


def pod_name(pod: Mapping[str, Any]) -> str:
    """A pod in words: its namespace and name."""
    return f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"


# --- disruption budgets ------------------------------------------------------------------------------------------------


def blocking_budgets(pod: Mapping[str, Any], budgets: Iterable[Mapping[str, Any]]) -> list[str]:
    """Why disruption budgets would keep a pod from being evicted now, a line for each; empty if they do not."""
    status = pod.get("status") or {}
    if status.get("phase") == "Pending" or pod["metadata"].get("deletionTimestamp"):
        return []
    found = [budget for budget in budgets if _covers(budget, pod)]
    if len(found) > 1:
        names = ", ".join(_name(budget) for budget in found)
        return [f"more than one PodDisruptionBudget covers it ({names}), so the API refuses every eviction: leave one"]
    ready = _readiness.condition(pod, "Ready").get("status") == "True"
    return [_shortage(budget) for budget in found if not _allows(budget, ready=ready)]


def _allows(budget: Mapping[str, Any], *, ready: bool) -> bool:
    status = budget.get("status") or {}
    if not ready and (budget.get("spec") or {}).get("unhealthyPodEvictionPolicy") == "AlwaysAllow":
        return True
    if status.get("observedGeneration", 0) < budget["metadata"].get("generation", 0):
        return False
    enough = status.get("currentHealthy", 0) >= status.get("desiredHealthy", 0) > 0
    return bool(status.get("disruptionsAllowed", 0) > 0 or (not ready and enough))


def _shortage(budget: Mapping[str, Any]) -> str:
    status = budget.get("status") or {}
    healthy, needed = status.get("currentHealthy", 0), status.get("desiredHealthy", 0)
    return f"PodDisruptionBudget {_name(budget)} allows no disruption: {healthy} pods are healthy, {needed} are needed"


def _covers(budget: Mapping[str, Any], pod: Mapping[str, Any]) -> bool:
    if budget["metadata"].get("namespace") != pod["metadata"].get("namespace"):
        return False
    selector = (budget.get("spec") or {}).get("selector")
    return selector is not None and selects(selector, pod["metadata"].get("labels") or {})


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a label selector finds an object with these labels. An empty selector finds all."""
    plain = selector.get("matchLabels") or {}
    expressions = selector.get("matchExpressions") or []
    return all(labels.get(key) == value for key, value in plain.items()) and all(_holds(item, labels) for item in expressions)


def _holds(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    value = labels.get(expression["key"])
    values = expression.get("values") or []
    answers = {
        "In": value is not None and value in values,
        "NotIn": value is None or value not in values,
        "Exists": value is not None,
        "DoesNotExist": value is None,
    }
    return answers.get(expression["operator"], False)


def _name(budget: Mapping[str, Any]) -> str:
    return f"{budget['metadata'].get('namespace')}/{budget['metadata']['name']}"


# --- evictions ---------------------------------------------------------------------------------------------------------


def eviction(decision: Decision, *, grace_period: Optional[int]) -> dict[str, Any]:
    """Body of the request that evicts just this pod, not another one of its name."""
    options: dict[str, Any] = {"preconditions": {"uid": decision.uid}}
    if grace_period is not None:
        options["gracePeriodSeconds"] = grace_period
    metadata = {"name": decision.name, "namespace": decision.namespace}
    return {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata, "deleteOptions": options}


def after_refusal(status: int, details: Mapping[str, Any], message: str = "") -> str:
    """What an eviction that was not accepted means: the pod is C(gone), C(retry) later, or it C(failed).

    Args:
        status: HTTP status of the answer; 0 if there was none.
        details: what the API added for machines.
        message: what it said.
    """
    causes = {cause.get("reason") for cause in details.get("causes") or []}
    # A conflict is the precondition: a new pod has the name.
    if status in (404, 409):
        return GONE
    # 429 is a disruption budget or too many requests; a namespace that terminates deletes its pods by itself.
    # What etcd had no time or no leader for is asked once more: the precondition keeps it from being done twice.
    if status in (0, 429, 503, 504) or "NamespaceTerminating" in causes or "etcdserver: " in message:
        return RETRY
    return FAILED


def backoff(attempt: int) -> float:
    """Seconds until the next attempt to evict a pod; the first one is number 0."""
    return BACKOFF_SECONDS[min(attempt, len(BACKOFF_SECONDS) - 1)]


def left_over(remaining: Sequence[Decision], causes: Mapping[str, Sequence[str]]) -> list[str]:
    """What is still on the node, and why, for people.

    Args:
        remaining: the pods.
        causes: by the pod's C(namespace/name), why it is still there.
    """
    lines = []
    for decision in remaining:
        why = "; ".join(causes.get(decision.pod) or ()) or "it was told to end and has not ended yet"
        lines.append(f"pod {decision.pod}: {why}")
    return lines
