"""The role pki on this machine, which sees an /etc and a /var/lib of its own; checked with openssl."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
INVENTORY = "all: {hosts: {m1: {ansible_connection: local, ansible_python_interpreter: '{{ ansible_playbook_python }}'}}}"
# A copy of /etc, so that users can be made, and an empty /var/lib, both seen by the test only.
ISOLATE = """
set -eu
mkdir "$0/private"
mount -t tmpfs tmpfs "$0/private"
cp -a /etc "$0/private/etc"
mount --bind "$0/private/etc" /etc
mount -t tmpfs tmpfs /var/lib
echo ready
read -r _
"""
PASSPHRASE = "correct horse"


@dataclasses.dataclass
class Machine:
    """A host and control node in one."""

    folder: Path
    pid: int
    runs: int = 0

    def run(self, *arguments: str, text: str = "") -> str:
        command = ["nsenter", "--mount", f"--target={self.pid}", *arguments]
        environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_FORCE_COLOR": "0"}
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False, cwd=ROOT, env=environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def play(self, *arguments: str) -> str:
        self.runs += 1
        ansible = str(Path(sys.executable).parent / "ansible-playbook")
        playbook = str(Path(__file__).parent / "playbook.yml")
        given = {"run": self.runs, "inventory": self.folder, "pki_passphrase": PASSPHRASE}
        given["pki_break_glass_kubeconfig"] = f"{self.folder}/break-glass.kubeconfig"
        variables = [f"--extra-vars={name}='{value}'" for name, value in given.items()]
        return self.run(ansible, "-i", str(self.folder / "hosts.yml"), playbook, "--diff", *variables, *arguments)

    def tree(self) -> set[str]:
        """All files that the role writes, with mode and content."""
        places = ["/etc/etcd", "/etc/kubernetes", "/var/lib/quorate", f"{self.folder}/pki", *map(str, self.folder.glob("*.kubeconfig"))]
        script = (
            'for place; do [ ! -e "$place" ] || find "$place" -type f ! -name digests.json -printf "%m %u %p " -exec sha256sum {} +; done'
        )
        return set(self.run("sh", "-c", script, "sh", *places).splitlines())


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    if os.geteuid() != 0:
        pytest.skip("only root can have an /etc of its own")
    folder = tmp_path_factory.mktemp("inventory")
    (folder / "hosts.yml").write_text(INVENTORY)
    with subprocess.Popen(
        ["unshare", "--mount", "sh", "-c", ISOLATE, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdin
        assert process.stdout.readline() == "ready\n"
        yield Machine(folder, process.pid)
        process.stdin.close()


def changed(output: str) -> int:
    return sum(int(number) for number in re.findall(r"changed=(\d+)", output))


def planned(output: str) -> list[str]:
    return re.findall(r"^(?:make|renew|write|set|encrypt) .*", output, re.MULTILINE)


def certificates(machine: Machine) -> list[str]:
    found = machine.run("find", "/etc/etcd", "/etc/kubernetes", "-name", "*.crt", "!", "-name", "*ca*.crt").split()
    assert len(found) == 15
    return found


def text(machine: Machine, path: str) -> str:
    return machine.run("openssl", "x509", "-noout", "-text", "-in", path)


def test_check_mode_on_a_fresh_host_plans_all_and_writes_nothing(machine: Machine) -> None:
    output = machine.play("--check")
    assert machine.tree() == set()
    assert len(planned(output)) == 18 + 15 + 5 + 2
    assert planned(machine.play()) == planned(output)


def test_again_nothing_changes(machine: Machine) -> None:
    before = machine.tree()
    assert changed(machine.play()) == 0
    assert machine.tree() == before


def test_no_secret_was_shown(machine: Machine) -> None:
    output = machine.play("-vvv", "--extra-vars", "address=192.0.2.9")
    assert changed(output) > 0
    assert "PRIVATE KEY" not in output
    assert PASSPHRASE not in re.sub(r"--extra-vars=\S+|ansible-playbook.*", "", output)
    assert changed(machine.play()) > 0


def test_each_certificate_verifies_and_has_a_key_of_its_own(machine: Machine) -> None:
    keys = set()
    for path in certificates(machine):
        found = text(machine, path)
        authority = re.search(r"Issuer: CN = (etcd|kubernetes|front-proxy)-ca-", found)
        assert authority, found
        bundle = {"etcd": "/etc/kubernetes/pki/etcd-ca.crt", "kubernetes": "/etc/kubernetes/pki/ca.crt"}
        bundle["front-proxy"] = "/etc/kubernetes/pki/front-proxy-ca.crt"
        purposes = [("TLS Web Server Authentication", "sslserver"), ("TLS Web Client Authentication", "sslclient")]
        for words, purpose in purposes:
            if words in found:
                machine.run("openssl", "verify", "-x509_strict", "-purpose", purpose, "-CAfile", bundle[authority[1]], path)
        public = machine.run("openssl", "x509", "-noout", "-pubkey", "-in", path)
        assert public == machine.run("openssl", "pkey", "-pubout", "-in", path.replace(".crt", ".key"))
        keys.add(hashlib.sha256(public.encode()).hexdigest())
    assert len(keys) == 15


NAMES = {
    "/etc/etcd/pki/server.crt": ("m1", "DNS:localhost, DNS:m1, IP Address:127.0.0.1, IP Address:192.0.2.1"),
    "/etc/etcd/pki/peer.crt": ("m1", "DNS:m1, IP Address:192.0.2.1"),
    "/etc/etcd/pki/operator.crt": ("root", ""),
    "/etc/kubernetes/kube-apiserver/serving.crt": (
        "kube-apiserver",
        "DNS:kubernetes, DNS:localhost, DNS:m1, IP Address:10.96.0.1, IP Address:127.0.0.1, IP Address:192.0.2.1",
    ),
    "/etc/kubernetes/kube-apiserver/etcd-client.crt": ("kube-apiserver", ""),
    "/etc/kubernetes/kubelet/client.crt": ("system:node:m1", ""),
    "/etc/kubernetes/kubelet/serving.crt": ("system:node:m1", "DNS:m1, IP Address:192.0.2.1"),
    "/etc/kubernetes/kube-proxy/client.crt": ("system:kube-proxy", ""),
}


@pytest.mark.parametrize("path", NAMES)
def test_only_its_own_names(machine: Machine, path: str) -> None:
    found = text(machine, path)
    subject, names = NAMES[path]
    assert re.search(rf"Subject: .*CN = {subject}$", found, re.MULTILINE)
    assert (re.search(r"Alternative Name: \n\s+(.*)", found) or ["", ""])[1] == names


def test_owners_and_modes(machine: Machine) -> None:
    states = machine.run("stat", "--format=%a %U %n", *certificates(machine), *[p[:-3] + "key" for p in certificates(machine)])
    for line in states.splitlines():
        mode, owner, path = line.split()
        assert mode == ("600" if path.endswith(".key") else "644")
        folder = Path(path).parent.name
        own_user = folder.startswith("kube-") and folder != "kube-proxy"
        expected = folder if own_user else "etcd" if re.search("etcd/pki/(server|peer)", path) else "root"
        assert (path, owner) == (path, expected)


def test_authority_keys_are_on_the_control_node_only_and_encrypted(machine: Machine) -> None:
    assert machine.run("sh", "-c", "grep -rlE 'ENCRYPTED PRIVATE KEY' /etc/etcd /etc/kubernetes /var/lib/quorate || true") == ""
    for name in ("kubernetes", "etcd", "front_proxy"):
        opened = machine.run(
            "openssl", "pkey", "-noout", "-text", "-passin", f"pass:{PASSPHRASE}", "-in", f"{machine.folder}/pki/{name}/ca.key"
        )
        assert "prime256v1" in opened


def test_a_renewal_changes_one_certificate_and_keeps_the_key(machine: Machine) -> None:
    before = machine.tree()
    machine.run("sh", "-c", "printf x > /etc/kubernetes/kubelet/client.crt")
    output = machine.play()
    assert planned(output) == ["renew /etc/kubernetes/kubelet/client.crt: it cannot be read"]
    # The certificate only: the record of the key is what it was.
    assert [line for line in machine.tree() - before if "kubelet/client.crt" not in line] == []
    assert changed(machine.play()) == 0


def test_another_directory_of_authorities_stops(machine: Machine) -> None:
    before = machine.tree()
    (machine.folder / "pki").rename(machine.folder / "away")
    with pytest.raises(AssertionError, match="Two different authorities, or one that was lost"):
        machine.play()
    assert not (machine.folder / "pki").exists()
    (machine.folder / "away").rename(machine.folder / "pki")
    assert machine.tree() == before
