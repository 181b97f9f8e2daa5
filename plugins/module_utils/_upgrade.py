# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: whether a cluster may be taken from the versions that run to those that are wanted.

The rules are those of Kubernetes' version skew policy and of etcd's upgrade guides.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Optional

from ansible_collections.quorate.kubernetes.plugins.module_utils import _cluster_state, _version
from ansible_collections.quorate.kubernetes.plugins.module_utils._version import Version

KUBERNETES = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy")
"""Components of Kubernetes' own version."""

PACKAGES = {**dict.fromkeys(KUBERNETES, "kubernetes"), "etcd": "etcd", "containerd": "containerd", "flanneld": "flannel"}
"""The package that the program of each component is of."""

# A node is not ready without any of these.
NODE = ("containerd", "flanneld", "kubelet")

PROGRAM = re.compile(r"/(?P<version>[^/]+)/[^/]+$")


def running_versions(observation: Mapping[str, Any]) -> dict[str, str]:
    """Version of each component that runs on a host, read from the folder of its program."""
    versions = {}
    for name, component in (observation.get("components") or {}).items():
        match = PROGRAM.search((component.get("unit") or {}).get("program", ""))
        if match and _version.PATTERN.fullmatch(match["version"]):
            versions[name] = match["version"]
    return versions


def _wanted(*, kubernetes: str, etcd: str) -> dict[str, str]:
    """The version that each component is to have."""
    return {**dict.fromkeys(KUBERNETES, kubernetes), "etcd": etcd}


def differs(running: Mapping[str, str], versions: Mapping[str, str]) -> bool:
    """Whether a component that runs on a host has another version than is wanted of its package; packages without a wanted one do not count."""
    return any(versions.get(PACKAGES.get(name, ""), version) != version for name, version in running.items())


def other_minors(running: Mapping[str, Mapping[str, str]], *, kubernetes: str, etcd: str) -> list[str]:
    """What runs in another minor version than is wanted, a sentence each with the hosts."""
    wanted = _wanted(kubernetes=kubernetes, etcd=etcd)
    found: dict[str, list[str]] = {}
    for host, versions in sorted(running.items()):
        for name, version in versions.items():
            if name in wanted and _version.parse(version).line != _version.parse(wanted[name]).line:
                found.setdefault(f"{name} {version} runs, {wanted[name]} is wanted", []).append(host)
    return [f"{what} (on {', '.join(hosts)})." for what, hosts in sorted(found.items())]


def refusals(problems: Sequence[str], unasked: Sequence[str], *, kubernetes: str, etcd: str) -> list[str]:
    """What a run is refused for, with what to do.

    Args:
        problems: reasons not to begin, a sentence each.
        unasked: other minor versions, a sentence each, where none was asked for: they need what only one playbook does, which empties nodes, saves a
            snapshot, and looks at the whole cluster before.
        kubernetes: version of Kubernetes that is wanted.
        etcd: version of etcd that is wanted.
    """
    way = [f"What stands in the way of Kubernetes {kubernetes} with etcd {etcd}:", *problems] if problems else []
    minors = [
        "The inventory wants another minor version than runs, which is what the playbook upgrade is for: run that, or set cluster_version and "
        "cluster_versions to what runs.",
        *unasked,
    ]
    found = [*way, *(minors if unasked else [])]
    return ["Nothing was changed.", *found] if found else []


def known(running: Mapping[str, Mapping[str, str]], *, cluster: Mapping[str, Any], etcd: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """What runs on each host: what was seen on the host itself, or else what the API and etcd tell of hosts that this run leaves out.

    Args:
        running: for each host of the run, the version of each component that runs on it.
        cluster: what the module cluster_info returned; empty if it was not asked.
        etcd: what the module etcd_info returned; empty if it was not asked.
    """
    told = [(name, "kube-apiserver", server["version"]) for name, server in (cluster.get("servers") or {}).items()]
    told += [(node["name"], "kubelet", node["version"]) for node in cluster.get("nodes") or []]
    told += [(member["name"], "etcd", member["version"]) for member in etcd.get("members") or []]
    found = {host: dict(versions) for host, versions in running.items()}
    for host, component, version in told:
        text = str(version or "").lstrip("v")
        if host and _version.PATTERN.fullmatch(text):
            found.setdefault(str(host), {}).setdefault(component, text)
    return found


def problems(running: Mapping[str, Mapping[str, str]], *, kubernetes: str, etcd: str, absent: Collection[str] = ()) -> list[str]:
    """Every rule that the way to the wanted versions would break, a sentence each with the hosts.

    Args:
        running: for each host, the version of each component that runs on it.
        kubernetes: version wanted of Kubernetes.
        etcd: version wanted of etcd.
        absent: hosts among them that the run leaves as they are.
    """
    target = _version.parse(kubernetes)
    found: dict[str, list[str]] = {}
    for host, versions in sorted(running.items()):
        here = {name: _version.parse(version) for name, version in versions.items()}
        for reason in filter(None, _broken_rules(here, target=target, etcd=_version.parse(etcd))):
            found.setdefault(reason, []).append(host)
    servers = {host: _version.parse(versions["kube-apiserver"]) for host, versions in running.items() if "kube-apiserver" in versions}
    mixed = _version.api_servers_problem([*servers.values(), target])
    if mixed and not found:
        found[mixed] = sorted(servers)
    older = sorted(host for host, version in servers.items() if host in absent and target.minors_ahead_of(version) > 0)
    if older and any("kubelet" in versions for host, versions in running.items() if host not in absent):
        found[f"kubelets {kubernetes} would be newer than API servers that this run leaves out: upgrade all masters first"] = older
    return [f"{reason} (on {', '.join(hosts)})." for reason, hosts in found.items()]


def _broken_rules(here: Mapping[str, Version], *, target: Version, etcd: Version) -> list[str]:
    reasons = []
    if "kube-apiserver" in here:
        reasons.append(_version.upgrade_problem(current=here["kube-apiserver"], target=target))
    if "kubelet" in here:
        reasons.append(_version.kubelet_problem(kubelet=here["kubelet"], api_servers=[target]))
        if "kube-proxy" in here:
            reasons.append(_version.proxy_problem(proxy=here["kube-proxy"], kubelet=here["kubelet"], api_servers=[target]))
    reasons += [
        _version.controller_problem(name, version=here[name], api_servers=[target])
        for name in _cluster_state.CONTROLLERS
        # One that is newer than the target is on its way back with its API server.
        if name in here and target.minors_ahead_of(here[name]) > 1
    ]
    if "etcd" in here:
        reasons.append(_version.etcd_upgrade_problem(current=here["etcd"], target=etcd))
    return list(dict.fromkeys(reasons))


def illnesses(
    *, cluster: Mapping[str, Any], etcd: Mapping[str, Any], observations: Mapping[str, Mapping[str, Any]], upgrades: bool
) -> list[str]:
    """What is not well and would not be made well by the run, a sentence each. Nothing is upgraded beside it.

    What a run that died left behind, a component that does not run or was about to be restarted, is what this run mends.

    Args:
        cluster: what the module cluster_info returned; empty if it was not asked.
        etcd: what the module etcd_info returned; empty if it was not asked.
        observations: what was observed of each host of the run.
        upgrades: whether Kubernetes or etcd get another version. Where only what makes a node does, and no node of the run is ready, nothing is
            changed beside one that serves, and the other version may be what mends them.
    """
    found = []
    away = {name: server["cause"] for name, server in (cluster.get("servers") or {}).items() if server["cause"]}
    for name, cause in sorted(away.items()):
        if len(away) > 1 or not _is_mended(observations.get(name), "kube-apiserver"):
            found.append(f"The API server of {name} is not ready: {cause}")
    nodes = [node for node in cluster.get("nodes") or [] if node["name"] in observations]
    waits = upgrades or any(node["ready"] for node in nodes)
    for node in nodes:
        name = node["name"]
        mended = any(_is_mended(observations[name], component) for component in NODE)
        if waits and not node["ready"] and not mended:
            found.append(
                f"The node {name} is not ready: {node['reason']}. Mend it first, with --limit {name} if the inventory does, or leave it out "
                f"with --limit 'all:!{name}'."
            )
    found += [
        f"The member {member['name'] or member['id']} of etcd is not healthy: {member['cause']}"
        for member in etcd.get("members") or []
        if not member["healthy"] and not _is_mended(observations.get(member["name"]), "etcd")
    ]
    found += [f"etcd has the alarm {alarm['alarm']} (member {alarm['member']})." for alarm in etcd.get("alarms") or []]
    return found


def stopped_on_the_way_back(
    running: Mapping[str, Mapping[str, str]], *, etcd: str, observations: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """Members that do not run, where etcd goes back a minor version, a sentence each.

    The newer members bring the data back first, for which all are needed; one that is mended before that would get programs which cannot read it.

    Args:
        running: for each host, the version of each component that runs on it.
        etcd: version wanted of etcd.
        observations: what was observed of each host of the run.
    """
    target = _version.parse(etcd)
    newer = [
        versions["etcd"]
        for versions in running.values()
        if "etcd" in versions and _version.parse(versions["etcd"]).minors_ahead_of(target) > 0
    ]
    stopped = [name for name, one in sorted(observations.items()) if _is_stopped(one, "etcd")]
    advice = f"and etcd goes back to {target.line} only while all do. Run the playbook site first, with etcd {max(newer, default='')}"
    return [f"The member of etcd on {name} does not run, {advice}." for name in stopped if newer]


def _is_mended(observation: Optional[Mapping[str, Any]], component: str) -> bool:
    return _is_stopped(observation, component) or bool(_known(observation, component).get("replaced"))


def _is_stopped(observation: Optional[Mapping[str, Any]], component: str) -> bool:
    """Whether a component is known on a host, and does not run."""
    known_here = _known(observation, component)
    return bool(known_here) and (known_here.get("unit") or {}).get("active") != "active"


def _known(observation: Optional[Mapping[str, Any]], component: str) -> Mapping[str, Any]:
    return ((observation or {}).get("components") or {}).get(component) or {}


def notes(
    running: Mapping[str, Mapping[str, str]], *, kubernetes: str, etcd: str, cluster: Mapping[str, Any], hosts: Collection[str]
) -> list[str]:
    """What stands in the way of nothing, but should be known before, a sentence each.

    Args:
        running: for each host, the version of each component that runs on it.
        kubernetes: version wanted of Kubernetes.
        etcd: version wanted of etcd.
        cluster: what the module cluster_info returned; empty if it was not asked.
        hosts: hosts of the run.
    """
    found = []
    target, etcd_target = _version.parse(kubernetes), _version.parse(etcd)
    newest = _version.release(target).kubernetes
    if target < _version.parse(newest):
        found.append(f"Kubernetes {target} is not the newest known of {target.line}, which is {newest}.")
    members = {_version.parse(versions["etcd"]) for versions in running.values() if "etcd" in versions}
    found += sorted(filter(None, (_version.etcd_upgrade_advice(current=member, target=etcd_target) for member in members)))
    for entry in cluster.get("deprecated") or []:
        removed = entry["removed_release"]
        gone = bool(removed) and _minor(removed) <= (target.major, target.minor)
        ending = f"which {target.line} no longer has" if gone else f"which will go with {removed}" if removed else "which is deprecated"
        found.append(f"Clients ask for {entry['api']}, {ending}.")
    found += [f"While what it calls does not answer, requests fail: webhook {webhook}." for webhook in cluster.get("webhooks") or []]
    held = [entry for entry in cluster.get("held") or [] if entry["node"] in hosts]
    found += [f"Pod {entry['pod']} on {entry['node']} would not be let go now: {entry['cause']}." for entry in held]
    return found + [f"It could not be seen: {line}" for line in cluster.get("unread") or []]


def _minor(text: str) -> tuple[int, int]:
    major, _dot, minor = text.partition(".")
    return (int(major), int(minor)) if major.isdigit() and minor.isdigit() else (0, 0)
