"""A run that finds nothing to do changes nothing: no file, no unit, however the inventory is ordered."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from testinfra.host import Host

from tests.cluster.hosts import different, managed, together
from tests.cluster.inventory import linked, secrets
from tests.cluster.playbook import fine, play, unchanged


@pytest.fixture
def state(hosts: Mapping[str, Host]) -> Callable[[], Mapping[str, Any]]:
    """What a run could change."""
    return lambda: together(lambda name: managed(hosts[name]), hosts)


def backwards(thing: Any) -> Any:
    """The same inventory with groups and hosts in the opposite order."""
    if not isinstance(thing, dict):
        return thing
    return {key: backwards(thing[key]) for key in reversed(thing)}


@pytest.fixture
def reordered(inventory: Path, tmp_path: Path) -> Path:
    """A copy of the inventory in the opposite order, beside links to what the runs wrote."""
    copy = linked(inventory, tmp_path / "inventory", apart=["hosts.yml"])
    hosts = yaml.safe_load((inventory / "hosts.yml").read_text(encoding="utf-8"))
    (copy / "hosts.yml").write_text(yaml.safe_dump(backwards(hosts), sort_keys=False), encoding="utf-8")
    return copy


def test_the_order_of_the_inventory_does_not_matter(reordered: Path, state: Callable[[], Mapping[str, Any]]) -> None:
    before = state()
    unchanged(fine(play("site", inventory=reordered)))
    assert different(before, state()) == set()


def test_check_mode_predicts_and_keeps_secrets(inventory: Path, state: Callable[[], Mapping[str, Any]]) -> None:
    """Another resource is to be encrypted: the file of the keys changes. It is said, not shown, and not done."""
    before = state()
    change = json.dumps({"masters_encrypted_resources": ["secrets", "configmaps"]})
    run = fine(play("site", "--check", "--diff", f"--extra-vars={change}", inventory=inventory))
    assert "/etc/kubernetes/kube-apiserver/encryption.yaml" in run.output
    assert {word for word in secrets(inventory) if word in run.output} == set()
    assert different(before, state()) == set()


def test_what_a_cluster_was_built_with_stays(inventory: Path, state: Callable[[], Mapping[str, Any]]) -> None:
    """As when the file that says it was not found."""
    before = state()
    refused = play("site", "--extra-vars=cluster_service_network=10.97.0.0/16", inventory=inventory)
    assert refused.code != 0
    assert "would change cluster_service_network from 10.96.0.0/16 to 10.97.0.0/16" in refused.flat, refused.end
    assert different(before, state()) == set()


def test_a_label_that_somebody_took_away_is_back(inventory: Path, kubectl: Callable[..., str], members: Callable[[str], list[str]]) -> None:
    label, name = "node-role.kubernetes.io/worker", members("workers")[-1]
    kubectl("label", "node", name, f"{label}-")
    run = fine(play("site", inventory=inventory))
    assert sum(run.changed.values()) == 1, run.output
    assert json.loads(kubectl("get", "node", name, "--output=json"))["metadata"]["labels"][label] == ""
