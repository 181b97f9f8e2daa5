# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: what may be a name, an address, a label, and which name was meant."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import Any, Optional

NAME_LENGTH = 49  # with system:flannel: before it, it is the common name of a certificate, which has at most 64 characters
DOMAIN_LENGTH = 253

LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
QUALIFIED = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
TAINT = re.compile(r"(?P<key>[^=:]+)(=(?P<value>[^=:]*))?:(?P<effect>NoSchedule|PreferNoSchedule|NoExecute)")
PATH = re.compile(r"(/[A-Za-z0-9_+-][A-Za-z0-9._+-]*)+")
ENDPOINT = re.compile(r"(?P<host>[^:/\s]+):(?P<port>[0-9]{1,5})")


def is_label(text: str) -> bool:
    """Whether this is one label of a DNS name (RFC 1123, lower case)."""
    return LABEL.fullmatch(text) is not None


def is_domain(text: str) -> bool:
    """Whether this is a DNS name (RFC 1123, lower case) and no address."""
    return len(text) <= DOMAIN_LENGTH and address(text) is None and all(is_label(label) for label in text.split("."))


def address(text: Any) -> Optional[ipaddress.IPv4Address]:
    """The IPv4 address that a text is, or nothing."""
    try:
        return ipaddress.IPv4Address(text) if isinstance(text, str) else None
    except ValueError:
        return None


def network(text: str) -> Optional[ipaddress.IPv4Network]:
    """The IPv4 network that a text is, in CIDR notation without host bits, or nothing."""
    try:
        return ipaddress.IPv4Network(text) if "/" in text else None
    except ValueError:
        return None


def is_port(number: int) -> bool:
    return 0 < number < 65536


def endpoint(text: str) -> Optional[tuple[str, int]]:
    """Host and port of `host:port`, or nothing."""
    match = ENDPOINT.fullmatch(text)
    if match is None or not is_port(int(match["port"])):
        return None
    host = match["host"]
    return (host, int(match["port"])) if address(host) or is_domain(host) else None


def host_name_problem(name: str) -> str:
    """Why a name of the inventory cannot be the name of a node and an etcd member; empty if it can."""
    if address(name) is not None:
        return "is an address: certificates and logs need a name"
    if len(name) > NAME_LENGTH:
        return f"has {len(name)} characters; a name that stands in certificates has at most {NAME_LENGTH}"
    if not is_domain(name):
        return (
            "is no host name (RFC 1123: lower-case letters, digits, dashes and dots, each part with a letter or digit at "
            "both ends), but becomes part of paths, certificates and the node's name"
        )
    return ""


def address_problem(text: Any) -> str:
    """Why something cannot be the address of a host; empty if it can."""
    parsed = address(text)
    if parsed is None:
        return "is no IPv4 address"
    if parsed.is_loopback or parsed.is_unspecified or parsed.is_multicast or parsed == ipaddress.IPv4Address("255.255.255.255"):
        return "cannot be reached from the other hosts"
    return ""


def label_key_problem(key: str) -> str:
    """Why a text cannot be the key of a label or taint; empty if it can."""
    prefix, slash, name = key.rpartition("/")
    if (slash and not is_domain(prefix)) or not QUALIFIED.fullmatch(name):
        return "is no key (an optional DNS name and a slash, then up to 63 letters, digits, dashes, dots, underscores)"
    return ""


def label_value_problem(value: str) -> str:
    """Why a text cannot be the value of a label; empty if it can."""
    if value and not QUALIFIED.fullmatch(value):
        return "is no value of a label (at most 63 letters, digits, dashes, dots, underscores, letters or digits at both ends)"
    return ""


def taint_problem(taint: str) -> str:
    """Why a text cannot be a taint; empty if it can."""
    match = TAINT.fullmatch(taint)
    if match is None:
        return "is no taint (KEY:EFFECT or KEY=VALUE:EFFECT; effects are NoSchedule, PreferNoSchedule, NoExecute)"
    return label_key_problem(match["key"]) or label_value_problem(match["value"] or "")


def is_path(text: str) -> bool:
    """Whether this is an absolute path of plain names, without `.` or `..`."""
    return PATH.fullmatch(text) is not None


def distance(one: str, other: str) -> int:
    """How many letters have to be added, dropped, replaced or swapped with their neighbour to get from one to the other."""
    before: list[int] = []
    last = list(range(len(other) + 1))
    for i, letter in enumerate(one, start=1):
        row = [i]
        for j, goal in enumerate(other, start=1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (letter != goal))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == goal:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, last = last, row
    return last[-1]


def closest(name: str, known: Iterable[str]) -> str:
    """The known name that was probably meant; empty if none is near."""
    allowed = 1 if len(name) < 5 else 2 if len(name) < 10 else 3
    near = [(distance(name, other), other) for other in known if abs(len(name) - len(other)) <= allowed]
    best = min(near, default=(allowed + 1, ""))
    return best[1] if best[0] <= allowed else ""
