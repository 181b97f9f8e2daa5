#!/usr/bin/python
# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_access
short_description: Users, roles and access control of etcd
version_added: 1.0.0
author: quorate.kubernetes contributors (@quorate)
description:
  - Makes users and roles of etcd as described, and switches access control on.
  - Users have no password. A client is known by the common name of its certificate.
  - Without access control, whoever has a client certificate of etcd's CA can read and write everything, Secrets included.
  - Works before and after access control is on. It refuses to switch it on if that locked the host itself out.
  - Roles and users that are not mentioned stay as they are.
extends_documentation_fragment:
  - quorate.kubernetes._attributes
  - quorate.kubernetes._etcd
options:
  enabled:
    description:
      - Whether etcd enforces the permissions. Left as it is if not given.
    type: bool
  openssl:
    description:
      - The program C(openssl), on the host. It reads the common name in O(certificate).
    type: path
    default: openssl
  roles:
    description:
      - Roles, each with all its permissions.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description:
          - Name of the role. The role C(root) is there by itself and may do everything.
        type: str
        required: true
      permissions:
        description:
          - What the role may do.
        type: list
        elements: dict
        default: []
        suboptions:
          access:
            description:
              - Kind of access.
            type: str
            choices: [read, write, readwrite]
            default: readwrite
          key:
            description:
              - A single key.
            type: str
          prefix:
            description:
              - All keys with this prefix.
            type: str
  users:
    description:
      - Users, each with all its roles.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description:
          - Name of the user, and common name of its certificate.
        type: str
        required: true
      roles:
        description:
          - Names of its roles.
        type: list
        elements: str
        default: []
"""

EXAMPLES = r"""
- name: Limit flannel to its own keys
  quorate.kubernetes.etcd_access:
    roles:
      - name: flannel
        permissions:
          - prefix: /coreos.com/network/
    users:
      - {name: root, roles: [root]}
      - {name: kube-apiserver, roles: [root]}
      - {name: flannel, roles: [flannel]}
    enabled: true
"""

RETURN = r"""
plan:
  description: What was done, or would be in check mode.
  returned: always
  type: list
  elements: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.quorate.kubernetes.plugins.module_utils import _etcd, _etcd_access, _etcd_client, _host

_PERMISSION: dict[str, Any] = {
    "type": "list",
    "elements": "dict",
    "default": [],
    "options": {
        "access": {"type": "str", "choices": ["read", "write", "readwrite"], "default": "readwrite"},
        "key": {"type": "str", "no_log": False},
        "prefix": {"type": "str"},
    },
    "mutually_exclusive": [("key", "prefix")],
    "required_one_of": [("key", "prefix")],
}
ARGUMENT_SPEC: dict[str, Any] = {
    **_etcd_client.ETCD_ARGUMENTS,
    "enabled": {"type": "bool"},
    "openssl": {"type": "path", "default": "openssl"},
    "roles": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {"name": {"type": "str", "required": True}, "permissions": _PERMISSION},
    },
    "users": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {"name": {"type": "str", "required": True}, "roles": {"type": "list", "elements": "str", "default": []}},
    },
}


class EtcdAccess:
    """Users and roles of a cluster of etcd."""

    def __init__(self, params: dict[str, Any], *, check_mode: bool) -> None:
        self._params = params
        self._client = _etcd_client.EtcdClient(_etcd_client.Connection.of(params))
        self.wanted = _etcd_access.parse(params)
        if check_mode and not self._client.reachable():
            # There is no cluster yet, so everything is new.
            self.current = _etcd_access.Access(roles={}, users={}, enabled=False)
            self.steps = _etcd_access.plan(self.wanted, self.current, us="root")
            return
        self.current = self._observe()
        self.steps = _etcd_access.plan(self.wanted, self.current, us=self._us())

    def _observe(self) -> _etcd_access.Access:
        """What is there of what was mentioned."""
        entry = [self._client.entry()]

        def ask(*arguments: str) -> str:
            return self._client.control(arguments, endpoints=entry)

        roles, users = (_etcd.parse_names(ask(kind, "list"), f"{kind}s") for kind in ("role", "user"))
        return _etcd_access.Access(
            roles={name: _etcd.parse_permissions(ask("role", "get", name)) for name in roles if name in self.wanted.roles},
            users={
                name: frozenset(_etcd.parse_names(ask("user", "get", name), "roles"))
                for name in users
                if name in self.wanted.users or self._params["enabled"]
            },
            enabled=_etcd.parse_flag(ask("auth", "status"), "enabled"),
        )

    def _us(self) -> str:
        arguments = ["x509", "-noout", "-subject", "-nameopt", "multiline", "-in", self._params["certificate"]]
        return _etcd_access.common_name(_host.run([self._params["openssl"], *arguments]).out)

    def diff(self) -> dict[str, Any]:
        after = {**self.current.as_data()}
        wanted = self.wanted.as_data()
        after["roles"], after["users"] = {**after["roles"], **wanted["roles"]}, {**after["users"], **wanted["users"]}
        after["enabled"] = after["enabled"] if wanted["enabled"] is None else wanted["enabled"]
        return {"before": self.current.as_data(), "after": after}

    def apply(self) -> None:
        for step in self.steps:
            self._client.insist(step.arguments, timeout=_etcd_client.COMMAND_SECONDS)


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        access = EtcdAccess(module.params, check_mode=module.check_mode)
        if not module.check_mode:
            access.apply()
    except (_etcd.EtcdError, _etcd_access.AccessError, _host.HostError) as error:
        module.fail_json(msg=f"Setting users and roles of etcd failed: {error}")
    module.exit_json(changed=bool(access.steps), plan=[str(step) for step in access.steps], diff=access.diff())


if __name__ == "__main__":
    main()
