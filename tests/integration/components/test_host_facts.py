"""The module host_facts, compared with what other programs say about the host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from .harness import Host, Server


@pytest.fixture(scope="module")
def observed(host: Host) -> Mapping[str, Any]:
    """The observation, made in check mode: it changes nothing."""
    host.ssh("mkdir -p /srv/filled /srv/empty && echo text >/srv/filled/file")
    arguments = {
        "commands": ["openssl", "no-such-program"],
        "features": ["proc", "no-such-file-system", "/proc/self", "/no/such/path"],
        "probes": ["/srv/filled", "/srv/empty", "/srv/filled/file", "/srv/absent"],
        "contents": ["/srv/filled/file", "/srv/absent"],
        "node": {"name": "m1", "server": "https://127.0.0.1:7443"},
    }
    task = {"name": "Observe", "quorate.kubernetes.host_facts": arguments, "changed_when": False}
    run = host.play(task, options=["--check"])
    assert not run.changed
    observation: Mapping[str, Any] = run.last["ansible_facts"]["host_observation"]
    return observation


def test_platform(host: Host, observed: Mapping[str, Any]) -> None:
    kernel, machine = host.ssh("uname -rm").split()
    assert observed["platform"] == {
        "architecture": {"x86_64": "amd64", "aarch64": "arm64"}[machine],
        "kernel": kernel,
        "python": host.ssh("python3 --version").split()[1],
        "hostname": host.ssh("cat /etc/hostname"),
        "system": host.ssh(". /etc/os-release && echo $ID $VERSION_ID"),
    }


def test_clock(observed: Mapping[str, Any]) -> None:
    """The host shares the clock of this machine, however long the call took."""
    assert observed["clock_skew"] == pytest.approx(0, abs=0.05)
    assert "clock" not in observed


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        pytest.param("commands", {"openssl": "/usr/bin/openssl", "no-such-program": None}, id="commands"),
        pytest.param(
            "probes",
            {"/srv/filled": "filled", "/srv/empty": "empty", "/srv/filled/file": "filled", "/srv/absent": "absent"},
            id="probes",
        ),
        pytest.param("contents", {"/srv/filled/file": "text\n", "/srv/absent": None}, id="contents"),
        pytest.param("node", None, id="the node of a host without a kubelet"),
    ],
)
def test_what_was_asked_for(observed: Mapping[str, Any], section: str, expected: dict[str, Any] | None) -> None:
    assert observed[section] == expected


def test_kernel(host: Host, observed: Mapping[str, Any]) -> None:
    assert observed["kernel"] == {
        "features": {"proc": True, "no-such-file-system": False, "/proc/self": True, "/no/such/path": False},
        "modules": host.ssh("test -e /proc/modules && echo yes", check=False) == "yes",
        "cgroup": 2 if host.ssh("stat --file-system --format %T /sys/fs/cgroup") == "cgroup2fs" else 1,
        "swap": len(host.ssh("cat /proc/swaps").splitlines()) > 1,
    }


def test_services_without_a_record(host: Host, server: Server) -> None:
    """A record that was lost leaves a component ours, which its process tells; other services are strangers."""
    stranger = "[Service]\nExecStart=/bin/sleep 600\n"
    host.write("/run/systemd/system/stranger.service", stranger)
    host.ssh("systemctl daemon-reload && systemctl start stranger")
    record = host.ssh(f"cat {server.record} && rm {server.record}")
    try:
        look = {
            "quorate.kubernetes.host_facts": {"services": [server.name, "stranger", "no-such"]},
            "name": "Observe",
            "changed_when": False,
        }
        observed = host.play(look).last["ansible_facts"]["host_observation"]
    finally:
        host.write(server.record, record)
        host.ssh("systemctl stop stranger && rm /run/systemd/system/stranger.service && systemctl daemon-reload")
    assert observed["strangers"] == ["stranger"]
    assert observed["components"][server.name]["unit"]["active"] == "active"
    assert observed["components"][server.name]["recorded"] == []
    assert "no-such" not in observed["components"]


def test_space(host: Host, observed: Mapping[str, Any]) -> None:
    for path in ("/opt", "/var/lib", "/etc"):
        free = int(host.ssh(f"df --output=avail --block-size=1 {path}").split()[1])
        assert observed["space"][path] == pytest.approx(free, rel=0.2)
