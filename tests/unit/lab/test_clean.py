# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `make destroy` removes beside inventories."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ansible_collections.quorate.kubernetes.lab import paths

LAB = Path(paths.__file__).resolve().parent
WRITTEN = [
    "pki",
    "pki.aside-20260101T000000Z.bak",
    "snapshots",
    "admin.kubeconfig",
    "artifacts.lock.txt",
    "etcd_replaced.txt",
    ".quorate-run",
]
KEPT = ["group_vars", "hosts.yml", "notes.txt"]


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    folder = tmp_path / "my lab"
    (folder / "group_vars/all").mkdir(parents=True)
    for name in ("pki/kubernetes", "snapshots"):
        (folder / name).mkdir(parents=True)
    for name in (*WRITTEN, *KEPT):
        if not (folder / name).exists():
            (folder / name).touch()
    (folder / "pki/kubernetes/ca.key").touch()
    return folder


def clean(*inventories: Path) -> str:
    return subprocess.run([LAB / "clean.sh", *inventories], capture_output=True, text=True, check=True).stderr


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_was_written_beside_an_inventory_of_the_lab_is_removed(inventory: Path) -> None:
    (inventory / "group_vars/all/lab.yml").symlink_to(LAB / "group_vars/all.yml")
    assert clean(inventory) == ""
    assert names(inventory) == KEPT


@pytest.mark.parametrize("linked", [False, True], ids=["no link", "link to something else"])
def test_the_authorities_of_real_hosts_stay(inventory: Path, linked: bool) -> None:
    if linked:
        (inventory / "group_vars/all/lab.yml").symlink_to(inventory / "notes.txt")
    told = clean(inventory, inventory / "hosts.yml")
    assert f"{inventory} links no lab/group_vars/all.yml" in told
    assert names(inventory) == sorted([*WRITTEN, *KEPT])


def test_an_inventory_that_is_not_there_changes_nothing(tmp_path: Path) -> None:
    clean(tmp_path / "nowhere")
    assert names(tmp_path) == []
