"""How answers of members become health; the asking itself is tested on real members."""

from __future__ import annotations

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils import _etcd_client
from ansible_collections.quorate.kubernetes.plugins.module_utils._etcd import Cluster, Health, Member, Status
from ansible_collections.quorate.kubernetes.plugins.module_utils._host import Answer

URL = "https://192.0.2.1:2379"
VOTER, LEARNER = Member(1, "m1", (), (URL,)), Member(1, "m1", (), (URL,), learner=True)
STATUS = Status(identity=1, version="3.7.3", storage="", leader=1, term=2, index=1, size=1, used=1, quota=1, learner=False)
REFUSED = Answer(0, "ConnectionRefusedError: refused")
STUCK = Answer(503, "[+]serializable_read ok\n[-]linearizable_read failed: no leader\n")


@pytest.mark.parametrize(
    ("member", "ready", "live", "status", "expected"),
    [
        pytest.param(VOTER, Answer(200, "ok"), None, STATUS, (True, True, ""), id="voter is ready"),
        pytest.param(VOTER, REFUSED, None, None, (False, False, "ConnectionRefusedError: refused"), id="voter is down"),
        pytest.param(
            VOTER, STUCK, Answer(200, "ok"), STATUS, (True, False, "it answers 503: [-]linearizable_read failed: no leader"), id="no quorum"
        ),
        pytest.param(LEARNER, None, Answer(200, "ok"), STATUS, (True, False, "it is a learner"), id="learner lives"),
        pytest.param(LEARNER, None, REFUSED, None, (False, False, "ConnectionRefusedError: refused"), id="learner is down"),
    ],
)
def test_health(
    *, member: Member, ready: Answer | None, live: Answer | None, status: Status | None, expected: tuple[bool, bool, str]
) -> None:
    asked = {(URL, "/readyz"): ready, (URL, "/livez"): live}
    answers = {question: answer for question, answer in asked.items() if answer}
    health = _etcd_client._health_of(member, answers, {URL: status} if status else {})
    assert (health.live, health.ready, health.cause) == expected


def test_another_member_at_its_address_is_not_its_health() -> None:
    stranger = Status(identity=2, version="", storage="", leader=1, term=2, index=1, size=1, used=1, quota=1, learner=False)
    health = _etcd_client._health_of(VOTER, {(URL, "/readyz"): Answer(200, "ok")}, {URL: stranger})
    assert not health.ready
    assert "another member (2)" in health.cause


def test_connection_asks_the_nearest_first_and_each_once() -> None:
    params = {"endpoint": "b", "endpoints": ["a", "b", "c"], "ca": "", "certificate": "", "key": "", "etcdctl": "etcdctl"}
    assert _etcd_client.Connection.of(params).endpoints == ("b", "a", "c")


def test_describe() -> None:
    cluster = Cluster(255, (Member(1, "m1", ("p",), ("c",)), Member(2, "m2", ("q",))), {1: Health(live=True, ready=True, status=STATUS)})
    described = _etcd_client.describe(cluster)
    assert described["cluster_id"] == "ff"
    assert described["leader"] == "m1"
    assert described["quorum"] == {"voters": 2, "healthy": 1, "learners": 0, "quorum": 2, "spare": -1}
    assert [one["cause"] for one in described["members"]] == ["", "it has never started"]
    assert described["members"][1]["version"] is None
