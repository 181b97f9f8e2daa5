# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import hashlib
import http.server
import io
import tarfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils import _artifacts
from ansible_collections.quorate.kubernetes.plugins.module_utils._artifacts import Artifact, ArtifactError, Pinned, Target
from ansible_collections.quorate.kubernetes.plugins.plugin_utils._artifact_sources import Resolver

APISERVER, ETCD, ETCDCTL, FLANNEL = b"apiserver" * 999, b"etcd" * 999, b"etcdctl" * 999, b"flannel" * 999


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def archive(files: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as content:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            content.addfile(member, io.BytesIO(text))
    return stream.getvalue()


class Web:
    """A web server that counts what is asked of it."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        web = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                web.asked.append(f"{self.command} {self.path}")
                content = web.files.get(self.path)
                self.send_response(404 if content is None else 200)
                self.send_header("Content-Length", str(len(content or b"")))
                self.end_headers()
                if content and self.command == "GET":
                    self.wfile.write(content)

            do_HEAD = do_GET  # noqa: N815 - the name that http.server looks for

            def log_message(self, *_args: Any) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=[0.05], daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    """The official layout, in small: single files with a bare digest, an archive with a list of digests, one without."""
    monkeypatch.setenv("no_proxy", "*")
    server = Web()
    tgz = archive({"etcd-v1/README": b"", "./etcd-v1/etcd": ETCD, "etcd-v1/etcdctl": ETCDCTL})
    server.files = {
        "/bin/kube-apiserver": APISERVER,
        "/bin/kube-apiserver.sha256": sha256(APISERVER).encode(),
        "/etcd-v1-amd64.tar.gz": tgz,
        "/SHA256SUMS": f"{'0' * 64}  etcd-v1-arm64.tar.gz\n{sha256(tgz)}  etcd-v1-amd64.tar.gz\n".encode(),
        "/flannel.tgz": archive({"flanneld": FLANNEL}),
    }
    yield server
    server.stop()


def catalogue(web: Web) -> dict[str, Any]:
    return {
        "kubernetes": {
            "url": web.url + "/bin/{file}",
            "checksum": web.url + "/bin/{file}.sha256",
            "files": {"kube-apiserver": {"kinds": ["master"]}},
        },
        "etcd": {
            "url": web.url + "/etcd-v{version}-{architecture}.tar.gz",
            "member": "etcd-v{version}/{file}",
            "checksum": web.url + "/SHA256SUMS",
            "files": {"etcd": {"kinds": ["etcd"]}, "etcdctl": {"kinds": ["etcd", "master"]}},
        },
        "flannel": {"url": web.url + "/flannel.tgz", "member": "flanneld", "files": {"flanneld": {"kinds": ["node"]}}},
        "pause": {"files": {"pause.tar": {"kinds": ["image"]}}},
    }


class Play:
    """Settings of a play, and its control node."""

    def __init__(self, web: Web, tmp_path: Path) -> None:
        self.web = web
        self.folder = tmp_path
        self.lock = tmp_path / "lock"
        self.said: list[str] = []
        self.settings: dict[str, Any] = {
            "source": "official",
            "mirror": "",
            "directory": "",
            "cache": str(tmp_path / "cache"),
            "delivery": "push",
            "lock_file": str(self.lock),
        }

    def expand(self, *kinds: str | None) -> tuple[Artifact, ...]:
        target = Target(
            kinds=None if kinds == (None,) else frozenset(kind for kind in kinds if kind),
            versions=dict.fromkeys(catalogue(self.web), "1"),
            architecture="amd64",
            destination="/opt/quorate",
            images=False,
        )
        return _artifacts.expand(catalogue(self.web), target)

    def resolve(self, *kinds: str, check: bool = False, observed: Mapping[str, str] | None = None, **changes: Any) -> dict[str, Pinned]:
        self.settings.update(changes)
        resolver = Resolver(self.settings, check=check, progress=self.said.append)
        found = resolver.resolve(self.expand(*kinds), everything=self.expand(None), observed=observed or {})
        return {entry.artifact.file: entry for entry in found}


@pytest.fixture
def play(web: Web, tmp_path: Path) -> Play:
    return Play(web, tmp_path)


ALL = ("master", "etcd", "node")
CONTENTS = {"kube-apiserver": APISERVER, "etcd": ETCD, "etcdctl": ETCDCTL, "flanneld": FLANNEL}


class TestOfficial:
    def test_all_ways_to_publish(self, play: Play) -> None:
        found = play.resolve(*ALL)
        assert {file: Path(entry.source).read_bytes() for file, entry in found.items()} == CONTENTS
        assert {file: entry.digest for file, entry in found.items()} == {file: sha256(content) for file, content in CONTENTS.items()}
        assert play.lock.read_text().splitlines()[0] == f"{sha256(ETCD)}  etcd/1/amd64/etcd"
        assert len(play.lock.read_text().splitlines()) == 4
        assert f"artifacts: download {play.web.url}/flannel.tgz" in play.said

    def test_nothing_is_downloaded_twice(self, play: Play) -> None:
        hosts = [threading.Thread(target=play.resolve, args=ALL) for _host in range(4)]
        for host in hosts:
            host.start()
        for host in hosts:
            host.join()
        play.resolve(*ALL)
        assert sorted(play.web.asked) == sorted(f"GET {path}" for path in play.web.files)

    def test_an_archive_is_unpacked_for_all_kinds(self, play: Play) -> None:
        play.resolve("master")
        play.web.asked.clear()
        assert set(play.resolve("etcd")) == {"etcd", "etcdctl"}
        assert play.web.asked == []

    def test_a_host_with_all_files_needs_no_source(self, play: Play) -> None:
        play.resolve(*ALL)
        observed = {artifact.path: sha256(CONTENTS[artifact.file]) for artifact in play.expand(*ALL)}
        play.web.asked.clear()
        found = play.resolve(*ALL, observed=observed, cache=str(play.folder / "another"))
        assert [entry.digest for entry in found.values()] == list(observed.values())
        assert play.web.asked == []

    def test_damaged_cache_is_mended(self, play: Play) -> None:
        path = Path(play.resolve("master")["kube-apiserver"].source)
        path.write_bytes(b"damaged")
        assert Path(play.resolve("master")["kube-apiserver"].source).read_bytes() == APISERVER

    def test_wrong_checksum(self, play: Play) -> None:
        play.web.files["/bin/kube-apiserver"] = b"tampered"
        with pytest.raises(ArtifactError, match=f"has SHA-256 {sha256(b'tampered')}, but .*kube-apiserver.sha256 says {sha256(APISERVER)}"):
            play.resolve("master")
        assert not play.lock.exists()
        assert not list(play.folder.glob("cache/**/kube-apiserver"))

    def test_wrong_archive(self, play: Play) -> None:
        play.web.files["/etcd-v1-amd64.tar.gz"] += b"tampered"
        with pytest.raises(ArtifactError, match="SHA256SUMS says"):
            play.resolve("etcd")
        assert not [path for path in play.folder.glob("cache/official/**/*") if path.is_file()]

    def test_upstream_changes_what_is_pinned(self, play: Play) -> None:
        play.resolve("node")
        play.web.files["/flannel.tgz"] = archive({"flanneld": b"another"})
        message = f"flannel/1/amd64/flanneld: .*/lock expects SHA-256 {sha256(FLANNEL)}, but .*/flannel.tgz has {sha256(b'another')}"
        with pytest.raises(ArtifactError, match=message):
            play.resolve("node", cache=str(play.folder / "another"))

    @pytest.mark.parametrize(
        ("path", "content", "said"),
        [
            pytest.param("/bin/kube-apiserver", None, "/bin/kube-apiserver is not to be had: HTTP 404", id="no file"),
            pytest.param("/bin/kube-apiserver.sha256", None, "/bin/kube-apiserver.sha256 is not to be had: HTTP 404", id="no checksum"),
            pytest.param("/SHA256SUMS", b"", "/SHA256SUMS has no SHA-256 for etcd-v1-amd64.tar.gz", id="not in the list"),
            pytest.param("/flannel.tgz", b"<html>", "/flannel.tgz is no archive that can be read", id="no archive"),
            pytest.param("/flannel.tgz", archive({"x": b""}), "/flannel.tgz has no flanneld", id="another layout"),
        ],
    )
    def test_what_upstream_lacks(self, play: Play, path: str, content: bytes | None, said: str) -> None:
        play.web.files.pop(path)
        if content is not None:
            play.web.files[path] = content
        with pytest.raises(ArtifactError) as error:
            play.resolve(*ALL)
        assert said in str(error.value)
        assert not play.lock.exists(), "nothing is pinned if anything is wrong"

    def test_everything_wrong_is_told_at_once(self, play: Play) -> None:
        play.web.files.clear()
        with pytest.raises(ArtifactError) as error:
            play.resolve(*ALL)
        assert len(str(error.value).splitlines()) == 3

    def test_unreachable(self, play: Play) -> None:
        play.web.stop()
        with pytest.raises(ArtifactError, match=r"cannot be reached from the control node: .*set artifacts_source to mirror or directory"):
            play.resolve("master")

    def test_no_official_address(self, play: Play) -> None:
        with pytest.raises(ArtifactError, match=r"pause/1/amd64/pause.tar has no official address.*artifacts_images to registry"):
            play.resolve("image")


class TestCheckMode:
    def test_nothing_is_written(self, play: Play) -> None:
        found = play.resolve(*ALL, check=True)
        assert {file: (entry.digest, entry.source) for file, entry in found.items()} == {
            "kube-apiserver": (sha256(APISERVER), ""),
            "etcd": ("", ""),
            "etcdctl": ("", ""),
            "flanneld": ("", ""),
        }
        assert found["kube-apiserver"].size == len(APISERVER)
        assert not play.lock.exists()
        assert "HEAD /flannel.tgz" in play.web.asked
        assert "GET /flannel.tgz" not in play.web.asked

    def test_a_missing_version_is_told(self, play: Play) -> None:
        del play.web.files["/bin/kube-apiserver"]
        with pytest.raises(ArtifactError, match="HTTP 404"):
            play.resolve("master", check=True)

    def test_a_pin_that_upstream_does_not_keep_is_told(self, play: Play) -> None:
        play.resolve("master")
        play.web.files["/bin/kube-apiserver.sha256"] = b"0" * 64
        with pytest.raises(ArtifactError, match=f"expects SHA-256 {sha256(APISERVER)}, but .*sha256 has {'0' * 64}"):
            play.resolve("master", check=True, cache=str(play.folder / "another"))


class TestMirror:
    @pytest.fixture(autouse=True)
    def _mirror(self, play: Play) -> None:
        play.settings.update(source="mirror", mirror=play.web.url + "/mirror/")
        play.web.files = {"/mirror/etcd/1/amd64/etcd": ETCD, "/mirror/etcd/1/amd64/etcdctl": ETCDCTL}

    def test_without_checksums(self, play: Play) -> None:
        found = play.resolve("etcd")
        assert {file: Path(entry.source).read_bytes() for file, entry in found.items()} == {"etcd": ETCD, "etcdctl": ETCDCTL}

    def test_with_a_wrong_checksum(self, play: Play) -> None:
        play.web.files["/mirror/etcd/1/amd64/etcd.sha256"] = b"0" * 64
        with pytest.raises(ArtifactError, match=f"etcd.sha256 says {'0' * 64}"):
            play.resolve("etcd")

    def test_it_does_not_pass_for_official(self, play: Play) -> None:
        mirrored = play.resolve("etcd")["etcd"].source
        assert "mirror-" in mirrored

    def test_pull_needs_no_download_when_the_digest_is_known(self, play: Play) -> None:
        play.web.files["/mirror/etcd/1/amd64/etcd.sha256"] = f"{sha256(ETCD)}  etcd\n".encode()
        found = play.resolve("etcd", delivery="pull")
        assert found["etcd"].digest == sha256(ETCD)
        assert "GET /mirror/etcd/1/amd64/etcd" not in play.web.asked
        assert "GET /mirror/etcd/1/amd64/etcdctl" in play.web.asked, "a file without a known digest is downloaded once to pin it"
        assert len(play.lock.read_text().splitlines()) == 2

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            pytest.param({"mirror": ""}, r"artifacts_mirror \(not set\) is no URL", id="no mirror"),
            pytest.param({"mirror": "file:///etc"}, 'artifacts_mirror "file:///etc" is no URL', id="no web address"),
            pytest.param(
                {"source": "official", "delivery": "pull"}, "pull needs artifacts_source mirror, but the source is official", id="pull"
            ),
        ],
    )
    def test_wrong_settings(self, play: Play, changes: dict[str, Any], said: str) -> None:
        with pytest.raises(ArtifactError, match=said):
            play.resolve("etcd", **changes)
        assert play.web.asked == []


class TestDirectory:
    @pytest.fixture(autouse=True)
    def _directory(self, play: Play) -> None:
        folder = play.folder / "artifacts"
        for file, content in (("etcd", ETCD), ("etcdctl", ETCDCTL)):
            (folder / "etcd/1/amd64").mkdir(parents=True, exist_ok=True)
            (folder / "etcd/1/amd64" / file).write_bytes(content)
        play.settings.update(source="directory", directory=str(folder))

    def test_files_are_used_where_they_are(self, play: Play) -> None:
        found = play.resolve("etcd")
        assert found["etcd"] == Pinned(play.expand("etcd")[0], sha256(ETCD), f"{play.folder}/artifacts/etcd/1/amd64/etcd", len(ETCD))
        assert play.lock.read_text() == f"{sha256(ETCD)}  etcd/1/amd64/etcd\n{sha256(ETCDCTL)}  etcd/1/amd64/etcdctl\n"
        assert play.web.asked == []

    def test_check_mode_pins_nothing(self, play: Play) -> None:
        assert play.resolve("etcd", check=True)["etcd"].digest == sha256(ETCD)
        assert not play.lock.exists()

    @pytest.mark.parametrize("check", [False, True])
    def test_another_file_than_the_pinned(self, play: Play, check: bool) -> None:
        play.resolve("etcd")
        path = play.folder / "artifacts/etcd/1/amd64/etcd"
        path.write_bytes(b"another")
        with pytest.raises(
            ArtifactError, match=f"etcd/1/amd64/etcd: .* expects SHA-256 {sha256(ETCD)}, but {path} has {sha256(b'another')}"
        ):
            play.resolve("etcd", check=check)

    def test_missing_files_are_all_told(self, play: Play) -> None:
        with pytest.raises(ArtifactError) as error:
            play.resolve(*ALL)
        assert [line.split(" is not in the folder")[0] for line in str(error.value).splitlines()] == [
            "kubernetes/1/amd64/kube-apiserver",
            "flannel/1/amd64/flanneld",
        ]
        assert not play.lock.exists()

    def test_a_host_with_all_files_needs_no_folder_entry(self, play: Play) -> None:
        play.resolve("etcd")
        (play.folder / "artifacts/etcd/1/amd64/etcd").unlink()
        found = play.resolve("etcd", observed={"/opt/quorate/etcd/1/etcd": sha256(ETCD)})
        assert found["etcd"].digest == sha256(ETCD)

    @pytest.mark.parametrize("folder", ["", "/nonexistent"])
    def test_no_folder(self, play: Play, folder: str) -> None:
        with pytest.raises(ArtifactError, match=r"is no folder on the control node.*PACKAGE/VERSION/ARCHITECTURE/FILE"):
            play.resolve("etcd", directory=folder)

    def test_damaged_lock(self, play: Play) -> None:
        play.lock.write_text("<<<<<<<")
        with pytest.raises(ArtifactError, match="Line 1 of the lock file"):
            play.resolve("etcd")
