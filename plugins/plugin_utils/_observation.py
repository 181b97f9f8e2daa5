# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: the fact that holds what was observed on a host, kept true by whoever changes something."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

FACT = "host_observation"


def current(task_vars: Mapping[str, Any]) -> Mapping[str, Any]:
    """What was observed in this run on the task's host; empty if nothing was."""
    return of_host(task_vars, run=run_of(task_vars))


def of_host(variables: Mapping[str, Any], *, run: str) -> Mapping[str, Any]:
    """What was observed in this run, by the variables of any host. What a cache of facts kept of a former run counts for nothing."""
    # Facts are top-level variables only where they are injected.
    observation = (variables.get("ansible_facts") or {}).get(FACT) or variables.get(FACT) or {}
    return observation if observation.get("run") == run else {}


def of_hosts(names: Iterable[str], hostvars: Mapping[str, Any], *, run: str) -> dict[str, Mapping[str, Any]]:
    """What was observed in this run on each of some hosts; empty for a host on which nothing was, or that the inventory does not know."""
    # As they lie there: a look at all variables of a host as templates takes 40 ms.
    get = getattr(hostvars, "raw_get", hostvars.get)
    found = {name: get(name) for name in names}
    return {name: of_host(variables, run=run) if isinstance(variables, Mapping) else {} for name, variables in found.items()}


def seen(topology: Mapping[str, Any], hostvars: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """What was observed in this run, of each host of the cluster on which something was."""
    return {name: one for name, one in of_hosts(topology["hosts"], hostvars, run=topology["run"]).items() if one}


def run_of(task_vars: Mapping[str, Any]) -> str:
    """What tells this run of Ansible from all others: a topology is computed once in each."""
    return str((task_vars.get("cluster_topology") or {}).get("run", ""))


def merged(observation: Mapping[str, Any], part: Mapping[str, Any]) -> dict[str, Any]:
    """The observation with the entries of `part` in place of its own, section by section."""
    together = dict(observation)
    for section, entries in part.items():
        known = together.get(section)
        together[section] = {**known, **entries} if isinstance(known, Mapping) and isinstance(entries, Mapping) else entries
    return together


def noted(result: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
    """A module's result, with the fact renewed by the observation that the module returned."""
    part = result.get("observation")
    if not part:
        return dict(result)
    return {**result, "ansible_facts": {FACT: merged(current(task_vars), part)}}
