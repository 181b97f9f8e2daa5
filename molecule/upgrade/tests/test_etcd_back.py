"""etcd goes back to the minor version before, while somebody writes, and forward again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from lab import versions
from tests.cluster.api import Api
from tests.cluster.etcd import status
from tests.cluster.playbook import play
from tests.cluster.probe import Probe

NEWER = versions.ETCD[versions.minor(versions.DEFAULT["kubernetes"])]
OLDER = versions.ETCD["1.36"]


@pytest.mark.parametrize("target", [pytest.param(OLDER, id="back"), pytest.param(NEWER, id="forward")])
def test_etcd_alone(target: str, inventory: Path, api: Api, members: Callable[[str], list[str]], etcdctl: Callable[..., str]) -> None:
    packages = {"runc": "1.1.5", "flannel_cni": "0.9.1", "etcd": target}
    extra = json.dumps({"cluster_version": versions.DEFAULT["kubernetes"], "cluster_versions": packages})
    probe = Probe(api=api, name="etcd-alone")
    with probe:
        run = play("upgrade", f"--extra-vars={extra}", inventory=inventory)
    assert run.code == 0, run.end
    found = {status(etcdctl, name)["version"] for name in members("etcd")}
    assert found == {target}
    probe.settle()
    assert probe.seen.lost == []
