"""One API server for all tests; each works in its own namespace and with its own nodes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from . import harness


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[harness.Cluster]:
    missing = [name for package, name in harness.PROGRAMS if not harness.program(package, name).exists()]
    if missing:
        pytest.fail(f"There is no {', '.join(missing)} at {harness.program(*harness.PROGRAMS[0])} and the like: run make binaries.")
    with harness.cluster(tmp_path_factory.mktemp("api")) as running:
        yield running
