# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: whether a cluster can spare one of its API servers."""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.quorate.kubernetes.plugins.module_utils import _version


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


def why_too_old(versions: Mapping[str, str], *, wanted: str) -> str:
    """Why nothing of the wanted version may run beside these API servers, in words; empty if it may.

    Args:
        versions: the API servers that answered, each with its version.
        wanted: the version that kubelet and kube-proxy are to have.
    """
    target = _version.parse(wanted)
    older = {name: version for name, version in versions.items() if target.minors_ahead_of(_version.parse(version)) > 0}
    if not older:
        return ""
    listed = ", ".join(f"{name} has {version.lstrip('v')}" for name, version in sorted(older.items()))
    return (
        f"Kubernetes {wanted} would be newer than API servers ({listed}), and kubelet and kube-proxy must not be: "
        "upgrade all masters first, or set cluster_version to what they have."
    )
