"""Which spare takes whose place, by what was observed of the hosts."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.quorate.kubernetes.plugins.filter.etcd_replacements import etcd_replacements

DATA = "/var/lib/etcd/member"


def topology(*, etcd: str = "e1 e2 e3", spares: str = "s1 s2", replaced: dict[str, str] | None = None) -> dict[str, Any]:
    names = {*etcd.split(), *spares.split()}
    return {
        "run": "now",
        "etcd": etcd.split(),
        "etcd_spares": spares.split(),
        "etcd_replaced": replaced or {},
        "hosts": {name: {"zone": ""} for name in names},
    }


def observed(*, run: str = "now", data: str = "absent") -> dict[str, Any]:
    return {"ansible_facts": {"host_observation": {"run": run, "probes": {DATA: data}}}}


@pytest.mark.parametrize(
    ("known", "hosts", "pairs", "problem"),
    [
        pytest.param(topology(), {"s1": observed(), "s2": observed()}, {"e2": "s1"}, "", id="first"),
        pytest.param(topology(), {"s1": {}, "s2": observed()}, {"e2": "s2"}, "", id="one could not be reached"),
        pytest.param(topology(), {"s1": observed(data="filled"), "s2": observed()}, {"e2": "s2"}, "", id="one holds data"),
        pytest.param(topology(), {"s1": observed(run="before"), "s2": observed()}, {"e2": "s2"}, "", id="one was seen in another run"),
        pytest.param(
            topology(), {"s1": {}, "s2": observed(data="filled")}, {}, r"s1: it could not be reached; s2: it holds data", id="none is fit"
        ),
        pytest.param(
            topology(etcd="e1 e3 s1", spares="s2", replaced={"e2": "s1"}),
            {"s1": observed(data="filled"), "s2": observed()},
            {"e2": "s1"},
            "",
            id="a former run has begun with one",
        ),
        pytest.param(
            topology(etcd="e1 e3 s1", spares="s2", replaced={"e2": "s1"}),
            {"s1": {}, "s2": observed()},
            {"s1": "s2"},
            "",
            id="and it was lost",
        ),
    ],
)
def test_etcd_replacements(known: dict[str, Any], hosts: dict[str, Any], pairs: dict[str, str], problem: str) -> None:
    found = etcd_replacements(known, hosts, dead=["e2"], data=DATA)
    assert found["pairs"] == pairs
    assert problem in found["problem"]
    assert bool(found["problem"]) == bool(problem)
