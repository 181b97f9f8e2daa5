# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: upgrade_findings
short_description: Tell what speaks against the versions that are wanted
version_added: 1.0.0
author: quorate.kubernetes contributors (@quorate)
description:
  - Compares the versions that run with those of the topology, by the version skew policy of Kubernetes and the upgrade rules of etcd.
  - Hosts of the run were observed. Of those that it leaves out, the API and etcd tell, if they were asked.
positional: _input, hostvars
options:
  _input:
    description:
      - The topology of the cluster.
    type: dict
    required: true
  hostvars:
    description:
      - Variables of all hosts. Those that were observed have the fact C(host_observation), one that asked the API has what
        M(quorate.kubernetes.cluster_info) returned as C(upgrade_cluster), one that asked etcd what M(quorate.kubernetes.etcd_info)
        returned as C(etcd_cluster).
    type: dict
    required: true
  minor:
    description:
      - Whether another minor version was asked for.
    type: bool
    default: false
"""

EXAMPLES = r"""
findings: "{{ cluster_topology | quorate.kubernetes.upgrade_findings(hostvars, minor=true) }}"
"""

RETURN = r"""
_value:
  description:
    - C(refusals) are reasons not to begin, C(notes) what is good to know before, a sentence each.
  type: dict
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.quorate.kubernetes.plugins.module_utils import _upgrade
from ansible_collections.quorate.kubernetes.plugins.plugin_utils import _observation


def upgrade_findings(_input: Mapping[str, Any], hostvars: Mapping[str, Any], *, minor: bool = False) -> dict[str, Any]:
    names = [name for name in _input["hosts"] if name in hostvars]
    observations = _observation.seen(_input, hostvars)
    seen = {name: _upgrade.running_versions(one) for name, one in observations.items()}
    wanted = {"kubernetes": _input["versions"]["kubernetes"], "etcd": _input["versions"]["etcd"]}
    cluster = _asked(hostvars, names, variable="upgrade_cluster", key="servers")
    etcd = _asked(hostvars, names, variable="etcd_cluster", key="members")
    running = _upgrade.known(seen, cluster=cluster, etcd=etcd)
    absent = set(running) - set(observations)
    upgrades = any(_upgrade.differs(versions, wanted) for versions in seen.values())
    problems = [
        # What hosts that are left out run is no reason against another version of what makes a node.
        *(_upgrade.problems(running, absent=absent, **wanted) if upgrades else ()),
        *_upgrade.illnesses(cluster=cluster, etcd=etcd, observations=observations, upgrades=upgrades),
        *_upgrade.stopped_on_the_way_back(running, etcd=wanted["etcd"], observations=observations),
    ]
    return {
        "refusals": _upgrade.refusals(problems, [] if minor else _upgrade.other_minors(seen, **wanted), **wanted),
        "notes": _upgrade.notes(running, cluster=cluster, hosts=set(observations), **wanted),
    }


def _asked(hostvars: Mapping[str, Any], names: list[str], *, variable: str, key: str) -> Mapping[str, Any]:
    """What a module returned on one host or on all of them; one that was skipped returned nothing."""
    results = (hostvars[name].get(variable) or {} for name in names)
    return next((result for result in results if key in result), {})


class FilterModule:
    """The filter upgrade_findings."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"upgrade_findings": upgrade_findings}
