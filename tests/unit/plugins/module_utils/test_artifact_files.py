# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils import _artifact_files, _host


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Records in a temporary folder, and whoever runs the tests counts as root."""
    monkeypatch.setattr(_artifact_files, "RECORD", str(tmp_path / "state/artifacts.json"))
    monkeypatch.setattr(_artifact_files, "DIGESTS", str(tmp_path / "state/digests.json"))
    monkeypatch.setattr(_host, "_user", lambda _number: "root")
    monkeypatch.setattr(_host, "user_id", lambda _name: os.getuid())
    monkeypatch.setattr(_host, "group_id", lambda _name: os.getgid())


DIGEST = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"  # of "foo", by sha256sum


def program(folder: Path, mode: int = 0o755) -> str:
    path = folder / "program"
    path.write_text("foo")
    path.chmod(mode)
    return str(path)


def test_fresh_host() -> None:
    assert _artifact_files.observe_artifacts() == {}


def test_installed_altered_removed(tmp_path: Path) -> None:
    path = program(tmp_path)
    _artifact_files.add_to_record({path: "0755"})
    assert _artifact_files.observe_artifacts() == {path: DIGEST}
    Path(path).write_text("bar")
    assert _artifact_files.observe_artifacts()[path] != DIGEST
    Path(path).unlink()
    assert _artifact_files.observe_artifacts() == {}


def test_a_program_that_is_not_executable_equals_no_digest(tmp_path: Path) -> None:
    path = program(tmp_path, 0o644)
    _artifact_files.add_to_record({path: "0755"})
    assert _artifact_files.observe_artifacts() == {path: f"{DIGEST} 0644 root"}


def test_a_link_in_place_of_a_program_equals_no_digest(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(program(tmp_path))
    _artifact_files.add_to_record({str(tmp_path / "link"): "0755"})
    assert _artifact_files.observe_artifacts() == {str(tmp_path / "link"): f"link:{tmp_path}/program"}


def test_links(tmp_path: Path) -> None:
    link, file, absent = (str(tmp_path / name) for name in ("link", "file", "absent"))
    os.symlink("/opt/quorate/x", link)
    Path(file).write_text("")
    _artifact_files.add_to_record(dict.fromkeys([link, file, absent], _artifact_files.LINK))
    assert _artifact_files.observe_artifacts() == {link: "link:/opt/quorate/x", file: "other"}


def test_record_grows_and_is_written_only_then(tmp_path: Path) -> None:
    _artifact_files.add_to_record({"/a": "0755"})
    _artifact_files.add_to_record({"/b": "0644"})
    assert _artifact_files.record() == {"/a": "0755", "/b": "0644"}
    before = os.stat(tmp_path / "state/artifacts.json").st_ino
    _artifact_files.add_to_record({"/a": "0755"})
    assert os.stat(tmp_path / "state/artifacts.json").st_ino == before


def test_unchanged_programs_are_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = program(tmp_path)
    digests = _host.Digests(_artifact_files.DIGESTS).load()
    digests.remember(path, DIGEST)
    digests.save()
    _artifact_files.add_to_record({path: "0755"})
    monkeypatch.setattr(_host, "_sha256", lambda path: pytest.fail(f"{path} was read"))
    assert _artifact_files.observe_artifacts() == {path: DIGEST}


def test_leftovers(tmp_path: Path) -> None:
    names = {"ours": "1", "same": "1", "another": "2", "stale": "3"}
    bundles = {name: tmp_path / f"tmp-{name}/{_artifact_files.BUNDLE}{key}" for name, key in names.items()}
    for path in (*bundles.values(), tmp_path / "tmp-ours/AnsiballZ"):
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
        os.utime(path, (0, 0))
    os.utime(bundles["another"])
    _artifact_files.remove_leftovers(str(bundles["ours"]))
    assert [name for name, path in bundles.items() if path.exists()] == ["another"]
    assert (tmp_path / "tmp-ours/AnsiballZ").exists()


def test_folders() -> None:
    assert _artifact_files.folders_of(["/o/b/1/x", "/o/a/1/x", "/o/b/1/y"]) == ["/o/a/1", "/o/b/1"]
