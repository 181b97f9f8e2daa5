"""Answers of real members (fixtures), and the order in which members are changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils import _etcd
from ansible_collections.quorate.kubernetes.plugins.module_utils._etcd import Alarm, Cluster, EtcdError, Health, Member, Status

FIXTURES = Path(__file__).parent / "fixtures" / "etcd"
MEMBER, LEARNER, CLUSTER = 3319814642761637952, 778916014575063146, 324952591200643719


def fixture(name: str) -> str:
    return (FIXTURES / name).read_text(encoding="utf-8")


def member(name: str, identity: int, *, learner: bool = False) -> Member:
    return Member(identity, name, (f"https://{name}:2380",), (f"https://{name}:2379",), learner)


def health(leader: int, *, ready: bool = True) -> Health:
    status = Status(identity=0, version="3.7.3", storage="3.7.0", leader=leader, term=2, index=4, size=1, used=1, quota=1, learner=False)
    return Health(live=True, ready=ready, status=status)


def test_members() -> None:
    cluster = _etcd.parse_members(fixture("members-3.7.3.json"))
    new, old = cluster.members
    assert cluster.identity == CLUSTER
    assert (new.identity, new.name, new.learner, new.clients) == (LEARNER, "", True, ())
    assert (old.identity, old.name, old.learner, old.peers) == (MEMBER, "default", False, ("http://127.0.0.1:23800",))
    assert new.label == "the new member at http://127.0.0.1:23801"
    assert cluster.find("default") is old
    assert cluster.voters() == [old]


def test_statuses() -> None:
    status = _etcd.parse_statuses(fixture("status-3.7.3.json"))["http://127.0.0.1:23790"]
    assert (status.identity, status.version, status.storage, status.leader, status.term) == (MEMBER, "3.7.3", "3.7.0", MEMBER, 2)
    assert (status.size, status.used, status.quota, status.index) == (20480, 16384, 2147483648, 4)
    assert not status.learner


def test_permissions() -> None:
    assert _etcd.parse_permissions(fixture("role-3.7.3.json")) == {("readwrite", "/a", "/b"), ("read", "/b", "")}


@pytest.mark.parametrize(
    ("text", "alarms"),
    [
        pytest.param('{"header":{}}', (), id="none"),
        pytest.param(
            '{"alarms":[{"memberID":3,"alarm":1},{"memberID":4,"alarm":2}]}', (Alarm(3, "NOSPACE"), Alarm(4, "CORRUPT")), id="two"
        ),
        pytest.param('{"alarms":[{"memberID":3,"alarm":9}]}', (Alarm(3, "UNKNOWN"),), id="of the future"),
    ],
)
def test_alarms(text: str, alarms: tuple[Alarm, ...]) -> None:
    assert _etcd.parse_alarms(text) == alarms


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param('{"kvs":[{"key":"L2E=","value":"Yg=="}],"count":1}', b"b", id="value"),
        pytest.param('{"kvs":[{"key":"L2E="}],"count":1}', b"", id="empty value"),
        pytest.param('{"header":{}}', None, id="no such key"),
    ],
)
def test_value(text: str, value: bytes | None) -> None:
    assert _etcd.parse_value(text) == value


def test_what_is_not_json_is_an_error_with_the_text() -> None:
    with pytest.raises(EtcdError, match=r"not JSON.*Snapshot saved"):
        _etcd.parse_members("Snapshot saved")


@pytest.mark.parametrize(
    ("stderr", "cause"),
    [
        pytest.param(fixture("promote-3.7.3.stderr"), "etcdserver: member not found", id="log and words"),
        pytest.param('{"level":"fatal","msg":"conflicting environment variable"}', "conflicting environment variable", id="log only"),
        pytest.param("", "it gave no reason", id="nothing"),
    ],
)
def test_cause(stderr: str, cause: str) -> None:
    assert _etcd.cause_of(stderr) == cause


@pytest.mark.parametrize(
    ("cause", "passes"),
    [
        ("etcdserver: unhealthy cluster", True),
        ("etcdserver: re-configuration failed due to not enough started members", True),
        ("etcdserver: can only promote a learner member which is in sync with leader", True),
        ("etcdserver: leader changed", True),
        ("etcdserver: request timed out, possibly due to previous leader failure", True),
        ("context deadline exceeded", True),
        ("error reading from server: EOF", True),
        ("rpc error: code = Unavailable desc = transport is closing", True),
        ("etcdserver: member not found", False),
        ("etcdserver: Peer URLs already exists", False),
        ("etcdserver: too many learner members in cluster", False),
        ("etcdserver: permission denied", False),
    ],
)
def test_passes(*, cause: str, passes: bool) -> None:
    assert _etcd.passes(cause) is passes


def test_leader_is_the_last() -> None:
    members = [member("m3", 3), member("m1", 1), member("m2", 2)]
    assert [one.name for one in _etcd.leader_last(members, members[1])] == ["m2", "m3", "m1"]
    assert [one.name for one in _etcd.leader_last(members, None)] == ["m1", "m2", "m3"]


@pytest.mark.parametrize(
    ("leaders", "leader"),
    [
        pytest.param([1, 1, 1], "m1", id="agreed"),
        pytest.param([2, 1, 2], "m2", id="one lags behind"),
        pytest.param([0, 0, 3], "m3", id="two know none"),
        pytest.param([0, 0, 0], None, id="none"),
    ],
)
def test_leader(leaders: list[int], leader: str | None) -> None:
    members = (member("m1", 1), member("m2", 2), member("m3", 3))
    cluster = Cluster(CLUSTER, members, {number: health(known) for number, known in enumerate(leaders, 1)})
    assert (cluster.leader.name if cluster.leader else None) == leader


def test_a_learner_is_healthy_when_it_lives_and_a_voter_when_it_is_ready() -> None:
    voter, learner = member("m1", 1), member("l1", 2, learner=True)
    cluster = Cluster(CLUSTER, (voter, learner), {1: health(1, ready=False), 2: health(1, ready=False)})
    assert not cluster.is_healthy(voter)
    assert cluster.is_healthy(learner)
    assert cluster.of(member("m9", 9)).cause == "it has never started"


def test_alarms_in_words() -> None:
    cluster = Cluster(CLUSTER, (member("m1", 1),), alarms=(Alarm(1, "NOSPACE"), Alarm(255, "CORRUPT")))
    assert cluster.alarms_in_words() == ["NOSPACE on m1", "CORRUPT on ff"]
    assert cluster.alarms_in_words(["NOSPACE"]) == ["CORRUPT on ff"]


@pytest.mark.parametrize(("prefix", "end"), [("/a", "/b"), ("/coreos.com/network", "/coreos.com/networl"), ("", "\0")])
def test_prefix_end(prefix: str, end: str) -> None:
    assert _etcd.prefix_end(prefix) == end
