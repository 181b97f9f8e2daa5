"""What the tests of all scenarios look at: the hosts by SSH as an operator would, and the cluster through its API."""

from __future__ import annotations

import json
import os
import shlex
import ssl
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import testinfra
import yaml
from testinfra.host import Host

from lab import paths
from tests.cluster.api import Api, connect
from tests.cluster.hosts import said
from tests.cluster.ssh import STRANGERS
from tests.cluster.workload import Workload

ETCDCTL = (
    "etcdctl --endpoints=https://127.0.0.1:2379 --command-timeout=30s --dial-timeout=10s "
    "--cacert=/etc/etcd/pki/ca.crt --cert=/etc/etcd/pki/operator.crt --key=/etc/etcd/pki/operator.key"
)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that asks for the host to reboot is done with each host of the inventory in turn."""
    if "rebooted" in metafunc.fixturenames:
        groups = yaml.safe_load(Path(os.environ["MOLECULE_SCENARIO_DIRECTORY"], "inventory/hosts.yml").read_text(encoding="utf-8"))
        metafunc.parametrize("rebooted", sorted({name for group in groups.values() for name in group.get("hosts", {})}))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Upgrades come first: what every cluster must have is then asked of the upgraded one. make test leaves out what is marked as long."""
    if os.environ.get("QUORATE_TEST_SHORT"):
        long = [item for item in items if item.get_closest_marker("long")]
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]
    items.sort(key=lambda item: not item.path.name.startswith("test_upgrade"))


@pytest.fixture(scope="session")
def inventory() -> Path:
    """The inventory folder of the scenario that runs."""
    return Path(os.environ["MOLECULE_SCENARIO_DIRECTORY"], "inventory")


@pytest.fixture(scope="session")
def remembered() -> Path:
    """Where a scenario keeps what its fresh hosts were like."""
    return Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"], "fresh.json")


@pytest.fixture(scope="session")
def foretold() -> Path:
    """Where a scenario keeps what check mode told on its fresh hosts."""
    return Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"], "fresh.txt")


@pytest.fixture(scope="session")
def figures() -> Path:
    """Where an upgrade leaves what was measured meanwhile, for tests of a scenario that is about that."""
    return Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"], "upgrade.json")


@pytest.fixture(scope="session")
def listing(inventory: Path) -> Mapping[str, Any]:
    """What Ansible makes of the inventory, read once."""
    done = subprocess.run(["ansible-inventory", "-i", str(inventory), "--list"], capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


@pytest.fixture(scope="session")
def variables(listing: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """The variables of each host, by its name, without those that Ansible would have to compute."""
    return {
        name: {key: value for key, value in values.items() if "{{" not in str(value)}
        for name, values in listing["_meta"]["hostvars"].items()
    }


@pytest.fixture(scope="session")
def members(listing: Mapping[str, Any]) -> Callable[[str], list[str]]:
    """Names of the hosts of a group; of a group that is absent or empty, none. Without a group etcd runs on the masters."""

    def names(group: str) -> list[str]:
        found = sorted(listing.get(group, {}).get("hosts", []))
        return names("masters") if group == "etcd" and not found else found

    return names


@pytest.fixture(scope="session")
def hosts(addresses: Mapping[str, str]) -> Mapping[str, Host]:
    """All hosts by name. One SSH connection each is kept open, so a look costs milliseconds."""
    cache = paths.cache()

    def reach(address: str) -> Host:
        # The same socket as Ansible's, which the lab closes when it removes a host.
        socket = str(cache.sockets / f"root@{address}")
        return testinfra.get_host(
            f"ssh://root@{address}",
            ssh_identity_file=str(cache.key),
            ssh_extra_args=STRANGERS,
            controlpath=socket,
            controlpersist=60,
            timeout=60,
        )

    return {name: reach(address) for name, address in addresses.items()}


@pytest.fixture(scope="session")
def etcd_client(hosts: Mapping[str, Host], members: Callable[[str], list[str]], tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """A client of etcd, with the operator's certificate of one member."""
    folder = tmp_path_factory.mktemp("etcd")
    folder.chmod(0o700)
    for name in ("ca.crt", "operator.crt", "operator.key"):
        (folder / name).write_text(said(hosts[members("etcd")[0]], f"cat /etc/etcd/pki/{name}"), encoding="ascii")
    context = ssl.create_default_context(cafile=str(folder / "ca.crt"))
    context.load_cert_chain(folder / "operator.crt", folder / "operator.key")
    return context


@pytest.fixture(scope="session")
def program() -> Callable[[str, str], Path]:
    """Where a program of a package lies in the cache; of several versions the one that was built last."""

    def find(package: str, name: str) -> Path:
        found = sorted((paths.cache().artifacts / package).glob(f"*/*/{name}"), key=lambda path: path.stat().st_mtime)
        assert found, f"there is no {name} in the cache: run make binaries"
        return found[-1]

    return find


@pytest.fixture(scope="session")
def image(workload: Workload) -> str:
    """The image of the workload, which every node has."""
    return workload.image


@pytest.fixture(scope="session")
def kubectl(inventory: Path, program: Callable[[str, str], Path]) -> Callable[..., str]:
    """Run kubectl from this machine with the admin kubeconfig, and return what it prints; fail if it fails."""

    def run(*arguments: str, stdin: str | None = None) -> str:
        command = [
            str(program("kubernetes", "kubectl")),
            f"--kubeconfig={inventory / 'admin.kubeconfig'}",
            "--request-timeout=20s",
            *arguments,
        ]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr}"
        return done.stdout

    return run


@pytest.fixture(scope="session")
def api(inventory: Path) -> Api:
    """The API server that the admin kubeconfig names."""
    return connect(inventory / "admin.kubeconfig")


@pytest.fixture(scope="session")
def etcdctl(hosts: Mapping[str, Host]) -> Callable[..., str]:
    """Run etcdctl as the operator on a member's host, and return what it prints."""
    return lambda name, *words: said(hosts[name], f"{ETCDCTL} {shlex.join(words)}")


@pytest.fixture(scope="session")
def nodes(kubectl: Callable[..., str]) -> Mapping[str, Any]:
    """The nodes by name, asked once."""
    return {node["metadata"]["name"]: node for node in json.loads(kubectl("get", "nodes", "--output=json"))["items"]}


@pytest.fixture(scope="session")
def addresses(variables: Mapping[str, Mapping[str, Any]]) -> Mapping[str, str]:
    """The address of each host."""
    return {name: str(values["ansible_host"]) for name, values in variables.items()}


@pytest.fixture(scope="session")
def node_names(members: Callable[[str], list[str]]) -> list[str]:
    """The hosts that are nodes."""
    return sorted({*members("masters"), *members("workers")})


@pytest.fixture(scope="session")
def workload(
    kubectl: Callable[..., str],
    api: Api,
    hosts: Mapping[str, Host],
    addresses: Mapping[str, str],
    node_names: list[str],
    program: Callable[[str, str], Path],
) -> Iterator[Workload]:
    """A pod on every node and Services before them; taken away at the end."""
    chosen = {name: hosts[name] for name in node_names}
    made = Workload(api=api, kubectl=kubectl, hosts=chosen, addresses=addresses, archive=program("agnhost", "agnhost.tar"))
    made.start()
    yield made
    made.remove()


@pytest.fixture(scope="session")
def runs() -> list[dict[str, Any]]:
    """What each run of a playbook in this scenario executed on its hosts, in order; see the callback count_executions."""
    lines = Path(os.environ["QUORATE_EXECUTIONS_PATH"]).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]
