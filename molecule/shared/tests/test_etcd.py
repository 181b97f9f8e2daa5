"""The members of etcd are one healthy cluster, and nobody else gets at what is in it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from testinfra.host import Host

from tests.cluster import etcd, tls
from tests.cluster.hosts import look, said, together
from tests.cluster.wait import until


@pytest.fixture(scope="module")
def statuses(etcdctl: Callable[..., str], members: Callable[[str], list[str]]) -> Mapping[str, Any]:
    """What each member says of itself, asked on its own host."""
    return together(lambda name: etcd.status(etcdctl, name), members("etcd"))


def test_every_host_is_a_voter(etcdctl: Callable[..., str], members: Callable[[str], list[str]], addresses: Mapping[str, str]) -> None:
    seen = together(lambda name: json.loads(etcdctl(name, "member", "list", "-w", "json"))["members"], members("etcd"))
    wanted = {name: ([f"https://{addresses[name]}:2380"], [f"https://{addresses[name]}:2379"], False) for name in members("etcd")}
    for name, listed in seen.items():
        found = {member["name"]: (member["peerURLs"], member["clientURLs"], member.get("isLearner", False)) for member in listed}
        assert found == wanted, f"as {name} sees it"


def test_members_are_one_cluster(statuses: Mapping[str, Any]) -> None:
    assert len({status["header"]["cluster_id"] for status in statuses.values()}) == 1
    assert len({status["leader"] for status in statuses.values()}) == 1
    assert next(iter(statuses.values()))["leader"] in {status["header"]["member_id"] for status in statuses.values()}
    assert len({status["version"] for status in statuses.values()}) == 1
    assert {name: status["errors"] for name, status in statuses.items() if status.get("errors")} == {}


def test_all_members_are_healthy(etcdctl: Callable[..., str], members: Callable[[str], list[str]]) -> None:
    # On a host of its own each: a healthy member answers a linearizable read.
    healthy = together(lambda name: json.loads(etcdctl(name, "endpoint", "health", "-w", "json"))[0]["health"], members("etcd"))
    assert healthy == dict.fromkeys(members("etcd"), True)


def test_later_starts_do_not_found_a_cluster(hosts: Mapping[str, Host], members: Callable[[str], list[str]]) -> None:
    texts = together(lambda name: said(hosts[name], "cat /etc/etcd/bootstrap.env").splitlines(), members("etcd"))
    assert {name: "ETCD_INITIAL_CLUSTER_STATE=existing" in lines for name, lines in texts.items()} == dict.fromkeys(texts, True)


def test_members_look_for_corruption(hosts: Mapping[str, Host], members: Callable[[str], list[str]]) -> None:
    def gates(name: str) -> str:
        arguments = next(it["arguments"] for it in look(hosts[name], "processes") if it["program"] == "etcd")
        return next(word.partition("=")[2] for word in arguments if word.startswith("--feature-gates="))

    found = together(lambda name: ",".join(sorted(gates(name).split(","))), members("etcd"))
    assert found == dict.fromkeys(members("etcd"), "CompactHashCheck=true,InitialCorruptCheck=true")


def test_etcd_runs_nowhere_else(hosts: Mapping[str, Host], members: Callable[[str], list[str]]) -> None:
    running = together(lambda name: any(found["program"] == "etcd" for found in look(hosts[name], "processes")), hosts)
    assert running == {name: name in members("etcd") for name in hosts}
    elsewhere = set(hosts) - set(members("etcd"))
    assert {name for name in elsewhere if hosts[name].file("/var/lib/etcd").exists or hosts[name].file("/etc/etcd").exists} == set()


def credentials(host: Host, folder: Path) -> dict[str, dict[str, Path]]:
    """Every certificate on a host that has its key there too, brought here, by its path on the host."""
    folder.mkdir()
    brought = {}
    for number, (path, found) in enumerate(look(host, "pairs").items()):
        files = {"cert": folder / f"{number}.crt", "key": folder / f"{number}.key"}
        files["cert"].write_text(found["certificate"], encoding="utf-8")
        files["key"].write_text(found["key"], encoding="utf-8")
        files["key"].chmod(0o600)
        brought[path] = files
    return brought


@pytest.fixture(scope="module")
def outsider(
    hosts: Mapping[str, Host],
    members: Callable[[str], list[str]],
    addresses: Mapping[str, str],
    program: Callable[[str, str], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[Mapping[str, Path], str], str]:
    """Ask etcd from this machine, with a certificate of some host, for the names of keys."""
    member = members("etcd")[0]
    authority = tmp_path_factory.mktemp("etcd") / "ca.crt"
    authority.write_text(said(hosts[member], "cat /etc/etcd/pki/ca.crt"), encoding="utf-8")

    def ask(files: Mapping[str, Path], key: str) -> str:
        command = [str(program("etcd", "etcdctl")), f"--endpoints=https://{addresses[member]}:2379", "--dial-timeout=10s"]
        command += [f"--cacert={authority}", f"--cert={files['cert']}", f"--key={files['key']}", "--command-timeout=10s"]
        done = subprocess.run([*command, "get", "--prefix", "--keys-only", "--limit=3", key], capture_output=True, text=True, check=False)
        return done.stdout

    return ask


def test_nothing_on_a_worker_opens_etcd(
    hosts: Mapping[str, Host],
    members: Callable[[str], list[str]],
    addresses: Mapping[str, str],
    outsider: Callable[[Mapping[str, Path], str], str],
    tmp_path: Path,
) -> None:
    """Whatever a worker could show to etcd, it is not let in, or sees nothing of Kubernetes."""
    member = members("etcd")[0]
    only_workers = sorted(set(members("workers")) - set(members("masters")) - set(members("etcd")))
    let_in = []
    for name in [member, *only_workers]:
        for path, files in credentials(hosts[name], tmp_path / name).items():
            if tls.status(addresses[member], port=2379, path="/version", files=files) == "200":
                let_in.append((name, path, files))
    opened = {
        (name, path)
        for name, path, files in let_in
        for key in ("/registry/secrets", "/registry", "")
        if "/registry" in outsider(files, key)
    }
    # That the operator and the API server are let in shows that the question is a good one.
    assert (member, "/etc/etcd/pki/operator.crt") in opened
    assert {found for found in opened if found[0] != member} == set()


def test_a_secret_is_unreadable_in_etcd(
    kubectl: Callable[..., str], etcdctl: Callable[..., str], members: Callable[[str], list[str]]
) -> None:
    value, name = "correct-horse-battery-staple", "quorate-test-unreadable"
    for kind in (("secret", "generic"), ("configmap",)):
        kubectl("delete", kind[0], name, "--ignore-not-found")
        kubectl("create", *kind, name, f"--from-literal=word={value}")
    try:
        member = members("etcd")[0]
        secret = etcdctl(member, "get", "--print-value-only", f"/registry/secrets/default/{name}")
        assert secret.startswith("k8s:enc:secretbox:v1:")
        assert value not in secret
        # What is not a secret lies there as it is, so the value would have been found.
        assert value in etcdctl(member, "get", "--print-value-only", f"/registry/configmaps/default/{name}")
        kept = until("the Secret through the API", lambda: json.loads(kubectl("get", "secret", name, "--output=json")), within=10)
        assert list(kept["data"]) == ["word"]
    finally:
        for what in ("secret", "configmap"):
            kubectl("delete", what, name, "--ignore-not-found", "--wait=false")


def test_no_secret_at_all_is_readable_in_etcd(
    kubectl: Callable[..., str], etcdctl: Callable[..., str], members: Callable[[str], list[str]]
) -> None:
    name, places, member = "quorate-test-anywhere", ("default", "kube-system"), members("etcd")[0]
    for place in places:
        kubectl("delete", "secret", name, f"--namespace={place}", "--ignore-not-found")
        kubectl("create", "secret", "generic", name, f"--namespace={place}", "--from-literal=word=value")
    try:
        keys = etcdctl(member, "get", "--prefix", "--keys-only", "/registry/secrets/").split()
        assert {f"/registry/secrets/{place}/{name}" for place in places} <= set(keys)
        values = together(lambda key: etcdctl(member, "get", "--print-value-only", key), keys)
        assert {key for key, value in values.items() if not value.startswith("k8s:enc:secretbox:v1:")} == set()
    finally:
        for place in places:
            kubectl("delete", "secret", name, f"--namespace={place}", "--ignore-not-found", "--wait=false")
