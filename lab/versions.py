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
    "coredns": "1.15.0",
    "pause": "3.10",
    "agnhost": "2.66.1",
}

# The etcd that fits each minor version of Kubernetes.
ETCD: Mapping[str, str] = {"1.35": "3.6.16", "1.36": "3.6.16", "1.37": "3.7.3"}

# The release of Kubernetes whose sources pause and agnhost are built from.
IMAGES_FROM_KUBERNETES = "1.37.1"


def minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


def chosen(asked: Mapping[str, Sequence[str]]) -> list[tuple[str, str]]:
    """The packages to build with their versions; each package in all the versions that were asked for, or its default."""
    kubernetes = list(asked.get("kubernetes") or [DEFAULT["kubernetes"]])
    etcd = list(asked.get("etcd") or ())
    if not etcd:
        unknown = [version for version in kubernetes if minor(version) not in ETCD]
        if unknown:
            raise LabError(f"which etcd fits Kubernetes {', '.join(unknown)}? Say it with --etcd; known are {', '.join(ETCD)}")
        etcd = [ETCD[minor(version)] for version in kubernetes]
    wanted = {"kubernetes": kubernetes, "etcd": etcd}
    wanted |= {name: list(asked.get(name) or [version]) for name, version in DEFAULT.items() if name != "kubernetes"}
    return [(name, version) for name, versions in wanted.items() for version in dict.fromkeys(versions)]
