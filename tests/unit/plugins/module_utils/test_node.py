"""Labels, taints and scheduling of nodes, and whether they are ready."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils import _node

ROLE = "node-role.kubernetes.io/control-plane"


def node(*, applied: dict[str, list[str]] | None = None, **more: Any) -> dict[str, Any]:
    annotations = dict(more.get("annotations") or {})
    if applied is not None:
        annotations["quorate.io/applied"] = json.dumps(applied)
    metadata = {"name": "m1", "labels": more.get("labels") or {}, "annotations": annotations}
    return {"metadata": metadata, "spec": {"taints": more.get("taints") or [], **more.get("spec", {})}}


def taint(key: str, effect: str = "NoSchedule", value: str = "") -> dict[str, str]:
    return {"key": key, "effect": effect, **({"value": value} if value else {})}


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        pytest.param({"labels": {}}, "has no name", id="no name"),
        pytest.param({"name": "m1", "taints": ["a"]}, "the taint 'a' is not key=value:effect", id="no effect"),
        pytest.param({"name": "m1", "taints": ["a=b:Sometimes"]}, "NoSchedule, PreferNoSchedule, NoExecute", id="unknown effect"),
        pytest.param({"name": "m1", "taints": [{"key": "a"}]}, "is not key=value:effect", id="no text"),
    ],
)
def test_wrong_entries(entry: dict[str, Any], problem: str) -> None:
    with pytest.raises(_node.NodeError, match=r"(?s).*") as error:
        _node.wanted(entry)
    assert problem in str(error.value)


def test_values_become_text() -> None:
    want = _node.wanted({"name": "m1", "labels": {"a": 1, "b": True, "c": None}, "taints": ["k=v:NoExecute", "l:NoSchedule"]})
    assert want.labels == {"a": "1", "b": "true", "c": ""}
    assert want.annotations is None
    assert want.taints == {("k", "NoExecute"): "v", ("l", "NoSchedule"): ""}


@pytest.mark.parametrize(
    ("parameters", "names"),
    [
        pytest.param({"name": "a"}, ["a"], id="name"),
        pytest.param({"name": "a", "nodes": [{"name": "b"}]}, ["a", "b"], id="both"),
        pytest.param({"wait_ready": ["a"], "state": "present"}, [], id="only to wait"),
    ],
)
def test_all_wanted(parameters: dict[str, Any], names: list[str]) -> None:
    assert [want.name for want in _node.all_wanted(parameters)] == names


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        pytest.param({}, "No node is named", id="none"),
        pytest.param({"wait_ready": ["a"], "state": "drained"}, "No node is named", id="none to drain"),
        pytest.param({"name": "a", "nodes": [{"name": "a"}]}, "Named more than once: a", id="twice"),
    ],
)
def test_all_wanted_refuses(parameters: dict[str, Any], problem: str) -> None:
    with pytest.raises(_node.NodeError, match=problem):
        _node.all_wanted(parameters)


@pytest.mark.parametrize(
    ("live", "want", "patch"),
    [
        pytest.param(node(), {"labels": {}}, {}, id="nothing wanted"),
        pytest.param(node(labels={"theirs": "1"}), {}, {}, id="nothing said"),
        pytest.param(
            node(),
            {"labels": {"a": "1"}},
            {"metadata": {"labels": {"a": "1"}, "annotations": {"quorate.io/applied": '{"labels": ["a"]}'}}},
            id="new label",
        ),
        pytest.param(node(labels={"a": "1"}, applied={"labels": ["a"]}), {"labels": {"a": "1"}}, {}, id="label is there"),
        pytest.param(
            node(labels={"a": "2"}, applied={"labels": ["a"]}),
            {"labels": {"a": "1"}},
            {"metadata": {"labels": {"a": "1"}}},
            id="label was altered",
        ),
        pytest.param(
            node(labels={"a": "1", "b": "1", "theirs": "1"}, applied={"labels": ["a", "b"]}),
            {"labels": {"a": "1"}},
            {"metadata": {"labels": {"b": None}, "annotations": {"quorate.io/applied": '{"labels": ["a"]}'}}},
            id="label no longer wanted",
        ),
        pytest.param(
            node(labels={"a": "1"}, applied={"labels": ["a"], "taints": ["t:NoSchedule"]}, taints=[taint("t")]),
            {"taints": ["t:NoSchedule"]},
            {},
            id="labels not mentioned stay ours",
        ),
        pytest.param(
            node(labels={"a": "1"}, applied={"labels": ["a"]}),
            {"labels": {}},
            {"metadata": {"labels": {"a": None}, "annotations": {"quorate.io/applied": None}}},
            id="last one goes",
        ),
        pytest.param(
            node(taints=[taint("theirs")]),
            {"taints": [f"{ROLE}:NoSchedule"]},
            {
                "metadata": {"annotations": {"quorate.io/applied": json.dumps({"taints": [f"{ROLE}:NoSchedule"]})}},
                "spec": {"taints": [taint("theirs"), taint(ROLE)]},
            },
            id="new taint beside another",
        ),
        pytest.param(
            node(taints=[taint("t", value="old")], applied={"taints": ["t:NoSchedule"]}),
            {"taints": ["t=new:NoSchedule"]},
            {"spec": {"taints": [taint("t", value="new")]}},
            id="taint with another value",
        ),
        pytest.param(
            node(taints=[taint("t"), taint("theirs")], applied={"taints": ["t:NoSchedule"]}),
            {"taints": []},
            {"metadata": {"annotations": {"quorate.io/applied": None}}, "spec": {"taints": [taint("theirs")]}},
            id="taint no longer wanted",
        ),
        pytest.param(
            node(taints=[taint("t")], applied={"taints": ["t:NoSchedule"]}),
            {"taints": []},
            {"metadata": {"annotations": {"quorate.io/applied": None}}, "spec": {"taints": None}},
            id="last taint",
        ),
        pytest.param(
            node(annotations={"quorate.io/applied": "{damaged"}, labels={"a": "1"}),
            {"labels": {"a": "1"}},
            {"metadata": {"annotations": {"quorate.io/applied": '{"labels": ["a"]}'}}},
            id="damaged record",
        ),
    ],
)
def test_metadata_patch(live: dict[str, Any], want: dict[str, Any], patch: dict[str, Any]) -> None:
    wanted = _node.wanted({"name": "m1", **want})
    assert _node.metadata_patch(live, wanted) == patch
    # What was patched needs no patch.
    assert _node.metadata_patch(_node.patched(live, patch), wanted) == {}


CLOSED = {"unschedulable": True}
OURS = {"quorate.io/cordoned-by": "upgrade"}


def closed(by: str) -> dict[str, Any]:
    """A closed node with our note, and what the API knows of who closed it."""
    live = node(spec=CLOSED, annotations=OURS)
    fields = [
        {"manager": "quorate-node", "fieldsV1": {"f:metadata": {"f:annotations": {"f:quorate.io/cordoned-by": {}}}}},
        {"manager": by, "fieldsV1": {"f:spec": {"f:unschedulable": {}}}},
    ]
    return {**live, "metadata": {**live["metadata"], "managedFields": fields}}


@pytest.mark.parametrize(
    ("live", "patch"),
    [
        pytest.param(node(), {"metadata": {"annotations": {"quorate.io/cordoned-by": "me"}}, "spec": CLOSED}, id="open"),
        pytest.param(node(spec=CLOSED), {}, id="closed by a person"),
        pytest.param(node(spec=CLOSED, annotations=OURS), {}, id="closed by us"),
        pytest.param(closed("quorate-node"), {}, id="closed by us, as the API says too"),
        pytest.param(
            closed("kubectl-cordon"), {"metadata": {"annotations": {"quorate.io/cordoned-by": None}}}, id="closed anew by a person"
        ),
    ],
)
def test_cordon_patch(live: dict[str, Any], patch: dict[str, Any]) -> None:
    assert _node.cordon_patch(live, by="me") == patch


OPENED: dict[str, Any] = {"spec": {"unschedulable": None}}
FORGOTTEN: dict[str, Any] = {"metadata": {"annotations": {"quorate.io/cordoned-by": None}}}


@pytest.mark.parametrize(
    ("live", "force", "patch"),
    [
        pytest.param(node(spec=CLOSED, annotations=OURS), False, {**OPENED, **FORGOTTEN}, id="closed by us"),
        pytest.param(closed("quorate-node"), False, {**OPENED, **FORGOTTEN}, id="closed by us, as the API says too"),
        pytest.param(closed("kubectl-cordon"), False, FORGOTTEN, id="opened and closed anew by a person"),
        pytest.param(closed("kubectl-cordon"), True, {**OPENED, **FORGOTTEN}, id="closed anew by a person, forced"),
        pytest.param(node(spec=CLOSED), False, {}, id="closed by a person"),
        pytest.param(node(spec=CLOSED), True, OPENED, id="closed by a person, forced"),
        pytest.param(node(annotations=OURS), False, FORGOTTEN, id="opened by a person since"),
        pytest.param(node(), True, {}, id="open"),
    ],
)
def test_uncordon_patch(live: dict[str, Any], force: bool, patch: dict[str, Any]) -> None:
    assert _node.uncordon_patch(live, force=force) == patch


@pytest.mark.parametrize(
    ("state", "names", "changed"),
    [
        pytest.param("present", ["m1", "new"], ["new"], id="a node that is to register is a change"),
        pytest.param("cordoned", ["m1"], ["m1"], id="cordoned"),
        pytest.param("drained", ["m1"], ["m1"], id="drained"),
        pytest.param("uncordoned", ["m1"], [], id="uncordoned"),
        pytest.param("absent", ["m1", "gone"], ["m1"], id="absent"),
    ],
)
def test_changes(state: str, names: list[str], changed: list[str]) -> None:
    wants = [_node.Wanted(name) for name in names]
    assert [change.name for change in _node.changes(state, wants, {"m1": node()}, by="me", force=False)] == changed


@pytest.mark.parametrize("state", ["cordoned", "uncordoned", "drained"])
def test_changes_of_unknown_nodes_are_refused(state: str) -> None:
    with pytest.raises(_node.NodeError, match=r"no node m2\. Its nodes are m1"):
        _node.changes(state, [_node.Wanted("m2")], {"m1": node()}, by="me", force=False)


def test_patches_are_refused_if_somebody_was_quicker() -> None:
    live = node()
    live["metadata"]["resourceVersion"] = "7"
    change = _node.changes("cordoned", [_node.Wanted("m1")], {"m1": live}, by="me", force=False)[0]
    assert change.patch["metadata"]["resourceVersion"] == "7"
    assert change.patch["metadata"]["annotations"] == {"quorate.io/cordoned-by": "me"}


def test_report() -> None:
    changes = _node.changes("cordoned", [_node.Wanted("m1")], {"m1": node()}, by="me", force=False)
    report = _node.report(changes, pods=["shop/web"])
    assert (report["changed"], report["nodes"], report["evicted"]) == (True, ["m1"], ["shop/web"])
    assert "unschedulable: false" in report["diff"][0]["before"]
    assert "unschedulable: true" in report["diff"][0]["after"]
    assert report["diff"][1]["before"] == "shop/web\n"
    assert not _node.report([])["changed"]


def state(ready: str, version: str = "v1.37.1") -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": ready, "reason": "Because", "message": "of it"}]
    return {"metadata": {"name": "x"}, "status": {"conditions": conditions, "nodeInfo": {"kubeletVersion": version}}}


@pytest.mark.parametrize(
    ("live", "version", "line"),
    [
        pytest.param(state("True"), "", "", id="ready"),
        pytest.param(state("True"), "1.37.1", "", id="of this version"),
        pytest.param(
            state("True", "v1.36.4"), "1.37.1", "node n: its kubelet reports version v1.36.4, not 1.37.1", id="of another version"
        ),
        pytest.param(state("False"), "", "node n: Because: of it", id="not ready"),
        pytest.param(state("Unknown"), "", "node n: Because: of it", id="unknown"),
        pytest.param(None, "", "node n: it has not registered", id="not registered"),
    ],
)
def test_not_ready(live: Any, version: str, line: str) -> None:
    lines = _node.not_ready(["n"], {"n": live} if live else {}, version=version)
    assert bool(lines) is bool(line)
    assert not line or lines[0].startswith(line)


@pytest.mark.parametrize(
    ("since", "told"),
    [
        pytest.param(0, True, id="whenever it was"),
        pytest.param(1_800_000_000.9, True, id="in the second of the restart, as the API keeps no parts of seconds"),
        pytest.param(1_800_000_001.0, False, id="before the restart"),
    ],
)
def test_a_node_that_was_ready_before_its_kubelet_was_restarted_need_not_be_now(since: float, told: bool) -> None:
    live = state("True")
    live["status"]["conditions"][0]["lastHeartbeatTime"] = "2027-01-15T08:00:00Z"
    lines = _node.not_ready(["n"], {"n": live}, since=since)
    assert lines == ([] if told else ["node n: its kubelet was restarted, and has not said anything since. Look at its journal"])


def test_summary() -> None:
    found = _node.summary({**state("False"), "spec": {"unschedulable": True, "taints": [taint("t")]}})
    assert (found["ready"], found["reason"], found["version"], found["cordoned"]) == (False, "Because: of it", "v1.37.1", True)
    assert found["taints"] == [taint("t")]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("drained", "The nodes could not be drained within 5 s: pod a/b: budget.", id="drained"),
        pytest.param("present", "The nodes are not ready within 5 s: pod a/b: budget.", id="ready"),
    ],
)
def test_waiting_failed(name: str, text: str) -> None:
    assert _node.waiting_failed(name, ["pod a/b: budget"], seconds=5).startswith(text)
