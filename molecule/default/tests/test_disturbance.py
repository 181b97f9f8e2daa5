"""Hosts fail and reboot: the cluster goes on, and all of it comes back by itself."""

from __future__ import annotations

import contextlib
import datetime
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from testinfra.host import Host

from tests.cluster import tls
from tests.cluster.api import Api
from tests.cluster.etcd import leader
from tests.cluster.hosts import together, units
from tests.cluster.playbook import fine, play, unchanged
from tests.cluster.probe import Apart
from tests.cluster.switch import press
from tests.cluster.use import probed
from tests.cluster.wait import settled, until
from tests.cluster.workload import SERVICE_PORTS, Workload

LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
# After a reboot, on a machine that has other things to do.
WITHIN = 240.0


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)


def time_of(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def is_healthy(etcdctl: Callable[..., str], name: str) -> bool:
    """Whether a member answers a linearizable read."""
    try:
        return bool(json.loads(etcdctl(name, "endpoint", "health", "-w", "json"))[0]["health"])
    except (AssertionError, RuntimeError):
        return False


@pytest.fixture
def whole(
    api: Api,
    hosts: Mapping[str, Host],
    addresses: Mapping[str, str],
    members: Callable[[str], list[str]],
    node_names: list[str],
    etcdctl: Callable[..., str],
) -> Callable[[datetime.datetime], list[str]]:
    """What is not yet as it was before some moment; everything that is found says something of a time after it."""
    before = together(lambda name: set(units(hosts[name])), hosts)

    def missing(since: datetime.datetime) -> list[str]:
        problems = [
            f"etcd of {name}" for name, healthy in together(lambda it: is_healthy(etcdctl, it), members("etcd")).items() if not healthy
        ]
        problems += [
            f"API server of {name}" for name in members("masters") if tls.status(addresses[name], port=api.port, path="/readyz") != "200"
        ]
        found = together(lambda name: units(hosts[name]), hosts)
        for name, shown in found.items():
            problems += [f"{unit} of {name}" for unit in before[name] if shown.get(unit, {}).get("ActiveState") != "active"]
        renewed = {item["metadata"]["name"]: time_of(item["spec"]["renewTime"]) for item in api.get(LEASES)["items"]}
        ready = {
            node["metadata"]["name"]: {it["type"]: it["status"] for it in node["status"]["conditions"]}["Ready"]
            for node in api.get("/api/v1/nodes")["items"]
        }
        problems += [f"node {name}" for name in node_names if ready.get(name) != "True" or name not in renewed or renewed[name] <= since]
        return problems

    return missing


@contextlib.contextmanager
def served(api: Api, addresses: Mapping[str, str], names: list[str], *, patience: float = 0) -> Iterator[dict[str, Apart]]:
    """Read and write through the load balancers of some hosts meanwhile; no request may fail twice, or for longer than the patience, no write may be lost."""
    with contextlib.ExitStack() as stack:
        probes = stack.enter_context(probed(api, addresses, names, patience=patience))
        yield probes
    assert {name: (probe.seen.failed, probe.seen.lost) for name, probe in probes.items() if probe.seen.failed or probe.seen.lost} == {}


def test_the_api_survives_the_loss_of_a_master(
    api: Api,
    addresses: Mapping[str, str],
    members: Callable[[str], list[str]],
    etcdctl: Callable[..., str],
    whole: Callable[[datetime.datetime], list[str]],
) -> None:
    """The master whose etcd member leads loses its power. The workers' load balancers lead to the others."""
    lost = leader(etcdctl, members("masters"))
    with served(api, addresses, members("workers"), patience=10) as probes:
        press("kill", lost)
        seen = [(probe.look().reads, len(probe.seen.acknowledged)) for probe in probes.values()]

        def goes_on() -> bool:
            return all(
                probe.look().reads >= reads + 20 and len(probe.seen.acknowledged) >= writes + 10
                for probe, (reads, writes) in zip(probes.values(), seen)
            )

        try:
            until("twenty reads and ten writes through each worker without one master", goes_on, within=120)
            with pytest.raises(OSError, match=r"route|timed out|refused"):
                api.at(f"https://{addresses[lost]}:{api.port}", timeout=5).ask("/readyz")
        finally:
            since = now()
            press("start", lost)
        settled("all that was there before", lambda: whole(since), within=WITHIN, every=1)


def test_a_host_comes_back_from_a_reboot(
    api: Api,
    workload: Workload,
    addresses: Mapping[str, str],
    members: Callable[[str], list[str]],
    whole: Callable[[datetime.datetime], list[str]],
    rebooted: str,
) -> None:
    other = next(name for name in members("workers") if name != rebooted)
    since = now()
    with served(api, addresses, [other]):
        press("restart", rebooted)
        settled(f"all that was there before {rebooted} was rebooted", lambda: whole(since), within=WITHIN, every=1)
        settled(f"pods of {rebooted} in the network", lambda: workload.unreached(only=[rebooted], since=since), within=WITHIN, every=1)

    def named() -> list[str]:
        pod = next(pod for pod in workload.pods() if pod.node == rebooted)
        return workload.dial(pod, to="answer", port=SERVICE_PORTS["udp"], protocol="udp", tries=3)

    assert len(until(f"names and Services in pods of {rebooted}", named, within=60)) == 3


def test_an_empty_worker_joins_while_another_is_dead(
    inventory: Path, members: Callable[[str], list[str]], whole: Callable[[datetime.datetime], list[str]]
) -> None:
    """With a limit nothing is asked of the hosts that it leaves out."""
    joining, dead = members("workers")[:2]
    press("kill", dead)
    try:
        press("replace", joining)
        since = now()
        run = fine(play("site", f"--limit={joining}", inventory=inventory))
        assert set(run.changed) - {"localhost"} == {joining}
    finally:
        press("start", dead)
    settled("all that was there before", lambda: whole(since), within=WITHIN, every=1)
    unchanged(fine(play("site", inventory=inventory)))
