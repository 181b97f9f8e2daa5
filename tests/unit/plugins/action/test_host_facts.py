"""Which groups a host joins by what was observed."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.quorate.kubernetes.plugins.action import host_facts

VERSIONS = {"kubernetes": "1.37.1", "etcd": "3.7.3", "containerd": "2.4.2", "runc": "1.1.5"}


def observation(*, kubelet: str = "1.37.1", containerd: str = "2.4.2", haproxy: str | None = "/usr/sbin/haproxy") -> dict[str, Any]:
    programs = {"kubelet": f"/opt/quorate/kubernetes/{kubelet}/kubelet", "containerd": f"/opt/quorate/containerd/{containerd}/containerd"}
    components = {name: {"unit": {"program": program, "active": "active"}} for name, program in programs.items()}
    return {"commands": {"haproxy": haproxy}, "components": components}


@pytest.mark.parametrize(
    ("seen", "versions", "groups"),
    [
        pytest.param({}, VERSIONS, [], id="nothing"),
        pytest.param(observation(), VERSIONS, [], id="all as wanted"),
        pytest.param(observation(haproxy=None), VERSIONS, ["host_lacks_command"], id="a missing program"),
        pytest.param(observation(kubelet="1.36.4"), VERSIONS, ["host_other_version"], id="another version"),
        pytest.param(observation(containerd="2.4.1"), VERSIONS, ["host_other_version"], id="another container runtime"),
        pytest.param(observation(kubelet="1.36.4"), {}, [], id="no version is wanted"),
        pytest.param(observation(kubelet="1.36.4", haproxy=None), VERSIONS, ["host_lacks_command", "host_other_version"], id="both"),
        pytest.param({**observation(), "etcd": {"quorum": True}}, VERSIONS, ["etcd_quorate"], id="a member that answers"),
        pytest.param({**observation(), "etcd": {"quorum": False}}, VERSIONS, [], id="a member that does not"),
        pytest.param({**observation(), "etcd": None}, VERSIONS, [], id="no member"),
    ],
)
def test_groups(seen: dict[str, Any], versions: dict[str, str], groups: list[str]) -> None:
    assert host_facts.groups(seen, versions=versions) == groups
