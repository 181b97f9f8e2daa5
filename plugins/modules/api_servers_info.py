#!/usr/bin/python
# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: api_servers_info
short_description: Ask API servers whether they are ready
version_added: 1.0.0
author: quorate.kubernetes contributors (@quorate)
description:
  - Asks each API server itself for C(/readyz), all at once, over TLS that is verified.
  - With O(required), it fails if one is not ready, and so guards the restart of another one.
  - With O(at_least), it fails if one that answers is older, and so guards the upgrade of nodes.
extends_documentation_fragment:
  - quorate.kubernetes._attributes.info_module
options:
  at_least:
    description:
      - Version of Kubernetes. An API server of an older minor version is an error.
      - Those that do not answer are left out. Needs O(certificate) and O(key), as not everybody may ask for a version.
    type: str
  certificate:
    description:
      - Client certificate on the host to ask for versions with.
    type: path
  key:
    description:
      - Key of the client certificate.
    type: path
  servers:
    description:
      - URLs of the API servers by name.
    type: dict
    required: true
  ca:
    description:
      - Bundle on the host that the servers are checked against.
    type: path
    default: /etc/kubernetes/pki/ca.crt
  required:
    description:
      - Whether it is an error if one of them is not ready.
    type: bool
    default: false
  wait:
    description:
      - Seconds to wait until all are ready.
    type: float
    default: 0
"""

EXAMPLES = r"""
- name: Ask whether the cluster can spare the API server of this host
  quorate.kubernetes.api_servers_info:
    servers:
      m2: https://192.0.2.12:6443
      m3: https://192.0.2.13:6443
    required: true
    wait: 30
"""

RETURN = r"""
servers:
  description: Each API server by name, with what it lacks to be ready; empty if it is ready.
  returned: always
  type: dict
  sample: {m2: "", m3: "https://192.0.2.13:6443/readyz answers nothing: ConnectionRefusedError"}
"""

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.quorate.kubernetes.plugins.module_utils import _api_servers, _component, _component_files, _host, _http, _version

ARGUMENT_SPEC: dict[str, Any] = {
    "at_least": {"type": "str"},
    "certificate": {"type": "path"},
    "key": {"type": "path", "no_log": False},
    "servers": {"type": "dict", "required": True},
    "ca": {"type": "path", "default": "/etc/kubernetes/pki/ca.crt"},
    "required": {"type": "bool", "default": False},
    "wait": {"type": "float", "default": 0},
}


class ApiServers:
    """API servers, only asked."""

    def __init__(self, servers: dict[str, str], ca: str) -> None:
        self._probes = {name: _component.Ready(url=f"{url}/readyz", ca=ca) for name, url in servers.items()}
        self.causes: dict[str, str] = {}

    def are_ready(self) -> bool:
        with ThreadPoolExecutor(max_workers=max(1, len(self._probes))) as pool:
            answers = list(pool.map(_component_files.why_not_ready, self._probes.values()))
        self.causes = dict(zip(self._probes, answers))
        return not any(answers)


def versions_of(servers: Mapping[str, str], *, ca: str, certificate: str, key: str) -> dict[str, str]:
    """Version of each API server that answers."""
    context = _http.tls_context(ca=ca, certificate=certificate, key=key)
    with ThreadPoolExecutor(max_workers=max(1, len(servers))) as pool:
        answers = list(pool.map(lambda url: _http.http_request(f"{url}/version", context=context), servers.values()))
    return {name: str(json.loads(answer.body)["gitVersion"]) for name, answer in zip(servers, answers) if answer.status == 200}


def _too_old(params: Mapping[str, Any], *, check_mode: bool) -> str:
    # In check mode on a fresh host there is no certificate yet to ask with.
    if not params["at_least"] or (check_mode and _host.file_state(params["certificate"]) is None):
        return ""
    versions = versions_of(params["servers"], ca=params["ca"], certificate=params["certificate"], key=params["key"])
    return _api_servers.why_too_old(versions, wanted=params["at_least"])


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True, required_by={"at_least": ["certificate", "key"]})
    servers = ApiServers(module.params["servers"], module.params["ca"])
    try:
        _host.wait_until(servers.are_ready, timeout=module.params["wait"])
        too_old = _too_old(module.params, check_mode=module.check_mode)
    except (_host.HostError, _version.VersionError, KeyError, ValueError) as error:
        module.fail_json(msg=f"Asking the API servers failed: {error}")
    if too_old:
        module.fail_json(msg=too_old, servers=servers.causes)
    refusal = _api_servers.why_not_spared(servers.causes)
    if module.params["required"] and refusal:
        module.fail_json(msg=refusal, servers=servers.causes)
    module.exit_json(changed=False, servers=servers.causes)


if __name__ == "__main__":
    main()
