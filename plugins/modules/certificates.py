#!/usr/bin/python
# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: certificates
short_description: Give a host its certificates, with keys that never leave it
version_added: 1.0.0
author: quorate.kubernetes contributors (@quorate)
description:
  - Each key is made on the host with openssl, and stays there. The control node signs what the task names, never what a request names.
  - A certificate is renewed when it nears its end, when its subject, names, usages, issuer or type of key differ from what is wanted,
    when its key is missing or another one, and when it cannot be read.
  - A renewal keeps the key, so only one file is replaced. A new key is made when the former one is missing, damaged, not the one that
    belongs to the certificate, of another type, or when the certificate was for another name, such as on a host that was cloned.
    A new key waits beside the old until its certificate is there.
  - Bundles of the authorities to trust are written too.
  - If the fact C(host_observation) shows that there is nothing to do, the host is not contacted.
  - Authorities are made by M(quorate.kubernetes.authorities).
extends_documentation_fragment:
  - quorate.kubernetes._attributes
  - quorate.kubernetes._attributes.action
options:
  certificates:
    description:
      - Certificates that the host shall have.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description:
          - Absolute path of the certificate. The certificate is known by it.
          - The mode is 0644.
        type: path
        required: true
      key:
        description:
          - Absolute path of the key. The mode is 0600.
          - By default that of O(certificates[].path), ending with C(.key).
        type: path
      name:
        description:
          - What people call it.
        type: str
      authority:
        description:
          - Which authority signs it.
        type: str
        choices: [kubernetes, etcd, front_proxy]
        required: true
      common_name:
        description:
          - Common name of the subject. Kubernetes and etcd take it for the name of the user.
        type: str
        required: true
      organizations:
        description:
          - Organizations of the subject. Kubernetes takes them for the groups of the user.
        type: list
        elements: str
        default: []
      dns:
        description:
          - DNS names of the host that it holds for. What is an address counts as one.
        type: list
        elements: str
        default: []
      addresses:
        description:
          - Addresses of the host that it holds for.
        type: list
        elements: str
        default: []
      usages:
        description:
          - Sides of a connection that it is good for, V(server), V(client) or both.
        type: list
        elements: str
        choices: [server, client]
        required: true
      owner:
        description:
          - User that owns certificate and key. It is made as a system user if it does not exist.
        type: str
        default: root
      group:
        description:
          - Group that owns them.
          - By default that of the name of O(certificates[].owner).
        type: str
      days:
        description:
          - How many days it lives, though never longer than its authority.
        type: int
        default: 365
      key_type:
        description:
          - Algorithm and size of the key.
        type: str
        choices: [ecdsa-p256, ecdsa-p384, rsa-2048, rsa-3072, rsa-4096]
        default: ecdsa-p256
      rekey:
        description:
          - Whether the key is a new one. The control node's half of this module fills it in.
        type: bool
        default: false
      content:
        description:
          - The signed certificate. The control node's half of this module fills it in.
        type: str
      public_key:
        description:
          - SHA-256 of its public key. The control node's half of this module fills it in.
        type: str
  trust:
    description:
      - Bundles of authorities that the host shall have.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description:
          - Absolute path of the bundle.
        type: path
        required: true
      authorities:
        description:
          - Authorities that it holds.
        type: list
        elements: str
        choices: [kubernetes, etcd, front_proxy]
        required: true
      chain:
        description:
          - Whether it holds what is above the trusted certificates too, up to the root. Programs that use OpenSSL need that to verify
            servers if an authority is an intermediate. To let clients in, it would let in more than it should.
        type: bool
        default: false
      owner:
        description:
          - User that owns it. It is made as a system user if it does not exist.
        type: str
        default: root
      group:
        description:
          - Group that owns it.
          - By default that of the name of O(trust[].owner).
        type: str
      mode:
        description:
          - Permission bits, four octal digits.
        type: str
        default: "0644"
      content:
        description:
          - The bundle itself. The control node's half of this module fills it in.
        type: str
  pki_directory:
    description:
      - Directory of the authorities on the control node. It is not sent to the host.
      - Required, except by the host's half of this module.
    type: path
  passphrase:
    description:
      - Opens the keys of the authorities. It is not sent to the host.
    type: str
    default: ""
  renew_before_days:
    description:
      - How many days before its end a certificate is renewed, though never before two thirds of its life have passed.
    type: int
    default: 60
  state:
    description:
      - With V(present) the host has the certificates and bundles afterwards.
      - The control node's half of this module asks the host's half for the other two. With V(requested) the host makes the keys that it
        lacks and returns signing requests. With V(observed) it only looks.
    type: str
    choices: [present, requested, observed]
    default: present
notes:
  - The host needs openssl.
requirements:
  - cryptography >= 42 on the control node
"""

EXAMPLES = r"""
- name: Give a web server its certificate
  quorate.kubernetes.certificates:
    pki_directory: "{{ inventory_dir }}/pki"
    certificates:
      - path: /etc/hello/server.crt
        authority: kubernetes
        common_name: "{{ inventory_hostname }}"
        dns: ["{{ inventory_hostname }}"]
        addresses: ["{{ ansible_host }}"]
        usages: [server]
    trust:
      - path: /etc/hello/ca.crt
        authorities: [kubernetes]
"""

RETURN = r"""
plan:
  description: What was done, or is to be done, a sentence each.
  returned: success
  type: list
  elements: str
  sample: ["renew /etc/etcd/pki/server.crt: names differ (+192.0.2.9)"]
signed:
  description: Serial number and last day of each certificate that was signed, by its path.
  returned: when something was signed
  type: dict
  sample: {/etc/etcd/pki/server.crt: {serial: 3cc91cdd6cef, not_after: "2027-11-21"}}
executions:
  description: How often a module was run on the host.
  returned: success
  type: int
  sample: 2
observation:
  description: What is true of the certificates now, to be merged into the fact C(host_observation).
  returned: when the host was contacted
  type: dict
requests:
  description: Signing requests by path of the certificate, and whether each is for a new key.
  returned: when O(state=requested)
  type: dict
"""

import dataclasses
from typing import Any, Optional

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.quorate.kubernetes.plugins.module_utils import _certificate_files, _certificates, _host

ARGUMENT_SPEC: dict[str, Any] = {
    "certificates": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "path": {"type": "path", "required": True},
            "key": {"type": "path", "no_log": False},
            "name": {"type": "str"},
            "authority": {"type": "str", "choices": list(_certificates.AUTHORITIES), "required": True},
            "common_name": {"type": "str", "required": True},
            "organizations": {"type": "list", "elements": "str", "default": []},
            "dns": {"type": "list", "elements": "str", "default": []},
            "addresses": {"type": "list", "elements": "str", "default": []},
            "usages": {"type": "list", "elements": "str", "choices": list(_certificates.USAGES), "required": True},
            "owner": {"type": "str", "default": "root"},
            "group": {"type": "str"},
            "days": {"type": "int", "default": 365},
            "key_type": {"type": "str", "choices": list(_certificates.KEY_TYPES), "default": _certificates.KEY_TYPES[0]},
            "rekey": {"type": "bool", "default": False},
            "content": {"type": "str"},
            "public_key": {"type": "str", "no_log": False},
        },
    },
    "trust": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "path": {"type": "path", "required": True},
            "authorities": {"type": "list", "elements": "str", "choices": list(_certificates.AUTHORITIES), "required": True},
            "chain": {"type": "bool", "default": False},
            "owner": {"type": "str", "default": "root"},
            "group": {"type": "str"},
            "mode": {"type": "str", "default": _certificates.CERTIFICATE_MODE},
            "content": {"type": "str"},
        },
    },
    "pki_directory": {"type": "path"},
    "passphrase": {"type": "str", "default": "", "no_log": True},
    "renew_before_days": {"type": "int", "default": 60},
    "state": {"type": "str", "choices": ["present", "requested", "observed"], "default": "present"},
}


@dataclasses.dataclass(frozen=True)
class Entry:
    """A certificate, and what the control node sent along with it."""

    certificate: _certificates.Certificate
    rekey: bool
    content: Optional[str]
    public_key: Optional[str]


class CertificatesOnHost:
    """The host's half. What to do was decided on the control node, which alone reads certificates."""

    def __init__(self, params: dict[str, Any]) -> None:
        sent = ("rekey", "content", "public_key")
        self._entries = [
            Entry(
                _certificates.parse_certificate({name: entry[name] for name in entry if name not in sent}),
                *(entry[name] for name in sent),
            )
            for entry in params["certificates"]
        ]
        self._trust = [
            (_certificates.parse_trust({name: entry[name] for name in entry if name != "content"}), entry["content"] or "")
            for entry in params["trust"]
        ]

    def requested(self) -> dict[str, Any]:
        requests = {
            entry.certificate.path: dataclasses.asdict(_certificate_files.request(entry.certificate, rekey=entry.rekey))
            for entry in self._entries
        }
        return {"changed": any(request["new_key"] for request in requests.values()), "requests": requests}

    def present(self) -> dict[str, Any]:
        installed: dict[str, tuple[_certificates.Certificate, str]] = {}
        try:
            for entry in self._entries:
                if entry.content is None or entry.public_key is None:
                    _certificate_files.own(entry.certificate)
                    continue
                _certificate_files.install(entry.certificate, content=entry.content, new_key=entry.rekey)
                installed[entry.certificate.path] = (entry.certificate, entry.public_key)
            for trust, content in self._trust:
                _certificate_files.write_trust(trust, content)
        finally:
            # What is in place is ours, also if the next one failed.
            _certificate_files.note(installed, [trust.path for trust, _content in self._trust])
        return {"changed": bool(self._entries or self._trust)}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        host = CertificatesOnHost(module.params)
        result: dict[str, Any] = {"changed": False}
        if module.params["state"] != "observed" and not module.check_mode:
            with _host.locked("certificates"):
                result = host.requested() if module.params["state"] == "requested" else host.present()
        result["observation"] = _certificate_files.observe()
    except (_host.HostError, _certificates.CertificateError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
