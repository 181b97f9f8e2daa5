"""Whether a cluster may be taken from the versions that run to those that are wanted."""

from __future__ import annotations

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils import _upgrade


def component(program: str) -> dict[str, dict[str, str]]:
    return {"unit": {"program": program}}


def test_versions_are_read_from_the_programs() -> None:
    observation = {
        "components": {
            "kubelet": component("/opt/quorate/kubernetes/1.36.4/kubelet"),
            "etcd": component("/srv/bin/etcd/3.6.16/etcd"),
            "api-load-balancer": component("/usr/sbin/haproxy"),
            "kube-proxy": component(""),
        }
    }
    assert _upgrade.running_versions(observation) == {"kubelet": "1.36.4", "etcd": "3.6.16"}


@pytest.mark.parametrize(
    "running",
    [
        pytest.param({}, id="nothing runs"),
        pytest.param({"m1": {"kube-apiserver": "1.37.1", "kubelet": "1.37.1", "etcd": "3.7.3"}}, id="nothing changes"),
        pytest.param({"m1": {"kube-apiserver": "1.37.0", "kubelet": "1.37.0", "etcd": "3.7.3"}}, id="patch"),
        pytest.param({"m1": {"kube-apiserver": "1.36.4", "kubelet": "1.36.4", "etcd": "3.6.16"}}, id="one minor"),
        pytest.param({"m1": {"kube-apiserver": "1.37.1"}, "m2": {"kube-apiserver": "1.36.4"}}, id="halfway"),
        pytest.param({"m1": {"kube-apiserver": "1.36.4"}, "w1": {"kubelet": "1.34.4"}}, id="kubelet three behind"),
    ],
)
def test_the_way_is_allowed(running: dict[str, dict[str, str]]) -> None:
    assert _upgrade.problems(running, kubernetes="1.37.1", etcd="3.7.3") == []


@pytest.mark.parametrize(
    ("running", "words"),
    [
        pytest.param({"m1": {"kube-apiserver": "1.35.4"}}, ["1.35.4 to 1.37.1 skips a minor", "(on m1)"], id="two minors"),
        pytest.param({"m1": {"kube-apiserver": "1.38.0"}, "m2": {"kube-apiserver": "1.38.0"}}, ["(on m1, m2)"], id="downgrade"),
        pytest.param({"w1": {"kubelet": "1.38.0"}}, ["kubelet 1.38.0", "(on w1)"], id="newer kubelet"),
        pytest.param({"w1": {"kubelet": "1.33.1"}}, ["kubelet 1.33.1", "(on w1)"], id="kubelet four behind"),
        pytest.param({"e1": {"etcd": "3.5.20"}}, ["3.5.20", "(on e1)"], id="etcd skips a minor"),
        pytest.param({"e1": {"etcd": "3.6.1"}}, ["3.6.1", "(on e1)"], id="etcd below the floor"),
        pytest.param({"m1": {"kube-apiserver": "1.35.4"}, "m2": {"kube-apiserver": "1.37.1"}}, ["(on m1)"], id="mixed masters"),
    ],
)
def test_the_way_is_refused(running: dict[str, dict[str, str]], words: list[str]) -> None:
    found = "\n".join(_upgrade.problems(running, kubernetes="1.37.1", etcd="3.7.3"))
    assert [word for word in words if word not in found] == []
