"""A real API server with etcd and controllers as processes of this machine; nodes and pods are made by hand.

There is no kubelet and no container: what a kubelet would tell of nodes and pods, the test tells.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import ipaddress
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ansible_collections.quorate.kubernetes.lab import paths as lab_paths
from ansible_collections.quorate.kubernetes.plugins.module_utils import _kubernetes
from ansible_collections.quorate.kubernetes.plugins.plugin_utils import _authority

ROOT = Path(__file__).resolve().parents[3]
COLLECTION = "ansible_collections.quorate.kubernetes"
VERSIONS = {"kubernetes": "1.37.1", "etcd": "3.7.3"}
PROGRAMS = (("etcd", "etcd"), ("kubernetes", "kube-apiserver"), ("kubernetes", "kube-controller-manager"), ("kubernetes", "kubectl"))
CONTROLLERS = "deployment-controller,replicaset-controller,disruption-controller,namespace-controller,daemonset-controller"


def program(package: str, name: str) -> Path:
    """A program that the lab built."""
    machine = {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]
    return lab_paths.cache().artifacts / package / VERSIONS[package] / machine / name


# --- certificates ------------------------------------------------------------------------------------------------------


class Authority:
    """The authority of the cluster, in the layout of pki_directory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = _name("kubernetes-ca")
        builder = _builder(self.name, self.name, self.key.public_key()).add_extension(x509.BasicConstraints(True, None), critical=True)
        usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
        self.certificate = builder.add_extension(usage, critical=True).sign(self.key, hashes.SHA256())
        (folder / "kubernetes").mkdir(parents=True)
        self.path = folder / "kubernetes/ca.crt"
        self.path.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))
        (folder / "kubernetes/ca.key").write_bytes(_pem(self.key))

    def issue(self, file: str, *, common_name: str, organization: str = "", address: str = "") -> tuple[Path, Path]:
        """Files of a certificate and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(_name(common_name, organization), self.name, key.public_key())
        usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        if address:
            names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
            builder = builder.add_extension(names, critical=False)
        paths = self.folder / f"{file}.crt", self.folder / f"{file}.key"
        paths[0].write_bytes(builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        paths[1].write_bytes(_pem(key))
        return paths


def _name(common_name: str, organization: str = "") -> x509.Name:
    names = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    if organization:
        names.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    return x509.Name(names)


def _builder(subject: x509.Name, issuer: x509.Name, public_key: Any) -> x509.CertificateBuilder:
    now = datetime.datetime.now(tz=datetime.timezone.utc)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=1))
    )


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())


# --- the cluster -------------------------------------------------------------------------------------------------------


@dataclass
class Cluster:
    """A running API server, and kubectl as an independent eye on it."""

    folder: Path
    server: str
    kubeconfig: Path

    def kubectl(self, *arguments: str, stdin: str = "", check: bool = True) -> str:
        command = [str(program("kubernetes", "kubectl")), "--kubeconfig", str(self.kubeconfig), *arguments]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0 or not check, done.stderr
        return done.stdout

    def get(self, *arguments: str) -> Any:
        """An object or a list as kubectl sees it; None if there is none."""
        return json.loads(self.kubectl("get", *arguments, "--output", "json", "--ignore-not-found") or "null")

    def create(self, *objects: dict[str, Any]) -> None:
        self.kubectl("create", "--filename", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))

    def node(self, name: str, *, ready: bool = True, version: str = "v1.37.1") -> None:
        """A node, and what its kubelet would tell."""
        self.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}})
        # Every new node has a taint that a controller takes away; it asks for leases, which nobody renews here.
        self.kubectl("taint", "node", name, "node.kubernetes.io/not-ready-")
        self.node_status(name, ready=ready, version=version)

    def node_status(self, name: str, *, ready: bool, version: str = "v1.37.1") -> None:
        condition = {"type": "Ready", "status": str(ready), "reason": "KubeletReady" if ready else "KubeletNotReady"}
        condition["message"] = "kubelet is posting ready status" if ready else "cni plugin not initialized"
        status = {"conditions": [condition], "nodeInfo": {"kubeletVersion": version}}
        self.kubectl("patch", "node", name, "--subresource", "status", "--type", "merge", "--patch", json.dumps({"status": status}))

    def pod_status(self, name: str, namespace: str) -> None:
        """What a kubelet would tell of a pod that runs."""
        patch = json.dumps({"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}})
        self.kubectl("patch", "pod", name, "--namespace", namespace, "--subresource", "status", "--type", "merge", "--patch", patch)

    def access(self) -> dict[str, Any]:
        """What a module needs to ask the API server."""
        pair = _authority.AuthorityStore(str(self.folder / "pki")).issue(
            authority="kubernetes", common_name="quorate:installer", organizations=["system:masters"], minutes=30
        )
        return {"server": self.server, "ca": None, "identity": dataclasses.asdict(pair)}

    def client(self) -> _kubernetes.Client:
        """What modules ask the API server with."""
        return _kubernetes.client_of(self.access())

    def run(self, module: str, *, check_mode: bool = False, **arguments: Any) -> dict[str, Any]:
        """The module's result, run as on a host: in a process of its own, with its arguments on standard input."""
        given = {**self.access(), **arguments}
        if module == "manifests":
            given["documents"] = json.dumps(given.pop("objects"))
        given |= {"_ansible_check_mode": check_mode, "_ansible_diff": True, "_ansible_remote_tmp": str(self.folder)}
        code = f"import sys; sys.path[:0] = {sys.path!r}; from {COLLECTION}.plugins.modules import {module}; {module}.main()"
        done = subprocess.run(
            [sys.executable, "-c", code],
            input=json.dumps({"ANSIBLE_MODULE_ARGS": given}),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.stdout, done.stderr
        outcome: dict[str, Any] = json.loads(done.stdout)
        return outcome

    def play(self, module: str, *, check_mode: bool = False, **arguments: Any) -> dict[str, Any]:
        """The module's result, run with its action by Ansible itself; what Ansible displayed is its output."""
        given = {"server": self.server, "pki_directory": str(self.folder / "pki"), **arguments}
        task = {"name": "Run the module", f"quorate.kubernetes.{module}": given, "register": "outcome", "ignore_errors": True}
        tell = {
            "name": "Tell",
            "ansible.builtin.copy": {"content": "{{ outcome | to_json }}", "dest": str(self.folder / "outcome.json"), "mode": "0600"},
        }
        play = {"hosts": "localhost", "gather_facts": False, "connection": "local", "tasks": [task, {**tell, "check_mode": False}]}
        book = self.folder / "play.yml"
        book.write_text(yaml.safe_dump([play]), encoding="utf-8")
        command = ["ansible-playbook", "--diff", *(["--check"] if check_mode else []), "-vvv", str(book)]
        environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=180)
        assert done.returncode == 0, done.stdout + done.stderr
        outcome: dict[str, Any] = json.loads((self.folder / "outcome.json").read_text(encoding="utf-8"))
        return {**outcome, "output": done.stdout + done.stderr}


class Life:
    """What a scheduler and kubelets would do to the pods of a namespace: bind them to an open node, report them running, and let them go."""

    def __init__(self, cluster: Cluster, place: str, *, nodes: list[str]) -> None:
        self._cluster = cluster
        self._place = place
        self._nodes = nodes
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self) -> Life:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._over.wait(0.2):
            # A pod that changes or goes meanwhile is seen again a moment later.
            with contextlib.suppress(AssertionError):
                for pod in (self._cluster.get("pods", "--namespace", self._place) or {}).get("items", []):
                    self._tend(pod)

    def _tend(self, pod: dict[str, Any]) -> None:
        name, place = pod["metadata"]["name"], pod["metadata"]["namespace"]
        node = pod["spec"].get("nodeName")
        if not node:
            self._bind(name, place, pod["spec"].get("affinity"))
        elif node in self._nodes and pod["metadata"].get("deletionTimestamp"):
            self._cluster.kubectl("delete", "pod", name, "--namespace", place, "--grace-period", "0", "--force")
        elif node in self._nodes and pod["status"].get("phase") == "Pending":
            self._cluster.pod_status(name, place)

    def _bind(self, name: str, place: str, affinity: dict[str, Any] | None) -> None:
        if affinity and "nodeAffinity" in affinity:
            # The controller of daemon sets makes a pod for each node, and names the node in this way.
            terms = affinity["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
            chosen = [node for node in terms[0]["matchFields"][0]["values"] if node in self._nodes]
        else:
            chosen = [node for node in self._nodes if not self._cluster.get("node", node)["spec"].get("unschedulable")]
        if chosen:
            target = {"apiVersion": "v1", "kind": "Node", "name": chosen[0]}
            binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": name, "namespace": place}, "target": target}
            path = f"/api/v1/namespaces/{place}/pods/{name}/binding"
            self._cluster.kubectl("create", "--raw", path, "--filename", "-", stdin=json.dumps(binding))


def wait_for(predicate: Callable[[], bool], *, what: str, timeout: float = 60.0) -> None:
    end = time.monotonic() + timeout
    while not predicate():
        assert time.monotonic() < end, f"{what}: not within {timeout:g} s"
        time.sleep(0.2)


@contextlib.contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    """Start everything, and stop it again."""
    authority = Authority(folder / "pki")
    client, peer, port = (_free_port() for _number in range(3))
    server = f"https://127.0.0.1:{port}"
    kubeconfig = _kubeconfig(authority, server, folder / "admin.kubeconfig")
    made = Cluster(folder, server, kubeconfig)
    with contextlib.ExitStack() as stack:
        stack.enter_context(_process(folder, _etcd(folder, client, peer)))
        stack.enter_context(_process(folder, _api_server(authority, client, port)))
        wait_for(lambda: made.kubectl("get", "--raw", "/readyz", check=False) == "ok", what="kube-apiserver")
        stack.enter_context(_process(folder, _controllers(kubeconfig)))
        yield made


def _etcd(folder: Path, client: int, peer: int) -> list[str]:
    flags = {
        "data-dir": folder / "etcd",
        "listen-client-urls": f"http://127.0.0.1:{client}",
        "advertise-client-urls": f"http://127.0.0.1:{client}",
        "listen-peer-urls": f"http://127.0.0.1:{peer}",
        "initial-advertise-peer-urls": f"http://127.0.0.1:{peer}",
        "initial-cluster": f"default=http://127.0.0.1:{peer}",
        "unsafe-no-fsync": "true",
    }
    return [str(program("etcd", "etcd")), *(f"--{name}={value}" for name, value in flags.items())]


def _api_server(authority: Authority, etcd: int, port: int) -> list[str]:
    certificate, key = authority.issue("apiserver", common_name="kube-apiserver", address="127.0.0.1")
    flags = {
        "etcd-servers": f"http://127.0.0.1:{etcd}",
        "bind-address": "127.0.0.1",
        "secure-port": port,
        "tls-cert-file": certificate,
        "tls-private-key-file": key,
        "client-ca-file": authority.path,
        "service-account-issuer": "https://kubernetes.default.svc",
        "service-account-key-file": key,
        "service-account-signing-key-file": key,
        "authorization-mode": "Node,RBAC",
        "service-cluster-ip-range": "10.96.0.0/16",
        # There is no controller that makes service accounts' tokens, and pods are not really run.
        "disable-admission-plugins": "ServiceAccount",
    }
    return [str(program("kubernetes", "kube-apiserver")), *(f"--{name}={value}" for name, value in flags.items())]


def _controllers(kubeconfig: Path) -> list[str]:
    flags = {"kubeconfig": kubeconfig, "controllers": CONTROLLERS, "leader-elect": "false", "secure-port": _free_port()}
    return [str(program("kubernetes", "kube-controller-manager")), *(f"--{name}={value}" for name, value in flags.items())]


def _kubeconfig(authority: Authority, server: str, path: Path) -> Path:
    certificate, key = authority.issue("admin", common_name="admin", organization="system:masters")
    text = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "clusters": [{"name": "test", "cluster": {"server": server, "certificate-authority": str(authority.path)}}],
        "users": [{"name": "test", "user": {"client-certificate": str(certificate), "client-key": str(key)}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
    }
    path.write_text(yaml.safe_dump(text), encoding="utf-8")
    return path


@contextlib.contextmanager
def _process(folder: Path, command: list[str]) -> Iterator[None]:
    with (
        (folder / f"{Path(command[0]).name}.log").open("wb") as log,
        subprocess.Popen(command, stdout=log, stderr=log, cwd=folder) as process,
    ):
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
