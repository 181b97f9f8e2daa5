"""Somebody who uses a cluster all the time, and what its API servers use."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from testinfra.host import Host

from .api import Api
from .hosts import look
from .probe import Probe
from .sampler import Health, Sampler
from .ssh import forwarded
from .wait import until


@contextlib.contextmanager
def used(
    api: Api,
    addresses: Mapping[str, str],
    *,
    through: str,
    servers: list[str],
    etcd: Mapping[str, Callable[[], bool]] = MappingProxyType({}),
) -> Iterator[None]:
    """Read and write through the load balancer of a host meanwhile: no request fails twice, no write that was acknowledged is lost, and no more than one at
    a time is away of the API servers, and of the members of etcd that are looked at. One that is dead before counts, so no other may be away then."""
    anyone = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anyone.check_hostname = False
    anyone.verify_mode = ssl.CERT_NONE
    stores = Sampler(etcd)
    watch = Sampler({name: Health(f"https://{addresses[name]}:{api.port}/readyz", context=anyone) for name in servers})
    with forwarded(addresses[through], port=7443) as port:
        probe = Probe(api=api.at(f"https://127.0.0.1:{port}", timeout=15), name=through)
        with probe, watch, stores:
            until("the first answers", lambda: probe.reads and probe.acknowledged, within=60)
            yield
        assert probe.failed == []
        assert probe.lost() == []
        probe.clean()
    assert len(watch.worst) <= 1, watch.absences
    assert len(stores.worst) <= 1, (stores.worst, stores.absences)


def stores(hosts: Mapping[str, Host], name: str) -> list[str]:
    """The members that an API server was started with."""
    servers = [it for it in look(hosts[name], "processes") if it["program"] == "kube-apiserver"]
    arguments = [word for word in servers[0]["arguments"] if word.startswith("--etcd-servers=")]
    return sorted(arguments[0].partition("=")[2].split(","))


def urls(addresses: Mapping[str, str], names: list[str]) -> list[str]:
    return sorted(f"https://{addresses[name]}:2379" for name in names)
