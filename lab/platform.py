# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What machine this is."""

from __future__ import annotations

import os

from .process import LabError

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def architecture(machine: str | None = None) -> str:
    """The name that Go and Debian have for this machine's architecture."""
    machine = machine or os.uname().machine
    if machine not in ARCHITECTURES:
        raise LabError(f"the lab runs on {' and '.join(ARCHITECTURES)}, not on {machine}")
    return ARCHITECTURES[machine]
