# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: how settings of programs are put together and printed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any


class SettingsError(Exception):
    """A setting cannot be printed."""


def merge(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of several layers in one; the later layer wins, mappings are merged, null takes a setting away."""
    together: dict[str, Any] = {}
    for layer in layers:
        for name, value in layer.items():
            if value is None:
                together.pop(name, None)
            elif isinstance(value, Mapping):
                known = together.get(name)
                together[name] = merge(known if isinstance(known, Mapping) else {}, value)
            else:
                together[name] = value
    return together


def scalar(value: Any) -> str:
    """A value as programs expect it in a flag: true and false in lower case, lists joined by commas, mappings as a=b."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return ",".join(f"{name}={scalar(entry)}" for name, entry in value.items())
    if isinstance(value, Iterable) and not isinstance(value, str):
        return ",".join(scalar(entry) for entry in value)
    return str(value)


def unit_arguments(flags: Mapping[str, Any]) -> str:
    """Flags as continuation lines of ExecStart in a systemd unit, sorted by name."""
    lines = []
    for name in sorted(flags, key=str):
        value = "" if flags[name] is None else scalar(flags[name])
        if not value:
            continue
        argument = f"--{name}={value}"
        if re.search(r"[\x00-\x1f\x7f]", argument):
            raise SettingsError(f"The flag {name} contains a line break or another control character: {argument!r}.")
        lines.append("  " + _quoted(argument))
    return " \\\n".join(lines)


def _quoted(argument: str) -> str:
    """An argument so that systemd passes it on unchanged (systemd.service, section "Command lines")."""
    escaped = argument.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"' if re.search(r"""[\s"'\\;]""", argument) else escaped


def kubeconfig(*, server: str, authority: str, certificate: str, key: str, user: str) -> dict[str, Any]:
    """A kubeconfig that names files instead of holding secrets: renewed files are noticed, and it may be read."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "default", "cluster": {"server": server, "certificate-authority": authority}}],
        "users": [{"name": user, "user": {"client-certificate": certificate, "client-key": key}}],
        "contexts": [{"name": "default", "context": {"cluster": "default", "user": user}}],
        "current-context": "default",
    }


def to_toml(settings: Mapping[str, Any]) -> str:
    """Nested settings as TOML: values of a table first, then its tables."""
    return "\n".join(_table(settings, ())).strip() + "\n"


def _table(settings: Mapping[str, Any], path: tuple[str, ...]) -> list[str]:
    values = {name: value for name, value in settings.items() if not isinstance(value, Mapping) and value is not None}
    tables = {name: value for name, value in settings.items() if isinstance(value, Mapping)}
    lines = []
    if path and (values or not tables):
        lines.append("[" + ".".join(_toml_key(part) for part in path) + "]")
    lines += [f"{_toml_key(name)} = {_toml_value(value)}" for name, value in values.items()]
    if lines:
        lines.append("")
    for name, table in tables.items():
        lines += _table(table, (*path, name))
    return lines


def _toml_key(name: Any) -> str:
    # A mapping in YAML may have numbers for keys.
    return str(name) if re.fullmatch(r"[A-Za-z0-9_-]+", str(name)) else _toml_string(str(name))


def _toml_value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, Mapping):
        entries = [f"{_toml_key(name)} = {_toml_value(entry)}" for name, entry in value.items() if entry is not None]
        return "{ " + ", ".join(entries) + " }" if entries else "{}"
    if isinstance(value, Iterable) and not isinstance(value, str):
        return "[" + ", ".join(_toml_value(entry) for entry in value) + "]"
    return _toml_string(str(value))


def _toml_string(value: str) -> str:
    named = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}
    return '"' + "".join(named.get(sign) or (sign if 32 <= ord(sign) != 127 else f"\\u{ord(sign):04x}") for sign in value) + '"'
