"""From one minor version to the next while everybody works: nobody notices."""

from __future__ import annotations

import contextlib
import json
import os
import ssl
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from testinfra.host import Host

from tests.cluster.api import Api
from tests.cluster.applications import Applications
from tests.cluster.hosts import said, together, units
from tests.cluster.playbook import play
from tests.cluster.probe import Probe
from tests.cluster.sampler import Health, Sampler
from tests.cluster.ssh import forwarded
from tests.cluster.wait import until
from tests.cluster.workload import Workload

OLD, NEW = {"kubernetes": "1.36.4", "etcd": "3.6.16"}, {"kubernetes": "1.37.1", "etcd": "3.7.3"}
LONGEST_GAP = 1.0
MOST_EXECUTIONS = 30


@pytest.fixture(scope="module")
def applications(workload: Workload, api: Api, kubectl: Callable[..., str]) -> Applications:
    made = Applications(api=api, kubectl=kubectl, image=workload.image)
    made.start()
    return made


@pytest.fixture(scope="module")
def etcd_client(hosts: Mapping[str, Host], members: Callable[[str], list[str]], tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """A client of etcd, with the operator's certificate of one member."""
    folder = tmp_path_factory.mktemp("etcd")
    folder.chmod(0o700)
    for name in ("ca.crt", "operator.crt", "operator.key"):
        (folder / name).write_text(said(hosts[members("etcd")[0]], f"cat /etc/etcd/pki/{name}"), encoding="ascii")
    context = ssl.create_default_context(cafile=str(folder / "ca.crt"))
    context.load_cert_chain(folder / "operator.crt", folder / "operator.key")
    return context


@pytest.fixture
def samplers(
    api: Api, etcd_client: ssl.SSLContext, addresses: Mapping[str, str], members: Callable[[str], list[str]]
) -> dict[str, Sampler]:
    """What looks at the API servers, and at the members of etcd, ten times a second."""
    anyone = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anyone.check_hostname = False
    anyone.verify_mode = ssl.CERT_NONE
    servers = {name: Health(f"https://{addresses[name]}:{api.port}/readyz", context=anyone) for name in members("masters")}
    stores = {name: Health(f"https://{addresses[name]}:2379/livez", context=etcd_client) for name in members("etcd")}
    return {"API servers": Sampler(servers), "members of etcd": Sampler(stores)}


@contextlib.contextmanager
def probed(api: Api, addresses: Mapping[str, str], names: list[str]) -> Iterator[dict[str, Probe]]:
    """Ten reads and two writes a second through the load balancer of each host."""
    with contextlib.ExitStack() as stack:
        ports = {name: stack.enter_context(forwarded(addresses[name], port=7443)) for name in names}
        probes = {
            name: Probe(api=api.at(f"https://127.0.0.1:{port}", timeout=10), name=name, reads=10, writes=2) for name, port in ports.items()
        }
        for probe in probes.values():
            stack.enter_context(probe)
        until("the first answers", lambda: all(probe.reads and probe.acknowledged for probe in probes.values()), within=60)
        yield probes


def executions(playbook: str) -> dict[str, int]:
    """Modules that the last run of a playbook executed on each host."""
    lines = Path(os.environ["QUORATE_EXECUTIONS_PATH"]).read_text(encoding="utf-8").splitlines()
    runs: list[dict[str, Any]] = [json.loads(line) for line in lines]
    last = [run for run in runs if run["playbook"] == f"{playbook}.yml" and not run["check_mode"]][-1]
    return {name: counts["modules"] for name, counts in last["hosts"].items()}


def versions(api: Api, addresses: Mapping[str, str], masters: list[str]) -> dict[str, set[str]]:
    """What runs: the versions of kubelets and API servers."""
    kubelets = {node["status"]["nodeInfo"]["kubeletVersion"].lstrip("v") for node in api.get("/api/v1/nodes")["items"]}
    servers = {api.at(f"https://{addresses[name]}:{api.port}").get("/version")["gitVersion"].lstrip("v") for name in masters}
    return {"kubelets": kubelets, "API servers": servers}


def test_nobody_notices_an_upgrade(
    inventory: Path,
    api: Api,
    applications: Applications,
    addresses: Mapping[str, str],
    members: Callable[[str], list[str]],
    node_names: list[str],
    samplers: dict[str, Sampler],
) -> None:
    masters = members("masters")
    assert versions(api, addresses, masters) == {"kubelets": {OLD["kubernetes"]}, "API servers": {OLD["kubernetes"]}}
    fewest = [applications.available()]

    def served() -> bool:
        fewest.append(applications.available())
        return True

    with probed(api, addresses, node_names) as probes, contextlib.ExitStack() as stack:
        for sampler in samplers.values():
            stack.enter_context(sampler)
        run = play("upgrade", f"--extra-vars=cluster_version={NEW['kubernetes']}", inventory=inventory)
    print(run.output)
    print({name: (probe.reads, len(probe.acknowledged), round(probe.gap, 2), probe.gap_ended) for name, probe in probes.items()})
    print({name: (sampler.worst, sampler.absences) for name, sampler in samplers.items()})
    print(executions("upgrade"))
    assert run.code == 0, run.end
    assert versions(api, addresses, masters) == {"kubelets": {NEW["kubernetes"]}, "API servers": {NEW["kubernetes"]}}
    assert {name: probe.once for name, probe in probes.items() if probe.once} == {}
    assert {name: probe.lost() for name, probe in probes.items() if probe.lost()} == {}
    assert {name: sampler.worst for name, sampler in samplers.items() if len(sampler.worst) > 1} == {}
    assert {name: number for name, number in executions("upgrade").items() if number > MOST_EXECUTIONS} == {}
    assert {name: (probe.gap, probe.gap_ended) for name, probe in probes.items() if probe.gap > LONGEST_GAP} == {}
    for probe in probes.values():
        probe.clean()
    applications.wait(within=60)


def test_there_is_nothing_to_do_the_second_time(inventory: Path, hosts: Mapping[str, Host]) -> None:
    before = together(lambda name: units(hosts[name]), hosts)
    run = play("upgrade", f"--extra-vars=cluster_version={NEW['kubernetes']}", inventory=inventory)
    assert run.code == 0, run.end
    assert {name: count for name, count in run.changed.items() if count} == {}, run.output
    assert together(lambda name: units(hosts[name]), hosts) == before
