"""What to tell of a change that failed."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils import _failure

NOT_READY = {"component": "kube-apiserver", "cause": "systemd calls it failed", "journal": "unknown flag: --no-such", "put_back": True}


@pytest.mark.parametrize(
    ("result", "words"),
    [
        pytest.param(
            {"failure": NOT_READY},
            ["m2: kube-apiserver did not become ready: systemd calls it failed; it runs again", "  unknown flag"],
            id="put back",
        ),
        pytest.param({"failure": {**NOT_READY, "put_back": False}}, ["IT IS NOT BACK"], id="not put back"),
        pytest.param({"failure": {**NOT_READY, "journal": ""}}, ["Its journal is empty."], id="silent"),
        pytest.param({"msg": "The nodes could not be drained"}, ["m2: The nodes could not be drained"], id="something else"),
        pytest.param({}, ["m2: it did not answer any more"], id="out of reach"),
    ],
)
def test_report(result: dict[str, Any], words: list[str]) -> None:
    text = _failure.report({"m2": result}, command="ansible-playbook x.yml")
    assert [word for word in words if word not in text] == []
    assert text.endswith("\n  ansible-playbook x.yml")


@pytest.mark.parametrize(
    ("restarted", "lines"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param(
            ["etcd: restarted on m1"],
            ["This run has restarted, and waited until it was ready again:", "  etcd: restarted on m1"],
            id="something",
        ),
    ],
)
def test_what_was_restarted_stands_between_the_failures_and_the_command(restarted: list[str], lines: list[str]) -> None:
    found = _failure.report({"m2": {"msg": "no"}}, command="x", restarted=restarted).splitlines()
    assert found[:-2] == ["m2: no", *lines]
    assert found[-2].startswith("Hosts that were not reached yet")


def test_command() -> None:
    assert (
        _failure.command(["upgrade.yml"], inventories=["in ventories/a"], limit="w*", version="1.37.1")
        == "ansible-playbook -i 'in ventories/a' --limit 'w*' upgrade.yml -e cluster_version=1.37.1"
    )
    assert (
        _failure.command(["site.yml"], inventories=["a"], limit="", version="1.37.1")
        == "ansible-playbook -i a site.yml -e cluster_version=1.37.1"
    )
