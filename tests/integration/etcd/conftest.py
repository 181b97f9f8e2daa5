"""Clusters of real etcd processes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from . import harness


@pytest.fixture(scope="session", autouse=True)
def programs() -> None:
    missing = [version for version in (harness.NEWER, harness.OLDER) if not (harness.binaries(version) / "etcd").exists()]
    if missing:
        pytest.exit(f"etcd {' and '.join(missing)} is not in {harness.binaries(missing[0])}: run `make binaries`.", returncode=3)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[harness.Cluster]:
    with harness.network(tmp_path) as made:
        yield made
