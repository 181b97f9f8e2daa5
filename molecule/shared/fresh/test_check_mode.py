"""Check mode on hosts where nothing is yet: the whole plan is shown, nothing is written, no secret is told."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from testinfra.host import Host

from tests.cluster.hosts import state, together
from tests.cluster.playbook import Run, play


@pytest.fixture(scope="module")
def before(hosts: Mapping[str, Host], remembered: Path) -> Mapping[str, Any]:
    """What is on the hosts; remembered for tests of what is left of a cluster in the end."""
    found = together(lambda name: state(hosts[name]), hosts)
    remembered.write_text(json.dumps(found), encoding="utf-8")
    return found


@pytest.fixture(scope="module")
def run(inventory: Path, before: Mapping[str, Any], foretold: Path) -> Run:
    """A run in check mode; kept for tests of what the real one brings."""
    assert before
    done = play("site", "--check", "--diff", inventory=inventory)
    foretold.write_text(done.output, encoding="utf-8")
    return done


@pytest.fixture(scope="module")
def after(hosts: Mapping[str, Host], run: Run) -> Mapping[str, Any]:
    assert run.output
    return together(lambda name: state(hosts[name]), hosts)


def test_it_succeeds(run: Run, hosts: Mapping[str, Host]) -> None:
    assert run.code == 0, run.end
    assert {name for name in hosts if not run.changed[name]} == set()


def test_nothing_is_written_on_the_hosts(before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    different = {
        (name, path)
        for name in before
        for path in {*before[name]["files"], *after[name]["files"]}
        if before[name]["files"].get(path) != after[name]["files"].get(path)
    }
    assert different == set()
    assert {name: found["traces"]["units"] for name, found in after.items()} == {
        name: found["traces"]["units"] for name, found in before.items()
    }


def test_nothing_is_written_beside_the_inventory(run: Run, inventory: Path) -> None:
    assert run.output
    assert sorted(path.name for path in inventory.iterdir()) == ["group_vars", "hosts.yml"]


def test_the_whole_plan_is_shown(run: Run, node_names: list[str]) -> None:
    units = [
        "etcd",
        "kube-apiserver",
        "kube-controller-manager",
        "kube-scheduler",
        "containerd",
        "api-load-balancer",
        "flanneld",
        "kubelet",
    ]
    files = [f"/etc/systemd/system/{unit}.service" for unit in (*units, "kube-proxy")]
    files += ["/etc/etcd/pki/server.crt", "/etc/kubernetes/kubelet/config.yaml", "/etc/containerd/config.toml"]
    files += ["/etc/cni/net.d/10-flannel.conflist", "/etc/sysctl.d/90-kubernetes.conf"]
    packages = ["kubernetes", "etcd", "containerd", "runc", "cni_plugins", "flannel", "flannel_cni", "coredns", "pause"]
    programs = [f"+ /opt/quorate/{package}/" for package in packages]
    authorities = ["pki/kubernetes/ca.key", "pki/etcd/ca.key", "pki/front_proxy/ca.key", "admin.kubeconfig: it is missing"]
    objects = ["ClusterRoleBinding quorate:admins", "ClusterRole quorate:node-operators", "ClusterRole quorate:coredns"]
    objects += [f"{kind} kube-system/coredns" for kind in ("ConfigMap", "Deployment", "PodDisruptionBudget")]
    objects += ["Service kube-system/kube-dns", *(f"Node {name}" for name in node_names)]
    labels = ["node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/worker"]
    told = [*files, *programs, *authorities, *objects, *labels]
    assert [words for words in told if words not in run.output] == []


def test_no_secret_is_told(run: Run) -> None:
    assert "PRIVATE KEY" not in run.output
    # Keys of the encryption at rest are 32 bytes, and private keys lines of 64 letters that are no checksum in hexadecimal and no path,
    # which are not mixed of all three: of capitals, small letters and digits.
    encoded = set(re.findall(r"(?<![\w/+=])[A-Za-z0-9+/]{43}=(?!=)", run.output))
    words = re.findall(r"(?<![\w/+=])[A-Za-z0-9+/]{64}(?![\w/+=])", run.output)
    lines = {word for word in words if all(re.search(kind, word) for kind in ("[A-Z]", "[a-z]", "[0-9]"))}
    assert encoded | lines == set()
