"""The table of flags against the programs."""

from __future__ import annotations

import re
import subprocess

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils._etcd_flags import FLAGS

from .harness import NEWER, OLDER, binaries

VERSIONS = {(3, 6): OLDER, (3, 7): NEWER}


def is_known(version: str, flag: str) -> bool:
    """etcd stops at the first flag that it does not know."""
    done = subprocess.run(
        [str(binaries(version) / "etcd"), f"--{flag}=", "--help"], capture_output=True, text=True, timeout=20, check=False
    )
    return f"flag provided but not defined: -{flag}" not in done.stdout + done.stderr


@pytest.mark.parametrize("minor", sorted(VERSIONS), ids=lambda minor: VERSIONS[minor])
def test_table(minor: tuple[int, int]) -> None:
    version = VERSIONS[minor]
    page = subprocess.run([str(binaries(version) / "etcd"), "--help"], capture_output=True, text=True, timeout=20, check=False)
    explained = set(re.findall(r"^ +--([a-z0-9-]+)", page.stdout + page.stderr, re.MULTILINE))
    assert len(explained) > 50
    assert [flag for flag in sorted(explained - FLAGS[minor]) if is_known(version, flag)] == [], "missing in the table"
    assert [flag for flag in sorted(FLAGS[minor] - explained) if not is_known(version, flag)] == [], "unknown to the program"
    gone = sorted(frozenset[str]().union(*FLAGS.values()) - FLAGS[minor])
    assert [flag for flag in [*gone, "enable-v2", "proxy"] if is_known(version, flag)] == []
