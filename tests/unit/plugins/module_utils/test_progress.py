"""What people are told while a component is restarted."""

from __future__ import annotations

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils import _progress
from ansible_collections.quorate.kubernetes.plugins.module_utils._component import Component, Ready, Step

RESTART = [Step("write", "/etc/web"), Step("restart", "web.service")]


@pytest.mark.parametrize(
    ("ready", "awaited"),
    [
        pytest.param(Ready(url="https://127.0.0.1/readyz", timeout=90), "https://127.0.0.1/readyz (90 s at most)", id="URL"),
        pytest.param(Ready(port=7443, paths=("/run/x",)), "port 7443, /run/x (60 s at most)", id="port and path"),
        pytest.param(
            Ready(url="http://127.0.0.1/healthz", object="https://127.0.0.1/nodes/w1"),
            "http://127.0.0.1/healthz, https://127.0.0.1/nodes/w1 (60 s at most)",
            id="object",
        ),
        pytest.param(Ready(), "its process (60 s at most)", id="nothing"),
    ],
)
def test_before(ready: Ready, awaited: str) -> None:
    web = Component(name="web", ready=ready)
    assert _progress.before("m2", [web], [RESTART]) == [f"m2: web is restarted, then waited for: {awaited}"]


@pytest.mark.parametrize(("timeout", "told"), [(0, "m2: web is stopped"), (10, "m2: web is stopped (10 s at most)")])
def test_before_it_stops(timeout: float, told: str) -> None:
    web = Component(name="web", state="absent", stop_timeout=timeout)
    assert _progress.before("m2", [web], [[Step("stop", "web.service"), Step("remove", "/etc/web")]]) == [told]


def test_what_is_started_or_kept_is_no_disturbance() -> None:
    web = Component(name="web")
    assert _progress.before("m2", [web, web], [[], [Step("start", "web.service")]]) == []


def test_after() -> None:
    assert _progress.after("m2", {"etcd": {"at": 1.0, "seconds": 2.345}}) == ["m2: etcd is ready again after 2.3 s"]
