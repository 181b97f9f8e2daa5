#!/usr/bin/python
# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: flannel_network
short_description: Network configuration of flannel in etcd
version_added: 1.0.0
author: quorate.kubernetes contributors (@quorate)
description:
  - Stores flannel's network configuration in etcd, if it is not there already.
  - Networks, size of subnets and type of backend cannot change below running pods. The module refuses that without O(force).
extends_documentation_fragment:
  - quorate.kubernetes._attributes
  - quorate.kubernetes._etcd
options:
  config:
    description:
      - The configuration, such as C(Network) and C(Backend).
    type: dict
    required: true
  force:
    description:
      - Store it although running pods lose their network.
    type: bool
    default: false
  prefix:
    description:
      - Prefix of flannel's keys. The configuration is stored as C(config) below it.
    type: str
    default: /coreos.com/network
"""

EXAMPLES = r"""
- name: Tell flannel its network
  quorate.kubernetes.flannel_network:
    config:
      Network: 10.244.0.0/16
      Backend:
        Type: vxlan
"""

RETURN = r"""
key:
  description: The key of the configuration.
  returned: always
  type: str
  sample: /coreos.com/network/config
"""

from typing import Any, Optional

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.quorate.kubernetes.plugins.module_utils import _etcd, _etcd_client, _flannel, _host

ARGUMENT_SPEC: dict[str, Any] = {
    **_etcd_client.ETCD_ARGUMENTS,
    "config": {"type": "dict", "required": True},
    "force": {"type": "bool", "default": False},
    "prefix": {"type": "str", "default": "/coreos.com/network"},
}


class FlannelNetwork:
    """The configuration of one network of flannel."""

    def __init__(self, params: dict[str, Any], *, check_mode: bool) -> None:
        self._client = _etcd_client.EtcdClient(_etcd_client.Connection.of(params))
        self.key = params["prefix"].rstrip("/") + "/config"
        self.wanted: dict[str, Any] = params["config"]
        self.stored: Optional[dict[str, Any]] = None
        if check_mode and not self._client.reachable():
            # There is no cluster yet, so it is new.
            return
        value = _etcd.parse_value(self._client.control(["get", self.key]))
        self.stored = _flannel.parse(value, damaged_too=params["force"])
        if self.stored is not None and not params["force"]:
            _flannel.refuse(_flannel.differences(self.wanted, self.stored), self.key)

    @property
    def differs(self) -> bool:
        return self.wanted != self.stored

    def diff(self) -> dict[str, Any]:
        return {"before_header": self.key, "after_header": self.key, "before": self.stored or "", "after": self.wanted}

    def apply(self) -> None:
        if self.differs:
            self._client.insist(["put", self.key, _flannel.printed(self.wanted)], timeout=_etcd_client.COMMAND_SECONDS)


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        network = FlannelNetwork(module.params, check_mode=module.check_mode)
        if not module.check_mode:
            network.apply()
    except (_etcd.EtcdError, _flannel.FlannelError, _host.HostError) as error:
        module.fail_json(msg=f"Storing flannel's network configuration failed: {error}")
    module.exit_json(changed=network.differs, key=network.key, diff=network.diff())


if __name__ == "__main__":
    main()
