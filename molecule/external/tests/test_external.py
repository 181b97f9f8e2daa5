"""etcd stands apart: who gets in from where, and what flannel may touch."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from testinfra.host import Host

from tests.cluster.hosts import look, said, together

PREFIX = "/coreos.com/network/"


@pytest.fixture
def flannel(
    hosts: Mapping[str, Host],
    members: Callable[[str], list[str]],
    addresses: Mapping[str, str],
    program: Callable[[str, str], Path],
    tmp_path: Path,
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Ask etcd with the certificate of flannel on a worker."""
    worker, member = members("workers")[0], members("etcd")[0]
    pairs = look(hosts[worker], "pairs")
    files = {"cert": tmp_path / "client.crt", "key": tmp_path / "client.key", "cacert": tmp_path / "ca.crt"}
    files["cert"].write_text(pairs["/etc/kubernetes/flanneld/etcd-client.crt"]["certificate"], encoding="utf-8")
    files["key"].write_text(pairs["/etc/kubernetes/flanneld/etcd-client.crt"]["key"], encoding="utf-8")
    files["cacert"].write_text(said(hosts[worker], "cat /etc/kubernetes/pki/etcd-ca.crt"), encoding="utf-8")

    def ask(*words: str) -> subprocess.CompletedProcess[str]:
        command = [str(program("etcd", "etcdctl")), f"--endpoints=https://{addresses[member]}:2379", "--command-timeout=10s"]
        command += [f"--{word}={path}" for word, path in files.items()]
        return subprocess.run([*command, *words], capture_output=True, text=True, check=False, cwd=tmp_path)

    return ask


def test_flannel_reads_its_network_in_etcd(flannel: Callable[..., subprocess.CompletedProcess[str]], node_names: list[str]) -> None:
    done = flannel("get", "--prefix", "--write-out=json", PREFIX)
    assert done.returncode == 0, done.stderr
    config = flannel("get", "--print-value-only", f"{PREFIX}config")
    assert json.loads(config.stdout)["Network"] == "10.244.0.0/16"
    # A lease of each node.
    assert len(json.loads(done.stdout)["kvs"]) == 1 + len(node_names)


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("get", "--prefix", "/registry/secrets"), id="secrets"),
        pytest.param(("get", "--prefix", "/registry"), id="all of Kubernetes"),
        pytest.param(("get", "--prefix", ""), id="everything"),
        pytest.param(("get", "--from-key", PREFIX), id="everything from its own keys on"),
        pytest.param(("put", "/registry/x", "y"), id="write"),
        pytest.param(("del", "--prefix", "/registry/x"), id="delete"),
        pytest.param(("user", "grant-role", "flannel", "root"), id="more rights"),
        pytest.param(("auth", "disable"), id="no rights at all"),
        pytest.param(("snapshot", "save", "copy.db"), id="a copy of everything"),
        pytest.param(("member", "remove", "1"), id="the members"),
    ],
)
def test_flannel_is_refused_everything_else(flannel: Callable[..., subprocess.CompletedProcess[str]], words: tuple[str, ...]) -> None:
    done = flannel(*words)
    assert done.returncode != 0
    assert "permission denied" in done.stderr


def test_masters_hold_no_key_of_the_operator(hosts: Mapping[str, Host], members: Callable[[str], list[str]]) -> None:
    others = sorted(set(hosts) - set(members("etcd")))
    found = together(lambda name: hosts[name].file("/etc/etcd").exists, others)
    assert found == dict.fromkeys(others, False)


def test_hosts_of_etcd_run_nothing_else(hosts: Mapping[str, Host], members: Callable[[str], list[str]]) -> None:
    programs = {"kubelet", "containerd", "kube-proxy", "flanneld", "haproxy", "kube-apiserver"}
    found = together(lambda name: programs & {it["program"] for it in look(hosts[name], "processes")}, members("etcd"))
    assert found == {name: set() for name in members("etcd")}
