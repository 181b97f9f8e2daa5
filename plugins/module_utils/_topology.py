# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: from a checked inventory to the topology of the cluster."""

from __future__ import annotations

import dataclasses
import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.quorate.kubernetes.plugins.module_utils import _etcd_flags, _version
from ansible_collections.quorate.kubernetes.plugins.module_utils._inventory import Inventory, inventory_problems
from ansible_collections.quorate.kubernetes.plugins.module_utils._names import (
    address,
    closest,
    endpoint,
    is_domain,
    is_label,
    is_port,
    network,
)
from ansible_collections.quorate.kubernetes.plugins.module_utils._problem import Problem, show

CONTROL_PLANE_TAINT = "node-role.kubernetes.io/control-plane:NoSchedule"
LOOPBACK = "127.0.0.1"
ETCD_CLIENT_PORT = 2379
DNS_INDEX = 10  # by custom the tenth address of the services' network is that of the cluster's DNS
SMALLEST_SERVICE_NETWORK = 16
LARGEST_SERVICE_NETWORK = 1 << 20  # API servers refuse a larger one
NODE_PREFIX = 24  # of the share of each node, unless the controller manager is told otherwise

KUBERNETES = "kubernetes"  # where flannel has its network's configuration, unless it is etcd

STACKED = "stacked"
EXTERNAL = "external"


@dataclasses.dataclass(frozen=True)
class Host:
    """A host of the cluster."""

    name: str
    address: str
    kinds: tuple[str, ...]
    zone: str
    region: str
    labels: Mapping[str, str]
    taints: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Api:
    """How the API servers are reached, also each by itself. `names` and `addresses` stand in the certificate of each."""

    port: int
    local: str
    balanced: bool
    endpoint: str
    servers: Mapping[str, str]
    names: tuple[str, ...]
    addresses: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Topology:
    """The cluster that an inventory asks for."""

    name: str
    domain: str
    layout: str
    versions: Mapping[str, str]
    binaries: Mapping[str, str]
    networks: Mapping[str, str]
    flannel_store: str
    services: Mapping[str, str]
    api: Api
    hosts: Mapping[str, Host]
    leaving: Mapping[str, Host]
    in_use: tuple[str, ...]
    etcd: tuple[str, ...]
    etcd_urls: Mapping[str, str]
    etcd_spares: tuple[str, ...]
    etcd_replaced: Mapping[str, str]
    masters: tuple[str, ...]
    workers: tuple[str, ...]
    nodes: tuple[str, ...]

    def as_fact(self) -> dict[str, Any]:
        """The fact `cluster_topology`: plain dicts and lists."""
        return {key: _plain(value) for key, value in dataclasses.asdict(self).items()}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def problems(inventory: Inventory) -> Iterator[Problem]:
    """Everything that keeps an inventory from being a cluster."""
    yield from inventory_problems(inventory)
    yield from _identity_problems(inventory)
    yield from _version_problems(inventory)
    yield from _network_problems(inventory)
    yield from _flannel_problems(inventory)
    yield from _api_problems(inventory)


def _problem(name: str, *, reason: str, remedy: str = "") -> Problem:
    return Problem(place="all hosts", what=f"{name} {reason}", remedy=remedy or f"Correct {name}, in group_vars/all.yml")


def _identity_problems(inventory: Inventory) -> Iterator[Problem]:
    name = inventory.setting("cluster_name")
    if not is_label(name):
        yield _problem("cluster_name", reason=f"{show(name)} is no name: up to 63 lower-case letters, digits and dashes")
    domain = inventory.setting("cluster_domain")
    if not is_domain(domain):
        yield _problem("cluster_domain", reason=f"{show(domain)} is no DNS name in lower case, such as cluster.local")


def _version_problems(inventory: Inventory) -> Iterator[Problem]:
    newest = f"the newest known is {_version.NEWEST.kubernetes}"
    text = inventory.setting("cluster_version")
    try:
        kubernetes = _version.parse(text)
        _version.release(kubernetes)
    except _version.VersionError as error:
        kubernetes = None
        yield _problem("cluster_version", reason=f"{show(text)}: {error}", remedy=f"Choose a known version ({newest}), quoted")
    overrides = inventory.setting("cluster_versions")
    for package, version in sorted(overrides.items()):
        reason = _package_problem(package, version)
        if reason:
            yield _problem("cluster_versions", reason=reason)
    if kubernetes is None or _package_problem("etcd", overrides.get("etcd", _version.NEWEST.etcd)):
        return
    etcd = _version.parse(_version.packages(kubernetes, overrides)["etcd"])
    reason = _version.etcd_problem(kubernetes=kubernetes, etcd=etcd)
    if reason:
        advised = _version.release(kubernetes).etcd
        yield _problem("cluster_versions", reason=f"says etcd {etcd}: {reason}", remedy=f"Leave etcd out, for {advised}, or choose another")
    yield from _etcd_flag_problems(inventory, etcd)


def _etcd_flag_problems(inventory: Inventory, etcd: _version.Version) -> Iterator[Problem]:
    for host in sorted({*inventory.etcd, *inventory.etcd_spares}):
        for problem in _etcd_flags.problems(inventory.of(host, "etcd_flags", {}), (etcd.major, etcd.minor)):
            yield Problem(hosts=(host,), what=f"etcd_flags: {problem}", remedy="Correct etcd_flags")
        if reason := _etcd_flags.quota_problem(inventory.of(host, "etcd_quota_bytes", 0)):
            yield Problem(hosts=(host,), what=f"etcd_quota_bytes {reason}", remedy="Correct etcd_quota_bytes")


def _package_problem(package: str, version: Any) -> str:
    if package == "kubernetes":
        return "names kubernetes, whose version is cluster_version"
    if package not in _version.PACKAGES:
        others = [name for name in _version.PACKAGES if name != "kubernetes"]
        meant = closest(package, others)
        return f"names {show(package)}; " + (f"did you mean {meant}?" if meant else f"known are {', '.join(others)}")
    if not isinstance(version, str):
        return f"says {package} is {show(version)}, which is no text: quote it"
    if package == "etcd":
        try:
            _version.parse(version)
        except _version.VersionError as error:
            return f"says etcd is {show(version)}: {error}"
    if not _version.PACKAGE.fullmatch(version):
        return f"says {package} is {show(version)}, which is no version (without a leading v)"
    return ""


def _network_problems(inventory: Inventory) -> Iterator[Problem]:
    found: dict[str, ipaddress.IPv4Network] = {}
    for name in ("cluster_pod_network", "cluster_service_network"):
        text = inventory.setting(name)
        parsed = network(text)
        if parsed is None:
            yield _problem(name, reason=f"{show(text)} is no IPv4 network such as 10.244.0.0/16 (no bits set beyond the prefix)")
        else:
            found[name] = parsed
    services = found.get("cluster_service_network")
    if services and services.num_addresses < SMALLEST_SERVICE_NETWORK:
        yield _problem("cluster_service_network", reason=f"{services} is too small: the DNS Service has its tenth address")
    if services and services.num_addresses > LARGEST_SERVICE_NETWORK:
        yield _problem("cluster_service_network", reason=f"{services} is too large: API servers take a /12 at most")
    pods = found.get("cluster_pod_network")
    if pods and _is_shared_out_by_kubernetes(inventory):
        nodes, room = len({*inventory.masters, *inventory.workers}), 2 ** max(0, NODE_PREFIX - pods.prefixlen)
        if nodes > room:
            yield _problem(
                "cluster_pod_network",
                reason=f"{pods} has room for {room} nodes, each of which gets a /{NODE_PREFIX} of it, but there are {nodes}",
                remedy="Choose a larger network, or smaller shares with node-cidr-mask-size in masters_controller_manager_flags",
            )
    if len(found) == 2 and found["cluster_pod_network"].overlaps(found["cluster_service_network"]):
        yield _problem(
            "cluster_pod_network",
            reason=f"{found['cluster_pod_network']} overlaps cluster_service_network {services}",
            remedy="Choose two networks apart from each other, in group_vars/all.yml",
        )
    for name, parsed in found.items():
        inside = [host for host in inventory.hosts if (place := address(inventory.address(host))) and place in parsed]
        if inside:
            yield Problem(
                hosts=tuple(inside),
                what=f"the address lies in {name} {parsed}, so the node could not be told from a pod or Service",
                remedy=f"Choose another {name}, in group_vars/all.yml, or another node_address",
            )


def _flannel_problems(inventory: Inventory) -> Iterator[Problem]:
    stores = _flannel_stores(inventory)
    if len(set(stores.values())) > 1:
        shown = "; ".join(f"{', '.join(host for host in stores if stores[host] == one)}: {one}" for one in sorted(set(stores.values())))
        yield _problem("flannel_store", reason=f"is not the same for all nodes ({shown}), so they would not reach each other's pods")


def _flannel_stores(inventory: Inventory) -> dict[str, str]:
    """Where flannel has its network's configuration, by the node that says it."""
    return {host: str(inventory.of(host, "flannel_store", KUBERNETES)) for host in (*inventory.masters, *inventory.workers)}


def _is_shared_out_by_kubernetes(inventory: Inventory) -> bool:
    """Whether the controller manager gives each node its share of the network of pods, of the usual size. Where flannel does, its own settings are judged."""
    flags = [inventory.of(host, "masters_controller_manager_flags", {}) for host in inventory.masters]
    return "etcd" not in _flannel_stores(inventory).values() and not any("node-cidr-mask-size" in name for given in flags for name in given)


def _api_problems(inventory: Inventory) -> Iterator[Problem]:
    ports = {name: inventory.setting(name) for name in ("cluster_api_port", "cluster_api_local_port")}
    for name, port in ports.items():
        if not is_port(port):
            yield _problem(name, reason=f"{port} is no port (1 to 65535)")
    balanced = inventory.setting("cluster_api_balanced")
    if balanced and len(set(ports.values())) == 1:
        yield _problem(
            "cluster_api_local_port",
            reason=f"{ports['cluster_api_port']} is cluster_api_port as well, but on a master both are listened on",
            remedy="Choose two different ports",
        )
    text = inventory.setting("cluster_api_endpoint")
    if text and endpoint(text) is None:
        yield _problem("cluster_api_endpoint", reason=f"{show(text)} is no HOST:PORT, such as kubernetes.example.com:6443")
    if not text and not balanced:
        yield _problem(
            "cluster_api_balanced",
            reason="is false, but there is no cluster_api_endpoint that the nodes could use instead",
            remedy="Set cluster_api_endpoint to your load balancer, or leave cluster_api_balanced true",
        )
    for name in inventory.setting("cluster_api_names"):
        if not is_domain(name) and not address(name):
            yield _problem(
                "cluster_api_names", reason=f"contains {show(name)}, which is neither a DNS name in lower case nor an IPv4 address"
            )


def topology(inventory: Inventory) -> Topology:
    """The topology of an inventory without problems."""
    services = ipaddress.IPv4Network(inventory.setting("cluster_service_network"))
    versions = _version.packages(_version.parse(inventory.setting("cluster_version")), inventory.setting("cluster_versions"))
    directory = inventory.setting("cluster_binaries_directory")
    masters, etcd = inventory.masters, inventory.etcd
    idle = set(inventory.etcd_spares).difference(masters, inventory.workers, etcd)
    return Topology(
        name=inventory.setting("cluster_name"),
        domain=inventory.setting("cluster_domain"),
        layout=STACKED if etcd == masters else EXTERNAL,
        versions=versions,
        binaries={name: f"{directory}/{name}/{version}" for name, version in versions.items() if name not in _version.IMAGES},
        flannel_store=next(iter(_flannel_stores(inventory).values()), KUBERNETES),
        networks={"pods": inventory.setting("cluster_pod_network"), "services": str(services)},
        services={"api": str(services[1]), "dns": str(services[DNS_INDEX])},
        api=_api(inventory, service=str(services[1])),
        hosts={host: _host(inventory, host) for host in inventory.hosts},
        leaving={host: dataclasses.replace(_host(inventory, host), kinds=kinds) for host, kinds in inventory.leaving.items()},
        in_use=tuple(host for host in inventory.hosts if host not in idle),
        etcd=tuple(etcd),
        etcd_urls={host: f"https://{inventory.address(host)}:{ETCD_CLIENT_PORT}" for host in etcd},
        etcd_spares=tuple(inventory.etcd_spares),
        etcd_replaced=dict(inventory.etcd_replaced),
        masters=tuple(masters),
        workers=tuple(inventory.workers),
        nodes=tuple(sorted({*masters, *inventory.workers})),
    )


def _api(inventory: Inventory, *, service: str) -> Api:
    port = inventory.setting("cluster_api_port")
    balanced = inventory.setting("cluster_api_balanced")
    text = inventory.setting("cluster_api_endpoint")
    parsed = endpoint(text)
    given = [*inventory.setting("cluster_api_names"), *([parsed[0]] if parsed else [])]
    cluster = (
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        f"kubernetes.default.svc.{inventory.setting('cluster_domain')}",
    )
    people = text or f"{inventory.address(inventory.masters[0])}:{port}"
    return Api(
        port=port,
        local=f"https://{LOOPBACK}:{inventory.setting('cluster_api_local_port')}" if balanced else f"https://{text}",
        balanced=balanced,
        endpoint=f"https://{people}",
        servers={host: f"https://{inventory.address(host)}:{port}" for host in inventory.masters},
        names=tuple(sorted({*cluster, "localhost", *(name for name in given if not address(name))})),
        addresses=tuple(sorted({LOOPBACK, service, *(name for name in given if address(name))}, key=ipaddress.IPv4Address)),
    )


def _host(inventory: Inventory, host: str) -> Host:
    member, master, worker = host in inventory.etcd, host in inventory.masters, host in inventory.workers
    kinds = {
        "etcd": member,
        "etcd_spare": host in inventory.etcd_spares,
        "master": master,
        "node": master or worker,
        "worker": worker,
    }
    taints = list(inventory.of(host, "node_taints", []))
    if master and not worker and CONTROL_PLANE_TAINT not in taints:
        taints.append(CONTROL_PLANE_TAINT)
    return Host(
        name=host,
        address=inventory.address(host),
        kinds=tuple(kind for kind, applies in kinds.items() if applies),
        zone=inventory.of(host, "node_zone", ""),
        region=inventory.of(host, "node_region", ""),
        labels=dict(inventory.of(host, "node_labels", {})),
        taints=tuple(taints),
    )
