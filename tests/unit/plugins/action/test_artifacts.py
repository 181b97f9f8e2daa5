"""The control node's half of the module artifacts."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from ansible_collections.quorate.kubernetes.plugins.action import artifacts
from ansible_collections.quorate.kubernetes.plugins.module_utils._artifacts import Artifact, Pinned

FOUND = {"digest": "old", "mode": "0644", "owner": "root", "group": "root", "changed": 1.0}


@pytest.mark.parametrize(
    ("files", "renewed"),
    [
        pytest.param({"/opt/a": FOUND}, {"/opt/a": {**FOUND, "digest": "new"}}, id="watched"),
        pytest.param({"/opt/a": None}, {}, id="watched and new"),
        pytest.param({"/opt/b": FOUND}, {}, id="not installed now"),
        pytest.param({}, {}, id="nothing is known"),
    ],
)
def test_what_is_known_of_watched_files_follows_what_was_installed(files: dict[str, Any], renewed: dict[str, Any]) -> None:
    assert artifacts._seen_anew(files, {"/opt/a": "new"}) == renewed


NAMES = {"package": "tool", "version": "1", "architecture": "amd64", "file": "tool", "folder": "/opt/quorate/tool/1"}
ARTIFACT = Artifact(**NAMES, mode="0755", url="", member="", checksum="", linked=False)
FILE = Pinned(ARTIFACT, "new", "/srv/tool", 500_000_000)


@pytest.mark.parametrize(
    ("space", "files", "told"),
    [
        pytest.param({"/opt": 600_000_000}, [FILE], [], id="enough"),
        pytest.param({"/opt": 500_000_000}, [FILE], ["The file system of /opt/quorate has 500 MB free"], id="too little"),
        pytest.param({"/": 900_000_000, "/opt": 1}, [FILE], ["The file system of /opt/quorate has 0 MB free"], id="of the nearest mount"),
        pytest.param({"/opt": 1}, [], [], id="nothing is lacking"),
        pytest.param({"/var": 1}, [FILE], [], id="not known"),
    ],
)
def test_room(space: dict[str, int], files: list[Pinned], told: list[str]) -> None:
    found = artifacts._see_room("/opt/quorate", space, files)
    assert [line[: len(start)] for line, start in zip(found, told)] == told
    assert len(found) == len(told)


class Source:
    """A folder of artifacts, with one file of two that a host needs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.lock = folder / "lock.txt"
        self.cache = folder / "cache"
        (folder / "artifacts/tool/1/amd64").mkdir(parents=True)
        (folder / "artifacts/tool/1/amd64/tool").write_bytes(b"tool")

    def run(self, *files: str, refusals: list[str], free: int = 10**9) -> dict[str, Any]:
        """The result of getting some files ready."""
        task = mock.MagicMock(check_mode=False, async_val=0, diff=False)
        task.args = {
            "packages": {"tool": {"files": {name: {"kinds": ["node"]} for name in files}}},
            "kinds": ["node"],
            "versions": {"tool": "1"},
            "source": "directory",
            "directory": str(self._folder / "artifacts"),
            "cache": str(self.cache),
            "lock_file": str(self.lock),
            "links": "",
            "state": "fetched",
            "group": "lacks",
            "refusals": refusals,
        }
        plugin = artifacts.ActionModule(task, mock.MagicMock(), mock.MagicMock(), None, None, None)
        observed = {"run": "7", "platform": {"architecture": "amd64"}, "artifacts": {}, "space": {"/opt": free}}
        return dict(
            plugin.run(
                None,
                {"inventory_hostname": "m1", "cluster_topology": {"run": "7"}, "ansible_facts": {"host_observation": observed}},
            )
        )


@pytest.fixture
def source(tmp_path: Path) -> Source:
    return Source(tmp_path)


def test_what_a_host_lacks_is_got_ready(source: Source) -> None:
    result = source.run("tool", refusals=[])
    assert not result.get("failed"), result
    assert result["add_host"]["groups"] == ["lacks"]
    assert "tool/1/amd64/tool" in source.lock.read_text(encoding="utf-8")
    assert list((source.cache / "packed").iterdir())


@pytest.mark.parametrize(
    ("files", "refusals", "free", "told"),
    [
        pytest.param(["tool"], ["no swap", "old kernel"], 10**9, ["no swap", "old kernel"], id="refusals"),
        pytest.param(["tool", "gone"], [], 10**9, ["tool/1/amd64/gone is not in the folder"], id="a file"),
        pytest.param(["tool"], [], 1, ["The file system of /opt/quorate"], id="room"),
        pytest.param(
            ["tool", "gone"],
            ["no swap"],
            1,
            ["no swap", "tool/1/amd64/gone is not in the folder", "The file system of /opt/quorate"],
            id="all of them",
        ),
        pytest.param(
            ["../tool"], ["no swap"], 10**9, ["no swap", "The package tool has the part '../tool'"], id="a table that makes no sense"
        ),
    ],
)
def test_all_that_stands_in_the_way_of_a_host_is_told_at_once(
    files: list[str], refusals: list[str], free: int, told: list[str], source: Source
) -> None:
    result = source.run(*files, refusals=refusals, free=free)
    assert result["failed"]
    lines = result["msg"].splitlines()
    assert [line[: len(start)] for line, start in zip(lines, told)] == told
    assert len(lines) == len(told)
    assert "add_host" not in result
    assert not (source.cache / "packed").exists()


def test_nothing_is_pinned_for_a_host_that_is_refused(source: Source) -> None:
    source.run("tool", refusals=["no swap"])
    assert not source.lock.exists()
