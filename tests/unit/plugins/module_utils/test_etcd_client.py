"""How answers of members become health; the asking itself is tested on real members."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Optional

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils import _etcd_client
from ansible_collections.quorate.kubernetes.plugins.module_utils._etcd import Cluster, EtcdError, Health, Member, Status
from ansible_collections.quorate.kubernetes.plugins.module_utils._http import Answer

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
    asked = {(URL, _etcd_client.READY): ready, (URL, _etcd_client.LIVE): live}
    answers = {question: answer for question, answer in asked.items() if answer}
    health = _etcd_client._health_of(member, answers, {URL: status} if status else {})
    assert (health.live, health.ready, health.cause) == expected


def test_another_member_at_its_address_is_not_its_health() -> None:
    stranger = Status(identity=2, version="", storage="", leader=1, term=2, index=1, size=1, used=1, quota=1, learner=False)
    health = _etcd_client._health_of(VOTER, {(URL, _etcd_client.READY): Answer(200, "ok")}, {URL: stranger})
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


def client_that_answers(monkeypatch: pytest.MonkeyPatch, answers: list[str]) -> tuple[_etcd_client.EtcdClient, list[str]]:
    """A client whose etcdctl gives these answers one after the other; those in capitals are output, others refusals."""
    connection = _etcd_client.Connection(endpoints=(URL,), ca="", certificate="", key="")
    client = _etcd_client.EtcdClient(connection)
    asked: list[str] = []

    def control(arguments: list[str], *, endpoints: Optional[list[str]] = None) -> str:
        assert not endpoints
        asked.append(" ".join(arguments))
        answer = answers.pop(0)
        if answer.isupper():
            return answer
        raise EtcdError(f"'etcdctl' failed: {answer}.")

    monkeypatch.setattr(client, "control", control)
    monkeypatch.setattr(_etcd_client, "POLL_SECONDS", 0.001)
    return client, asked


def test_insist_tries_again_what_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    client, asked = client_that_answers(monkeypatch, ["etcdserver: unhealthy cluster", "etcdserver: unhealthy cluster", "OK"])
    assert client.insist(["member", "add"], timeout=5) == "OK"
    assert asked == ["member add"] * 3


def test_insist_looks_up_whether_a_change_succeeded_although_its_answer_was_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    client, asked = client_that_answers(monkeypatch, ["etcdserver: request timed out"])
    client.insist(["member", "promote"], timeout=5, done=lambda: True)
    assert asked == ["member promote"], "a second promotion would fail: it is no learner any more"


def test_insist_stops_at_a_refusal_for_good(monkeypatch: pytest.MonkeyPatch) -> None:
    client, asked = client_that_answers(monkeypatch, ["etcdserver: permission denied", "OK"])
    with pytest.raises(EtcdError, match="permission denied"):
        client.insist(["member", "add"], timeout=5)
    assert len(asked) == 1


def test_what_only_the_leader_explains_is_asked_of_the_leader(monkeypatch: pytest.MonkeyPatch) -> None:
    client, _asked = client_that_answers(monkeypatch, [])
    other = Member(2, "m2", (), ("https://192.0.2.2:2379",))
    status = dataclasses.replace(STATUS, leader=2)
    monkeypatch.setattr(client, "cluster", lambda: Cluster(1, (VOTER, other), {1: Health(live=True, ready=True, status=status)}))
    monkeypatch.setattr(client, "control", lambda _arguments, *, endpoints: str(endpoints))
    assert client.insist(["member", "promote", "3"], timeout=1, of_leader=True) == str(other.clients)


def test_insist_gives_up_with_the_last_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    client, _asked = client_that_answers(monkeypatch, ["etcdserver: unhealthy cluster"] * 100)
    with pytest.raises(EtcdError, match=r"unhealthy cluster.*tried for 0\.01 s"):
        client.insist(["member", "add"], timeout=0.01)


@pytest.mark.parametrize("contents", ["absent", "empty", "log", "damaged"])
def test_data_of(tmp_path: Path, contents: str) -> None:
    log = tmp_path / "member" / "wal" / "0000000000000000-0000000000000000.wal"
    if contents != "absent":
        (tmp_path / "member").mkdir()
    if contents in ("log", "damaged"):
        log.parent.mkdir()
        real = (Path(__file__).parent / "fixtures" / "etcd" / "wal-3.6.16.head").read_bytes()
        log.write_bytes(real if contents == "log" else bytes(256))
    data = _etcd_client.data_of(str(tmp_path))
    assert data.filled is (contents in ("log", "damaged"))
    assert data.logged is (contents in ("log", "damaged")) or not data.filled
    assert (data.member, data.cluster) == ((3319814642761637952, 324952591200643719) if contents == "log" else (None, None))


def test_a_database_without_a_log_is_no_data(tmp_path: Path) -> None:
    """As a process leaves it that was started on an empty disk, and could not join."""
    (tmp_path / "member" / "snap").mkdir(parents=True)
    (tmp_path / "member" / "snap" / "db").write_bytes(bytes(20480))
    data = _etcd_client.data_of(str(tmp_path))
    assert (data.filled, data.logged) == (True, False)


def test_a_log_may_lie_elsewhere(tmp_path: Path) -> None:
    real = (Path(__file__).parent / "fixtures" / "etcd" / "wal-3.6.16.head").read_bytes()
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "0000000000000000-0000000000000000.wal").write_bytes(real)
    assert _etcd_client.data_of(str(tmp_path), log=str(tmp_path / "logs")).member == 3319814642761637952
