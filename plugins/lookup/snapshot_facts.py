# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: snapshot_facts
short_description: Look at a snapshot of etcd on the control node
version_added: 1.0.0
author: quorate.kubernetes contributors (@quorate)
description:
  - Checks a snapshot against the digest at its end, before it is brought to any host.
  - What it holds is told on a host, by M(quorate.kubernetes.etcd_snapshot).
options:
  _terms:
    description:
      - Paths of snapshots.
    type: list
    elements: path
    required: true
"""

EXAMPLES = r"""
- name: Show what is wrong with a snapshot
  ansible.builtin.debug:
    msg: "{{ lookup('quorate.kubernetes.snapshot_facts', 'snapshots/20261121T120000Z.db').problem }}"
"""

RETURN = r"""
_raw:
  description:
    - For each path C(problem), a sentence that is empty if the snapshot is sound; its C(size) in bytes, its C(sha256), and C(modified), when it was last
      written, in UTC.
  type: list
  elements: dict
"""

import time
from pathlib import Path
from typing import Any, Optional

from ansible.plugins.lookup import LookupBase

from ansible_collections.quorate.kubernetes.plugins.module_utils import _etcd_snapshot

BLOCK_BYTES = 1 << 20


def _digests(path: Path, size: int) -> _etcd_snapshot.Digests:
    length = size - _etcd_snapshot.DIGEST_BYTES
    with path.open("rb") as file:
        file.seek(length)
        tail = file.read()
        file.seek(0)
        return _etcd_snapshot.digests((file.read(min(BLOCK_BYTES, length - start)) for start in range(0, length, BLOCK_BYTES)), tail)


def facts(path: Path) -> dict[str, Any]:
    """What can be told of the file without etcd's programs."""
    try:
        size, modified = path.stat().st_size, path.stat().st_mtime
        digests = _digests(path, size) if _etcd_snapshot.has_digest(size) else None
    except OSError as error:
        return {
            "problem": f"The snapshot {path} cannot be read on the control node: {error.strerror}.",
            "size": 0,
            "sha256": "",
            "modified": "",
        }
    return {
        "problem": _etcd_snapshot.file_problem(str(path), digests),
        "size": size,
        "sha256": digests.whole if digests else "",
        "modified": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(modified)),
    }


class LookupModule(LookupBase):
    """Looks at snapshots."""

    def run(self, terms: list[Any], variables: Optional[dict[str, Any]] = None, **kwargs: Any) -> list[dict[str, Any]]:
        self.set_options(var_options=variables, direct=kwargs)
        return [facts(Path(str(term)).expanduser()) for term in terms]
