"""The table of flags against the programs."""

from __future__ import annotations

import subprocess

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils._etcd_flags import FLAGS

from .harness import NEWER, OLDER, binaries

VERSIONS = {(3, 6): OLDER, (3, 7): NEWER}


def is_known(version: str, flag: str) -> bool:
    """etcd stops at the first flag that it does not know, and at `-help` if it knows all before."""
    done = subprocess.run(
        [str(binaries(version) / "etcd"), f"--{flag}=", "--help"], capture_output=True, text=True, timeout=20, check=False
    )
    return f"flag provided but not defined: -{flag}" not in done.stdout + done.stderr


@pytest.mark.parametrize("minor", sorted(VERSIONS), ids=lambda minor: VERSIONS[minor])
def test_table(minor: tuple[int, int]) -> None:
    version = VERSIONS[minor]
    # Values are wrong for most; what counts is that none is unknown.
    assert [flag for flag in sorted(FLAGS[minor]) if not is_known(version, flag)] == []
    gone = sorted(frozenset[str]().union(*FLAGS.values()) - FLAGS[minor])
    assert [flag for flag in [*gone, "enable-v2", "proxy"] if is_known(version, flag)] == []
