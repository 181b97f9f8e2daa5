# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from ansible_collections.quorate.kubernetes.lab import paths, platform, setup
from ansible_collections.quorate.kubernetes.lab.process import LabError

SHARED = Path(paths.__file__).parent / "group_vars" / "all.yml"
REPOSITORY = SHARED.parents[2]


def test_ansible_looks_where_the_lab_writes() -> None:
    shared = yaml.safe_load(SHARED.read_text(encoding="utf-8"))
    cache = paths.cache()
    named = [shared["ansible_ssh_private_key_file"], shared["ansible_control_path_dir"], shared["artifacts_directory"]]
    assert [Path(path).expanduser() for path in named] == [cache.key, cache.sockets, cache.artifacts]


@pytest.mark.parametrize(
    "link",
    [
        "inventories/lab/group_vars/all/lab.yml",
        "molecule/external/inventory/group_vars/all/lab.yml",
        "molecule/single/inventory/group_vars/all/lab.yml",
    ],
)
def test_inventories_share_one_file(link: str) -> None:
    assert (REPOSITORY / link).resolve() == SHARED.resolve()


@pytest.mark.parametrize(
    ("reported", "expected"),
    [
        pytest.param("podman installed\nrunc installed\n", [], id="all"),
        pytest.param("podman installed\nrunc config-files\n", ["runc"], id="removed"),
        pytest.param("", ["podman", "runc"], id="never there"),
    ],
)
def test_missing_packages(reported: str, expected: list[str]) -> None:
    assert setup.missing(reported, ["podman", "runc"]) == expected


def test_architecture() -> None:
    assert platform.architecture("aarch64") == "arm64"
    with pytest.raises(LabError, match=re.escape("not on riscv64")):
        platform.architecture("riscv64")
