# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: etcd_founding
short_description: Decide which etcd hosts found a cluster, go on, or join
version_added: 1.0.0
author: quorate.kubernetes contributors (@quorate)
description:
  - Decides from what was observed of all etcd hosts what each of them does at its start.
  - A cluster is founded only if every etcd host was observed, and none of them belongs to a founded one, nor any other host of the cluster. Where
    API servers or nodes are set up there was one.
  - Where the hosts hold data of different clusters, all refuse. A member that does not run while the others have their quorum joins, which
    starts it, or lets it begin anew if it was removed.
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
  data:
    description:
      - Path that the hosts were probed for, to tell whether they hold data of a member.
    type: path
    required: true
  cluster:
    description:
      - The initial cluster that a founding would use.
    type: str
    required: true
  token:
    description:
      - The token of a founding that begins now. No other cluster may have it, so that members of one with the same names and addresses, which was
        given up, are never taken for members of this one.
    type: str
    required: true
"""

EXAMPLES = r"""
decision: >-
  {{ cluster_topology | quorate.kubernetes.etcd_founding(
       hostvars, data='/var/lib/etcd/member', cluster='m1=https://192.0.2.1:2380', token='kubernetes-20261121') }}
"""

RETURN = r"""
_value:
  description:
    - For each observed host C(action), which is V(found), V(keep), V(join) or V(refuse), C(reason), C(aside), which tells whether its
      data has to be moved aside first, and C(token), which is that of O(token), or of the founding that goes on.
  type: dict
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.quorate.kubernetes.plugins.module_utils import _etcd_founding
from ansible_collections.quorate.kubernetes.plugins.plugin_utils import _observation

BOOTSTRAP = "/etc/etcd/bootstrap.env"
USERS = frozenset(["kube-apiserver", "kubelet"])


def etcd_founding(
    _input: Mapping[str, Any], hostvars: Mapping[str, Any], *, data: str, cluster: str, token: str
) -> dict[str, dict[str, Any]]:
    observed = _observation.of_hosts([*_input["etcd"], *_input["hosts"]], hostvars, run=_input["run"])
    seen = {name: _seen(one, data) for name, one in observed.items() if one}
    hosts = {name: seen.get(name) for name in _input["etcd"]}
    outside = {name: one for name, one in seen.items() if name not in hosts}
    users = [name for name, one in observed.items() if one and not USERS.isdisjoint(one["components"])]
    blind = [name for name in _input["masters"] if not observed.get(name)]
    decided = _etcd_founding.decide(hosts, cluster=cluster, token=token, outside=outside, users=users, blind=blind)
    return {name: dataclasses.asdict(one) for name, one in decided.items()}


def _seen(observed: Mapping[str, Any], data: str) -> _etcd_founding.Observation:
    bootstrap = _etcd_founding.parse_bootstrap((observed["contents"] or {}).get(BOOTSTRAP) or "")
    unit = (observed["components"].get("etcd") or {}).get("unit") or {}
    member = observed.get("etcd") or {}
    return dataclasses.replace(
        bootstrap,
        data=observed["probes"].get(data) == "filled",
        running=unit.get("active") in ("active", "activating"),
        started=unit.get("active") == "active",
        number=member.get("cluster") or "",
        quorum=bool(member.get("quorum")),
    )


class FilterModule:
    """The filter etcd_founding."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"etcd_founding": etcd_founding}
