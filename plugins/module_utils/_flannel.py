# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: flannel's network configuration in etcd, and what of it can change while pods run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Optional

# Pods keep the addresses and routes that they were started with, so these cannot change below them.
FIXED = (("Network",), ("IPv6Network",), ("EnableIPv4",), ("EnableIPv6",), ("SubnetLen",), ("Backend", "Type"))


class FlannelError(Exception):
    """A change of the network that running pods would not survive."""


def parse(value: Optional[bytes], *, damaged_too: bool = False) -> Optional[dict[str, Any]]:
    """A stored configuration; None if there is none. With damaged_too, one that cannot be read counts as none."""
    if value is None:
        return None
    try:
        stored = json.loads(value)
    except ValueError:
        stored = None
    if not isinstance(stored, dict):
        if damaged_too:
            return None
        raise FlannelError(
            "What is stored as flannel's network configuration is no JSON object. Look at it, delete the key, and run again."
        )
    return stored


def differences(wanted: Mapping[str, Any], stored: Mapping[str, Any]) -> list[str]:
    """What would change although it cannot while pods run."""
    changes = []
    for path in FIXED:
        before, after = _at(stored, path), _at(wanted, path)
        if before != after:
            changes.append(f"{'.'.join(path)} from {json.dumps(before)} to {json.dumps(after)}")
    return changes


def refuse(changes: list[str], key: str) -> None:
    if changes:
        raise FlannelError(
            f"{key} would change {' and '.join(changes)}. Running pods keep their addresses and routes, so this takes down time: drain all nodes and "
            "stop flannel everywhere, then run again with force, or put the former values back."
        )


def _at(values: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    found: Any = values
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def printed(values: Mapping[str, Any]) -> str:
    return json.dumps(values, sort_keys=True, separators=(",", ":"))
