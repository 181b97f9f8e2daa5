#!/usr/bin/python
# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: host_facts
short_description: Observe a host in one call
version_added: 1.0.0
author: quorate.kubernetes contributors (@quorate)
description:
  - Observes all that the collection needs to plan a host, and returns it as the fact C(host_observation).
  - Which files, units, certificates and artifacts there are to observe is read from the records below C(/var/lib/quorate) on the host.
    A host without records is a fresh one.
  - The digests of large files are remembered together with the inode, size and times of the file, so looking twice is cheap.
extends_documentation_fragment:
  - quorate.kubernetes._attributes.info_module
  - quorate.kubernetes._attributes.action
options:
  commands:
    description:
      - Programs to look for on the path.
    type: list
    elements: str
    default: []
  features:
    description:
      - Kernel features to test for.
      - A path is tested for existence; any other name is looked up among the file systems that the kernel knows.
    type: list
    elements: str
    default: []
  services:
    description:
      - Names of components that are observed also without a record of them, if their service runs. One that was not started by this
        collection is a stranger.
    type: list
    elements: str
    default: []
  probes:
    description:
      - Paths of which to tell whether they exist, and whether they hold anything if they are directories.
    type: list
    elements: path
    default: []
  contents:
    description:
      - Small text files whose content to return. Nothing secret.
    type: list
    elements: path
    default: []
  node:
    description:
      - Where the host asks for its own Node object, with the certificate of its kubelet.
      - Without O(node.server), or on a host without that certificate, nobody is asked.
    type: dict
    default: {}
    suboptions:
      name:
        description:
          - Name of the node.
        type: str
      server:
        description:
          - URL of the API, as the host reaches it.
        type: str
  objects_server:
    description:
      - URL of the API where the host looks whether the objects that were applied from it, with O(quorate.kubernetes.manifests#module:record),
        are still the same. It does so as the controller manager of the host, which may list everything.
    type: str
  etcd_directory:
    description:
      - Data directory of the host's member of etcd, if it is to have one. Then the member, if it runs, is asked how it is, with the
        certificate for operators. A host whose member answers through the quorum joins the group C(etcd_quorate).
    type: path
  etcd_log_directory:
    description:
      - Directory of its write-ahead log, if it is not C(member/wal) below O(etcd_directory).
    type: path
  versions:
    description:
      - Versions that are wanted, by package. Those of C(kubernetes), C(etcd), C(containerd) and C(flannel), which have a program that runs, are
        compared.
      - A host on which a component runs in another one joins the group C(host_other_version), and one that lacks one of O(commands) the
        group C(host_lacks_command). The task needs C(changed_when), since a new group counts as a change.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Observe the host
  quorate.kubernetes.host_facts:
    commands: [conntrack, iptables]
    features: [overlay, /proc/sys/net/bridge]
    probes: [/var/lib/etcd/member]
"""

RETURN = r"""
ansible_facts:
  description: The observation, as docs/architecture.md describes it.
  returned: always
  type: dict
  contains:
    host_observation:
      description: What was observed.
      returned: always
      type: dict
      contains:
        platform:
          description: Architecture as Go names it, kernel, version of Python, host name, distribution.
          returned: always
          type: dict
          sample: {architecture: amd64, kernel: 6.1.0-28-amd64, python: 3.11.2, hostname: m1, system: debian 12}
        packings:
          description: How what is sent to it may be packed, the best first.
          returned: always
          type: list
          elements: str
          sample: [zstd, zlib]
        clock_skew:
          description: Seconds that the host's clock is ahead of the control node's, as far as that can be told.
          returned: always
          type: float
        commands:
          description: Path of each program looked for, null if it is not there.
          returned: always
          type: dict
          sample: {conntrack: /usr/sbin/conntrack, haproxy: null}
        kernel:
          description: Whether each feature is there, whether modules can be loaded, version of cgroups, whether swap is on.
          returned: always
          type: dict
          sample: {features: {overlay: true}, modules: true, cgroup: 2, swap: false}
        probes:
          description: For each probed path V(absent), V(empty) or V(filled).
          returned: always
          type: dict
          sample: {/var/lib/etcd/member: absent}
        contents:
          description: Text of each file asked for, null if it is absent.
          returned: always
          type: dict
        space:
          description: Free bytes of the file systems that hold C(/opt), C(/var/lib) and C(/etc).
          returned: always
          type: dict
        etcd:
          description:
            - Free bytes for the member of etcd; what it says is wrong with it, empty if nothing is, null if nobody answers; whether it has its
              quorum; and the numbers of the member and of the cluster that its data belongs to, null if there is none or they cannot be told. Null
              without O(etcd_directory).
          returned: always
          type: dict
          sample: {free: 52428800, trouble: ALARM NOSPACE, quorum: true, member: 2e12a7a6d8b5f2c8, cluster: 482745d9e1f1b8f}
        node:
          description:
            - What the API tells of the host's Node, as far as M(quorate.kubernetes.node) needs it. Null if it is not there, or if nobody
              answered.
          returned: always
          type: dict
        objects:
          description:
            - Digest of the objects that were applied from this host, by the name of their record, null where an object differs. Null as a
              whole if nobody answered, and without O(objects_server).
          returned: always
          type: dict
        files:
          description: State of each managed or watched path, null if it is absent.
          returned: always
          type: dict
        run:
          description: The run that it was made in, C(run) of the fact C(cluster_topology). An observation of another run counts for nothing.
          returned: always
          type: str
        strangers:
          description: Which of O(services) run and are not of this collection.
          returned: always
          type: list
          elements: str
        components:
          description: State of each component.
          returned: always
          type: dict
        certificates:
          description: Each certificate by path.
          returned: always
          type: dict
        artifacts:
          description: SHA-256 of each artifact by path.
          returned: always
          type: dict
"""

import json
import os
import platform
import shutil
import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.quorate.kubernetes.plugins.module_utils import (
    _artifact_files,
    _certificate_files,
    _component_files,
    _etcd_log,
    _host,
    _http,
    _kubernetes,
    _object_record,
    _packing,
)

ARGUMENT_SPEC: dict[str, Any] = {
    "commands": {"type": "list", "elements": "str", "default": []},
    "features": {"type": "list", "elements": "str", "default": []},
    "services": {"type": "list", "elements": "str", "default": []},
    "probes": {"type": "list", "elements": "path", "default": []},
    "contents": {"type": "list", "elements": "path", "default": []},
    "node": {"type": "dict", "default": {}, "options": {"name": {"type": "str"}, "server": {"type": "str"}}},
    "objects_server": {"type": "str"},
    "etcd_directory": {"type": "path"},
    "etcd_log_directory": {"type": "path"},
    # For the control node's half of the module.
    "versions": {"type": "dict", "default": {}},
}

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "ppc64le": "ppc64le", "s390x": "s390x", "riscv64": "riscv64"}
KUBELET_CERTIFICATE = "/etc/kubernetes/kubelet/client.crt"
KUBELET_KEY = "/etc/kubernetes/kubelet/client.key"
CONTROLLER_CERTIFICATE = "/etc/kubernetes/kube-controller-manager/client.crt"
CONTROLLER_KEY = "/etc/kubernetes/kube-controller-manager/client.key"
KUBERNETES_CA = "/etc/kubernetes/pki/ca.crt"

ETCD_HEALTH = "https://127.0.0.1:2379/health"
WITHOUT_ALARMS = "exclude=NOSPACE&exclude=CORRUPT"
ETCD_PKI = "/etc/etcd/pki"

ANSWER_SECONDS = 2.0
"""How long the API, or a member of etcd, may take to answer. Without an answer the node counts as one of which nothing is known."""


def observe(params: dict[str, Any]) -> dict[str, Any]:
    """All parts of the observation."""
    digests = _host.Digests().load()
    records = _component_files.read_records()
    unrecorded = [name for name in params["services"] if name not in records]
    components = _component_files.observe([*records, *unrecorded], records, digests)
    foreign = {name: components["components"].pop(name) for name in unrecorded if not components["components"][name]["unit"]["inputs"]}
    strangers = [name for name, one in foreign.items() if one["unit"]["active"] not in _host.ENDED]
    observation = {
        "platform": _platform(),
        "packings": _packing.known(),
        "clock": time.time(),
        "commands": {name: shutil.which(name, path=_host.SEARCH_PATH) for name in params["commands"]},
        "kernel": _kernel(params["features"]),
        "probes": {path: _probe(path) for path in params["probes"]},
        "contents": {path: _content(path) for path in params["contents"]},
        "node": _node(**params["node"]),
        "objects": _objects(params["objects_server"]),
        "etcd": _etcd(params["etcd_directory"], params["etcd_log_directory"]),
        "space": {path: _host.free_bytes(path) for path in ("/opt", "/var/lib", "/etc")},
        "certificates": _certificate_files.observe_certificates(digests),
        "artifacts": _artifact_files.observe_artifacts(),
        "components": components["components"],
        "strangers": strangers,
        "files": {**components["files"], **_certificate_files.observe_files(digests)},
    }
    digests.save()
    return observation


def _platform() -> dict[str, str]:
    machine = platform.machine()
    return {
        "architecture": ARCHITECTURES.get(machine, machine),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "hostname": platform.node(),
        "system": _system(),
    }


def _system() -> str:
    lines = (_host.read_file("/etc/os-release") or b"").decode("utf-8", "replace").splitlines()
    release = {name: value.strip('"') for name, _equals, value in (line.partition("=") for line in lines)}
    return f"{release.get('ID', 'unknown')} {release.get('VERSION_ID', '')}".strip()


def _kernel(features: list[str]) -> dict[str, Any]:
    filesystems = (_host.read_file("/proc/filesystems") or b"").decode().split()
    return {
        "features": {name: os.path.exists(name) if name.startswith("/") else name in filesystems for name in features},
        "modules": os.path.exists("/proc/modules"),
        "cgroup": 2 if os.path.exists("/sys/fs/cgroup/cgroup.controllers") else 1,
        "swap": len((_host.read_file("/proc/swaps") or b"").splitlines()) > 1,
    }


def _probe(path: str) -> str:
    if not os.path.exists(path):
        return "absent"
    return "filled" if not os.path.isdir(path) or os.listdir(path) else "empty"


def _content(path: str) -> str | None:
    content = _host.read_file(path)
    return None if content is None else content[:65536].decode("utf-8", "replace")


def _ask(url: str, *, ca: str, certificate: str, key: str) -> _http.Answer | None:
    """The answer to who has this certificate; None on a host that does not have it, or cannot use it."""
    if not os.path.exists(certificate):
        return None
    try:
        context = _http.tls_context(ca=ca, certificate=certificate, key=key)
    except _host.HostError:
        return None
    return _http.http_request(url, context=context, timeout=ANSWER_SECONDS)


def _node(name: str | None = None, server: str | None = None) -> dict[str, Any] | None:
    """The host's Node: labels and annotations, what is to be kept away from it, how it is."""
    if not name or not server:
        return None
    answer = _ask(f"{server}/api/v1/nodes/{name}", ca=KUBERNETES_CA, certificate=KUBELET_CERTIFICATE, key=KUBELET_KEY)
    if answer is None or answer.status != 200:
        return None
    node = json.loads(answer.body)
    return {
        "metadata": {key: node["metadata"].get(key) for key in ("name", "labels", "annotations")},
        "spec": {key: node.get("spec", {}).get(key) for key in ("taints", "unschedulable")},
        "status": {key: node.get("status", {}).get(key) for key in ("conditions", "nodeInfo")},
    }


def _objects(server: str | None) -> dict[str, str | None] | None:
    """Which of the objects that were applied from this host are still the same. Without an answer nothing is known."""
    if not server or not _object_record.exists() or not os.path.exists(CONTROLLER_CERTIFICATE):
        return None
    try:
        context = _http.tls_context(ca=KUBERNETES_CA, certificate=CONTROLLER_CERTIFICATE, key=CONTROLLER_KEY)
        return _object_record.observe(_kubernetes.Client(server, context=context, timeout=ANSWER_SECONDS, patience=0))
    except (_host.HostError, _kubernetes.KubernetesError):
        return None


def _etcd(directory: str | None, log: str | None) -> dict[str, Any] | None:
    """What keeps the host's member of etcd from its work, too little space or an alarm; and whose data it holds."""
    if not directory:
        return None
    member, cluster = etcd_owner(log or f"{directory}/member/wal")
    trouble = etcd_trouble()
    quorum = trouble is not None and (not trouble or etcd_quorum())
    return {"free": _host.free_bytes(directory), "trouble": trouble, "quorum": quorum, "member": member, "cluster": cluster}


def etcd_owner(log: str) -> tuple[str | None, str | None]:
    """Numbers of the member and of the cluster that a log belongs to, as etcd writes them. A disk that cannot be read tells neither."""
    try:
        owner = _etcd_log.owner(_etcd_log.files(log))
    except (_host.HostError, OSError):
        owner = None
    return (f"{owner[0]:x}", f"{owner[1]:x}") if owner else (None, None)


def etcd_trouble(url: str = ETCD_HEALTH, pki: str = ETCD_PKI) -> str | None:
    """What a member of etcd says is wrong with it; empty if nothing is, which it asks its quorum for, and None if none answers."""
    answer = _ask(url, ca=f"{pki}/ca.crt", certificate=f"{pki}/operator.crt", key=f"{pki}/operator.key")
    if answer is None:
        return None
    try:
        told = json.loads(answer.body)
    except ValueError:
        return None
    return str(told.get("reason") or f"HTTP status {answer.status}") if told.get("health") != "true" else ""


def etcd_quorum(url: str = ETCD_HEALTH, pki: str = ETCD_PKI) -> bool:
    """Whether a member has its quorum. Where there is an alarm it tells only of that, so alarms are left out of the question."""
    return etcd_trouble(f"{url}?{WITHOUT_ALARMS}", pki) == ""


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        observation = observe(module.params)
    except (_host.HostError, OSError) as error:
        module.fail_json(msg=f"Observing this host failed: {error}")
    module.exit_json(changed=False, ansible_facts={"host_observation": observation})


if __name__ == "__main__":
    main()
