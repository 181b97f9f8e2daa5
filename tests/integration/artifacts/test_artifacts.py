"""The role artifacts against a web server that has the official layout. Hosts are folders of this machine."""

from __future__ import annotations

import hashlib
import http.server
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
CATALOGUE: dict[str, Any] = yaml.safe_load((ROOT / "roles/artifacts/vars/main.yml").read_text())["__artifacts_catalogue"]
VERSIONS = {"kubernetes": "1.37.1", "etcd": "3.7.3", "containerd": "2.4.2", "runc": "1.3.4", "cni_plugins": "1.9.1"}
VERSIONS |= {"flannel": "0.28.4", "flannel_cni": "1.9.1-flannel1", "pause": "3.10", "coredns": "1.15.0"}
# A fresh host of the other architecture.
ARM = {"run": "this", "platform": {"architecture": "arm64"}, "artifacts": {}}
PLAYBOOK = """
- hosts: all
  gather_facts: false
  any_errors_fatal: true
  tasks:
    - name: Observe the host
      quorate.kubernetes.host_facts:
      when: host_observation is not defined

    - name: Fetch the programs
      ansible.builtin.import_role:
        name: quorate.kubernetes.artifacts
      vars:
        artifacts_state: fetched

- hosts: host_lacks_artifacts
  gather_facts: false
  any_errors_fatal: true
  tasks:
    - name: Bring the programs
      ansible.builtin.import_role:
        name: quorate.kubernetes.artifacts
"""
# Without the role, a topology or an observation.
ALONE = """
- hosts: all
  gather_facts: false
  tasks:
    - name: Bring a program
      quorate.kubernetes.artifacts:
        packages:
          tool:
            version: "1"
            files:
              tool: {link: true}
        architecture: amd64
        destination: "{{ playbook_dir }}/opt"
        links: "{{ playbook_dir }}/bin"
        source: directory
        directory: "{{ playbook_dir }}/artifacts"
        cache: "{{ playbook_dir }}/cache"
"""


def content(package: str, architecture: str, file: str) -> bytes:
    """What the server has for a program: large enough to be sent in several blocks."""
    return f"{package} {file} {VERSIONS[package]} {architecture}\n".encode() * 40_000


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class Upstream(http.server.ThreadingHTTPServer):
    """All official sources: /HOST/PATH is what https://HOST/PATH would be."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.url = f"http://127.0.0.1:{self.server_port}/"
        for name, package in CATALOGUE.items():
            for architecture in ("amd64", "arm64"):
                self._publish(name, package, architecture)

    def _publish(self, name: str, package: dict[str, Any], architecture: str) -> None:
        def path(template: str, file: str) -> str:
            return template.removeprefix("https://").format(version=VERSIONS[name], architecture=architecture, file=file)

        contents = {file: content(name, architecture, file) for file in package["files"]}
        if "member" in package:
            stream = io.BytesIO()
            with tarfile.open(fileobj=stream, mode="w:gz", compresslevel=1) as archive:
                for file, data in contents.items():
                    member = tarfile.TarInfo(path(package["member"], file))
                    member.size = len(data)
                    archive.addfile(member, io.BytesIO(data))
            published = {path(package["url"], ""): stream.getvalue()}
        else:
            published = {path(package["url"], file): data for file, data in contents.items()} if "url" in package else {}
        self.files |= published
        if "checksum" in package:
            for file in contents:
                listed = path(package["checksum"], file)
                lines = [f"{sha256(data)}  {url.rsplit('/', 1)[1]}\n" for url, data in published.items() if listed != url]
                bare = listed.removesuffix(".sha256")
                self.files[listed] = (
                    sha256(published[bare]).encode() if bare in published else self.files.get(listed, b"") + "".join(lines).encode()
                )

    def mirror(self, architecture: str) -> str:
        """The same programs, as a mirror has them."""
        for name, package in CATALOGUE.items():
            for file in package["files"]:
                self.files[f"mirror/{name}/{VERSIONS[name]}/{architecture}/{file}"] = content(name, architecture, file)
        return self.url + "mirror"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Upstream

    def do_GET(self) -> None:
        self.server.asked.append(f"{self.command} {self.path[1:]}")
        data = self.server.files.get(self.path[1:])
        self.send_response(404 if data is None else 200)
        self.send_header("Content-Length", str(len(data or b"")))
        self.end_headers()
        if data and self.command == "GET":
            self.wfile.write(data)

    do_HEAD = do_GET  # noqa: N815 - the name that http.server looks for

    def log_message(self, *_arguments: Any) -> None:
        """Not a word."""


class Site:
    """An inventory, whose hosts share this machine but not their folders."""

    def __init__(self, folder: Path, upstream: Upstream) -> None:
        self.folder = folder
        self.upstream = upstream
        self.lock = folder / "inventory/artifacts.lock.txt"
        self.hosts: dict[str, dict[str, Any]] = {}
        (folder / "inventory").mkdir()
        (folder / "state").mkdir()
        (folder / "play.yml").write_text(PLAYBOOK)
        # Same table, other addresses, and no links: /usr/local/bin is this machine's.
        self._extra = {name: self._local(package) for name, package in CATALOGUE.items()}

    def _local(self, package: dict[str, Any]) -> dict[str, Any]:
        addresses: dict[str, Any] = {
            key: package[key].replace("https://", self.upstream.url) for key in ("url", "checksum") if key in package
        }
        return {**addresses, "files": {file: {"link": False} for file in package["files"]}}

    def host(self, name: str, *kinds: str, **variables: Any) -> None:
        topology = {
            "run": "this",
            "hosts": {name: {"kinds": list(kinds)}},
            "versions": VERSIONS,
            "binaries": {"kubernetes": f"{self.folder}/{name}/kubernetes/1"},
        }
        common = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, "ansible_remote_tmp": f"{self.folder}/tmp"}
        self.hosts[name] = {**common, "cluster_topology": topology, **variables}

    def run(self, *arguments: str, code: int = 0, **variables: Any) -> str:
        (self.folder / "inventory/hosts.json").write_text(json.dumps({"all": {"hosts": self.hosts}}))
        words = ["ansible-playbook", "-v", "-i", str(self.folder / "inventory"), str(self.folder / "play.yml"), *arguments]
        extra = {"artifacts_extra": self._extra, "artifacts_cache": str(self.folder / "cache"), **variables}
        # What the collection records about this machine stays in the mount namespace of the run.
        isolated = ["unshare", "--mount", "sh", "-c", f'mount --bind {self.folder}/state /var/lib && exec "$@"', "sh"]
        environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "no_proxy": "*"}
        environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
        done = subprocess.run(
            [*isolated, *words, "--extra-vars", json.dumps(extra)],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        assert "[WARNING]" not in done.stderr, done.stderr
        return done.stdout

    def installed(self, name: str) -> set[str]:
        return {str(path.relative_to(self.folder / name)) for path in (self.folder / name).glob("*/*/*")}


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    server = Upstream()
    threading.Thread(target=server.serve_forever, args=[0.05], daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def site(tmp_path: Path, upstream: Upstream) -> Site:
    if os.geteuid() != 0 or not shutil.which("unshare"):
        pytest.skip("needs root and unshare, so that the records of the host are not those of this machine")
    return Site(tmp_path, upstream)


def counts(output: str, host: str) -> dict[str, int]:
    recap = next(line for line in output.splitlines() if re.match(rf"{host} +:", line))
    return {key: int(number) for key, number in re.findall(r"(\w+)=(\d+)", recap)}


def executions(output: str) -> list[int]:
    return [int(number) for number in re.findall(r"executions: (\d+)", output)]


def test_official(site: Site, upstream: Upstream) -> None:
    """Check mode, fresh, again, altered, again."""
    site.host("etcd1", "etcd")

    output = site.run("--check", "--diff")
    assert "+ " in output
    assert "etcd/3.7.3/etcdutl (sha256 not known before the download" in output
    assert counts(output, "etcd1")["changed"] == 1
    assert not [entry for entry in upstream.asked if entry.startswith("GET") and entry.endswith(".gz")]
    assert not site.lock.exists()
    assert site.installed("etcd1") == set()
    assert not list(site.folder.glob("cache/official"))

    output = site.run()
    assert counts(output, "etcd1")["changed"] == 1
    assert executions(output) == [0, 1]
    assert site.installed("etcd1") == {"etcd/3.7.3/etcd", "etcd/3.7.3/etcdctl", "etcd/3.7.3/etcdutl"}
    path = site.folder / "etcd1/etcd/3.7.3/etcdctl"
    assert path.read_bytes() == content("etcd", "amd64", "etcdctl")
    assert path.stat().st_mode & 0o7777 == 0o755
    sums = subprocess.run(["sha256sum", "--check", "--quiet", site.lock], cwd=site.folder / "cache/official", check=False)
    assert sums.returncode == 0, "sha256sum does not agree with the lock file"
    assert not list(site.folder.glob("cache/bundles/*"))
    assert not list(site.folder.glob("tmp/*"))

    upstream.asked.clear()
    shutil.rmtree(site.folder / "cache")
    output = site.run()
    assert counts(output, "etcd1")["changed"] == 0
    assert executions(output) == [0]
    assert upstream.asked == [], "a host that has everything needs no source"

    path.write_bytes(b"altered")
    inode = (path.parent / "etcd").stat().st_ino
    output = site.run("--diff")
    assert re.findall(r"^[+~] .*", output, re.M) == [next(line for line in output.splitlines() if line.startswith(f"~ {path} (sha256"))]
    assert path.read_bytes() == content("etcd", "amd64", "etcdctl")
    assert (path.parent / "etcd").stat().st_ino == inode
    assert counts(site.run(), "etcd1")["changed"] == 0


def test_every_kind_and_architecture(site: Site) -> None:
    """What upstream's layout has for both architectures arrives; hosts of one kind share what was packed."""
    site.host("master1", "master", "node")
    site.host("worker1", "worker", "node", host_observation=ARM)
    site.run()
    assert (site.folder / "master1/kubernetes/1.37.1/kube-apiserver").read_bytes() == content("kubernetes", "amd64", "kube-apiserver")
    assert (site.folder / "worker1/flannel_cni/1.9.1-flannel1/flannel").read_bytes() == content("flannel_cni", "arm64", "flannel")
    assert (site.folder / "worker1/cni_plugins/1.9.1/portmap").read_bytes() == content("cni_plugins", "arm64", "portmap")
    assert len(site.installed("master1")) == 17
    assert len(site.installed("worker1")) == 13


def test_a_wrong_file_for_one_host_stops_all(site: Site, upstream: Upstream) -> None:
    site.host("etcd1", "etcd")
    site.host("worker1", "worker", "node", host_observation=ARM)
    path = next(path for path in upstream.files if path.endswith("runc.arm64"))
    upstream.files[path] = b"tampered"
    output = site.run(code=2)
    assert "runc.sha256sum says" in output
    assert site.installed("etcd1") == set()
    assert not site.lock.exists() or "runc" not in site.lock.read_text()


def test_pull_from_a_mirror(site: Site, upstream: Upstream) -> None:
    site.host("etcd1", "etcd")
    settings: dict[str, Any] = {"artifacts_source": "mirror", "artifacts_mirror": upstream.mirror("amd64"), "artifacts_delivery": "pull"}
    output = site.run(**settings)
    assert executions(output) == [0, 1]
    assert (site.folder / "etcd1/etcd/3.7.3/etcd").read_bytes() == content("etcd", "amd64", "etcd")
    assert counts(site.run(**settings), "etcd1")["changed"] == 0
    (site.folder / "etcd1/etcd/3.7.3/etcd").unlink()
    upstream.files["mirror/etcd/3.7.3/amd64/etcd"] = b"tampered"
    output = site.run(code=2, **settings)
    assert "Put the file that is pinned on the mirror" in output
    assert "etcd/3.7.3/etcd" not in site.installed("etcd1")


def test_images_from_a_folder(site: Site) -> None:
    folder = site.folder / "artifacts"
    for name, package in CATALOGUE.items():
        for file in package["files"]:
            path = folder / name / VERSIONS[name] / "amd64" / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content(name, "amd64", file))
    site.host("worker1", "worker", "node")
    settings: dict[str, Any] = {"artifacts_source": "directory", "artifacts_directory": str(folder)}
    site.run(**settings)
    image = site.folder / "worker1/pause/3.10/pause.tar"
    assert image.read_bytes() == content("pause", "amd64", "pause.tar")
    assert image.stat().st_mode & 0o7777 == 0o644
    assert counts(site.run(**settings), "worker1")["changed"] == 0

    (folder / "runc/1.3.4/amd64/runc").write_bytes(b"another build of the same version")
    for arguments in (["--check"], []):
        assert "runc/1.3.4/amd64/runc:" in site.run(*arguments, code=2, **settings)


def test_module_alone(site: Site) -> None:
    """Without a fact the host is asked first."""
    site.host("host1")
    (site.folder / "play.yml").write_text(ALONE)
    source = site.folder / "artifacts/tool/1/amd64/tool"
    source.parent.mkdir(parents=True)
    source.write_bytes(b"tool")
    link = site.folder / "bin/tool"

    assert executions(site.run("--check")) == [1]
    assert not (site.folder / "opt").exists()
    output = site.run()
    assert executions(output) == [2]
    assert link.resolve().read_bytes() == b"tool"
    output = site.run()
    assert executions(output) == [1]
    assert counts(output, "host1")["changed"] == 0

    link.unlink()
    link.write_text("someone's")
    assert counts(site.run(), "host1")["changed"] == 0
    assert link.read_text() == "someone's"
