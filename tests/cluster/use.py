"""Somebody who uses a cluster all the time, and what its API servers use."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from testinfra.host import Host

from . import tls
from .api import Api
from .hosts import look
from .probe import Apart, is_without_leader
from .sampler import Health, Sampler
from .ssh import forwarded
from .wait import until


@contextlib.contextmanager
def probed(
    api: Api, addresses: Mapping[str, str], names: list[str], *, timeout: float = 15, reads: float = 5, patience: float = 0
) -> Iterator[dict[str, Apart]]:
    """Read, and write twice a second, through the load balancer of each of some hosts meanwhile; what came of it is known by its name afterwards."""
    with contextlib.ExitStack() as tunnels:
        ports = {name: tunnels.enter_context(forwarded(addresses[name], port=7443)) for name in names}
        probes = {
            name: Apart(api=api.at(f"https://127.0.0.1:{port}", timeout=timeout), name=name, reads=reads, patience=patience)
            for name, port in ports.items()
        }
        with contextlib.ExitStack() as running:
            for probe in probes.values():
                running.enter_context(probe)
            until("the first answers", lambda: all(probe.look().reads and probe.seen.acknowledged for probe in probes.values()), within=60)
            yield probes


@contextlib.contextmanager
def used(
    api: Api,
    addresses: Mapping[str, str],
    *,
    through: str,
    servers: list[str],
    etcd: Mapping[str, Callable[[], bool]] = MappingProxyType({}),
    killed: bool = False,
    patience: float = 0,
) -> Iterator[None]:
    """Read and write through the load balancer of a host meanwhile: no request fails, no write that was acknowledged is lost, and no more than one at
    a time is away of the API servers, and of the members of etcd that are looked at. One that is dead before counts, so no other may be away then.
    Where a host is killed a request may fail once, or for the seconds of the patience."""
    members = Sampler(etcd)
    watch = Sampler({name: Health(f"https://{addresses[name]}:{api.port}/readyz", context=tls.anyone()) for name in servers})
    # First the probe: its process begins as a copy of this one, which should have one thread then.
    with contextlib.ExitStack() as stack:
        probes = stack.enter_context(probed(api, addresses, [through], patience=patience))
        stack.enter_context(watch)
        stack.enter_context(members)
        yield
    seen = probes[through].seen
    assert (seen.failed, seen.lost) == ([], [])
    assert killed or [problem for problem in seen.once if not is_without_leader(problem)] == []
    assert [name for sampler in (watch, members) for name, asked in sampler.samples.items() if not asked] == []
    assert len(watch.worst) <= 1, watch.absences
    assert len(members.worst) <= 1, (members.worst, members.absences)


def stores(hosts: Mapping[str, Host], name: str) -> list[str]:
    """The members that an API server was started with."""
    servers = [it for it in look(hosts[name], "processes") if it["program"] == "kube-apiserver"]
    arguments = [word for word in servers[0]["arguments"] if word.startswith("--etcd-servers=")]
    return sorted(arguments[0].partition("=")[2].split(","))


def urls(addresses: Mapping[str, str], names: list[str]) -> list[str]:
    return sorted(f"https://{addresses[name]}:2379" for name in names)
