# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import hashlib
import os
import zlib
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils import _artifact_files, _host
from ansible_collections.quorate.kubernetes.plugins.modules import artifacts

FIRST, SECOND = b"first" * 300_000, b"second" * 300_000


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class Host:
    """A host whose root is a temporary folder, with a bundle that was sent to it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.destination = root / "opt"
        self.bundle = root / "bundle"
        self.links: list[dict[str, str]] = []
        self.files: list[dict[str, Any]] = []

    def path(self, name: str) -> Path:
        return self.destination / name

    def send(self, **contents: bytes) -> None:
        self.files, bundle = [], b""
        for name, content in contents.items():
            packed = zlib.compress(content)
            row = {"path": str(self.path(f"p/1/{name}")), "sha256": sha256(content), "mode": "0755", "size": len(content), "url": None}
            self.files.append({**row, "offset": len(bundle), "length": len(packed)})
            bundle += packed
        self.bundle.write_bytes(bundle)

    def link(self, name: str, target: str) -> str:
        path = str(self.root / "bin" / name)
        self.links.append({"path": path, "target": str(self.path(target))})
        return path

    def apply(self) -> bool:
        return self.on_host().apply()

    def on_host(self) -> artifacts.ArtifactsOnHost:
        params = {"files": self.files, "symlinks": self.links, "bundle": str(self.bundle), "destination": str(self.destination)}
        return artifacts.ArtifactsOnHost(params, _host.Digests(_artifact_files.DIGESTS).load())

    def installed(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.destination.glob("p/1/*")}


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    """Whoever runs the tests counts as root."""
    monkeypatch.setattr(_artifact_files, "RECORD", str(tmp_path / "state/artifacts.json"))
    monkeypatch.setattr(_artifact_files, "DIGESTS", str(tmp_path / "state/digests.json"))
    monkeypatch.setattr(_host, "_user", lambda _number: "root")
    monkeypatch.setattr(_host, "user_id", lambda _name: os.getuid())
    monkeypatch.setattr(_host, "group_id", lambda _name: os.getgid())
    monkeypatch.setattr(os, "fchown", lambda *_arguments: None)
    return Host(tmp_path)


def test_fresh(host: Host) -> None:
    host.send(first=FIRST, second=SECOND)
    link = host.link("first", "p/1/first")
    assert host.apply()
    assert host.installed() == {"first": FIRST, "second": SECOND}
    assert host.path("p/1/first").stat().st_mode & 0o7777 == 0o755
    assert os.readlink(link) == str(host.path("p/1/first"))
    observed = {str(host.path("p/1/first")): sha256(FIRST), str(host.path("p/1/second")): sha256(SECOND)}
    assert _artifact_files.observe_artifacts() == {**observed, link: f"link:{host.path('p/1/first')}"}


def test_again(host: Host) -> None:
    host.send(first=FIRST)
    host.link("first", "p/1/first")
    host.apply()
    before = host.path("p/1/first").stat()
    assert not host.apply()
    after = host.path("p/1/first").stat()
    # Not the time of the last read: looking whether it is right reads it.
    assert (after.st_ino, after.st_mtime_ns, after.st_ctime_ns) == (before.st_ino, before.st_mtime_ns, before.st_ctime_ns)


def test_altered_file_is_repaired_and_others_stay(host: Host) -> None:
    host.send(first=FIRST, second=SECOND)
    host.apply()
    before = host.path("p/1/second").stat().st_ino
    host.path("p/1/first").write_bytes(b"altered")
    assert host.apply()
    assert host.installed()["first"] == FIRST
    assert host.path("p/1/second").stat().st_ino == before


def test_a_running_program_is_replaced_not_written(host: Host) -> None:
    host.send(first=FIRST)
    host.apply()
    host.path("p/1/first").write_bytes(b"altered")
    with host.path("p/1/first").open("rb") as running:
        host.apply()
        assert running.read() == b"altered"


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        pytest.param(lambda bundle: bundle[:-20], "is shorter than it should be", id="cut off"),
        pytest.param(lambda bundle: b"xx" + bundle[2:], "Unpacking what the control node sent failed", id="damaged"),
    ],
)
def test_damaged_bundle_installs_nothing(host: Host, damage: Any, said: str) -> None:
    host.send(first=FIRST, second=SECOND)
    host.bundle.write_bytes(damage(host.bundle.read_bytes()))
    with pytest.raises(_host.HostError, match=said):
        host.apply()
    assert host.installed() == {}
    assert _artifact_files.record() == {}


def test_wrong_content_installs_nothing(host: Host) -> None:
    host.send(first=FIRST, second=SECOND)
    host.files[1]["sha256"] = "0" * 64
    with pytest.raises(_host.HostError, match=f"has SHA-256 {sha256(SECOND)}, but {'0' * 64} is expected. Nothing was installed"):
        host.apply()
    assert host.installed() == {}


def test_what_a_killed_run_left_is_overwritten(host: Host) -> None:
    host.send(first=FIRST)
    host.path("p/1").mkdir(parents=True)
    host.path("p/1/.first.new").write_bytes(b"half" * 1_000_000)
    host.apply()
    assert host.installed() == {"first": FIRST}


def test_full_disk(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    host.send(first=FIRST)
    monkeypatch.setattr(_host, "free_bytes", lambda _path: 65_000_000)
    with pytest.raises(_host.HostError, match=r"has 65 MB free, but 2 MB and 64 MB to spare are needed. Make room"):
        host.apply()
    assert not host.destination.exists()


def test_file_that_went_since_the_observation(host: Host) -> None:
    host.send(first=FIRST)
    host.files[0].update(offset=None, length=None)
    with pytest.raises(_host.HostError, match=r"is not as it was when the host was observed\. Run again"):
        host.apply()


def test_links_turn_to_the_new_version_and_spare_what_is_not_ours(host: Host) -> None:
    host.send(first=FIRST)
    ours, foreign = host.link("ours", "p/1/first"), host.link("foreign", "p/1/first")
    os.mkdir(host.root / "bin")
    os.symlink(host.path("p/0/first"), ours)
    Path(foreign).write_text("someone's")
    assert host.apply()
    assert os.readlink(ours) == str(host.path("p/1/first"))
    assert Path(foreign).read_text() == "someone's"
    assert host.on_host().foreign() == [foreign]
    assert not host.apply()
    assert _artifact_files.observe_artifacts()[foreign] == "other"
