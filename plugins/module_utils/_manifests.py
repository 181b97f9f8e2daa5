# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: decisions about the objects that a cluster is to have."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Optional

from ansible_collections.quorate.kubernetes.plugins.module_utils._object_text import object_texts

# What others need comes first; what is not named comes after these and before the hooks at the end.
_FIRST = (
    "Namespace",
    "CustomResourceDefinition",
    "PriorityClass",
    "StorageClass",
    "ResourceQuota",
    "LimitRange",
    "ServiceAccount",
    "Secret",
    "ConfigMap",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "ClusterRole",
    "ClusterRoleBinding",
    "Role",
    "RoleBinding",
    "NetworkPolicy",
    "PodDisruptionBudget",
    "Service",
    "DaemonSet",
    "Deployment",
    "StatefulSet",
)
# A webhook or an aggregated API whose pods do not run yet would refuse what comes after it.
_LAST = ("APIService", "ValidatingWebhookConfiguration", "MutatingWebhookConfiguration")

# What the server says about an object, not what the object is.
_SERVER_METADATA = ("managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink", "deletionTimestamp")

CREATE, UPDATE, DELETE, KEEP = "created", "updated", "deleted", "unchanged"


class ManifestError(Exception):
    """Objects that cannot be applied as they are."""


@dataclasses.dataclass(frozen=True)
class Identity:
    """What an object is called."""

    api_version: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


@dataclasses.dataclass(frozen=True)
class Step:
    """What becomes of one object.

    Attributes:
        identity: its name.
        action: C(created), C(updated), C(deleted) or C(unchanged).
        wanted: what is sent; None where nothing is.
        before: what there is, without what only the server says; None if there is nothing.
        after: what there will be; None if there will be nothing.
    """

    identity: Identity
    action: str
    wanted: Optional[Mapping[str, Any]] = None
    before: Optional[Mapping[str, Any]] = None
    after: Optional[Mapping[str, Any]] = None


@dataclasses.dataclass(frozen=True)
class Pending:
    """What is not as it should be yet.

    Attributes:
        causes: a sentence for each object.
        hopeless: whether waiting longer is of no use.
    """

    causes: tuple[str, ...] = ()
    hopeless: bool = False


def identity(thing: Mapping[str, Any]) -> Identity:
    """Name of a checked object."""
    metadata = thing["metadata"]
    return Identity(str(thing["apiVersion"]), str(thing["kind"]), str(metadata.get("namespace") or ""), str(metadata["name"]))


def checked(objects: Iterable[Any]) -> list[dict[str, Any]]:
    """The objects, lists of kind List unpacked; everything that is wrong with them is one error."""
    problems: list[str] = []
    found: list[dict[str, Any]] = []
    seen: set[Identity] = set()
    for place, thing in _unpacked(objects):
        problem = _problem(thing)
        if problem:
            problems.append(f"{place}: {problem}")
            continue
        if identity(thing) in seen:
            problems.append(f"{place}: {identity(thing)} is there twice")
        seen.add(identity(thing))
        found.append(copy.deepcopy(dict(thing)))
    if problems:
        raise ManifestError("These objects cannot be applied: " + "; ".join(problems) + ".")
    return found


def in_order(objects: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Objects in the order in which they need each other; the given order where that does not matter."""
    return sorted(objects, key=lambda thing: _rank(str(thing["kind"])))


def plan_present(
    wanted: Mapping[str, Any], *, live: Optional[Mapping[str, Any]], result: Optional[Mapping[str, Any]], manager: str
) -> Step:
    """What to do for an object that is to be there.

    Args:
        wanted: the object as given.
        live: the object as it is; None if there is none.
        result: what a dry run made of it; None where the server could not try, because what it needs is made in the same run.
        manager: name under which its fields are ours.
    """
    name = identity(wanted)
    if live is None:
        return Step(name, CREATE, wanted=wanted, after=essence(result if result is not None else wanted))
    if result is None:
        return Step(name, KEEP if contains(live, wanted) else UPDATE, wanted=wanted, before=essence(live), after=essence(wanted))
    before, after = essence(live), essence(result)
    # Whose fields they are is part of the state: a field is dropped later only if it is ours now.
    same = before == after and owned_fields(live, manager) == owned_fields(result, manager)
    return Step(name, KEEP if same else UPDATE, wanted=wanted, before=before, after=after)


def plan_absent(name: Identity, *, live: Optional[Mapping[str, Any]]) -> Step:
    """What to do for an object that is to be gone."""
    if live is None:
        return Step(name, KEEP)
    return Step(name, DELETE, before=essence(live))


def plan_without_server(objects: Iterable[Any], *, present: bool) -> list[Step]:
    """What to do on a cluster that does not run yet."""
    things = in_order(checked(objects))
    return [
        plan_present(thing, live=None, result=None, manager="") if present else plan_absent(identity(thing), live=None) for thing in things
    ]


def report(steps: Sequence[Step]) -> dict[str, Any]:
    """A plan as a module's result: whether it changes something, what becomes of each object, and the difference."""
    changes = [step for step in steps if step.action != KEEP]
    diff = []
    for step in changes:
        before, after = object_texts(step.before, step.after)
        diff.append({"before_header": str(step.identity), "after_header": str(step.identity), "before": before, "after": after})
    objects = [{**dataclasses.asdict(step.identity), "action": step.action} for step in steps]
    return {"changed": bool(changes), "objects": objects, "diff": diff}


def waiting_failed(pending: Pending, *, present: bool, seconds: float) -> str:
    """The error of a wait that did not end well."""
    goal = "ready" if present else "gone"
    time_over = "and waiting longer cannot help" if pending.hopeless else f"within {seconds:g} s"
    return f"Not {goal} {time_over}: " + ". ".join(pending.causes) + ". What was applied stays; remove the cause and run again."


def essence(thing: Mapping[str, Any]) -> dict[str, Any]:
    """An object without its status and what the server keeps about it."""
    kept = {key: value for key, value in thing.items() if key != "status"}
    kept["metadata"] = {key: value for key, value in (thing.get("metadata") or {}).items() if key not in _SERVER_METADATA}
    return kept


def owned_fields(thing: Mapping[str, Any], manager: str) -> list[Any]:
    """The fields of an object that were applied under our name."""
    entries = (thing.get("metadata") or {}).get("managedFields") or []
    return [
        [entry.get("apiVersion"), entry.get("fieldsV1")]
        for entry in entries
        if entry.get("manager") == manager and entry.get("operation") == "Apply" and not entry.get("subresource")
    ]


def contains(live: Any, wanted: Any) -> bool:
    """Whether everything wanted is there; for servers whose webhooks refuse dry runs."""
    if isinstance(wanted, Mapping):
        return isinstance(live, Mapping) and all(key in live and contains(live[key], value) for key, value in wanted.items())
    if isinstance(wanted, (list, tuple)):
        return isinstance(live, (list, tuple)) and len(live) == len(wanted) and all(map(contains, live, wanted))
    return bool(live == wanted)


def defined_kinds(objects: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], tuple[str, bool]]:
    """Kinds that definitions among the objects will add: their version and kind, plural, and whether they are namespaced."""
    kinds = {}
    for thing in objects:
        if thing["kind"] == "CustomResourceDefinition":
            spec = thing.get("spec") or {}
            for version in spec.get("versions") or []:
                names = spec.get("names") or {}
                key = (f"{spec.get('group')}/{version.get('name')}", str(names.get("kind")))
                kinds[key] = (str(names.get("plural")), spec.get("scope") == "Namespaced")
    return kinds


def new_namespaces(steps: Sequence[Step]) -> set[str]:
    """Namespaces that the steps make."""
    return {step.identity.name for step in steps if step.identity.kind == "Namespace" and step.action == CREATE}


def _unpacked(objects: Iterable[Any]) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for number, thing in enumerate(objects, 1):
        if thing is None:
            continue  # an empty document between two separators
        if isinstance(thing, Mapping) and str(thing.get("kind", "")).endswith("List") and isinstance(thing.get("items"), list):
            found += [(f"object {number}, item {item}", inner) for item, inner in enumerate(thing["items"], 1)]
        else:
            found.append((f"object {number}", thing))
    return found


def _problem(thing: Any) -> Optional[str]:
    if not isinstance(thing, Mapping):
        return f"it is {type(thing).__name__}, not a mapping with apiVersion, kind and metadata"
    metadata = thing.get("metadata")
    missing = [key for key in ("apiVersion", "kind") if not isinstance(thing.get(key), str) or not thing[key]]
    if not isinstance(metadata, Mapping) or not isinstance(metadata.get("name"), str) or not metadata["name"]:
        missing.append("metadata.name")
    if missing:
        return f"{thing.get('kind') or 'it'} has no {', '.join(missing)}"
    return None


def _rank(kind: str) -> int:
    if kind in _FIRST:
        return _FIRST.index(kind)
    return len(_FIRST) + (1 + _LAST.index(kind) if kind in _LAST else 0)
