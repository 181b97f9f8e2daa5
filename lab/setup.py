# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Debian packages that the lab needs on the machine."""

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


def missing(reported: str, packages: Sequence[str] = PACKAGES) -> list[str]:
    """Which packages dpkg-query (Package and db:Status-Status on each line) does not report as installed."""
    installed = {line.split()[0] for line in reported.splitlines() if line.split()[1:] == ["installed"]}
    return [package for package in packages if package not in installed]


def setup(cache: Cache) -> None:
    """Install what is missing."""
    if not Path("/etc/debian_version").exists():
        raise LabError(f"the lab needs Debian: install the equivalents of {' '.join(PACKAGES)} yourself, then go on without 'setup'")
    query = ["dpkg-query", "--show", "--showformat", "${Package} ${db:Status-Status}\n", *PACKAGES]
    absent = missing(run(query, check=False).stdout)
    if not absent:
        say("System packages: all there")
        return
    say(f"System packages to install: {' '.join(absent)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    log = cache.root / "build"
    run_long(as_root(["apt-get", "update"]), label="apt-get update", log=log / "apt-update.log", env=environment)
    install = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "--yes", "--no-install-recommends", *absent]
    run_long(as_root(install), label="apt-get install", log=log / "apt-install.log")
