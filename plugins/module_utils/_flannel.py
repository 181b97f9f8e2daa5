# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: flannel's network configuration, what it cannot be, and what of it can change while pods run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Optional

from ansible_collections.quorate.kubernetes.plugins.module_utils import _settings
from ansible_collections.quorate.kubernetes.plugins.module_utils._names import address, closest, network
from ansible_collections.quorate.kubernetes.plugins.module_utils._problem import show

# Pods keep the addresses and routes that they were started with, so these cannot change below them.
FIXED = (("Network",), ("IPv6Network",), ("EnableIPv4",), ("EnableIPv6",), ("Backend", "Type"))
# Where flannel itself gives subnets to nodes, a node gets another one if its own does not fit any more. In Kubernetes they are given by Kubernetes.
FIXED_LEASES = (("IPv6SubnetLen",), ("IPv6SubnetMin",), ("IPv6SubnetMax",))
DEFAULTS = {"EnableIPv4": True, "EnableIPv6": False}

BACKENDS = ("alloc", "extension", "host-gw", "ipip", "ipsec", "tencent-vpc", "udp", "vxlan", "wireguard")
# flannel does not start with a value of another type, and passes over keys that it does not know.
TRUTH, NUMBER, TEXT, ADDRESS = "true or false", "a whole number", "text", "an IPv4 address"
KEYS = {
    "Network": TEXT,
    "IPv6Network": TEXT,
    "SubnetLen": NUMBER,
    "SubnetMin": ADDRESS,
    "SubnetMax": ADDRESS,
    "IPv6SubnetLen": NUMBER,
    "IPv6SubnetMin": TEXT,
    "IPv6SubnetMax": TEXT,
    "EnableIPv4": TRUTH,
    "EnableIPv6": TRUTH,
    "EnableNFTables": TRUTH,
    "Backend": "a mapping of names to values",
}
TLS_FLAGS = ("etcd-cafile", "etcd-certfile", "etcd-keyfile")
LONGEST = 30  # a subnet of a node has at least four addresses, and a network at least four subnets


class FlannelError(Exception):
    """A change of the network that running pods would not survive."""


def parse(value: Optional[bytes], *, damaged_too: bool = False) -> Optional[dict[str, Any]]:
    """A stored configuration; None if there is none. With damaged_too, one that cannot be read counts as none."""
    if value is None:
        return None
    try:
        stored = json.loads(value)
    except ValueError:
        stored = None
    if not isinstance(stored, dict):
        if damaged_too:
            return None
        raise FlannelError(
            "What is stored as flannel's network configuration is no JSON object. Look at it, delete the key, and run again."
        )
    return stored


# --- what it cannot be -------------------------------------------------------------------------------------------------


def problems(*, backend: Mapping[str, Any], further: Mapping[str, Any], pods: str, leases: bool) -> Iterator[tuple[str, str]]:
    """What is wrong with a wanted configuration, each with what to do.

    Args:
        backend: the variable flannel_backend.
        further: the variable flannel_network, which is merged over it and the network.
        pods: the network of pods.
        leases: whether flannel itself gives subnets to nodes, as it does with etcd.
    """
    wanted = _settings.merge({"Network": pods, "Backend": backend}, further)
    yield from _backend_problems(wanted, place="flannel_network" if "Backend" in further else "flannel_backend")
    fitting = True
    for name, value in further.items():
        if value is not None and not _fits(value, KEYS.get(name, "")):
            fitting = False
            yield f"{name} in flannel_network is {show(value)}, but {KEYS[name]} is needed", f"Correct {name} in flannel_network"
        meant = closest(name, KEYS)
        if name not in KEYS and meant:
            yield f"{show(name)} in flannel_network is no key that flannel knows", f"Did you mean {meant}? If not, remove it"
    if wanted.get("Network") != pods:
        yield (
            f"Network in flannel_network is {show(further['Network'])}, but all else of the cluster goes by cluster_pod_network {show(pods)}",
            "Take Network out of flannel_network, and set cluster_pod_network",
        )
    elif leases and fitting:
        yield from _lease_problems(wanted)


def flag_problems(flags: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What is wrong with the variable flannel_flags where flannel keeps its network in etcd, with what to do.

    Without its certificate or key flannel speaks plain HTTP, and only its log tells. Who takes all of it away means that.
    """
    gone = [name for name in TLS_FLAGS if name in flags and not flags[name]]
    if gone and len(gone) < len(TLS_FLAGS):
        yield (
            f"flannel_flags takes {' and '.join(gone)} away: flannel would ask etcd without TLS, or trust other authorities than that of etcd",
            f"Take {' and '.join(gone)} out of flannel_flags",
        )


def _backend_problems(wanted: Mapping[str, Any], *, place: str) -> Iterator[tuple[str, str]]:
    kind = _at(wanted, ("Backend", "Type"))
    if not isinstance(kind, str) or not kind:
        yield (
            f"with {place}, the Type of flannel's Backend is {show(kind)}, but the name of a backend is needed",
            f"Give {'Backend in ' if place == 'flannel_network' else ''}{place} a Type: vxlan, or host-gw where all nodes share a link",
        )
    elif kind not in BACKENDS and closest(kind.lower(), BACKENDS):
        yield f"{show(kind)} in {place} is no backend of flannel", f"Did you mean {closest(kind.lower(), BACKENDS)}?"


def _fits(value: Any, kind: str) -> bool:
    checks = {
        TRUTH: isinstance(value, bool),
        NUMBER: isinstance(value, int) and not isinstance(value, bool),
        TEXT: isinstance(value, str),
        ADDRESS: address(value) is not None,
        KEYS["Backend"]: isinstance(value, Mapping),
    }
    return checks.get(kind, True)


def _lease_problems(wanted: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    pods, length = network(wanted["Network"]), _length(wanted)
    if pods is None or length is None:
        return
    if not pods.prefixlen + 2 <= length <= LONGEST:
        yield (
            f"the subnets of nodes would be /{length}, but in cluster_pod_network {pods} flannel needs them from /{pods.prefixlen + 2} to /{LONGEST}",
            "Set SubnetLen in flannel_network to one of these, or choose a larger cluster_pod_network",
        )
        return
    for name in ("SubnetMin", "SubnetMax"):
        bound = address(wanted.get(name))
        if bound and (bound not in pods or int(bound) % (1 << 32 - length)):
            yield (
                f"{name} {bound} in flannel_network is not the beginning of a subnet /{length} inside cluster_pod_network {pods}",
                f"Correct {name} in flannel_network",
            )


# --- what of it can change ---------------------------------------------------------------------------------------------


def differences(wanted: Mapping[str, Any], stored: Mapping[str, Any], *, leases: bool = True) -> list[str]:
    """What would change although it cannot while pods run. With leases, flannel itself has given subnets to the nodes."""
    changes = []
    for path in (*FIXED, *(FIXED_LEASES if leases else ())):
        before, after = _at(stored, path), _at(wanted, path)
        if before != after:
            changes.append(_change(path, before, after))
    if leases and _length(wanted) != _length(stored):
        changes.append(_change(("SubnetLen",), _length(stored), _length(wanted)))
    elif leases and not changes:
        changes = _narrowed(wanted, stored)
    return changes


def _narrowed(wanted: Mapping[str, Any], stored: Mapping[str, Any]) -> list[str]:
    """Bounds that may leave out subnets that nodes have. To widen them is harmless."""
    before, after = _bounds(stored), _bounds(wanted)
    names = {"SubnetMin": after[0] > before[0], "SubnetMax": after[1] < before[1]}
    return [_change((name,), stored.get(name), wanted.get(name)) for name, narrower in names.items() if narrower]


def _bounds(values: Mapping[str, Any]) -> tuple[int, int]:
    pods, length = network(str(values.get("Network"))), _length(values)
    if pods is None or length is None or not 0 < length <= 32:
        return 0, 0
    size = 1 << 32 - length
    # flannel leaves the first subnet out by itself.
    lowest, highest = int(pods.network_address) + size, int(pods.broadcast_address) + 1 - size
    return int(address(values.get("SubnetMin")) or lowest), int(address(values.get("SubnetMax")) or highest)


def _length(values: Mapping[str, Any]) -> Optional[int]:
    """Length of the prefix of each node's subnet: what is said, or what flannel then takes."""
    length, pods = values.get("SubnetLen"), network(str(values.get("Network")))
    if isinstance(length, int) and length:
        return length
    return None if pods is None else max(24, pods.prefixlen + 2)


def _change(path: tuple[str, ...], before: Any, after: Any) -> str:
    return f"{'.'.join(path)} from {json.dumps(before)} to {json.dumps(after)}"


def refuse(changes: list[str], key: str) -> None:
    if changes:
        raise FlannelError(
            f"{key} would change {' and '.join(changes)}. Running pods keep their addresses and routes, so this takes down time: drain all nodes and "
            "stop flannel everywhere, then run again with force, or put the former values back."
        )


def _at(values: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    found: Any = values
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return DEFAULTS.get(path[-1]) if found is None else found


def printed(values: Mapping[str, Any]) -> str:
    return json.dumps(values, sort_keys=True, separators=(",", ":"))
