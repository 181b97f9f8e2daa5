"""Saving the authorities on the control node. Runs ansible-playbook on localhost."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import ansible_collections.quorate.kubernetes.plugins.action.pki_archive as action
from ansible_collections.quorate.kubernetes.plugins.plugin_utils import _pki_archive

COLLECTIONS = Path(action.__file__).parents[5]
OLD, NEW = "20261120T120000Z.pki.vault", "20261121T120000Z.pki.vault"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pki/etcd").mkdir(parents=True)
    (tmp_path / "pki/etcd/ca.key").write_bytes(b"key")
    (tmp_path / "snapshots").mkdir()
    (tmp_path / "snapshots" / OLD).write_bytes(b"old")
    return tmp_path


def save(folder: Path, *options: str, **arguments: Any) -> subprocess.CompletedProcess[str]:
    (folder / "vars.yml").write_text(yaml.safe_dump({"given": "secret", **arguments}), encoding="utf-8")
    task = {
        "pki_directory": str(folder / "pki"),
        "path": str(folder / "snapshots" / NEW),
        "passphrase": "{{ given }}",
        "keep": 1,
    }
    play = {"hosts": "localhost", "gather_facts": False, "tasks": [{"quorate.kubernetes.pki_archive": task}]}
    (folder / "play.yml").write_text(yaml.safe_dump([play]), encoding="utf-8")
    return subprocess.run(
        [Path(sys.executable).with_name("ansible-playbook"), "-vvv", "--diff", "-e", "@vars.yml", *options, "play.yml"],
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS), "ANSIBLE_LOCALHOST_WARNING": "false"},
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )


def archives(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "snapshots").iterdir())


def test_saved_and_only_then_the_old_one_goes(folder: Path) -> None:
    done = save(folder)
    assert "changed=1" in done.stdout, done.stdout + done.stderr
    assert archives(folder) == [NEW]
    path = folder / "snapshots" / NEW
    assert path.stat().st_mode & 0o777 == 0o600
    assert _pki_archive.opened(path.read_bytes(), "secret") == {"etcd/ca.key": b"key"}
    assert "secret" not in done.stdout.replace("(secret)", "")
    assert "changed=0" in save(folder).stdout


def test_check_mode_saves_nothing(folder: Path) -> None:
    done = save(folder, "--check")
    assert f"drop {OLD}" in done.stdout
    assert archives(folder) == [OLD]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        pytest.param("", "There is no passphrase", id="no passphrase"),
        pytest.param("secret", "There is nothing in it", id="nothing to save"),
    ],
)
def test_nothing_is_dropped_when_it_fails(folder: Path, given: str, words: str) -> None:
    if given:
        (folder / "pki/etcd/ca.key").unlink()
    done = save(folder, given=given)
    assert done.returncode != 0
    assert words in done.stdout
    assert archives(folder) == [OLD]
