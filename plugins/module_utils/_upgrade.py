# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: whether a cluster may be taken from the versions that run to those that are wanted.

The rules are those of Kubernetes' version skew policy and of etcd's upgrade guides.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.quorate.kubernetes.plugins.module_utils import _version

PROGRAM = re.compile(r"/(?P<version>[^/]+)/[^/]+$")


def running_versions(observation: Mapping[str, Any]) -> dict[str, str]:
    """Version of each component that runs on a host, read from the folder of its program."""
    versions = {}
    for name, component in (observation.get("components") or {}).items():
        match = PROGRAM.search((component.get("unit") or {}).get("program", ""))
        if match and _version.PATTERN.fullmatch(match["version"]):
            versions[name] = match["version"]
    return versions


def problems(running: Mapping[str, Mapping[str, str]], *, kubernetes: str, etcd: str) -> list[str]:
    """Every rule that the way to the wanted versions would break, a sentence each with the hosts.

    Args:
        running: for each host, the version of each component that runs on it.
        kubernetes: version wanted of Kubernetes.
        etcd: version wanted of etcd.
    """
    target = _version.parse(kubernetes)
    found: dict[str, list[str]] = {}
    for host, versions in sorted(running.items()):
        known = {name: _version.parse(version) for name, version in versions.items()}
        reasons = []
        if "kube-apiserver" in known:
            reasons.append(_version.upgrade_problem(current=known["kube-apiserver"], target=target))
        if "kubelet" in known:
            reasons.append(_version.kubelet_problem(kubelet=known["kubelet"], api_servers=[target]))
        if "etcd" in known:
            reasons.append(_version.etcd_upgrade_problem(current=known["etcd"], target=_version.parse(etcd)))
        for reason in filter(None, reasons):
            found.setdefault(reason, []).append(host)
    servers = {host: _version.parse(versions["kube-apiserver"]) for host, versions in running.items() if "kube-apiserver" in versions}
    mixed = _version.api_servers_problem([*servers.values(), target])
    if mixed and not found:
        found[mixed] = sorted(servers)
    return [f"{reason} (on {', '.join(hosts)})." for reason, hosts in found.items()]
