# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: what is wrong with an inventory, as data and as text for a terminal."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Collection, Iterable
from typing import Any

SHOWN_HOSTS = 4
SHOWN_CHARACTERS = 120
PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclasses.dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        what: what is wrong, and why it matters.
        remedy: what to do.
        hosts: the hosts that have it; the same problem of several hosts is shown once.
        place: where it is if it is not on certain hosts, such as `group etcd`.
    """

    what: str
    remedy: str
    hosts: tuple[str, ...] = ()
    place: str = ""


def show(value: Any) -> str:
    """A value as it may be printed on a terminal: on one line, quoted, without control characters, not too long."""
    text = json.dumps(value, default=str)
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 3] + "..."


def show_name(name: str) -> str:
    """A name, quoted if it is unusual."""
    return name if PLAIN.fullmatch(name) else show(name)


def show_hosts(hosts: Iterable[str]) -> str:
    """Names of hosts: the first few, and how many more."""
    names = [show_name(name) for name in sorted(hosts)]
    if len(names) <= SHOWN_HOSTS + 1:
        return ", ".join(names)
    return f"{', '.join(names[:SHOWN_HOSTS])} and {len(names) - SHOWN_HOSTS} more"


def merge(problems: Iterable[Problem], *, everyone: Collection[str]) -> list[dict[str, str]]:
    """One entry `where, what, remedy` for each different problem, sorted, with all its hosts in `where`."""
    hosts: dict[tuple[str, str, str], set[str]] = {}
    for problem in problems:
        hosts.setdefault((problem.place, problem.what, problem.remedy), set()).update(problem.hosts)
    entries = [{"where": _where(place, names, everyone), "what": what, "remedy": remedy} for (place, what, remedy), names in hosts.items()]
    return sorted(entries, key=lambda entry: (entry["where"], entry["what"], entry["remedy"]))


def _where(place: str, hosts: set[str], everyone: Collection[str]) -> str:
    if not hosts:
        return place or "inventory"
    if len(hosts) == 1:
        return f"host {show_name(min(hosts))}"
    if hosts >= set(everyone):
        return "all hosts"
    return f"hosts {show_hosts(hosts)}"


def render(entries: Collection[dict[str, str]]) -> str:
    """All problems as one message."""
    count = "1 problem" if len(entries) == 1 else f"{len(entries)} problems"
    lines = [f"The inventory cannot be used: {count}. No host has been contacted, nothing has been changed."]
    for number, entry in enumerate(entries, start=1):
        lines += [f"{number:>3}. {entry['where']}: {entry['what']}", f"     -> {entry['remedy']}"]
    return "\n".join(lines)
