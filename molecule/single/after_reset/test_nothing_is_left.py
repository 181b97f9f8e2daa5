"""After the reset the hosts are what they were before the cluster; only packages stay installed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from testinfra.host import Host

from tests.cluster.hosts import state, together

# Copies that tools for users make of their files before they change them.
BACKUPS = {f"/etc/{name}-" for name in ("passwd", "shadow", "group", "gshadow", "subuid", "subgid")} | {"/etc/.pwd.lock"}


@pytest.fixture(scope="module")
def before(remembered: Path) -> Mapping[str, Any]:
    return dict(json.loads(remembered.read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def after(hosts: Mapping[str, Host]) -> Mapping[str, Any]:
    return together(lambda name: state(hosts[name]), hosts)


def test_no_file_is_left(before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    left = {name: set(found["files"]) - set(before[name]["files"]) - BACKUPS for name, found in after.items()}
    assert left == {name: set() for name in before}
    gone = {name: set(found["files"]) - set(after[name]["files"]) for name, found in before.items()}
    assert gone == {name: set() for name in before}


def test_no_folder_is_left(hosts: Mapping[str, Host]) -> None:
    folders = [f"/etc/{name}" for name in ("kubernetes", "etcd", "containerd", "cni")]
    folders += [f"/var/lib/{name}" for name in ("etcd", "etcd-log", "kubelet", "quorate")]
    folders += ["/opt/quorate", "/var/log/kubernetes", "/var/log/pods", "/var/log/containers", "/run/flannel", "/run/containerd"]
    left = {(name, folder) for name, host in hosts.items() for folder in folders if host.file(folder).exists}
    assert left == set()


@pytest.mark.parametrize("what", ["users", "units", "links", "routes", "mounts", "rules", "programs", "listeners"])
def test_no_trace_is_left(before: Mapping[str, Any], after: Mapping[str, Any], what: str) -> None:
    left = {name: sorted(set(found["traces"][what]) - set(before[name]["traces"][what])) for name, found in after.items()}
    # The look itself runs over SSH.
    passing = {"sshd", "bash", "sh", "dash", "python3.11", "ss", "systemctl"} if what == "programs" else set()
    assert {name: [thing for thing in things if thing not in passing] for name, things in left.items()} == {name: [] for name in before}
