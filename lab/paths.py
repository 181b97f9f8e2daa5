# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the lab keeps what it makes. lab/group_vars/all.yml names the same folders for Ansible."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cache:
    """The folders below the cache folder."""

    root: Path

    @property
    def artifacts(self) -> Path:
        return self.root / "artifacts"

    @property
    def build(self) -> Path:
        return self.root / "build"

    @property
    def lab(self) -> Path:
        return self.root / "lab"

    @property
    def key(self) -> Path:
        return self.lab / "id_ed25519"

    @property
    def sockets(self) -> Path:
        return self.lab / "ssh"

    def artifact(self, *, package: str, version: str, architecture: str) -> Path:
        return self.artifacts / package / version / architecture


def cache() -> Cache:
    """~/.cache/quorate: one fixed folder, since a variable of the environment would have to be asked for by each task on each host."""
    return Cache(root=Path.home() / ".cache" / "quorate")
