"""What runs beside what: most tests wait more than they compute, for etcd's five seconds of health above all."""

from __future__ import annotations

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

# The tests of these folders share an API server, a host, a set of issued certificates.
SHARING = ("api", "certificates", "components")


class Scheduling(LoadScopeScheduling):
    """The tests of a folder that share something on one worker, in their order; each of the others on any worker."""

    def _split_scope(self, nodeid: str) -> str:
        return next((folder for folder in SHARING if f"/integration/{folder}/" in nodeid), nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling:
    return Scheduling(config, log)
