# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which version of what the lab builds when nobody says otherwise. The one table of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .process import LabError

DEFAULT: Mapping[str, str] = {
    "kubernetes": "1.37.1",
    "containerd": "2.4.2",
    "runc": "1.1.5",
    "cni_plugins": "1.9.1",
    "flannel": "0.28.4",
    "flannel_cni": "0.9.1",
    "pause": "3.10",
    "agnhost": "2.66.1",
}

# What fits each minor version of Kubernetes.
ETCD: Mapping[str, str] = {"1.35": "3.6.16", "1.36": "3.6.16", "1.37": "3.7.3"}
COREDNS: Mapping[str, str] = {"1.35": "1.13.1", "1.36": "1.14.7", "1.37": "1.15.0"}
FITTING: Mapping[str, Mapping[str, str]] = {"etcd": ETCD, "coredns": COREDNS}

PACKAGES = (*DEFAULT, *FITTING)

# The release of Kubernetes whose sources pause and agnhost are built from.
IMAGES_FROM_KUBERNETES = "1.37.1"


def minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


def chosen(asked: Mapping[str, Sequence[str]]) -> list[tuple[str, str]]:
    """The packages to build with their versions; each package in all the versions that were asked for, or its default."""
    kubernetes = list(asked.get("kubernetes") or [DEFAULT["kubernetes"]])
    wanted = {name: list(asked.get(name) or _fitting(name, kubernetes)) for name in FITTING}
    wanted |= {name: list(asked.get(name) or [version]) for name, version in DEFAULT.items() if name != "kubernetes"}
    wanted = {"kubernetes": kubernetes, **wanted}
    return [(name, version) for name, versions in wanted.items() for version in dict.fromkeys(versions)]


def _fitting(name: str, kubernetes: Sequence[str]) -> list[str]:
    table = FITTING[name]
    unknown = [version for version in kubernetes if minor(version) not in table]
    if unknown:
        raise LabError(f"which {name} fits Kubernetes {', '.join(unknown)}? Say it with --{name}; known are {', '.join(table)}")
    return [table[minor(version)] for version in kubernetes]
