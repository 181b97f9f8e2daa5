# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: whether an object of the Kubernetes API is ready, and if not, why."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Optional


@dataclasses.dataclass(frozen=True)
class Readiness:
    """What an object's status says.

    Attributes:
        ready: whether it does what it is for.
        reason: why it is not ready; empty if it is.
        hopeless: whether waiting longer cannot help.
    """

    ready: bool
    reason: str = ""
    hopeless: bool = False


READY = Readiness(True)


def readiness(thing: Mapping[str, Any]) -> Readiness:
    """Readiness of any object. Kinds without a status worth waiting for are ready as soon as they exist."""
    predicate = _PREDICATES.get(str(thing.get("kind")))
    return predicate(thing) if predicate else READY


def absence(thing: Optional[Mapping[str, Any]]) -> Readiness:
    """Whether an object that was deleted is gone, and if not, what keeps it."""
    if thing is None:
        return READY
    keepers = (thing["metadata"].get("finalizers") or []) + (_spec(thing).get("finalizers") or [])
    troubles = [str(entry.get("message")) for entry in _status(thing).get("conditions") or [] if entry.get("status") == "True"]
    held = f"it is there still, held by {', '.join(keepers)}" if keepers else "it is there still"
    return Readiness(False, ": ".join([held, *troubles]) if thing.get("kind") == "Namespace" else held)


def is_waited_for(kind: str) -> bool:
    """Whether objects of this kind get ready some time after they were made."""
    return kind in _PREDICATES


def condition(thing: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A condition of an object's status; empty if it is not reported."""
    for entry in _status(thing).get("conditions") or []:
        if entry.get("type") == name:
            return dict(entry)
    return {}


def is_silent(thing: Mapping[str, Any], name: str, *, since: float) -> bool:
    """Whether a condition was not told again since a moment, in seconds since the epoch; 0 asks for nothing."""
    # The API tells whole seconds.
    return bool(since) and _last_said(thing, name) < int(since)


def _last_said(thing: Mapping[str, Any], name: str) -> float:
    """When a condition was last told; 0 if that cannot be read. A kubelet tells it once when it starts, and then seldom."""
    text = str(condition(thing, name).get("lastHeartbeatTime") or "")
    try:
        return datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.timezone.utc).timestamp()
    except ValueError:
        return 0.0


def condition_problem(thing: Mapping[str, Any], name: str, *, since: float = 0) -> str:
    """Why a condition does not hold, in words; empty if it does.

    Args:
        thing: the object.
        name: type of the condition.
        since: seconds since the epoch, from when on it must have been told. Whoever fell silent said it before.
    """
    entry = condition(thing, name)
    called = f"{thing.get('kind')} {(thing.get('metadata') or {}).get('name')}"
    if entry.get("status") != "True":
        return f"{called} is not {name}: {explanation(entry, absent='nobody has said so')}"
    if is_silent(thing, name, since=since):
        return f"{called} has not said anything since"
    return ""


def is_unavailable(thing: Mapping[str, Any]) -> bool:
    """Whether an object says of itself that it is not available, as a workload does whose pods do not run."""
    return condition(thing, "Available").get("status") == "False"


def explanation(entry: Mapping[str, Any], *, absent: str) -> str:
    """A condition in words."""
    if not entry:
        return absent
    words = ": ".join(str(entry[key]) for key in ("reason", "message") if entry.get(key))
    return words or f"{entry.get('type')} is {entry.get('status')}"


def pod_selector(owner: Mapping[str, Any]) -> str:
    """Query that finds a workload's pods; empty if the object is no workload."""
    if owner.get("kind") not in ("Deployment", "DaemonSet", "StatefulSet", "Job"):
        return ""
    labels = (_spec(owner).get("selector") or {}).get("matchLabels") or {}
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()))


def pod_troubles(pods: Iterable[Mapping[str, Any]]) -> list[str]:
    """Why pods do not get ready, a line each, the same trouble once."""
    troubles: dict[str, str] = {}
    for pod in pods:
        trouble = _pod_trouble(pod)
        if trouble:
            troubles.setdefault(trouble, f"pod {pod['metadata']['name']}: {trouble}")
    return list(troubles.values())


def _pod_trouble(pod: Mapping[str, Any]) -> Optional[str]:
    status = _status(pod)
    if status.get("phase") == "Succeeded" or condition(pod, "Ready").get("status") == "True":
        return None
    for container in (status.get("initContainerStatuses") or []) + (status.get("containerStatuses") or []):
        state = container.get("state") or {}
        last = (container.get("lastState") or {}).get("terminated") or {}
        if "waiting" in state and state["waiting"].get("reason") not in (None, "PodInitializing", "ContainerCreating"):
            exit_code = f" (last exit code {last['exitCode']})" if "exitCode" in last else ""
            return f"container {container['name']}: {explanation(state['waiting'], absent='waiting')}{exit_code}"
        if state.get("terminated", {}).get("exitCode"):
            ended = state["terminated"]
            return f"container {container['name']} ended with exit code {ended['exitCode']} ({ended.get('reason', 'no reason')})"
    scheduled = condition(pod, "PodScheduled")
    if scheduled.get("status") == "False":
        return explanation(scheduled, absent="not scheduled")
    if status.get("phase") == "Failed":
        return str(status.get("message") or status.get("reason") or "failed")
    return explanation(condition(pod, "Ready"), absent=f"phase {status.get('phase', 'unknown')}")


# --- one predicate a kind ----------------------------------------------------------------------------------------------


def _deployment(thing: Mapping[str, Any]) -> Readiness:
    status = _status(thing)
    wanted = _replicas(thing)
    progressing = condition(thing, "Progressing")
    if not _observed(thing):
        return Readiness(False, "the controller manager has not seen it yet")
    if progressing.get("reason") == "ProgressDeadlineExceeded":
        return Readiness(False, explanation(progressing, absent=""), hopeless=True)
    updated, available = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
    if updated < wanted or available < wanted:
        return Readiness(False, f"{available} of {wanted} replicas available, {updated} of the newest version")
    if status.get("replicas", 0) > updated:
        return Readiness(False, f"{status['replicas'] - updated} replicas of a former version are still there")
    return READY


def _daemon_set(thing: Mapping[str, Any]) -> Readiness:
    status = _status(thing)
    if not _observed(thing):
        return Readiness(False, "the controller manager has not seen it yet")
    wanted = status.get("desiredNumberScheduled", 0)
    updated, available = status.get("updatedNumberScheduled", 0), status.get("numberAvailable", 0)
    rolled = _strategy(thing) == "OnDelete" or updated >= wanted
    if not rolled or available < wanted:
        return Readiness(False, f"available on {available} of {wanted} nodes, the newest version on {updated}")
    return READY


def _stateful_set(thing: Mapping[str, Any]) -> Readiness:
    status = _status(thing)
    wanted = _replicas(thing)
    if not _observed(thing):
        return Readiness(False, "the controller manager has not seen it yet")
    if status.get("readyReplicas", 0) < wanted:
        return Readiness(False, f"{status.get('readyReplicas', 0)} of {wanted} replicas ready")
    strategy = (thing.get("spec") or {}).get("updateStrategy") or {}
    if _strategy(thing) == "OnDelete" or (strategy.get("rollingUpdate") or {}).get("partition"):
        return READY
    if status.get("currentRevision") != status.get("updateRevision"):
        return Readiness(False, f"{status.get('updatedReplicas', 0)} of {wanted} replicas of the newest version")
    return READY


def _job(thing: Mapping[str, Any]) -> Readiness:
    if condition(thing, "Failed").get("status") == "True":
        return Readiness(False, explanation(condition(thing, "Failed"), absent=""), hopeless=True)
    if condition(thing, "Complete").get("status") == "True":
        return READY
    return Readiness(False, f"{_status(thing).get('succeeded', 0)} of {_spec(thing).get('completions', 1)} completions")


def _pod(thing: Mapping[str, Any]) -> Readiness:
    trouble = _pod_trouble(thing)
    return Readiness(False, trouble, hopeless=_status(thing).get("phase") == "Failed") if trouble else READY


def _namespace(thing: Mapping[str, Any]) -> Readiness:
    phase = _status(thing).get("phase")
    # A namespace that is being deleted has to go, and be made again by the next run.
    return READY if phase == "Active" else Readiness(False, f"its phase is {phase}", hopeless=phase == "Terminating")


def _definition(thing: Mapping[str, Any]) -> Readiness:
    accepted = condition(thing, "NamesAccepted")
    if accepted.get("status") == "False":
        return Readiness(False, explanation(accepted, absent=""), hopeless=True)
    return _by_condition("Established")(thing)


def _by_condition(name: str) -> Callable[[Mapping[str, Any]], Readiness]:
    def predicate(thing: Mapping[str, Any]) -> Readiness:
        found = condition(thing, name)
        if found.get("status") == "True":
            return READY
        return Readiness(False, explanation(found, absent=f"{name} is not reported yet"))

    return predicate


_PREDICATES: Mapping[str, Callable[[Mapping[str, Any]], Readiness]] = {
    "APIService": _by_condition("Available"),
    "CustomResourceDefinition": _definition,
    "DaemonSet": _daemon_set,
    "Deployment": _deployment,
    "Job": _job,
    "Namespace": _namespace,
    "Node": _by_condition("Ready"),
    "Pod": _pod,
    "StatefulSet": _stateful_set,
}


def _status(thing: Mapping[str, Any]) -> Mapping[str, Any]:
    return thing.get("status") or {}


def _spec(thing: Mapping[str, Any]) -> Mapping[str, Any]:
    return thing.get("spec") or {}


def _replicas(thing: Mapping[str, Any]) -> int:
    wanted = _spec(thing).get("replicas")
    return 1 if wanted is None else int(wanted)


def _strategy(thing: Mapping[str, Any]) -> str:
    return str((_spec(thing).get("updateStrategy") or {}).get("type", "RollingUpdate"))


def _observed(thing: Mapping[str, Any]) -> bool:
    return bool(_status(thing).get("observedGeneration", 0) >= thing["metadata"].get("generation", 1))
