# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: version_problems
short_description: Tell which version rules the way to the wanted versions would break
version_added: 1.0.0
author: quorate.kubernetes contributors (@quorate)
description:
  - Compares the versions that run on the hosts of this run with those of the topology, by the version skew policy of Kubernetes and the
    upgrade rules of etcd.
positional: _input, hostvars
options:
  _input:
    description:
      - The topology of the cluster.
    type: dict
    required: true
  hostvars:
    description:
      - Variables of all hosts. Those that were observed have the fact C(host_observation).
    type: dict
    required: true
"""

EXAMPLES = r"""
problems: "{{ cluster_topology | quorate.kubernetes.version_problems(hostvars) }}"
"""

RETURN = r"""
_value:
  description: A sentence for each rule that would be broken, with the hosts; empty if none would.
  type: list
  elements: str
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.quorate.kubernetes.plugins.module_utils import _upgrade
from ansible_collections.quorate.kubernetes.plugins.plugin_utils import _observation


def version_problems(_input: Mapping[str, Any], hostvars: Mapping[str, Any]) -> list[str]:
    observed = {name: _observation.of_host(hostvars[name], run=_input["run"]) for name in _input["hosts"] if name in hostvars}
    running = {name: _upgrade.running_versions(one) for name, one in observed.items() if one}
    return _upgrade.problems(running, kubernetes=_input["versions"]["kubernetes"], etcd=_input["versions"]["etcd"])


class FilterModule:
    """The filter version_problems."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"version_problems": version_problems}
