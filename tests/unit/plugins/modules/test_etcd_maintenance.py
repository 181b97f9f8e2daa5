"""What ends alarms looks at them once more: etcdctl ends all of them, also those that were raised since the plan was made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils import _etcd_client, _etcd_maintenance
from ansible_collections.quorate.kubernetes.plugins.module_utils._etcd import Alarm, Cluster, EtcdError, Member
from ansible_collections.quorate.kubernetes.plugins.module_utils._etcd_maintenance import MaintenanceRefused
from ansible_collections.quorate.kubernetes.plugins.modules import etcd_maintenance

MEMBERS = tuple(Member(number, f"m{number}", (f"p{number}",), (f"c{number}",)) for number in (1, 2, 3))
FULL, CORRUPT, GONE = Alarm(2, "NOSPACE"), Alarm(3, "CORRUPT"), Alarm(9, "CORRUPT")


class Client:
    """Alarms of a cluster at one look after the other, and what ends them; with failing, that many answers are lost."""

    def __init__(self, looks: list[list[Alarm]], *, failing: int = 0) -> None:
        self._looks = looks
        self._failing = failing
        self.disarmed = 0

    def cluster(self) -> Cluster:
        alarms = self._looks.pop(0) if len(self._looks) > 1 else self._looks[0]
        return Cluster(1, MEMBERS, {}, tuple(alarms))

    def insist(self, arguments: list[str], *, timeout: float, done: Callable[[], bool]) -> str:
        assert arguments == ["alarm", "disarm"]
        assert timeout == 1
        for _answer in range(self._failing):
            self.disarmed += 1
            if done():
                return ""
        self.disarmed += 1
        return "OK"


def maintain(client: Client, monkeypatch: pytest.MonkeyPatch) -> etcd_maintenance.EtcdMaintenance:
    monkeypatch.setattr(_etcd_client, "EtcdClient", lambda _connection: client)
    params: dict[str, Any] = dict.fromkeys(("endpoint", "ca", "certificate", "key", "etcdctl"), "")
    params.update(endpoints=[], compact="never", defragment="never", threshold=45, minimum_bytes=1, retain_revisions=0, free={}, wait=1)
    return etcd_maintenance.EtcdMaintenance(params)


@pytest.mark.parametrize(
    ("looks", "failing", "disarmed"),
    [
        pytest.param([[FULL], [FULL], []], 0, 1, id="full"),
        pytest.param([[GONE], [GONE], []], 0, 1, id="of a member that is gone"),
        pytest.param([[FULL], []], 0, 0, id="somebody else has ended it"),
        pytest.param([[FULL], [FULL], []], 1, 1, id="only the answer was lost"),
        pytest.param([[FULL], [FULL], [FULL], []], 1, 2, id="again"),
    ],
)
def test_alarms_end(monkeypatch: pytest.MonkeyPatch, looks: list[list[Alarm]], failing: int, disarmed: int) -> None:
    client = Client(looks, failing=failing)
    maintenance = maintain(client, monkeypatch)
    maintenance.apply()
    assert client.disarmed == disarmed
    assert maintenance.cluster.alarms == ()


@pytest.mark.parametrize(
    ("looks", "failing", "disarmed"),
    [
        pytest.param([[FULL], [FULL, CORRUPT]], 0, 0, id="since the plan"),
        pytest.param([[GONE], [GONE, CORRUPT]], 0, 0, id="beside that of a member that is gone"),
        pytest.param([[FULL], [FULL], [FULL, CORRUPT]], 1, 1, id="between two attempts"),
    ],
)
def test_corruption_that_was_found_meanwhile_keeps_its_alarm(
    monkeypatch: pytest.MonkeyPatch, looks: list[list[Alarm]], failing: int, disarmed: int
) -> None:
    client = Client(looks, failing=failing)
    maintenance = maintain(client, monkeypatch)
    with pytest.raises(MaintenanceRefused, match="The data of m3 differs"):
        maintenance.apply()
    assert client.disarmed == disarmed


def test_a_database_that_is_still_full_keeps_its_alarm(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client([[FULL]])
    maintenance = maintain(client, monkeypatch)
    monkeypatch.setattr(_etcd_maintenance, "still_full", lambda _cluster: ["m2"])
    with pytest.raises(EtcdError, match="m2 is still full"):
        maintenance.apply()
    assert client.disarmed == 0
