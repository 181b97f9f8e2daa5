"""Check mode on hosts where nothing is yet: the whole plan is shown, nothing is written, no secret is told."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from testinfra.host import Host

from tests.cluster.hosts import look, together
from tests.cluster.playbook import Run, play

# Where something of a cluster could be written. Logs and what systemd keeps change by themselves.
FOLDERS = ("/etc", "/opt", "/usr/local", "/root", "/home", "/var/lib")
BY_ITSELF = ("/var/lib/systemd/", "/var/lib/containerd")


@pytest.fixture(scope="module")
def look_at_all(hosts: Mapping[str, Host]) -> Callable[[], Mapping[str, Mapping[str, Any]]]:
    def state(name: str) -> dict[str, Any]:
        files = look(hosts[name], "files", *FOLDERS)
        return {path: it for path, it in files.items() if not path.startswith(BY_ITSELF) and it["kind"] != "folder"}

    return lambda: together(state, hosts)


@pytest.fixture(scope="module")
def around(inventory: Path, look_at_all: Callable[[], Mapping[str, Any]]) -> tuple[Mapping[str, Any], Run, Mapping[str, Any]]:
    """What was on the hosts before, the run, and what was there after."""
    before = look_at_all()
    run = play("site", "--check", "--diff", inventory=inventory)
    return before, run, look_at_all()


def test_it_succeeds(around: tuple[Mapping[str, Any], Run, Mapping[str, Any]], hosts: Mapping[str, Host]) -> None:
    _before, run, _after = around
    assert run.code == 0, run.end
    assert {name for name in hosts if not run.changed[name]} == set()


def test_nothing_is_written_on_the_hosts(around: tuple[Mapping[str, Any], Run, Mapping[str, Any]]) -> None:
    before, _run, after = around
    different = {
        (name, path) for name in before for path in {*before[name], *after[name]} if before[name].get(path) != after[name].get(path)
    }
    assert different == set()


def test_nothing_is_written_beside_the_inventory(around: tuple[Mapping[str, Any], Run, Mapping[str, Any]], inventory: Path) -> None:
    assert around
    assert sorted(path.name for path in inventory.iterdir()) == ["group_vars", "hosts.yml"]


def test_the_whole_plan_is_shown(around: tuple[Mapping[str, Any], Run, Mapping[str, Any]]) -> None:
    _before, run, _after = around
    units = {
        "etcd",
        "kube-apiserver",
        "kube-controller-manager",
        "kube-scheduler",
        "containerd",
        "api-load-balancer",
        "flanneld",
        "kubelet",
    }
    files = [f"/etc/systemd/system/{unit}.service" for unit in sorted({*units, "kube-proxy"})]
    files += ["/etc/etcd/pki/server.crt", "/etc/kubernetes/kubelet/config.yaml", "/etc/containerd/config.toml", "kube-apiserver"]
    assert [path for path in files if path not in run.output] == []


def test_no_secret_is_told(around: tuple[Mapping[str, Any], Run, Mapping[str, Any]]) -> None:
    _before, run, _after = around
    assert "PRIVATE KEY" not in run.output
    # Keys of the encryption at rest are 32 bytes, and private keys lines of 64 letters that are no checksum in hexadecimal.
    encoded = set(re.findall(r"(?<![\w/+=])[A-Za-z0-9+/]{43}=(?!=)", run.output))
    lines = {
        word for word in re.findall(r"(?<![\w/+=])[A-Za-z0-9+/]{64}(?![\w/+=])", run.output) if not re.fullmatch(r"[0-9a-f]{64}", word)
    }
    assert encoded | lines == set()
