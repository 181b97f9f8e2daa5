# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.quorate.kubernetes.plugins.module_utils import _artifacts, _version
from ansible_collections.quorate.kubernetes.plugins.module_utils._artifacts import Artifact, ArtifactError, Link, Pinned, Target

CATALOGUE = yaml.safe_load((Path(__file__).parents[4] / "roles/artifacts/vars/main.yml").read_text())["__artifacts_catalogue"]
VERSIONS = _version.NEWEST.packages
MASTER = {"kubernetes/kube-apiserver", "kubernetes/kube-controller-manager", "kubernetes/kube-scheduler", "kubernetes/kubectl"}
ETCD = {"etcd/etcd", "etcd/etcdctl", "etcd/etcdutl"}
NODE = {
    "kubernetes/kubelet",
    "kubernetes/kube-proxy",
    "containerd/containerd",
    "containerd/containerd-shim-runc-v2",
    "containerd/ctr",
    "runc/runc",
    "flannel/flanneld",
    "flannel_cni/flannel",
    *(f"cni_plugins/{file}" for file in ("bridge", "firewall", "host-local", "loopback", "portmap")),
}
IMAGES = {"pause/pause.tar", "coredns/coredns.tar"}
ETCD_FILE = Artifact(
    package="etcd",
    version="3.7.3",
    architecture="amd64",
    file="etcd",
    folder="/opt/quorate/etcd/3.7.3",
    mode="0755",
    url="",
    member="",
    checksum="",
    linked=False,
)
A, B = "a" * 64, "b" * 64


def target(*kinds: str, **changes: Any) -> Target:
    made = Target(kinds=frozenset(kinds), versions=VERSIONS, architecture="amd64", destination="/opt/quorate", images=False)
    return dataclasses.replace(made, **changes)


@pytest.mark.parametrize(
    ("kinds", "images", "expected"),
    [
        pytest.param(["etcd"], True, ETCD, id="external etcd gets no images"),
        pytest.param(["master", "node"], False, MASTER | NODE, id="master of an external etcd"),
        pytest.param(["etcd", "master", "node"], False, ETCD | MASTER | NODE, id="stacked master"),
        pytest.param(["worker", "node"], False, NODE, id="worker"),
        pytest.param(["worker", "node"], True, NODE | IMAGES, id="worker with images"),
        pytest.param([], True, set(), id="nothing"),
    ],
)
def test_each_host_gets_what_its_kinds_need(kinds: list[str], images: bool, expected: set[str]) -> None:
    artifacts = _artifacts.expand(CATALOGUE, target(*kinds, images=images))
    assert {f"{artifact.package}/{artifact.file}" for artifact in artifacts} == expected


def test_all_kinds_are_everything() -> None:
    artifacts = _artifacts.expand(CATALOGUE, target(kinds=None, images=True))
    assert {f"{artifact.package}/{artifact.file}" for artifact in artifacts} == ETCD | MASTER | NODE | IMAGES


@pytest.mark.parametrize("architecture", ["amd64", "arm64"])
def test_catalogue_addresses(architecture: str) -> None:
    for artifact in _artifacts.expand(CATALOGUE, target(kinds=None, architecture=architecture)):
        assert artifact.url.startswith("https://")
        assert architecture in artifact.url
        assert artifact.version in artifact.url
        assert "{" not in artifact.url + artifact.member + artifact.checksum
        assert bool(artifact.member) == artifact.url.endswith(("gz", "tgz"))


@pytest.mark.parametrize(("asked", "meant"), [("x86_64", "amd64"), ("aarch64", "arm64"), ("arm64", "arm64")])
def test_kernel_names_of_architectures(asked: str, meant: str) -> None:
    assert {artifact.architecture for artifact in _artifacts.expand(CATALOGUE, target("etcd", architecture=asked))} == {meant}


def test_an_artifact_in_full() -> None:
    package = {
        "url": "https://h/{version}/{architecture}.tgz",
        "member": "{package}/{file}",
        "checksum": "https://h/sums",
        "files": {"f": None},
    }
    (artifact,) = _artifacts.expand({"p": package}, target(versions={"p": "1.2"}))
    assert artifact == Artifact(
        package="p",
        version="1.2",
        architecture="amd64",
        file="f",
        folder="/opt/quorate/p/1.2",
        mode="0755",
        url="https://h/1.2/amd64.tgz",
        member="p/f",
        checksum="https://h/sums",
        linked=False,
    )
    assert artifact.key == "p/1.2/amd64/f"
    assert artifact.path == "/opt/quorate/p/1.2/f"


def test_a_file_may_differ_from_its_package() -> None:
    package = {"version": 7, "url": "https://h/{file}", "files": {"f": {"url": "https://other/{file}", "mode": "0700", "link": True}}}
    (artifact,) = _artifacts.expand({"p": package}, target())
    assert (artifact.url, artifact.mode, artifact.linked, artifact.version) == ("https://other/f", "0700", True, "7")


def test_an_image_is_not_executable() -> None:
    (artifact,) = _artifacts.expand({"p": {"version": "1", "image": True, "files": {"p.tar": {}}}}, target(images=True))
    assert artifact.mode == "0644"


@pytest.mark.parametrize(
    ("packages", "changes", "said"),
    [
        pytest.param({}, {"architecture": "riscv64"}, "riscv64, but there are artifacts for amd64 and arm64", id="architecture"),
        pytest.param({}, {"architecture": ""}, "architecture is not known. Run host_facts", id="no architecture"),
        pytest.param({"p": {"files": {"f": {}}}}, {}, "package p has no version", id="no version"),
        pytest.param({"p": {"version": "../1", "files": {"f": {}}}}, {}, "'../1', which cannot be a part", id="version leaves its folder"),
        pytest.param({"p": {"version": "1", "files": {"a/b": {}}}}, {}, "'a/b', which cannot be a part", id="file with a slash"),
        pytest.param({"p": {"version": "1", "files": {"a\n": {}}}}, {}, "which cannot be a part", id="file with a newline"),
        pytest.param(
            {"p": {"version": "1", "url": "h/{arch}", "files": {"f": {}}}}, {}, "unknown part {arch}. Known: package", id="placeholder"
        ),
    ],
)
def test_what_makes_no_sense(packages: dict[str, Any], changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ArtifactError) as error:
        _artifacts.expand(packages, target(**changes))
    assert said in str(error.value)


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(ArtifactError) as error:
        _artifacts.expand({"p": {"files": {"f": {}}}, "q": {"files": {"f": {}}}}, target())
    assert "package p" in str(error.value)
    assert "package q" in str(error.value)


def test_lock_is_sorted_and_read_again() -> None:
    text = _artifacts.lock_text({"b/1/amd64/f": A, "a/1/amd64/f": B})
    assert text == f"{B}  a/1/amd64/f\n{A}  b/1/amd64/f\n"
    assert _artifacts.parse_lock(text, "x") == {"a/1/amd64/f": B, "b/1/amd64/f": A}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("nonsense", id="no digest"),
        pytest.param(f"{A}", id="no file"),
        pytest.param(f"{A[:60]}  p/1/amd64/f", id="short digest"),
        pytest.param(f"{A}  p/1/amd64/f\n{B}  p/1/amd64/f", id="one file twice"),
        pytest.param("<<<<<<< HEAD", id="unfinished merge"),
    ],
)
def test_damaged_lock(text: str) -> None:
    with pytest.raises(ArtifactError, match=r"of the lock file /i/lock .* Put back the last good version"):
        _artifacts.parse_lock(text, "/i/lock")


def test_empty_lock() -> None:
    assert _artifacts.parse_lock("\n", "x") == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(f"{A}", A, id="bare"),
        pytest.param(f"{A.upper()}\n", A, id="capitals"),
        pytest.param(f"{B}  other\n{A}  f.tgz\n", A, id="one of several"),
        pytest.param(f"{A} *./f.tgz\n", A, id="binary mode, in a folder"),
        pytest.param(f"{B}  other.f.tgz\n", None, id="not listed"),
        pytest.param("not a digest  f.tgz", None, id="no digest"),
        pytest.param("", None, id="empty"),
    ],
)
def test_published_digest(text: str, expected: str | None) -> None:
    assert _artifacts.published_digest(text, "f.tgz") == expected


def pinned(digest: str = A, size: int = 24_600_000) -> Pinned:
    return Pinned(artifact=ETCD_FILE, digest=digest, source="/s", size=size)


@pytest.mark.parametrize(
    ("digest", "observed", "lacks"),
    [
        pytest.param(A, {ETCD_FILE.path: A}, False, id="there"),
        pytest.param(A, {}, True, id="absent"),
        pytest.param(A, {ETCD_FILE.path: B}, True, id="altered"),
        pytest.param(A, {ETCD_FILE.path: f"{A} 0644 root"}, True, id="not executable"),
        pytest.param("", {}, True, id="digest not known yet"),
    ],
)
def test_missing(digest: str, observed: dict[str, str], lacks: bool) -> None:
    assert bool(_artifacts.missing([pinned(digest)], observed)) == lacks


LINK = Link("/usr/local/bin/etcd", ETCD_FILE.path)


@pytest.mark.parametrize(
    ("state", "made"),
    [
        pytest.param(None, True, id="absent"),
        pytest.param(f"link:{ETCD_FILE.path}", False, id="right"),
        pytest.param("link:/opt/quorate/etcd/3.6.16/etcd", True, id="former version"),
        pytest.param("link:/opt/quorate2/etcd", False, id="link to elsewhere"),
        pytest.param("other", False, id="someone's file"),
    ],
)
def test_links(state: str | None, made: bool) -> None:
    observed = {LINK.path: state} if state else {}
    assert bool(_artifacts.missing_links([LINK], observed, "/opt/quorate")) == made


def test_which_files_are_linked() -> None:
    linked = dataclasses.replace(ETCD_FILE, linked=True, file="etcdctl")
    assert _artifacts.links([ETCD_FILE, linked], "/usr/local/bin") == (Link("/usr/local/bin/etcdctl", "/opt/quorate/etcd/3.7.3/etcdctl"),)
    assert _artifacts.links([linked], "") == ()


@pytest.mark.parametrize(
    ("entry", "observed", "line"),
    [
        pytest.param(pinned(), {}, "+ /opt/quorate/etcd/3.7.3/etcd (sha256 aaaaaaaaaaaa..., 25 MB)", id="new"),
        pytest.param(pinned(), {ETCD_FILE.path: B}, "~ /opt/quorate/etcd/3.7.3/etcd (sha256 aaaaaaaaaaaa..., 25 MB)", id="repaired"),
        pytest.param(pinned(size=0), {}, "+ /opt/quorate/etcd/3.7.3/etcd (sha256 aaaaaaaaaaaa...)", id="size unknown"),
        pytest.param(pinned("", 1), {}, "+ /opt/quorate/etcd/3.7.3/etcd (sha256 not known before the download, 1 MB)", id="digest unknown"),
    ],
)
def test_sentences(entry: Pinned, observed: dict[str, str], line: str) -> None:
    assert _artifacts.sentences([entry], [], observed) == [line]


def test_sentence_of_a_link() -> None:
    assert _artifacts.sentences([], [LINK], {}) == [f"+ {LINK.path} -> {LINK.target}"]
    assert _artifacts.sentences([], [LINK], {LINK.path: "link:/opt/quorate/x"}) == [f"~ {LINK.path} -> {LINK.target}"]


@pytest.mark.parametrize(("free", "short"), [(100_000_000, True), (163_999_999, True), (164_000_000, False)])
def test_shortage(free: int, short: bool) -> None:
    said = _artifacts.shortage(path="/opt", free=free, needed=100_000_000)
    assert bool(said) == short
    assert said is None or "/opt has 1" in said


def test_mismatch_names_all() -> None:
    said = _artifacts.mismatch("p/1/amd64/f", expected=A, found=B, where="/srv/p", lock_file="/i/lock")
    for part in ("p/1/amd64/f", A, B, "/srv/p", "remove the entry from /i/lock"):
        assert part in said


@pytest.mark.parametrize(
    ("settings", "is_folder", "wrong"),
    [
        pytest.param({"source": "official"}, False, [], id="official"),
        pytest.param({"source": "directory", "directory": "/srv"}, True, [], id="folder"),
        pytest.param({"source": "directory", "directory": "/srv"}, False, ['artifacts_directory "/srv" is no folder'], id="no folder"),
        pytest.param({"source": "directory"}, True, ["artifacts_directory (not set) is no folder"], id="folder not set"),
        pytest.param({"source": "mirror", "mirror": "https://a", "delivery": "pull"}, False, [], id="pull from a mirror"),
        pytest.param({"source": "mirror", "mirror": "a.example.com"}, False, ['artifacts_mirror "a.example.com" is no URL'], id="no URL"),
        pytest.param({"source": "official", "delivery": "pull"}, False, ["artifacts_delivery pull needs"], id="pull from upstream"),
        pytest.param(
            {"source": "directory", "delivery": "pull"},
            False,
            ["artifacts_directory (not set)", "artifacts_delivery pull"],
            id="all at once",
        ),
    ],
)
def test_source_problems(settings: dict[str, Any], is_folder: bool, wrong: list[str]) -> None:
    found = list(_artifacts.source_problems({"mirror": "", "directory": None, "delivery": "push", **settings}, is_folder=is_folder))
    assert len(found) == len(wrong), found
    assert all(what.startswith(start) and remedy for (what, remedy), start in zip(found, wrong))
