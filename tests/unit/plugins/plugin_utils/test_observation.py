"""The fact that holds what was observed, and how it is kept true."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.quorate.kubernetes.plugins.plugin_utils import _observation

SEEN = {"run": "7", "files": {"/a": 1}}
OLD = {"run": "6", "files": {"/a": 1}}
RUN = {"cluster_topology": {"run": "7"}}


@pytest.mark.parametrize(
    ("variables", "found"),
    [
        pytest.param({}, {}, id="nothing observed"),
        pytest.param({**RUN}, {}, id="nothing observed in this run"),
        pytest.param({**RUN, "ansible_facts": {"host_observation": SEEN}}, SEEN, id="fact"),
        pytest.param({**RUN, "host_observation": SEEN}, SEEN, id="injected fact"),
        pytest.param({**RUN, "ansible_facts": {"host_observation": SEEN}, "host_observation": OLD}, SEEN, id="the fact counts first"),
        pytest.param({**RUN, "ansible_facts": {"host_observation": OLD}}, {}, id="from a cache of a former run"),
        pytest.param({"ansible_facts": {"host_observation": {"run": "", "files": {}}}}, {"run": "", "files": {}}, id="without a topology"),
        pytest.param({"ansible_facts": {"host_observation": {"files": {}}}}, {}, id="part that is no observation"),
        pytest.param({**RUN, "ansible_facts": None}, {}, id="no facts"),
    ],
)
def test_current(variables: dict[str, Any], found: dict[str, Any]) -> None:
    assert _observation.current(variables) == found


def test_of_hosts() -> None:
    hostvars = {"m1": {"ansible_facts": {"host_observation": SEEN}}, "m2": {"ansible_facts": {"host_observation": OLD}}}
    assert _observation.of_hosts(["m1", "m2", "m3"], hostvars, run="7") == {"m1": SEEN, "m2": {}, "m3": {}}


@pytest.mark.parametrize(
    ("part", "merged"),
    [
        pytest.param({}, {"a": {"x": 1, "y": 1}, "b": 2}, id="nothing new"),
        pytest.param({"a": {"y": 2, "z": 3}}, {"a": {"x": 1, "y": 2, "z": 3}, "b": 2}, id="entries of a section"),
        pytest.param({"a": {"x": None}}, {"a": {"x": None, "y": 1}, "b": 2}, id="null is a state: the file is gone"),
        pytest.param({"a": {"x": {"deep": 1}}}, {"a": {"x": {"deep": 1}, "y": 1}, "b": 2}, id="an entry is replaced as a whole"),
        pytest.param({"b": 3, "c": {"n": 1}}, {"a": {"x": 1, "y": 1}, "b": 3, "c": {"n": 1}}, id="values and new sections"),
    ],
)
def test_merged(part: dict[str, Any], merged: dict[str, Any]) -> None:
    observation = {"a": {"x": 1, "y": 1}, "b": 2}
    assert _observation.merged(observation, part) == merged
    assert observation == {"a": {"x": 1, "y": 1}, "b": 2}, "the fact of the host must not change in place"


def test_a_result_renews_the_fact() -> None:
    result = _observation.noted(
        {"changed": True, "observation": {"files": {"/b": 2}}}, {**RUN, "ansible_facts": {"host_observation": SEEN}}
    )
    assert result["ansible_facts"] == {"host_observation": {"run": "7", "files": {"/a": 1, "/b": 2}}}
    assert result["changed"] is True


def test_a_result_that_observed_nothing_renews_nothing() -> None:
    assert _observation.noted({"failed": True}, {"ansible_facts": {"host_observation": SEEN}}) == {"failed": True}


def test_seen() -> None:
    hostvars = {"m1": {"ansible_facts": {"host_observation": SEEN}}, "m2": {}}
    assert _observation.seen({"hosts": {"m1": {}, "m2": {}, "m3": {}}, "run": "7"}, hostvars) == {"m1": SEEN}
