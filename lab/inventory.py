# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts an Ansible inventory asks for."""

from __future__ import annotations

import ipaddress
import json
import os
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .process import LabError, run, say

SETTINGS = Path(__file__).resolve().parent / "group_vars/all.yml"
NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True, order=True)
class Host:
    """A host of an inventory: its name there and its address."""

    name: str
    address: str

    @property
    def subnet(self) -> str:
        return str(ipaddress.ip_network(f"{self.address}/24", strict=False))

    @property
    def network(self) -> str:
        """The name of the podman network of its subnet."""
        return "quorate-" + "-".join(self.address.split(".")[:3])


def parse(listing: Mapping[str, Any]) -> list[Host]:
    """The hosts in the output of ansible-inventory --list. All that is wrong is reported at once."""
    variables: Mapping[str, Any] = listing.get("_meta", {}).get("hostvars", {})
    names = set(variables)
    for group in listing.values():
        names.update(group.get("hosts", ()) if isinstance(group, Mapping) else ())
    hosts, errors = [], []
    for name in sorted(names):
        own = variables.get(name, {})
        if own.get("ansible_connection") == "local":
            continue
        address = str(own.get("ansible_host", ""))
        if problem := _problem(name, address):
            errors.append(problem)
        else:
            hosts.append(Host(name=name, address=address))
    errors += _duplicates(hosts)
    if not names:
        errors.append("there is no host in it")
    if errors:
        raise LabError("cannot make hosts for this inventory:\n" + "\n".join(f"  - {error}" for error in errors))
    return hosts


def locked_out(listing: Mapping[str, Any]) -> list[str]:
    """Hosts that the inventory gives no SSH key for; those of the lab let in nobody without theirs."""
    variables: Mapping[str, Any] = listing.get("_meta", {}).get("hostvars", {})
    return sorted(name for name, own in variables.items() if not {"ansible_ssh_private_key_file", "ansible_connection"} & set(own))


def _problem(name: str, address: str) -> str | None:
    if not NAME.fullmatch(name):
        return f"{name!r} is no host name (RFC 1123: lower-case letters, digits and dashes)"
    try:
        parsed = ipaddress.IPv4Address(address)
    except ValueError:
        return f"ansible_host of {name} is {address!r}; the lab needs a plain IPv4 address"
    if not parsed.is_private or parsed.is_loopback:
        return f"ansible_host of {name} is {address}; the lab makes containers in private networks only (such as 192.168.77.0/24)"
    if address.rsplit(".", 1)[1] in ("0", "1", "255"):
        return f"ansible_host of {name} is {address}, which is the network's own (.0, .1 and .255 are)"
    return None


def _duplicates(hosts: list[Host]) -> list[str]:
    by_address: dict[str, list[str]] = {}
    for host in hosts:
        by_address.setdefault(host.address, []).append(host.name)
    return [f"{' and '.join(names)} have the same address {address}" for address, names in by_address.items() if len(names) > 1]


def command() -> str:
    """ansible-inventory of this repository's virtual environment, of this Python, or of the machine."""
    for folder in (Path(__file__).parent.parent / ".venv/bin", Path(sys.executable).parent):
        if os.access(folder / "ansible-inventory", os.X_OK):
            return str(folder / "ansible-inventory")
    if found := shutil.which("ansible-inventory"):
        return found
    raise LabError("cannot read the inventory: there is no ansible-inventory; make the virtual environment (.venv) first")


def read(path: Path) -> list[Host]:
    """The hosts of an inventory file or folder."""
    if not path.exists():
        raise LabError(f"cannot read the inventory {path}: there is no such file or folder")
    listing = json.loads(run([command(), "--inventory", str(path), "--list"], timeout=120).stdout)
    hosts = parse(listing)
    if names := locked_out(listing):
        folder = (path if path.is_dir() else path.parent) / "group_vars/all"
        say(f"Ansible has no key for {', '.join(names)}. It gets one, and what else the lab needs, from a link: ")
        say(f"mkdir -p {folder} && ln -s {SETTINGS} {folder}/lab.yml")
    return hosts
