# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which containers to remove, start and create for an inventory: decisions only, podman.py carries them out."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from .inventory import Host
from .process import LabError

LABEL = "quorate.lab"
INVENTORY = "quorate.inventory"
ADDRESS = "quorate.address"
SPECIFICATION = "quorate.specification"


@dataclass(frozen=True)
class Container:
    """A container that podman has. One that is not the lab's has no inventory."""

    name: str
    running: bool
    dead: bool = False  # podman believes that it runs, but its processes are gone
    inventory: str = ""
    address: str = ""
    specification: str = ""

    @property
    def ours(self) -> bool:
        return bool(self.inventory)

    @property
    def host(self) -> Host:
        return Host(name=self.name, address=self.address)


@dataclass(frozen=True)
class Plan:
    """What has to be done for the hosts of an inventory."""

    remove: list[tuple[Container, str]] = field(default_factory=list)
    create: list[Host] = field(default_factory=list)
    start: list[Host] = field(default_factory=list)
    keep: list[Host] = field(default_factory=list)


def volume(host: Host) -> str:
    return f"quorate-{host.name}"


def mac(address: str) -> str:
    """A hardware address that stays with the address: neighbours of a replaced host remember the former one for half a minute."""
    return ":".join(["02", "71", *(f"{int(part):02x}" for part in address.split("."))])


def arguments(host: Host, *, inventory: PurePath, image: str) -> list[str]:
    """The arguments of podman that make the container of a host. Each flag was found by a failure; see README.md."""
    flags = [
        "--name",
        host.name,
        "--hostname",
        host.name,
        "--no-hosts",
        "--network",
        host.network,
        "--ip",
        host.address,
        "--mac-address",
        mac(host.address),
    ]
    flags += ["--privileged", "--cgroupns=private", "--systemd=false", "--env", "container=podman"]
    flags += ["--stop-signal", "SIGRTMIN+3", "--stop-timeout", "60", "--pids-limit", "-1"]
    flags += ["--ulimit", "nofile=20000:20000", "--ulimit", "nproc=20000:20000"]
    flags += ["--tmpfs", "/run", "--tmpfs", "/tmp", "--volume", f"{volume(host)}:/var/lib/containerd"]
    flags += ["--log-opt", "max-size=1mb"]
    digest = hashlib.sha256(repr((flags, image)).encode()).hexdigest()[:16]
    labels = {LABEL: "host", INVENTORY: str(inventory), ADDRESS: host.address, SPECIFICATION: digest}
    flags += [word for name, value in labels.items() for word in ("--label", f"{name}={value}")]
    return [*flags, image]


def specification(host: Host, *, inventory: PurePath, image: str) -> str:
    """What tells a container that is as it should be from one made by another recipe."""
    prefix = f"{SPECIFICATION}="
    return next(word for word in arguments(host, inventory=inventory, image=image) if word.startswith(prefix))[len(prefix) :]


def containers(listing: Sequence[Mapping[str, Any]], *, processes: Collection[int]) -> list[Container]:
    """The containers in the output of podman ps --all --format json, given the processes that the machine has."""
    found = []
    for entry in listing:
        labels = entry.get("Labels") or {}
        ours = labels.get(LABEL) == "host" and INVENTORY in labels
        found.append(
            Container(
                name=entry["Names"][0],
                running=entry.get("State") == "running",
                dead=entry.get("State") == "running" and entry.get("Pid") not in processes,
                inventory=labels.get(INVENTORY, "") if ours else "",
                address=labels.get(ADDRESS, "") if ours else "",
                specification=labels.get(SPECIFICATION, "") if ours else "",
            )
        )
    return found


def plan(wanted: Sequence[Host], existing: Sequence[Container], *, inventory: PurePath, image: str, fresh: bool = False) -> Plan:
    """Compare the hosts of an inventory with the containers that there are."""
    made = Plan()
    by_name = {container.name: container for container in existing}
    for host in wanted:
        old = by_name.get(host.name)
        if old is not None and not old.ours:
            raise LabError(
                f"cannot make the host {host.name}: there is a container of this name that is not the lab's; "
                f"rename it (podman rename {host.name} ...) or the host in the inventory"
            )
    names = {host.name: host for host in wanted}
    addresses = {host.address for host in wanted}
    for old in existing:
        if old.ours and (reason := _reason(old, names=names, addresses=addresses, inventory=inventory, image=image, fresh=fresh)):
            made.remove.append((old, reason))
    removed = {old.name for old, _why in made.remove}
    for host in wanted:
        if host.name not in by_name or host.name in removed:
            made.create.append(host)
        elif by_name[host.name].running:
            made.keep.append(host)
        else:
            made.start.append(host)
    return made


def _reason(old: Container, *, names: Mapping[str, Host], addresses: set[str], inventory: PurePath, image: str, fresh: bool) -> str | None:
    """Why a container of the lab has to go, or None."""
    host = names.get(old.name)
    if old.inventory != str(inventory):
        if host is not None:
            return f"the inventory {old.inventory} has a host of the same name"
        return f"the inventory {old.inventory} has a host with the address {old.address}" if old.address in addresses else None
    if host is None:
        return "it is no longer in the inventory"
    if fresh:
        return "made anew"
    if old.dead:
        return "its processes are gone, and podman did not notice"
    if old.specification != specification(host, inventory=inventory, image=image):
        return "it was made by another recipe"
    return None
