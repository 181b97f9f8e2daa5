"""When the guard of etcd asks nobody."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils import _host
from ansible_collections.quorate.kubernetes.plugins.modules import etcd_quorum

# Nothing listens there, so who asks is told no.
NOBODY = "https://127.0.0.1:1"


@pytest.mark.parametrize(
    ("action", "active", "check_mode", "allowed"),
    [
        pytest.param("restart", "inactive", False, True, id="nothing is stopped"),
        pytest.param("restart", "active", False, False, id="a member that runs is asked about"),
        pytest.param("confirm", "inactive", True, True, id="check mode started nothing"),
        pytest.param("confirm", "active", True, False, id="check mode confirms what runs"),
        pytest.param("confirm", "inactive", False, False, id="what was to be started does not run"),
    ],
)
def test_unit_that_does_not_run(monkeypatch: pytest.MonkeyPatch, *, action: str, active: str, check_mode: bool, allowed: bool) -> None:
    state = _host.UnitState(True, active, True, False, 0, "", False, 0.0, 0)
    monkeypatch.setattr(_host, "unit_states", lambda units: dict.fromkeys(units, state))
    params: dict[str, Any] = {
        "action": action,
        "name": "m1",
        "unit": "etcd.service",
        "wait": 0,
        "endpoint": NOBODY,
        "endpoints": [],
        "etcdctl": "etcdctl",
        "ca": "",
        "certificate": "",
        "key": "",
    }
    assert etcd_quorum.EtcdQuorum(params, check_mode=check_mode).answer()["allowed"] is allowed
