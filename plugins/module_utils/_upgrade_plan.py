# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: in which order a run changes hosts, what it restarts on each, and what it waits for.

The plays of the stages etcd, masters and nodes keep this order; a test compares the two.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Optional

from ansible_collections.quorate.kubernetes.plugins.module_utils import _cluster_state, _component

UNIT = re.compile(r"^(restart|start|stop) (?P<name>\S+)\.service")
API_SERVER = "kube-apiserver"
NODE_ROLE = "workers"
"""The role whose plan holds all that makes a node."""


@dataclasses.dataclass(frozen=True)
class Step:
    """What is done to one host at one time.

    Attributes:
        stage: C(etcd), C(api-servers), C(controllers) or C(nodes).
        batch: steps of the same stage and batch are done together.
        host: where.
        restarts: units that are restarted, in order.
        waits: what has to hold before and after.
    """

    stage: str
    batch: int
    host: str
    restarts: tuple[str, ...]
    waits: str

    def __str__(self) -> str:
        return f"{self.host}: restart {', '.join(self.restarts)}; {self.waits}"

    def as_data(self) -> dict[str, Any]:
        return {**dataclasses.asdict(self), "restarts": list(self.restarts)}


@dataclasses.dataclass(frozen=True)
class Plans:
    """What the roles' plans found on one host: for each role its result."""

    results: Mapping[str, Mapping[str, Any]]

    def step(self, *roles: str) -> str:
        """The most disturbing step of some roles."""
        found = {str((self.results.get(role) or {}).get("step", _component.KEEP)) for role in roles}
        return next((step for step in (_component.CHANGE, _component.BUILD) if step in found), _component.KEEP)

    def units(self, *roles: str) -> list[str]:
        """Units that some roles start, stop or restart, in order."""
        sentences = [line for role in roles for line in (self.results.get(role) or {}).get("plan") or []]
        return [match["name"] for line in sentences if (match := UNIT.match(line))]


@dataclasses.dataclass(frozen=True)
class Order:
    """What the order of a run depends on.

    Attributes:
        masters: names of all masters.
        leader: the member that leads etcd.
        leaders: for each controller, the host that leads it.
        down: host and name of each component that does not run: those are mended before another one is touched.
        undrained: nodes that are not emptied before they are changed.
        batch: how many workers are changed at a time, a number or a percentage.
    """

    masters: Sequence[str]
    leader: Optional[str] = None
    leaders: Mapping[str, str] = dataclasses.field(default_factory=dict)
    down: Collection[tuple[str, str]] = ()
    undrained: Collection[str] = ()
    batch: str = "1"


def steps(plans: Mapping[str, Plans], order: Order) -> list[Step]:
    """All that disturbs something that runs, in order."""
    return [
        *_etcd_steps(plans, order),
        *_api_server_steps(plans, order),
        *_controller_steps(plans, order),
        *_node_steps(plans, order),
    ]


def _changed(plans: Mapping[str, Plans], *roles: str) -> list[str]:
    return sorted(host for host, plan in plans.items() if plan.step(*roles) == _component.CHANGE)


def _etcd_steps(plans: Mapping[str, Plans], order: Order) -> list[Step]:
    ordered = sorted(_changed(plans, "etcd"), key=lambda host: ((host, "etcd") not in order.down, host == order.leader))
    waits = "before, the other members have a quorum and one of them leads; after, all members agree"
    return [Step("etcd", number, host, tuple(plans[host].units("etcd")), waits) for number, host in enumerate(ordered)]


def _api_server_steps(plans: Mapping[str, Plans], order: Order) -> list[Step]:
    waits = "before, all other API servers are ready; after, this one is"
    found = [host for host in _changed(plans, "masters") if API_SERVER in plans[host].units("masters")]
    ordered = sorted(found, key=lambda host: (host, API_SERVER) not in order.down)
    return [Step("api-servers", number, host, (API_SERVER,), waits) for number, host in enumerate(ordered)]


def _controller_steps(plans: Mapping[str, Plans], order: Order) -> list[Step]:
    waits = "after, each is healthy; one that leads comes last, so that leadership moves once"
    found: list[Step] = []
    hosts = _changed(plans, "masters")
    for leading in (False, True):
        for host in hosts:
            units = [
                unit
                for unit in plans[host].units("masters")
                if unit in _cluster_state.CONTROLLERS and (order.leaders.get(unit) == host) is leading
            ]
            if units:
                found.append(Step("controllers", len(found), host, tuple(units), waits))
    return found


def _node_steps(plans: Mapping[str, Plans], order: Order) -> list[Step]:
    hosts = _changed(plans, NODE_ROLE)
    masters = [[host] for host in hosts if host in order.masters]
    workers = batches([host for host in hosts if host not in order.masters], order.batch)
    emptied, after = "before, its pods have moved; ", "after, kubelet reports the wanted version and the node is ready"
    return [
        Step("nodes", number, host, tuple(plans[host].units(NODE_ROLE)), after if host in order.undrained else emptied + after)
        for number, batch in enumerate([*masters, *workers])
        for host in batch
    ]


def batch_size(variables: Sequence[Mapping[str, Any]]) -> Any:
    """How many workers are changed at a time, by the variables of those that are changed, in the order of their names."""
    found = (of_host.get(name) for name in ("upgrade_batch", "workers_batch") for of_host in variables)
    return next((size for size in found if size is not None), 1)


def batches(hosts: Sequence[str], size: str) -> list[list[str]]:
    """Workers as they are changed together: one alone first, then so many at a time, as Ansible's C(serial) counts."""
    if not hosts:
        return []
    text = str(size).strip()
    # Ansible takes a percentage of all hosts, rounds down, and never below one. In its order: fractions of binary numbers round otherwise.
    number = int((int(text[:-1]) / 100.0) * len(hosts)) if text.endswith("%") else int(text)
    rest = list(hosts[1:])
    step = max(1, number)
    return [[hosts[0]], *(rest[start : start + step] for start in range(0, len(rest), step))]


@dataclasses.dataclass(frozen=True)
class Restart:
    """What became of one restart.

    Attributes:
        host: where.
        component: what.
        at: when, in seconds since the epoch, by the clock of the control node.
        seconds: how long it was away, until it was ready again.
    """

    host: str
    component: str
    at: float
    seconds: float


def restarts(observations: Mapping[str, Mapping[str, Any]]) -> list[Restart]:
    """What was restarted in this run, in the order in which it was, from what the module components noted."""
    found = [
        # The host noted it by its own clock. Clocks that differ would make two of them overlap that did not.
        Restart(host, name, round(float(noted["at"]) - float(observation.get("clock_skew") or 0), 3), float(noted["seconds"]))
        for host, observation in observations.items()
        for name, noted in (observation.get("restarts") or {}).items()
    ]
    return sorted(found, key=lambda restart: (restart.at, restart.host, restart.component))


def most_at_once(found: Iterable[Restart]) -> int:
    """How many were away at the same time, at the worst moment."""
    # Where one ends in the moment in which another begins, they were not away together.
    moments = sorted(moment for restart in found for moment in ((restart.at, 1), (restart.at + restart.seconds, -1)))
    worst = away = 0
    for _moment, step in moments:
        away += step
        worst = max(worst, away)
    return worst


def summary(found: Sequence[Restart]) -> list[str]:
    """What was away, and how long, a line for each component."""
    lines = []
    for name in dict.fromkeys(restart.component for restart in found):
        ours = [restart for restart in found if restart.component == name]
        longest = max(ours, key=lambda restart: restart.seconds)
        hosts = ", ".join(restart.host for restart in ours)
        lines.append(
            f"{name}: restarted on {hosts}; away for {longest.seconds:.1f} s at most ({longest.host}), {most_at_once(ours)} at a time"
        )
    return lines
