"""To what the inventory says, from another version, while everybody works: nobody notices."""

from __future__ import annotations

import contextlib
import json
import os
import re
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from testinfra.host import Host

from lab import versions as lab_versions
from tests.cluster import applications, tls
from tests.cluster.api import Api
from tests.cluster.etcd import lives, status
from tests.cluster.hosts import different, managed, started_since, starts, together, units
from tests.cluster.inventory import secrets
from tests.cluster.playbook import Run, fine, play, unchanged
from tests.cluster.probe import Apart, is_without_leader
from tests.cluster.sampler import Health, Sampler
from tests.cluster.use import probed
from tests.cluster.wait import until
from tests.cluster.workload import Workload

KUBERNETES = lab_versions.DEFAULT["kubernetes"]
ETCD = lab_versions.ETCD[lab_versions.minor(KUBERNETES)]
MOST_EXECUTIONS = 30
# What a look at a host renews: the digests of files that it has read.
REMEMBERED = ("/var/lib/quorate/digests.json", "/var/lib/quorate/artifact_digests.json")


@pytest.fixture(scope="module")
def running(workload: Workload, api: Api, kubectl: Callable[..., str]) -> applications.Applications:
    """The applications, all there."""
    made = applications.Applications(api=api, kubectl=kubectl, image=workload.image)
    made.start()
    return made


@pytest.fixture(scope="module")
def samplers(
    api: Api, etcd_client: ssl.SSLContext, addresses: Mapping[str, str], members: Callable[[str], list[str]]
) -> dict[str, Sampler]:
    """What looks at the API servers, and at the members of etcd, ten times a second."""
    # Whether etcd answers each of them is asked by the writes, and is the same for all while etcd elects a leader.
    path = "/readyz?exclude=etcd&exclude=etcd-readiness"
    servers = {name: Health(f"https://{addresses[name]}:{api.port}{path}", context=tls.anyone()) for name in members("masters")}
    return {"API servers": Sampler(servers), "members of etcd": Sampler(lives(addresses, members("etcd"), client=etcd_client))}


def executions(playbook: str) -> dict[str, int]:
    """Modules that the last run of a playbook executed on each host."""
    lines = Path(os.environ["QUORATE_EXECUTIONS_PATH"]).read_text(encoding="utf-8").splitlines()
    runs: list[dict[str, Any]] = [json.loads(line) for line in lines]
    last = [run for run in runs if run["playbook"] == f"{playbook}.yml" and not run["check_mode"]][-1]
    return {name: counts["modules"] for name, counts in last["hosts"].items()}


Versions = Callable[[], Mapping[str, set[str]]]


@pytest.fixture(scope="module")
def versions(api: Api, addresses: Mapping[str, str], members: Callable[[str], list[str]], etcdctl: Callable[..., str]) -> Versions:
    """What runs: the versions of kubelets, API servers and members of etcd."""

    def found() -> dict[str, set[str]]:
        servers = [api.at(f"https://{addresses[name]}:{api.port}").get("/version")["gitVersion"] for name in members("masters")]
        stores = [status(etcdctl, name)["version"] for name in members("etcd")]
        return {
            "kubelets": {node["status"]["nodeInfo"]["kubeletVersion"].lstrip("v") for node in api.get("/api/v1/nodes")["items"]},
            "API servers": {version.lstrip("v") for version in servers},
            "members of etcd": set(stores),
        }

    return found


def leaders(api: Api) -> dict[str, int]:
    """How often the leadership of each controller has moved."""
    path = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/"
    return {name: api.get(path + name)["spec"]["leaseTransitions"] for name in ("kube-controller-manager", "kube-scheduler")}


@pytest.fixture(scope="module")
def told(
    inventory: Path, hosts: Mapping[str, Host], running: applications.Applications, tmp_path_factory: pytest.TempPathFactory
) -> list[dict[str, Any]]:
    """The order that check mode tells before; nothing is done, and no secret is shown."""
    running.wait(within=60)
    before = together(lambda name: managed(hosts[name]), hosts)
    path = tmp_path_factory.mktemp("plan") / "plan.json"
    extra = f"--extra-vars=cluster_version={KUBERNETES} upgrade_plan_file={path}"
    run = fine(play("upgrade", "--check", "--diff", extra, inventory=inventory))
    after = together(lambda name: managed(hosts[name]), hosts)
    assert {(name, thing) for name, thing in different(before, after) if thing not in REMEMBERED} == set()
    assert {word for word in secrets(inventory) if word in run.output} == set()
    return list(json.loads(path.read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def quiet(api: Api, addresses: Mapping[str, str], node_names: list[str], running: applications.Applications) -> float:
    """The longest gap between two writes while nothing is changed: what the machine and the measuring itself cost. The longest scenarios ask for it."""
    running.wait(within=60)
    if os.environ.get("QUORATE_TEST_SHORT"):
        return 0.0
    with probed(api, addresses, node_names, timeout=10, reads=10) as probes:
        until("forty writes from each node", lambda: all(len(probe.look().acknowledged) > 40 for probe in probes.values()), within=120)
    return max(probe.seen.gap for probe in probes.values())


@dataclass(frozen=True)
class Measured:
    """What was seen from outside during the upgrade."""

    run: Run
    probes: Mapping[str, Apart]
    samplers: Mapping[str, Sampler]
    available: Sampler
    restarted: Mapping[str, Mapping[str, float]]
    starts: Mapping[tuple[str, str], int]
    by_themselves: Mapping[str, set[str]]


def when_started(hosts: Mapping[str, Host]) -> dict[str, dict[str, float]]:
    """When each unit of each host was started, in microseconds of the one clock that all hosts of the lab share."""
    found = together(lambda name: starts(hosts[name]), hosts)
    return {name: {unit: float(at) for unit, at in of_host.items()} for name, of_host in found.items()}


def ended_by_themselves(hosts: Mapping[str, Host]) -> dict[str, set[str]]:
    """Units that systemd started last, not the run: a controller that loses its lease on a busy machine ends."""
    found = together(lambda name: units(hosts[name]), hosts)
    return {
        name: {unit.removesuffix(".service") for unit, shown in of_host.items() if int(shown["NRestarts"])}
        for name, of_host in found.items()
    }


@pytest.fixture(scope="module")
def measured(
    inventory: Path,
    figures: Path,
    api: Api,
    hosts: Mapping[str, Host],
    addresses: Mapping[str, str],
    node_names: list[str],
    members: Callable[[str], list[str]],
    samplers: dict[str, Sampler],
    versions: Versions,
    told: list[dict[str, Any]],
    quiet: float,
) -> Measured:
    """The upgrade, with everybody at work; after what is measured and told before it."""
    assert told
    assert versions()["members of etcd"] != {ETCD}
    moved, started, began = leaders(api), when_started(hosts), time.time()
    counted = [(name, "etcd") for name in members("etcd")] + [(name, "kube-apiserver") for name in members("masters")]
    with probed(api, addresses, node_names, timeout=10, reads=10) as probes, contextlib.ExitStack() as stack:
        through = probes[members("workers")[0]].api
        available = Sampler(
            {
                "web": lambda: applications.available(through) >= applications.LEAST_AVAILABLE,
                "DNS": lambda: applications.available(through, applications.DNS) >= 1,
            },
            every=0.5,
        )
        for sampler in (*samplers.values(), available):
            stack.enter_context(sampler)
        run = play("upgrade", f"--extra-vars=cluster_version={KUBERNETES}", inventory=inventory)
    for name, probe in probes.items():
        print(
            f"{name}: {probe.seen.reads} reads, {len(probe.seen.acknowledged)} writes, longest gap {probe.seen.gap:.2f} s (at {probe.seen.gap_ended})"
        )
    for name, sampler in samplers.items():
        print(
            f"{name}: at most {sampler.worst} at once; "
            + ", ".join(f"{who} {long:.1f} s until {end}" for who, end, long in sampler.absences)
        )
    assert run.code == 0, run.end
    after = when_started(hosts)
    gaps = {name: {"seconds": probe.seen.gap, "ended": probe.seen.gap_ended} for name, probe in probes.items() if not probe.seen.once}
    moves = {name: number - moved[name] for name, number in leaders(api).items()}
    figures.write_text(json.dumps({"quiet": quiet, "gaps": gaps, "moves": moves}), encoding="utf-8")
    return Measured(
        run=run,
        probes=probes,
        samplers=samplers,
        available=available,
        restarted={name: {unit: at for unit, at in after[name].items() if at != started[name].get(unit)} for name in after},
        starts=together(lambda one: started_since(hosts[one[0]], f"{one[1]}.service", began), counted),
        by_themselves=ended_by_themselves(hosts),
    )


@pytest.mark.usefixtures("measured")
def test_all_is_new(versions: Versions) -> None:
    assert versions() == {"kubelets": {KUBERNETES}, "API servers": {KUBERNETES}, "members of etcd": {ETCD}}


@pytest.mark.usefixtures("measured")
def test_add_ons_are_new(api: Api) -> None:
    deployment = api.get(applications.DNS)
    images = [container["image"] for container in deployment["spec"]["template"]["spec"]["containers"]]
    assert images == [f"registry.k8s.io/coredns/coredns:v{lab_versions.COREDNS[lab_versions.minor(KUBERNETES)]}"]
    assert deployment["status"]["updatedReplicas"] == deployment["status"]["readyReplicas"] == deployment["spec"]["replicas"]


def test_a_snapshot_was_saved_before(inventory: Path, measured: Measured) -> None:
    saved = max(path.stat().st_mtime for path in (inventory / "snapshots").glob("*.db"))
    clock = time.time() - time.monotonic()
    assert saved < min(at for restarted in measured.restarted.values() for at in restarted.values()) / 1e6 + clock


def test_no_request_fails_and_no_write_is_lost(measured: Measured) -> None:
    failed = {name: [problem for problem in probe.seen.once if not is_without_leader(problem)] for name, probe in measured.probes.items()}
    assert {name: problems for name, problems in failed.items() if problems} == {}
    # A write that is on its way in the milliseconds in which leadership is handed over is dropped by etcd, which tells at once or after seven
    # seconds. Whoever wrote writes again. There is one handing over.
    assert [problem for probe in measured.probes.values() for problem in probe.seen.failed] == []
    assert sum(len(probe.seen.once) for probe in measured.probes.values()) <= 1
    assert {name: probe.seen.lost for name, probe in measured.probes.items() if probe.seen.lost} == {}


def test_never_two_at_once(measured: Measured) -> None:
    assert all(number > 100 for sampler in measured.samplers.values() for number in sampler.samples.values())
    assert {name: sampler.worst for name, sampler in measured.samplers.items() if len(sampler.worst) > 1} == {}


def test_every_component_of_the_plan_was_restarted_somewhere(measured: Measured, told: list[dict[str, Any]]) -> None:
    planned = {unit for step in told for unit in step["restarts"]}
    restarted = {unit for units_of_host in measured.restarted.values() for unit in units_of_host}
    assert {"etcd", "kube-apiserver"} - planned == set()
    assert planned - restarted == set()


def test_each_member_and_api_server_was_started_once(measured: Measured) -> None:
    assert measured.starts == dict.fromkeys(measured.starts, 1)


def test_the_run_tells_what_it_waits_for_and_how_long_it_took(measured: Measured) -> None:
    before = re.search(r"^m2: kube-apiserver is restarted, then waited for: \S+/readyz \(\d+ s at most\)$", measured.run.output, re.M)
    after = re.search(r"^m2: kube-apiserver is ready again after \d+\.\d s$", measured.run.output, re.M)
    assert before, measured.run.output
    assert after, measured.run.output
    assert before.end() < after.start()


def test_applications_and_dns_serve_all_the_time(measured: Measured, running: applications.Applications) -> None:
    assert measured.available.absences == []
    assert measured.available.worst == []
    running.wait(within=60)


def test_the_run_did_what_check_mode_told(measured: Measured, told: list[dict[str, Any]]) -> None:
    planned = {name: {unit for step in told if step["host"] == name for unit in step["restarts"]} for name in measured.restarted}
    found = {name: set(restarted) - (measured.by_themselves[name] - planned[name]) for name, restarted in measured.restarted.items()}
    assert found == planned
    # One step is over before the next one of another batch begins.
    steps = [step for step in told if step["stage"] != "controllers"]
    moments = [[measured.restarted[step["host"]][unit] for unit in step["restarts"]] for step in steps]
    assert all(max(here) < min(there) for here, there in zip(moments, moments[1:])), list(zip(steps, moments))


def test_the_summary_tells_what_was_away(measured: Measured) -> None:
    found = re.search(r"kube-apiserver: restarted on ([\w, ]+); away for \d+\.\d s at most \(\w+\), 1 at a time", measured.run.flat)
    assert found, measured.run.end
    assert sorted(found[1].split(", ")) == sorted(name for name, unit in measured.starts if unit == "kube-apiserver")


@pytest.mark.usefixtures("measured")
def test_few_modules_ran() -> None:
    assert {name: number for name, number in executions("upgrade").items() if number > MOST_EXECUTIONS} == {}


def test_there_is_nothing_to_do_the_second_time(inventory: Path, hosts: Mapping[str, Host]) -> None:
    before = together(lambda name: units(hosts[name]), hosts)
    unchanged(fine(play("upgrade", f"--extra-vars=cluster_version={KUBERNETES}", inventory=inventory)))
    assert together(lambda name: units(hosts[name]), hosts) == before
