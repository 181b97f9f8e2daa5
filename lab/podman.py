# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries out what hosts.py decides: containers, volumes, networks and SSH connections."""

from __future__ import annotations

import json
import os
import shutil
import socket
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import image
from .hosts import LABEL, Container, Plan, arguments, containers, plan, volume
from .inventory import Host
from .paths import Cache
from .process import LabError, as_root, run, say, tail

BOOTED_WITHIN = 90.0
ANSWERS_WITHIN = 30.0


def podman(*words: str, check: bool = True, timeout: float = 180) -> str:
    return run(as_root(["podman", "--runtime", "runc", *words]), check=check, timeout=timeout).stdout


def existing() -> list[Container]:
    processes = {int(name) for name in os.listdir("/proc") if name.isdigit()}
    return containers(json.loads(podman("ps", "--all", "--format", "json") or "[]"), processes=processes)


def parallel(act: Callable[[Host], None], hosts: Iterable[Host]) -> None:
    """Do it to all hosts at once, and report every failure."""
    with ThreadPoolExecutor(max_workers=8) as pool:
        futures = [pool.submit(act, host) for host in hosts]
    errors = [str(future.exception()) for future in futures if future.exception() is not None]
    if errors:
        raise LabError("\n".join(errors))


class Lab:
    """The hosts of one machine."""

    def __init__(self, *, cache: Cache, architecture: str) -> None:
        self.cache = cache
        self.architecture = architecture

    def make(self, wanted: Sequence[Host], *, inventory: Path, fresh: bool) -> None:
        """Make the containers of an inventory what they should be, and wait until Ansible can reach them."""
        # Where those who log in share their connections; ssh does not make the folder.
        self.cache.sockets.mkdir(parents=True, exist_ok=True, mode=0o700)
        name = image.ensure(cache=self.cache, architecture=self.architecture)
        todo = plan(wanted, existing(), inventory=inventory, image=name, fresh=fresh)
        for old, reason in todo.remove:
            say(f"{old.name} ({old.address}): removed, {reason}")
        parallel(self._remove, [old.host for old, _why in todo.remove])
        for network in sorted({(host.network, host.subnet) for host in wanted}):
            _ensure_network(*network)
        parallel(lambda host: self._create(host, inventory=inventory, image_name=name), todo.create)
        self._repair(todo, inventory=inventory, image_name=name)
        parallel(self._wait, todo.create)
        verbs = {"made": todo.create, "started": todo.start, "as they were": todo.keep}
        text = ", ".join(f"{' '.join(host.name for host in hosts)} {verb}" for verb, hosts in verbs.items() if hosts)
        say(f"Hosts of {inventory}: {text}")

    def restart(self, name: str) -> None:
        """A reboot: systemd stops everything, then boots again."""
        host = self._find(name).host
        self._disconnect(host)
        podman("restart", name)
        self._wait(host)
        say(f"{name}: restarted")

    def kill(self, name: str) -> None:
        """A power cut: every process of the host is gone at once."""
        host = self._find(name).host
        podman("kill", "--signal", "KILL", name, check=False)
        podman("wait", name)
        self._disconnect(host)
        say(f"{name}: off")

    def start(self, name: str) -> None:
        """Switch a host on."""
        host = self._find(name).host
        podman("start", name)
        self._wait(host)
        say(f"{name}: on")

    def replace(self, name: str) -> None:
        """Another machine of the same name and address, empty."""
        old = self._find(name)
        image_name = image.ensure(cache=self.cache, architecture=self.architecture)
        self._remove(old.host)
        self._create(old.host, inventory=Path(old.inventory), image_name=image_name)
        self._wait(old.host)
        say(f"{name}: replaced by an empty host")

    def destroy(self, *, inventory: Path | None, everything: bool) -> None:
        """Remove the hosts (of one inventory, or all) and what belongs to them."""
        ours = [old for old in existing() if old.ours and inventory in (None, Path(old.inventory))]
        parallel(self._remove, [old.host for old in ours])
        if inventory is None:
            for name in podman("volume", "ls", "--quiet", "--filter", f"label={LABEL}").split():
                podman("volume", "rm", "--force", name)
        for name in podman("network", "ls", "--quiet", "--filter", f"label={LABEL}").split():
            # A network that hosts of another inventory use stays.
            if not podman("ps", "--all", "--quiet", "--filter", f"network={name}").strip():
                podman("network", "rm", name)
        say(f"Removed {len(ours)} hosts{': ' if ours else ''}{' '.join(old.name for old in ours)}")
        if everything:
            self._forget()

    def _forget(self) -> None:
        for name in image.images():
            podman("image", "rm", "--force", name)
        for folder in (self.cache.lab, self.cache.build, self.cache.artifacts):
            shutil.rmtree(folder, ignore_errors=True)
        say(f"Removed the host image, the keys and the programs below {self.cache.root}")

    def _find(self, name: str) -> Container:
        for container in existing():
            if container.name == name and container.ours:
                return container
        raise LabError(f"there is no host {name!r} in the lab; 'python3 -m lab hosts --inventory ...' makes the hosts of an inventory")

    def _create(self, host: Host, *, inventory: Path, image_name: str) -> None:
        # A container that was removed by other hands leaves its volume behind, with the former host's images.
        podman("volume", "rm", "--force", volume(host), check=False)
        podman("volume", "create", "--label", f"{LABEL}=volume", volume(host))
        words = ["run", "--detach", *arguments(host, inventory=inventory, image=image_name)]
        try:
            podman(*words)
        except LabError:
            # What a killed podman left behind: a container without storage, or storage without a container.
            self._remove(host)
            podman("volume", "create", "--label", f"{LABEL}=volume", volume(host))
            podman(*words)

    def _remove(self, host: Host) -> None:
        self._disconnect(host)
        identity = podman("ps", "--all", "--quiet", "--no-trunc", "--filter", f"name=^{host.name}$").strip()
        podman("rm", "--force", "--time", "0", "--volumes", host.name, check=False)
        if identity:
            # Nothing to do for runc, unless somebody killed podman's own processes.
            run(as_root(["runc", "delete", "--force", identity]), check=False, timeout=30)
        podman("rm", "--force", "--storage", host.name, check=False)
        podman("volume", "rm", "--force", volume(host), check=False)
        if any(container.name == host.name for container in existing()):
            podman("rm", "--force", "--time", "0", host.name)

    def _repair(self, todo: Plan, *, inventory: Path, image_name: str) -> None:
        """Start what does not run. A container that cannot be started or reached is what a killed run left: make it anew."""

        def check(host: Host) -> None:
            try:
                if host in todo.start:
                    podman("start", host.name)
                self._wait(host, within=BOOTED_WITHIN if host in todo.start else ANSWERS_WITHIN)
            except LabError as error:
                say(f"{host.name}: made anew, for it cannot be used: {str(error).splitlines()[-1]}")
                self._remove(host)
                self._create(host, inventory=inventory, image_name=image_name)
                self._wait(host)

        parallel(check, [*todo.start, *todo.keep])

    def _ssh(self, host: Host) -> list[str]:
        options = ("BatchMode=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR", "ConnectTimeout=5")
        words = [word for option in options for word in ("-o", option)]
        return ["ssh", "-F", "none", *words, "-o", "ControlPath=none", "-i", str(self.cache.key), f"root@{host.address}"]

    def _wait(self, host: Host, *, within: float = BOOTED_WITHIN) -> None:
        """Until a login over SSH finds Python."""
        end = time.monotonic() + within
        while time.monotonic() < end:
            if _listens(host.address):
                last = run([*self._ssh(host), "python3 -c pass"], check=False, timeout=30)
                if last.returncode == 0:
                    return
            time.sleep(0.1)
        seen = tail(podman("logs", "--tail", "10", host.name, check=False))
        raise LabError(f"{host.name} cannot be reached by SSH at {host.address} within {within:.0f} s\n{seen}")

    def _disconnect(self, host: Host) -> None:
        """Close the shared SSH connections to an address: the next host there must not get a dead one."""
        for control in self.cache.sockets.glob(f"*@{host.address}"):
            run(["ssh", "-F", "none", "-o", f"ControlPath={control}", "-O", "exit", host.address], check=False, timeout=10)
            control.unlink(missing_ok=True)


def _listens(address: str) -> bool:
    try:
        with socket.create_connection((address, 22), timeout=1) as connection:
            connection.settimeout(2)
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def _ensure_network(name: str, subnet: str) -> None:
    if run(as_root(["podman", "network", "exists", name]), check=False).returncode != 0:
        podman("network", "create", "--disable-dns", "--subnet", subnet, "--label", f"{LABEL}=network", name)
