"""Every certificate has a key of its own, the right authority, and only its own names; judged by OpenSSL."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from testinfra.host import Host

from tests.cluster import openssl
from tests.cluster.hosts import look, together
from tests.cluster.openssl import Certificate

BOTH = frozenset({"server", "client"})
SERVER = frozenset({"server"})
CLIENT = frozenset({"client"})
API_NAMES = {
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
    "localhost",
    "10.96.0.1",
    "127.0.0.1",
}


@dataclass(frozen=True)
class Wanted:
    """What a certificate at some path has to be."""

    authority: str
    subject: str
    usages: frozenset[str]
    names: frozenset[str] = frozenset()
    owner: str = "root"


def of_etcd(name: str, address: str) -> dict[str, Wanted]:
    own = {name, address}
    return {
        "/etc/etcd/pki/server.crt": Wanted("etcd", f"CN={name}", BOTH, frozenset({*own, "localhost", "127.0.0.1"}), "etcd"),
        "/etc/etcd/pki/peer.crt": Wanted("etcd", f"CN={name}", BOTH, frozenset(own), "etcd"),
        "/etc/etcd/pki/operator.crt": Wanted("etcd", "CN=root", CLIENT),
    }


def of_master(name: str, address: str) -> dict[str, Wanted]:
    local = frozenset({"localhost", "127.0.0.1"})
    found = {
        "kube-apiserver/serving": Wanted("kubernetes", "CN=kube-apiserver", SERVER, frozenset({name, address, *API_NAMES})),
        "kube-apiserver/etcd-client": Wanted("etcd", "CN=kube-apiserver", CLIENT),
        "kube-apiserver/kubelet-client": Wanted("kubernetes", "CN=kube-apiserver-kubelet-client", CLIENT),
        "kube-apiserver/front-proxy-client": Wanted("front_proxy", "CN=front-proxy-client", CLIENT),
        "kube-controller-manager/client": Wanted("kubernetes", "CN=system:kube-controller-manager", CLIENT),
        "kube-controller-manager/serving": Wanted("kubernetes", "CN=kube-controller-manager", SERVER, local),
        "kube-scheduler/client": Wanted("kubernetes", "CN=system:kube-scheduler", CLIENT),
        "kube-scheduler/serving": Wanted("kubernetes", "CN=kube-scheduler", SERVER, local),
    }
    return {
        f"/etc/kubernetes/{path}.crt": Wanted(it.authority, it.subject, it.usages, it.names, path.split("/", maxsplit=1)[0])
        for path, it in found.items()
    }


def of_node(name: str, address: str, *, store: str) -> dict[str, Wanted]:
    node = f"CN=system:node:{name},O=system:nodes"
    flannel = {
        "kubernetes": ("client", Wanted("kubernetes", f"CN=system:flannel:{name},O=quorate:flannel", CLIENT)),
        "etcd": ("etcd-client", Wanted("etcd", "CN=flannel", CLIENT)),
    }[store]
    return {
        "/etc/kubernetes/kubelet/client.crt": Wanted("kubernetes", node, CLIENT),
        "/etc/kubernetes/kubelet/serving.crt": Wanted("kubernetes", node, SERVER, frozenset({name, address})),
        "/etc/kubernetes/kube-proxy/client.crt": Wanted("kubernetes", "CN=system:kube-proxy", CLIENT),
        f"/etc/kubernetes/flanneld/{flannel[0]}.crt": flannel[1],
    }


@pytest.fixture(scope="module")
def wanted(
    members: Callable[[str], list[str]], addresses: Mapping[str, str], variables: Mapping[str, Mapping[str, Any]], node_names: list[str]
) -> Mapping[str, Mapping[str, Wanted]]:
    """All certificates that each host has to have, and no other."""

    def of(name: str) -> dict[str, Wanted]:
        address = addresses[name]
        found = of_etcd(name, address) if name in members("etcd") else {}
        found |= of_master(name, address) if name in members("masters") else {}
        store = variables[name].get("flannel_store", "kubernetes")
        return found | (of_node(name, address, store=store) if name in node_names else {})

    return {name: of(name) for name in addresses}


@pytest.fixture(scope="module")
def found(hosts: Mapping[str, Host]) -> Mapping[str, Mapping[str, Mapping[str, list[str]]]]:
    """Certificates and (public) keys in all files of each host, wherever they lie."""
    return together(lambda name: look(hosts[name], "keys"), hosts)


@pytest.fixture(scope="module")
def authorities(inventory: Path) -> Mapping[str, str]:
    """The certificates of the authorities as they are on the control node, by name."""
    return {name: (inventory / f"pki/{name}/ca.crt").read_text(encoding="utf-8") for name in ("kubernetes", "etcd", "front_proxy")}


@pytest.fixture(scope="module")
def leaves(found: Mapping[str, Mapping[str, Mapping[str, list[str]]]]) -> Mapping[str, Mapping[str, Certificate]]:
    """What each file that holds certificates of other than authorities says first, by host and path."""

    def read(files: Mapping[str, Mapping[str, list[str]]]) -> dict[str, Certificate]:
        read_files = {path: openssl.read(entry["certificates"][0]) for path, entry in files.items() if entry["certificates"]}
        return {path: certificate for path, certificate in read_files.items() if not certificate.authority}

    return {name: read(files) for name, files in found.items()}


def test_each_host_has_its_certificates_and_no_others(
    leaves: Mapping[str, Mapping[str, Certificate]], wanted: Mapping[str, Mapping[str, Wanted]]
) -> None:
    # Records of the collection keep copies of certificates, never of keys.
    outside = {name: sorted(path for path in files if not path.startswith("/var/lib/quorate/")) for name, files in leaves.items()}
    assert outside == {name: sorted(files) for name, files in wanted.items()}


def test_certificates_name_their_host_and_use_only(
    leaves: Mapping[str, Mapping[str, Certificate]], wanted: Mapping[str, Mapping[str, Wanted]]
) -> None:
    wrong = {
        (name, path): (leaves[name][path].subject, sorted(leaves[name][path].names), sorted(leaves[name][path].usages))
        for name, files in wanted.items()
        for path, it in files.items()
        if (leaves[name][path].subject, leaves[name][path].names, leaves[name][path].usages) != (it.subject, it.names, it.usages)
    }
    assert wrong == {}


@pytest.mark.parametrize("purpose", ["server", "client"])
@pytest.mark.parametrize("authority", ["kubernetes", "etcd", "front_proxy"])
def test_chains_lead_to_the_right_authority(
    leaves: Mapping[str, Mapping[str, Certificate]],
    wanted: Mapping[str, Mapping[str, Wanted]],
    authorities: Mapping[str, str],
    authority: str,
    purpose: str,
) -> None:
    chosen = [
        leaves[name][path].pem
        for name, files in wanted.items()
        for path, it in files.items()
        if it.authority == authority and purpose in it.usages
    ]
    assert chosen or (authority, purpose) == ("front_proxy", "server")
    if chosen:
        assert openssl.verify(chosen, authority=authorities[authority], purpose=purpose) == ""
        others = [name for name in authorities if name != authority]
        assert [name for name in others if openssl.verify(chosen[:1], authority=authorities[name], purpose=purpose) == ""] == []


def test_every_certificate_has_a_key_of_its_own(
    leaves: Mapping[str, Mapping[str, Certificate]],
    found: Mapping[str, Mapping[str, Mapping[str, list[str]]]],
    wanted: Mapping[str, Mapping[str, Wanted]],
) -> None:
    used = Counter(leaves[name][path].public_key for name, files in wanted.items() for path in files)
    assert [key for key, times in used.items() if times > 1] == []
    unmatched = [
        (name, path)
        for name, files in wanted.items()
        for path in files
        if found[name].get(path.replace(".crt", ".key"), {}).get("keys") != [leaves[name][path].public_key]
    ]
    assert unmatched == []


def test_keys_lie_where_they_belong_and_nowhere_else(
    found: Mapping[str, Mapping[str, Mapping[str, list[str]]]],
    wanted: Mapping[str, Mapping[str, Wanted]],
    members: Callable[[str], list[str]],
) -> None:
    """No copy in a kubeconfig, a record, a backup or a folder of temporary files, and no key of an authority."""
    signing = {f"/etc/kubernetes/{program}/service-account.key" for program in ("kube-apiserver", "kube-controller-manager")}
    for name, files in found.items():
        expected = {path.replace(".crt", ".key") for path in wanted[name]} | (signing if name in members("masters") else set())
        assert {path for path, entry in files.items() if entry["keys"]} == expected, name


def keys_of(certificates: Iterable[str]) -> set[str]:
    return {openssl.read(pem).public_key for pem in certificates}


def test_no_key_of_an_authority_is_on_a_host(
    found: Mapping[str, Mapping[str, Mapping[str, list[str]]]], authorities: Mapping[str, str]
) -> None:
    everything = {pem for files in found.values() for entry in files.values() for pem in entry["certificates"]}
    of_authorities = keys_of(authorities.values()) | {it.public_key for it in map(openssl.read, everything) if it.authority}
    assert len(of_authorities) == len(authorities)
    there = {(name, path) for name, files in found.items() for path, entry in files.items() if of_authorities & set(entry["keys"])}
    assert there == set()


def test_keys_and_certificates_belong_to_their_program(hosts: Mapping[str, Host], wanted: Mapping[str, Mapping[str, Wanted]]) -> None:
    modes = together(lambda name: look(hosts[name], "files", "/etc/etcd", "/etc/kubernetes"), hosts)
    wrong = {}
    for name, files in wanted.items():
        for path, it in files.items():
            for which, mode in ((path, "0644"), (path.replace(".crt", ".key"), "0600")):
                entry = modes[name][which]
                if (entry["mode"], entry["owner"], entry["kind"]) != (mode, it.owner, "file"):
                    wrong[(name, which)] = entry
    assert wrong == {}


def test_nobody_on_a_host_is_above_the_rules(leaves: Mapping[str, Mapping[str, Certificate]]) -> None:
    """The group system:masters cannot be revoked, so its certificate stays off the hosts."""
    above = {(name, path) for name, files in leaves.items() for path, it in files.items() if "system:masters" in it.subject}
    assert above == set()
