# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: objects of the Kubernetes API as text for a diff, without what is secret."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Optional

SECRET = "(secret)"
SECRET_CHANGED = "(secret, changed)"

_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./:@+-]*\Z")
# What YAML would read as something else than text.
_WORDS = frozenset(("true", "false", "yes", "no", "on", "off", "null", "y", "n"))


def object_texts(before: Optional[Mapping[str, Any]], after: Optional[Mapping[str, Any]]) -> tuple[str, str]:
    """Both sides of a diff. The values of Secrets are hidden, but it is told which of them change."""
    return _text(_hidden(before, None)), _text(_hidden(after, before))


def _text(value: Optional[Mapping[str, Any]]) -> str:
    return "\n".join(yaml_lines(value)) + "\n" if value else ""


def yaml_lines(value: Any) -> list[str]:
    """YAML of plain data, with sorted keys, for the eyes of a person."""
    if isinstance(value, Mapping) and value:
        lines = []
        for key in sorted(value):
            lines += _entry(f"{_scalar(str(key))}:", value[key])
        return lines
    if _is_sequence(value) and value:
        return [line for item in value for line in _item(item)]
    return [_scalar(value)]


def _entry(head: str, value: Any) -> list[str]:
    if isinstance(value, str) and "\n" in value.rstrip("\n"):
        keep = "|" if value.endswith("\n") else "|-"
        return [f"{head} {keep}", *(f"  {line}" if line else "" for line in value.rstrip("\n").split("\n"))]
    if (isinstance(value, Mapping) or _is_sequence(value)) and value:
        return [head, *(f"  {line}" for line in yaml_lines(value))]
    return [f"{head} {_scalar(value)}"]


def _item(value: Any) -> list[str]:
    lines = _entry("-", value) if isinstance(value, str) else yaml_lines(value)
    if isinstance(value, str):
        return lines
    return [f"- {lines[0]}", *(f"  {line}" for line in lines[1:])]


def _scalar(value: Any) -> str:
    if isinstance(value, str) and _PLAIN.match(value) and value.lower() not in _WORDS and not value.endswith(":"):
        return value
    return json.dumps(value, ensure_ascii=False)


def _is_sequence(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))


def _hidden(thing: Optional[Mapping[str, Any]], former: Optional[Mapping[str, Any]]) -> Optional[Mapping[str, Any]]:
    if thing is None or thing.get("kind") != "Secret":
        return thing
    shown = dict(thing)
    for field in ("data", "stringData"):
        if isinstance(thing.get(field), Mapping):
            known = (former or {}).get(field) or {}
            shown[field] = {
                key: SECRET if former is None or known.get(key) == value else SECRET_CHANGED for key, value in thing[field].items()
            }
    metadata = thing.get("metadata") or {}
    if metadata.get("annotations"):
        # kubectl keeps a copy of the whole object, with its data, in an annotation.
        kept = {key: SECRET if "last-applied" in key else value for key, value in metadata["annotations"].items()}
        shown["metadata"] = {**metadata, "annotations": kept}
    return shown
