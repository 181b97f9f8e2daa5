"""What the tests of all scenarios look at: the hosts by SSH as an operator would, and the cluster through its API."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import testinfra
from testinfra.host import Host

from lab import paths


@pytest.fixture(scope="session")
def inventory() -> Path:
    """The inventory folder of the scenario that runs."""
    return Path(os.environ["MOLECULE_SCENARIO_DIRECTORY"], "inventory")


@pytest.fixture(scope="session")
def listing(inventory: Path) -> Mapping[str, Any]:
    """What Ansible makes of the inventory, read once."""
    done = subprocess.run(["ansible-inventory", "-i", str(inventory), "--list"], capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


@pytest.fixture(scope="session")
def members(listing: Mapping[str, Any]) -> Callable[[str], list[str]]:
    """Names of the hosts of a group; of a group that is absent or empty, none."""
    return lambda group: sorted(listing.get(group, {}).get("hosts", []))


@pytest.fixture(scope="session")
def hosts(listing: Mapping[str, Any]) -> Mapping[str, Host]:
    """All hosts by name. One SSH connection each is kept open, so a look costs milliseconds."""
    cache = paths.cache()
    strangers = "-F none -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"

    def reach(address: str) -> Host:
        # The same socket as Ansible's, which the lab closes when it removes a host.
        socket = str(cache.sockets / address)
        return testinfra.get_host(
            f"ssh://root@{address}", ssh_identity_file=str(cache.key), ssh_extra_args=strangers, controlpath=socket, controlpersist=60
        )

    return {name: reach(variables["ansible_host"]) for name, variables in listing["_meta"]["hostvars"].items()}


@pytest.fixture(scope="session")
def kubectl(inventory: Path) -> Callable[..., str]:
    """Run kubectl from this machine with the admin kubeconfig, and return what it prints; fail if it fails."""
    programs = sorted((paths.cache().artifacts / "kubernetes").glob("*/*/kubectl"), key=lambda path: path.stat().st_mtime)
    assert programs, "there is no kubectl in the cache: run make binaries"

    def run(*arguments: str, stdin: str | None = None) -> str:
        command = [str(programs[-1]), f"--kubeconfig={inventory / 'admin.kubeconfig'}", "--request-timeout=20s", *arguments]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr}"
        return done.stdout

    return run


@pytest.fixture(scope="session")
def nodes(kubectl: Callable[..., str]) -> Mapping[str, Any]:
    """The nodes by name, asked once."""
    return {node["metadata"]["name"]: node for node in json.loads(kubectl("get", "nodes", "--output=json"))["items"]}


@pytest.fixture(scope="session")
def runs() -> list[dict[str, Any]]:
    """What each run of a playbook in this scenario executed on its hosts, in order; see the callback count_executions."""
    lines = Path(os.environ["QUORATE_EXECUTIONS_PATH"]).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]
