# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: the record of the objects that were applied from this host, and whether they are still what they were then."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, Optional

from ansible_collections.quorate.kubernetes.plugins.module_utils import _host, _kubernetes, _manifests, _readiness

RECORD = _host.STATE_DIRECTORY + "/objects.json"


def wanted_digest(objects: Iterable[Mapping[str, Any]], *, manager: str) -> str:
    """What was asked for, in short: the objects as they are given, and the name under which they are applied."""
    return _digest([manager, list(objects)])


def fingerprint(thing: Mapping[str, Any], *, manager: str) -> str:
    """What an object is, in short: all but its status and what the server keeps about it, and which fields are the manager's."""
    # Within a list an object does not say what kind it is of.
    kept = {key: value for key, value in _manifests.essence(thing).items() if key not in ("apiVersion", "kind")}
    return _digest([kept, _manifests.owned_fields(thing, manager)])


def remember(name: str, *, wanted: str, manager: str, objects: Mapping[tuple[str, str], Mapping[str, Any]]) -> None:
    """Write down what was applied under a name.

    Args:
        name: tells it from other objects that are applied from this host.
        wanted: what was asked for, by L(wanted_digest).
        manager: the name under which the fields are the caller's own.
        objects: the objects as the server has them now, by the path of their collection and their name.
    """
    rows = [[collection, thing, fingerprint(live, manager=manager)] for (collection, thing), live in sorted(objects.items())]
    known = _read()
    entry = {"wanted": wanted, "manager": manager, "objects": rows}
    if known.get(name) != entry:
        _host.write_json(RECORD, {**known, name: entry})


def observe(client: _kubernetes.Client) -> dict[str, Optional[str]]:
    """What of the record is true: what was asked for, by name; None where an object is not what it was, or says that it is not available."""
    return {name: entry["wanted"] if _is_as_it_was(entry, client) else None for name, entry in _read().items()}


def exists() -> bool:
    """Whether objects were ever applied from this host."""
    return bool(_read())


def _is_as_it_was(entry: Mapping[str, Any], client: _kubernetes.Client) -> bool:
    for collection, name, digest in entry["objects"]:
        # A list of one: who looks here may list everything, but get few things.
        found = client.collection(collection, query={"fieldSelector": f"metadata.name={name}"})
        if len(found) != 1 or fingerprint(found[0], manager=entry["manager"]) != digest or _readiness.is_unavailable(found[0]):
            return False
    return True


def _read() -> dict[str, Any]:
    known = _host.read_json(RECORD)
    return known if isinstance(known, dict) else {}


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
