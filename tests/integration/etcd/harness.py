"""A cluster of real etcd processes on this machine, and the modules run as Ansible runs them."""

from __future__ import annotations

import base64
import contextlib
import datetime
import ipaddress
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ansible_collections.quorate.kubernetes.lab import paths as lab_paths

NEWER, OLDER = "3.7.3", "3.6.16"


def binaries(version: str) -> Path:
    """Folder of etcd, etcdctl and etcdutl."""
    if chosen := os.environ.get("QUORATE_ETCD_BINARIES"):
        return Path(chosen) / version
    machine = {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]
    return lab_paths.cache().artifacts / "etcd" / version / machine


# --- certificates ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Authority:
    """A CA in a folder, that issues leaves beside itself."""

    folder: Path
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @property
    def path(self) -> Path:
        return self.folder / "ca.crt"

    def found(self) -> Authority:
        self.folder.mkdir(parents=True, exist_ok=True)
        name = _name("etcd-ca")
        builder = _builder(subject=name, issuer=name, key=self.key).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        self.path.write_bytes(builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        return self

    def issue(self, file: str, *, subject: str, addresses: list[str]) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH] if addresses else [ExtendedKeyUsageOID.CLIENT_AUTH]
        builder = _builder(subject=_name(subject), issuer=_name("etcd-ca"), key=key).add_extension(
            x509.ExtendedKeyUsage(usages), critical=False
        )
        if addresses:
            names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address)) for address in addresses])
            builder = builder.add_extension(names, critical=False)
        (self.folder / f"{file}.crt").write_bytes(builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        (self.folder / f"{file}.key").write_bytes(private)


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _builder(*, subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.timezone.utc)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=1))
    )


# --- processes ---------------------------------------------------------------------------------------------------------


@dataclass
class Host:
    """A host of etcd: an address of the loopback network, a data directory, a process or none."""

    name: str
    address: str
    folder: Path
    pki: Path
    version: str = NEWER
    flags: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def client(self) -> str:
        return f"https://{self.address}:2379"

    @property
    def peer(self) -> str:
        return f"https://{self.address}:2380"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def start(self, *, cluster: str = "", state: str = "existing", token: str = "token") -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        flags = {
            "name": self.name,
            "data-dir": str(self.data),
            "listen-client-urls": self.client,
            "advertise-client-urls": self.client,
            "listen-peer-urls": self.peer,
            "initial-advertise-peer-urls": self.peer,
            "initial-cluster": cluster or f"{self.name}={self.peer}",
            "initial-cluster-state": state,
            "initial-cluster-token": token,
            "client-cert-auth": "true",
            "peer-client-cert-auth": "true",
            "feature-gates": "InitialCorruptCheck=true",
            **{f"{kind}trusted-ca-file": str(self.pki / "ca.crt") for kind in ("", "peer-")},
            **{f"{kind}cert-file": str(self.pki / f"{self.name}.crt") for kind in ("", "peer-")},
            **{f"{kind}key-file": str(self.pki / f"{self.name}.key") for kind in ("", "peer-")},
            **self.flags,
        }
        with (self.folder / "log").open("ab") as log:
            arguments = [str(binaries(self.version) / "etcd"), *(f"--{flag}={value}" for flag, value in flags.items())]
            self.process = subprocess.Popen(arguments, stdout=log, stderr=log, start_new_session=True)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        if self.process:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(number)
            self.process.wait(60)
        self.process = None

    def freeze(self) -> None:
        """A member that neither answers nor closes its connections, as behind a broken network."""
        assert self.process
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self.process
        self.process.send_signal(signal.SIGCONT)

    def wipe(self) -> None:
        shutil.rmtree(self.data)

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()


@dataclass(frozen=True)
class Event:
    """A write that a watcher was told of."""

    revision: int
    value: str


def _events(line: str) -> list[Event]:
    pairs = [event["kv"] for event in json.loads(line)["Events"] or []]
    return [Event(int(pair["mod_revision"]), base64.b64decode(pair["value"]).decode()) for pair in pairs]


@dataclass
class Cluster:
    """Hosts of etcd that share a CA."""

    folder: Path
    network: str
    authority: Authority
    hosts: dict[str, Host] = field(default_factory=dict)

    def host(self, name: str, *, version: str = NEWER) -> Host:
        """A host by name, made when it is first asked for."""
        if name not in self.hosts:
            address = f"{self.network}.{len(self.hosts) + 1}"
            # Processes of one machine reach each other from 127.0.0.1, and members check each other's address.
            self.authority.issue(name, subject=name, addresses=[address, "127.0.0.1"])
            self.hosts[name] = Host(name, address, self.folder / name, self.authority.folder, version)
        return self.hosts[name]

    def found(self, *names: str, version: str = NEWER, token: str = "token", flags: dict[str, str] | None = None) -> list[Host]:
        hosts = [self.host(name, version=version) for name in names]
        for host in hosts:
            host.flags = dict(flags or {})
            host.start(cluster=",".join(f"{one.name}={one.peer}" for one in hosts), state="new", token=token)
        until(lambda: all(self.is_ready(host) for host in hosts), "a new cluster is ready")
        return hosts

    def etcdctl(
        self, *arguments: str, host: Host | None = None, check: bool = True, certificate: str = "operator", everywhere: bool = False
    ) -> str:
        """etcdctl as an operator runs it: the tests' own look at the cluster, independent of the modules."""
        running = host or self.running[0]
        environment = self._environment(list(self.hosts.values()) if everywhere else [running], certificate)
        program = str(binaries(running.version) / "etcdctl")
        done = subprocess.run([program, *arguments], env=environment, capture_output=True, text=True, timeout=30, check=False)
        if check and done.returncode != 0:
            raise AssertionError(f"etcdctl {arguments}: {done.stderr}")
        return done.stdout if done.returncode == 0 else done.stderr

    @property
    def running(self) -> list[Host]:
        return [host for host in list(self.hosts.values()) if host.process]

    def _environment(self, hosts: list[Host], certificate: str) -> dict[str, str]:
        pki = self.authority.folder
        return {
            **os.environ,
            "ETCDCTL_CACERT": str(pki / "ca.crt"),
            "ETCDCTL_CERT": str(pki / f"{certificate}.crt"),
            "ETCDCTL_KEY": str(pki / f"{certificate}.key"),
            "ETCDCTL_ENDPOINTS": ",".join(host.client for host in hosts),
        }

    @contextlib.contextmanager
    def watching(self, prefix: str) -> Iterator[Callable[[], list[Event]]]:
        """Watch the keys of a prefix from the first revision on, at any of the members that run; yields what tells the events until then.

        As clients do, it goes on after the last event where a watch ends, since its member was without a leader for some seconds.
        """
        output, stop = self.folder / "events", threading.Event()
        output.touch()

        def told() -> list[Event]:
            return [event for line in output.read_text().splitlines(keepends=True) if line.endswith("\n") for event in _events(line)]

        def watch() -> None:
            with output.open("ab") as events, (self.folder / "watch.log").open("ab") as log:
                while not stop.is_set():
                    hosts, next_one = self.running, max((event.revision for event in told()), default=0) + 1
                    program = str(binaries(hosts[0].version) / "etcdctl")
                    command = [program, "watch", "--prefix", prefix, f"--rev={next_one}", "--write-out=json"]
                    process = subprocess.Popen(command, env=self._environment(hosts, "operator"), stdout=events, stderr=log)
                    while process.poll() is None and not stop.wait(0.05):
                        pass
                    process.kill()
                    process.wait()

        with ThreadPoolExecutor(1) as pool:
            watcher = pool.submit(watch)
            try:
                yield told
            finally:
                stop.set()
            watcher.result()

    def members(self, host: Host | None = None) -> dict[str, str]:
        """Voter or learner, by name."""
        entries = json.loads(self.etcdctl("member", "list", "-w", "json", host=host))["members"]
        return {entry.get("name", ""): "learner" if entry.get("isLearner") else "voter" for entry in entries}

    def cluster_id(self, host: Host | None = None) -> int:
        return int(json.loads(self.etcdctl("member", "list", "-w", "json", host=host))["header"]["cluster_id"])

    def leader(self) -> Host:
        for host in self.hosts.values():
            if host.process:
                status = json.loads(self.etcdctl("endpoint", "status", "-w", "json", host=host))[0]["Status"]
                if status["leader"] == status["header"]["member_id"]:
                    return host
        raise AssertionError("no host leads")

    def is_ready(self, host: Host) -> bool:
        """Whether a read through the quorum succeeds on it; etcdctl then prints nothing, as there is no such key."""
        return self.etcdctl("get", "nothing", host=host, check=False) == ""

    def module(self, module: str, /, *, check: bool = False, via: Host | None = None, **arguments: Any) -> dict[str, Any]:
        """Run a module of etcd against this cluster, as if on the host `via`."""
        on = via or next(iter(self.hosts.values()))
        pki = self.authority.folder
        connection = {
            "endpoint": on.client,
            "endpoints": [host.client for host in self.hosts.values()],
            "ca": str(pki / "ca.crt"),
            "certificate": str(pki / "operator.crt"),
            "key": str(pki / "operator.key"),
            "etcdctl": str(binaries(on.version) / "etcdctl"),
        }
        return run_module(module, check=check, arguments={**connection, **arguments})

    def stop(self) -> None:
        for host in self.hosts.values():
            with contextlib.suppress(ProcessLookupError):
                host.stop(signal.SIGKILL)


def run_module(name: str, *, check: bool, arguments: dict[str, Any]) -> dict[str, Any]:
    """Run a module in a process of its own, with its arguments on standard input."""
    task = {"ANSIBLE_MODULE_ARGS": {**arguments, "_ansible_check_mode": check, "_ansible_diff": True, "_ansible_remote_tmp": "/tmp"}}
    code = (
        f"import sys; sys.path[:0] = {sys.path!r}; from ansible_collections.quorate.kubernetes.plugins.modules import {name}; {name}.main()"
    )
    done = subprocess.run([sys.executable, "-c", code], input=json.dumps(task), capture_output=True, text=True, timeout=180, check=False)
    try:
        result: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        raise AssertionError(f"{name} gave no result: {done.stdout}\n{done.stderr}") from None
    assert done.returncode == (1 if result.get("failed") else 0), done.stderr
    return result


def until(holds: Callable[[], bool], what: str, *, timeout: float = 30) -> None:
    end = time.monotonic() + timeout
    while not holds():
        assert time.monotonic() < end, f"Not within {timeout:g} s: {what}"
        time.sleep(0.1)


@contextlib.contextmanager
def network(folder: Path) -> Iterator[Cluster]:
    """An empty cluster on loopback addresses of its own; all its processes end with it."""
    number = os.getpid() * 7 + int(time.monotonic() * 1000)
    authority = Authority(folder / "pki").found()
    for client, user in (("operator", "root"), ("flannel", "flannel"), ("kube-apiserver", "kube-apiserver")):
        authority.issue(client, subject=user, addresses=[])
    cluster = Cluster(folder, f"127.{number % 200 + 20}.{number // 200 % 250}", authority)
    try:
        yield cluster
    finally:
        cluster.stop()


@contextlib.contextmanager
def writing(cluster: Cluster) -> Iterator[list[str]]:
    """Somebody who writes all the time, to any member, and somebody who watches; yields the values that etcd acknowledged.

    In the end none of them is lost, and the watcher was told of each once and in their order. A write whose answer was lost may be there as well.
    """
    acknowledged: list[str] = []
    stop = threading.Event()

    def write() -> int:
        number = 0
        # Not as fast as it can: the members share the processor with it.
        while not stop.wait(0.05):
            value = str(number)
            if cluster.etcdctl("put", f"probe/{value}", value, everywhere=True, check=False).strip() == "OK":
                acknowledged.append(value)
            number += 1
        return number

    with cluster.watching("probe/") as events, ThreadPoolExecutor(1) as pool:
        writer = pool.submit(write)
        try:
            yield acknowledged
        finally:
            stop.set()
        tried = writer.result()
        until(lambda: any(event.value == acknowledged[-1] for event in events()), "the watcher is told of the last write")
        seen = events()
    kept = cluster.etcdctl("get", "probe/", "--prefix", "--print-value-only").split()
    assert set(acknowledged) <= set(kept), "an acknowledged write was lost"
    certain = set(acknowledged)
    assert [event.value for event in seen if event.value in certain] == acknowledged
    others = [event.value for event in seen if event.value not in certain]
    assert len(others) == len(set(others))
    assert set(others) <= {str(number) for number in range(tried)}
    revisions = [event.revision for event in seen]
    assert revisions == sorted(set(revisions))
