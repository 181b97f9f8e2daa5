# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: which member of which cluster a write-ahead log of etcd belongs to. Small, for every run observes it on every host."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, Optional

from ansible_collections.quorate.kubernetes.plugins.module_utils import _host

# The two numbers are in the first bytes of each file.
HEAD = 4096


def files(directory: str) -> list[str]:
    """Paths of the files of a log, the oldest first; none if the directory is not there."""
    if not os.path.isdir(directory):
        return []
    return [os.path.join(directory, name) for name in sorted(os.listdir(directory)) if name.endswith(".wal")]


def owner(paths: Iterable[str]) -> Optional[tuple[int, int]]:
    """Numbers of the member and of the cluster that a log belongs to, by the first of its files that tells; None if none does."""
    found = (owner_by(_host.read_file(path, limit=HEAD) or b"") for path in paths)
    return next((one for one in found if one), None)


def owner_by(head: bytes) -> Optional[tuple[int, int]]:
    """Member and cluster that a write-ahead log belongs to, from its first bytes; None if they cannot be told.

    A log starts with a checksum record and the metadata record. A record is eight bytes of length (the upper byte says how many bytes of padding
    follow) and a protobuf message of type, checksum and data; the metadata's data is a message of the two numbers.
    """
    position = 0
    while position + 8 <= len(head):
        field = int.from_bytes(head[position : position + 8], "little")
        length, padding = field & ((1 << 56) - 1), (field >> 56) & 7 if field >> 63 else 0
        record = _protobuf(head[position + 8 : position + 8 + length])
        if length == 0 or record is None:
            return None
        if record.get(1) == 1:
            metadata = _protobuf(record.get(3, b"")) or {}
            member, cluster = metadata.get(1), metadata.get(2)
            return (member, cluster) if isinstance(member, int) and isinstance(cluster, int) else None
        position += 8 + length + padding
    return None


def _protobuf(message: Any) -> Optional[dict[int, Any]]:
    """Numbers and byte strings of a message by field."""
    fields: dict[int, Any] = {}
    position = 0
    try:
        while position < len(message):
            tag, position = _varint(message, position)
            value, position = _varint(message, position)
            if tag & 7 == 2:
                value, position = message[position : position + value], position + value
            elif tag & 7 != 0:
                return None
            fields[tag >> 3] = value
    except (IndexError, TypeError):
        return None
    return fields


def _varint(message: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[position]
        value |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if byte < 0x80:
            return value, position
