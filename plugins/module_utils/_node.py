# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: decisions about Node objects: labels, taints, annotations, scheduling, readiness."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Optional

from ansible_collections.quorate.kubernetes.plugins.module_utils import _readiness
from ansible_collections.quorate.kubernetes.plugins.module_utils._object_text import yaml_lines

APPLIED = "quorate.io/applied"
"""Annotation that remembers what is ours, so that it goes when it is no longer wanted."""

CORDONED_BY = "quorate.io/cordoned-by"
"""Annotation that tells our cordon from a person's."""

MANAGER = "quorate-node"
"""By what name the API keeps account of which fields we have set."""

EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_TAINT = re.compile(rf"(?P<key>[^=:\s]+)(=(?P<value>[^=:\s]*))?:(?P<effect>{'|'.join(EFFECTS)})\Z")


class NodeError(Exception):
    """Nodes cannot be made what they are to be."""


@dataclasses.dataclass(frozen=True)
class Change:
    """What is done to one node.

    Attributes:
        name: the node.
        before: the node as it is; None if it has not registered yet.
        after: the node as it will be; None if it goes.
        patch: what is sent.
    """

    name: str
    before: Optional[Mapping[str, Any]] = None
    after: Optional[Mapping[str, Any]] = None
    patch: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What a node is to have. None leaves it as it is.

    Attributes:
        name: the node.
        labels: labels that are ours.
        annotations: annotations that are ours.
        taints: taints that are ours, by key and effect, with their value.
    """

    name: str
    labels: Optional[Mapping[str, str]] = None
    annotations: Optional[Mapping[str, str]] = None
    taints: Optional[Mapping[tuple[str, str], str]] = None


def wanted(entry: Mapping[str, Any]) -> Wanted:
    """A checked entry of the user's list."""
    name = entry.get("name")
    if not name:
        raise NodeError("A node of the list has no name.")
    taints = entry.get("taints")
    return Wanted(
        name=str(name),
        labels=_texts(entry.get("labels")),
        annotations=_texts(entry.get("annotations")),
        taints=None if taints is None else dict(_taint(str(name), taint) for taint in taints),
    )


def _texts(values: Optional[Mapping[str, Any]]) -> Optional[dict[str, str]]:
    # A label "true" or "1" is easily written without quotes.
    return None if values is None else {str(key): _text(value) for key, value in values.items()}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _taint(name: str, taint: str) -> tuple[tuple[str, str], str]:
    found = _TAINT.match(taint) if isinstance(taint, str) else None
    if not found:
        raise NodeError(f"Node {name}: the taint {taint!r} is not key=value:effect, with an effect of {', '.join(EFFECTS)}.")
    return (found["key"], found["effect"]), found["value"] or ""


def all_wanted(parameters: Mapping[str, Any]) -> list[Wanted]:
    """The nodes of a module's arguments: C(name) with its properties, then those of C(nodes). Each is there once."""
    entries = [parameters] if parameters.get("name") else []
    found = [wanted(entry) for entry in [*entries, *(parameters.get("nodes") or [])]]
    names = [want.name for want in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise NodeError(f"Named more than once: {', '.join(twice)}.")
    if not found and not (parameters.get("wait_ready") and parameters.get("state") in ("present", "uncordoned")):
        raise NodeError("No node is named. Set name or nodes.")
    return found


# --- what is done ------------------------------------------------------------------------------------------------------


def changes(state: str, wants: Iterable[Wanted], nodes: Mapping[str, Mapping[str, Any]], *, by: str, force: bool) -> list[Change]:
    """What has to be done to nodes for a state.

    Args:
        state: C(present), C(cordoned), C(uncordoned), C(drained) or C(absent).
        wants: the nodes it is about.
        nodes: the nodes of the cluster by name.
        by: who cordons.
        force: uncordon whoever cordoned.
    """
    wants = list(wants)
    missing = [want.name for want in wants if want.name not in nodes]
    if missing and state not in ("present", "absent"):
        raise NodeError(f"The cluster has no node {', '.join(missing)}. Its nodes are {', '.join(sorted(nodes)) or 'none'}.")
    if state == "absent":
        return [Change(want.name, before=nodes[want.name]) for want in wants if want.name in nodes]
    found = []
    for want in wants:
        live = nodes.get(want.name)
        before = live or {"metadata": {"name": want.name}}
        if state == "present":
            patch = metadata_patch(before, want)
        else:
            patch = uncordon_patch(before, force=force) if state == "uncordoned" else cordon_patch(before, by=by)
        if patch or live is None:
            found.append(Change(want.name, before=live, after=patched(before, patch), patch=_guarded(patch, live)))
    return found


def _guarded(patch: Mapping[str, Any], live: Optional[Mapping[str, Any]]) -> dict[str, Any]:
    # Refused if somebody changed the node since: the list of taints is replaced as a whole.
    version = ((live or {}).get("metadata") or {}).get("resourceVersion")
    return {**patch, "metadata": {**(patch.get("metadata") or {}), "resourceVersion": version}} if version else dict(patch)


def report(done: Sequence[Change], *, pods: Sequence[str] = ()) -> dict[str, Any]:
    """Changes, and pods that are evicted, as a module's result."""
    diff = []
    for change in done:
        sides = ["\n".join(yaml_lines(shown(side))) + "\n" if side else "" for side in (change.before, change.after)]
        header = f"Node {change.name}"
        diff.append({"before_header": header, "after_header": header, "before": sides[0], "after": sides[1]})
    if pods:
        before = "".join(f"{pod}\n" for pod in pods)
        diff.append({"before_header": "evicted pods", "after_header": "evicted pods", "before": before, "after": ""})
    names = list(dict.fromkeys(change.name for change in done))
    return {"changed": bool(done or pods), "nodes": names, "evicted": list(pods), "diff": diff}


def report_without_server(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """What will be done on a cluster that does not run yet: all nodes are new."""
    state = str(parameters.get("state") or "present")
    return report(changes("present", all_wanted(parameters), {}, by="", force=False) if state == "present" else [])


def waiting_failed(state: str, lines: Sequence[str], *, seconds: float) -> str:
    """The error of a wait that did not end well."""
    goal = "The nodes could not be drained" if state == "drained" else "The nodes are not ready"
    rest = " They stay as they are; remove the cause and run again."
    return f"{goal} within {seconds:g} s: " + ". ".join(lines) + "." + rest


# --- labels, annotations, taints ---------------------------------------------------------------------------------------


def metadata_patch(live: Mapping[str, Any], want: Wanted) -> dict[str, Any]:
    """Merge patch that gives a node what it is to have; empty if it has it.

    What an earlier call gave under the same option, and this one does not, is removed. All else is left alone.
    """
    metadata = live["metadata"]
    annotations = metadata.get("annotations") or {}
    ours = _applied(annotations)
    labels = _map_patch(metadata.get("labels") or {}, want.labels, ours.get("labels", []))
    notes = _map_patch(annotations, want.annotations, ours.get("annotations", []))
    taints = _taint_patch((live.get("spec") or {}).get("taints") or [], want.taints, ours.get("taints", []))
    record = _record(ours, want)
    if annotations.get(APPLIED) != record and (record or APPLIED in annotations):
        notes[APPLIED] = record
    patch: dict[str, Any] = {}
    if labels:
        patch.setdefault("metadata", {})["labels"] = labels
    if notes:
        patch.setdefault("metadata", {})["annotations"] = notes
    if taints is not None:
        patch["spec"] = {"taints": taints or None}
    return patch


def _applied(annotations: Mapping[str, str]) -> dict[str, list[str]]:
    try:
        known = json.loads(annotations.get(APPLIED, "{}"))
    except ValueError:
        return {}
    return known if isinstance(known, dict) else {}


def _record(ours: Mapping[str, list[str]], want: Wanted) -> Optional[str]:
    given = {
        "labels": want.labels,
        "annotations": want.annotations,
        "taints": None if want.taints is None else [":".join(key) for key in want.taints],
    }
    record = {name: sorted(ours.get(name, []) if keys is None else keys) for name, keys in given.items()}
    record = {name: keys for name, keys in record.items() if keys}
    return json.dumps(record, sort_keys=True) if record else None


def _map_patch(live: Mapping[str, str], want: Optional[Mapping[str, str]], ours: Iterable[str]) -> dict[str, Optional[str]]:
    if want is None:
        return {}
    patch: dict[str, Optional[str]] = {key: value for key, value in want.items() if live.get(key) != value}
    patch.update({key: None for key in ours if key not in want and key in live})
    return patch


def _taint_patch(
    live: Sequence[Mapping[str, Any]], want: Optional[Mapping[tuple[str, str], str]], ours: Iterable[str]
) -> Optional[list[dict[str, Any]]]:
    """The whole new list, because the API takes no less; None if it stays."""
    if want is None:
        return None
    have = {(taint["key"], taint["effect"]): taint for taint in live}
    gone = {key for key in have if ":".join(key) in ours and key not in want}
    wrong = {key: value for key, value in want.items() if key not in have or have[key].get("value", "") != value}
    if not gone and not wrong:
        return None
    kept = [dict(taint) for key, taint in have.items() if key not in gone and key not in wrong]
    return kept + [{"key": key, "effect": effect, **({"value": value} if value else {})} for (key, effect), value in wrong.items()]


# --- scheduling --------------------------------------------------------------------------------------------------------


def cordon_patch(live: Mapping[str, Any], *, by: str) -> dict[str, Any]:
    """Patch that keeps new pods away, and notes that it was us; if somebody did it before, at most one that takes an old note away."""
    if (live.get("spec") or {}).get("unschedulable"):
        return {"metadata": {"annotations": {CORDONED_BY: None}}} if _is_noted(live) and not _is_ours(live) else {}
    return {"metadata": {"annotations": {CORDONED_BY: by}}, "spec": {"unschedulable": True}}


def uncordon_patch(live: Mapping[str, Any], *, force: bool) -> dict[str, Any]:
    """Patch that lets pods in again, if it was us who kept them away (or in any case, with force); empty otherwise."""
    closed = bool((live.get("spec") or {}).get("unschedulable"))
    patch: dict[str, Any] = {}
    if _is_noted(live):
        patch["metadata"] = {"annotations": {CORDONED_BY: None}}
    if closed and (_is_ours(live) or force):
        patch["spec"] = {"unschedulable": None}
    return patch


def _is_noted(live: Mapping[str, Any]) -> bool:
    return CORDONED_BY in (live["metadata"].get("annotations") or {})


def _is_ours(live: Mapping[str, Any]) -> bool:
    """Whether the cordon that there is was made by us. C(kubectl uncordon) leaves our note behind, and a later cordon of a person keeps it.

    An API server that keeps no account of who set which field, as that of the lab, leaves only the note.
    """
    owners = [
        entry.get("manager")
        for entry in live["metadata"].get("managedFields") or []
        if "f:unschedulable" in ((entry.get("fieldsV1") or {}).get("f:spec") or {})
    ]
    return _is_noted(live) and (not owners or MANAGER in owners)


def patched(live: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """What a merge patch makes of an object."""
    result = dict(live)
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, Mapping):
            inner = result.get(key)
            result[key] = patched(inner if isinstance(inner, Mapping) else {}, value)
        else:
            result[key] = value
    return result


def shown(node: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a node that this collection changes, for a diff."""
    metadata, spec = node["metadata"], node.get("spec") or {}
    notes = {key: value for key, value in (metadata.get("annotations") or {}).items() if key != APPLIED}
    return {
        "labels": dict(metadata.get("labels") or {}),
        "annotations": notes,
        "taints": list(spec.get("taints") or []),
        "unschedulable": bool(spec.get("unschedulable")),
    }


# --- readiness ---------------------------------------------------------------------------------------------------------


def not_ready(names: Iterable[str], nodes: Mapping[str, Mapping[str, Any]], *, version: str = "", since: float = 0) -> list[str]:
    """Why nodes are not ready, a line each; empty if all are.

    Args:
        names: nodes that are to be ready.
        nodes: the nodes of the cluster by name.
        version: version that their kubelets must have; any if empty.
        since: seconds since the epoch, from when on they must have said that they are ready: a node that has fallen silent stays ready for
            most of a minute.
    """
    lines = []
    for name in names:
        reason = _unready(nodes.get(name), version, since)
        if reason:
            lines.append(f"node {name}: {reason}")
    return lines


def _unready(node: Optional[Mapping[str, Any]], version: str, since: float = 0) -> str:
    if node is None:
        return "it has not registered. Look at the journal of kubelet on it"
    state = _readiness.readiness({**node, "kind": "Node"})
    if not state.ready:
        return state.reason
    runs = ((node.get("status") or {}).get("nodeInfo") or {}).get("kubeletVersion", "")
    if version and str(runs).lstrip("v") != version.lstrip("v"):
        return f"its kubelet reports version {runs}, not {version}"
    if _readiness.is_silent(node, "Ready", since=since):
        return "its kubelet was restarted, and has not said anything since. Look at its journal"
    return ""


def summaries(nodes: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Nodes in short, by name."""
    return sorted(map(summary, nodes), key=lambda entry: str(entry["name"]))


def summary(node: Mapping[str, Any]) -> dict[str, Any]:
    """A node in short."""
    metadata, spec, status = node["metadata"], node.get("spec") or {}, node.get("status") or {}
    reason = _unready(node, "")
    return {
        "name": metadata["name"],
        "ready": not reason,
        "reason": reason,
        "version": (status.get("nodeInfo") or {}).get("kubeletVersion", ""),
        "architecture": (status.get("nodeInfo") or {}).get("architecture", ""),
        "addresses": [entry["address"] for entry in status.get("addresses") or []],
        "cordoned": bool(spec.get("unschedulable")),
        "cordoned_by": (metadata.get("annotations") or {}).get(CORDONED_BY, "") if _is_ours(node) else "",
        "labels": dict(metadata.get("labels") or {}),
        "taints": list(spec.get("taints") or []),
    }
