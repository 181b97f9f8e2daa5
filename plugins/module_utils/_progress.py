# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: what to tell people while a component is restarted: where, what is waited for, and how long it took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.quorate.kubernetes.plugins.module_utils._component import Component, Ready, Step, disturbs


def before(host: str, components: Sequence[Component], plans: Sequence[Sequence[Step]]) -> list[str]:
    """What is about to be restarted or stopped, a line each."""
    return [f"{host}: {component.name} {_disturbance(component, steps)}" for component, steps in zip(components, plans) if disturbs(steps)]


def _disturbance(component: Component, steps: Sequence[Step]) -> str:
    if any(step.verb == "stop" for step in steps):
        return "is stopped" + (f" ({component.stop_timeout:g} s at most)" if component.stop_timeout else "")
    return f"is restarted, then waited for: {_awaited(component.ready)}"


def after(host: str, restarts: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What is ready again, a line each."""
    return [f"{host}: {name} is ready again after {noted['seconds']:.1f} s" for name, noted in restarts.items()]


def _awaited(ready: Ready) -> str:
    wanted = [ready.url, ready.object, f"port {ready.port}" if ready.port else "", *ready.paths]
    return f"{', '.join(filter(None, wanted)) or 'its process'} ({ready.timeout:g} s at most)"
