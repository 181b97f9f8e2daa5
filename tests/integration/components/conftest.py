"""Prepare and clean up: one host of the lab for all tests, and on it a component for each of them."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from . import harness
from .harness import Host, Server


@pytest.fixture(scope="session")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """An empty host. QUORATE_KEEP_HOSTS=1 leaves it there, to look at it after a failure."""
    harness.lab("hosts", "--inventory", str(harness.INVENTORY), "--fresh")
    made = Host(tmp_path_factory.mktemp("playbooks"))
    made.write(harness.SERVER, (harness.HERE / "server.py").read_text(encoding="utf-8"))
    yield made
    if not os.environ.get("QUORATE_KEEP_HOSTS"):
        harness.lab("destroy", "--inventory", str(harness.INVENTORY))


@pytest.fixture(scope="session")
def servers(host: Host, request: pytest.FixtureRequest) -> dict[str, Server]:
    """A component for each test, by the test's id. Those of tests that want a running one are started, all in one run."""
    tests = [item for item in request.session.items if {"server", "fresh"} & set(getattr(item, "fixturenames", ()))]
    made = {item.nodeid: Server(host, f"it-{number}", 8000 + number) for number, item in enumerate(tests)}
    host.ssh(" && ".join(f"mkdir -p {one.path('real')} && echo old >{one.path('real/bundle')}" for one in made.values()))
    host.ssh(" && ".join(f"ln -s real/bundle {one.path('bundle')}" for one in made.values()))
    running = [made[item.nodeid].definition() for item in tests if "server" in getattr(item, "fixturenames", ())]
    assert not running or host.apply(*running).changed
    return made


@pytest.fixture
def server(servers: dict[str, Server], request: pytest.FixtureRequest) -> Server:
    """A component that runs, and that no other test uses."""
    return servers[request.node.nodeid]


@pytest.fixture
def fresh(servers: dict[str, Server], request: pytest.FixtureRequest) -> Server:
    """A component that is not on the host yet, except for what it watches."""
    return servers[request.node.nodeid]
