# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Debian packages and kernel modules that the lab needs on the machine."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from .paths import Cache
from .process import LabError, as_root, run, run_long, say

PACKAGES = (
    "podman", "runc", "netavark", "aardvark-dns", "iptables",  # containers
    "mmdebstrap", "openssh-client",  # their image, and the way in
    "gcc", "libc6-dev",  # flannel and pause have parts in C
    "python3-venv", "ca-certificates",
)  # fmt: skip

# What pods and their network need. The hosts share the machine's kernel, and cannot load them themselves.
MODULES = ("overlay", "br_netfilter", "vxlan")


def missing(reported: str, packages: Sequence[str] = PACKAGES) -> list[str]:
    """Which packages dpkg-query (Package and db:Status-Status on each line) does not report as installed."""
    installed = {line.split()[0] for line in reported.splitlines() if line.split()[1:] == ["installed"]}
    return [package for package in packages if package not in installed]


def setup(cache: Cache) -> None:
    """Install what is missing, and load kernel modules."""
    if not Path("/etc/debian_version").exists():
        raise LabError(f"the lab needs Debian: install the equivalents of {' '.join(PACKAGES)} yourself, then go on without 'setup'")
    modular = Path("/proc/modules").exists()  # else the kernel has all that it can do built in
    packages = (*PACKAGES, "kmod") if modular else PACKAGES
    query = ["dpkg-query", "--show", "--showformat", "${Package} ${db:Status-Status}\n", *packages]
    absent = missing(run(query, check=False).stdout, packages)
    if absent:
        _install(absent, cache=cache)
    else:
        say("System packages: all there")
    if modular:
        _load_modules()


def _load_modules() -> None:
    loaded = run(as_root(["modprobe", "--all", *MODULES]), check=False)
    if loaded.returncode != 0:
        # The hosts are asked for what they need before anything is done to them: this alone need not be a failure.
        say(f"Not all kernel modules ({' '.join(MODULES)}) could be loaded: {loaded.stderr.strip()}")


def _install(absent: Sequence[str], *, cache: Cache) -> None:
    say(f"System packages to install: {' '.join(absent)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    log = cache.root / "build"
    run_long(as_root(["apt-get", "update"]), label="apt-get update", log=log / "apt-update.log", env=environment)
    install = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "--yes", "--no-install-recommends", *absent]
    run_long(as_root(install), label="apt-get install", log=log / "apt-install.log")
