# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the lab keeps what it makes. lab/group_vars/all.yml computes the same folders for Ansible."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Optional


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


def cache(environment: Optional[Mapping[str, str]] = None) -> Cache:
    """QUORATE_CACHE, or quorate in XDG_CACHE_HOME, or quorate in ~/.cache."""
    environment = os.environ if environment is None else environment
    if chosen := environment.get("QUORATE_CACHE"):
        return Cache(root=Path(chosen).absolute())
    base = environment.get("XDG_CACHE_HOME") or os.path.join(environment.get("HOME", "/root"), ".cache")
    return Cache(root=Path(base) / "quorate")
