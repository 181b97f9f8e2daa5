# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: whether a cluster can spare one of its API servers."""

from __future__ import annotations

from collections.abc import Mapping


def why_not_spared(causes: Mapping[str, str]) -> str:
    """Why no further API server may be stopped, in words; empty if one may.

    Args:
        causes: the other API servers by name, each with what it lacks to be ready, empty if it is ready.
    """
    down = {name: cause for name, cause in causes.items() if cause}
    if not down:
        return ""
    listed = "; ".join(f"{name}: {cause}" for name, cause in sorted(down.items()))
    ready = len(causes) - len(down)
    return (
        f"{len(down)} of the {len(causes)} other API servers {'is' if len(down) == 1 else 'are'} not ready ({listed}), "
        f"so only {ready} would be left while this one is changed. At most one is ever taken down: bring the others back, "
        "or take them out of the inventory, and run again."
    )
