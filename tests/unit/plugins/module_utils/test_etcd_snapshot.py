"""What a snapshot says of itself, and how it is restored."""

from __future__ import annotations

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils import _etcd_snapshot
from ansible_collections.quorate.kubernetes.plugins.module_utils._etcd import Alarm, Cluster, Health, Member
from ansible_collections.quorate.kubernetes.plugins.module_utils._etcd_snapshot import Info, SnapshotError

WANTED = {
    "name": "m1",
    "initial_cluster": "m1=https://192.0.2.1:2380,m2=https://192.0.2.2:2380",
    "token": "new",
    "peer_urls": "https://192.0.2.1:2380",
    "sha256": "ab",
}
SNAPSHOT = Info(revision=10, keys=5, size=20480, version="3.7.0", digest=1)


def test_parse_info() -> None:
    text = '{"hash":3099880325,"revision":2,"totalKey":1,"totalSize":20480,"version":"3.7.0"}'
    assert _etcd_snapshot.parse_info(text) == Info(revision=2, keys=1, size=20480, version="3.7.0", digest=3099880325)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"revision":"x"}'])
def test_what_cannot_be_read_is_an_error(text: str) -> None:
    with pytest.raises(SnapshotError, match="cannot be read"):
        _etcd_snapshot.parse_info(text)


NAMES = ["20261121T120000Z.db", "20261119T120000Z.db", "mine.db", "20261120T120000Z.db", "20261118T120000Z.db.new"]


@pytest.mark.parametrize(
    ("keep", "gone"),
    [(0, []), (1, ["20261119T120000Z.db", "20261120T120000Z.db"]), (2, ["20261119T120000Z.db"]), (3, []), (9, [])],
)
def test_expired(keep: int, gone: list[str]) -> None:
    assert _etcd_snapshot.expired(NAMES, keep) == gone


MEMBERS = (Member(1, "m1", ()), Member(2, "m2", ()), Member(3, "m3", ()), Member(4, "m4", (), learner=True))
FULL, UNKNOWN = Alarm(1, "NOSPACE"), Alarm(0, "CORRUPT")


def members(*healthy: int, alarms: tuple[Alarm, ...] = ()) -> Cluster:
    return Cluster(1, MEMBERS, {number: Health(live=True, ready=number in healthy, cause="it is sick") for number in (1, 2, 3, 4)}, alarms)


@pytest.mark.parametrize(
    ("cluster", "nearest", "expected"),
    [
        pytest.param(members(1, 2, 3), 2, "m2", id="the one of this host"),
        pytest.param(members(1, 3), 2, "m1", id="another one where that is corrupt"),
        pytest.param(members(2, 3), None, "m2", id="any where none is known to be near"),
        pytest.param(members(1, 2, 3), 4, "m1", id="no learner"),
        pytest.param(members(1, 2, 3, alarms=(FULL,)), 1, "m1", id="a full one is sound"),
        pytest.param(members(1, 2, 3, alarms=(Alarm(9, "CORRUPT"),)), 3, "m3", id="the corrupt one is gone"),
    ],
)
def test_source(cluster: Cluster, nearest: int | None, expected: str) -> None:
    assert _etcd_snapshot.source(cluster, nearest).name == expected


@pytest.mark.parametrize(
    ("cluster", "words"),
    [
        pytest.param(
            members(), r"no healthy member to save from \(m1: it is sick; m2: it is sick; m3: it is sick\)", id="nobody is healthy"
        ),
        pytest.param(members(1, 2, 3, alarms=(UNKNOWN,)), "cannot tell whose is right", id="somebody is corrupt"),
    ],
)
def test_without_a_source_nothing_is_saved(cluster: Cluster, words: str) -> None:
    with pytest.raises(SnapshotError, match=words):
        _etcd_snapshot.source(cluster, 1)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        pytest.param(20512, True, id="saved by etcdctl"),
        pytest.param(20480, False, id="copied from a data directory"),
        pytest.param(20500, False, id="cut off"),
        pytest.param(32, False, id="digest only"),
    ],
)
def test_has_digest(*, size: int, expected: bool) -> None:
    assert _etcd_snapshot.has_digest(size) is expected


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        pytest.param(None, False, id="never restored"),
        pytest.param(WANTED, True, id="restored"),
        pytest.param({**WANTED, "token": "former"}, False, id="restored before, another time"),
        pytest.param({**WANTED, "sha256": "cd"}, False, id="another snapshot"),
    ],
)
def test_same_members(*, record: dict[str, str] | None, expected: bool) -> None:
    assert _etcd_snapshot.same_members(record, WANTED) is expected


def test_restore_moves_revisions_on_and_marks_the_former_as_compacted() -> None:
    arguments = _etcd_snapshot.restore_arguments(WANTED, path="/s.db", target="/new")
    assert {"--bump-revision=1000000000", "--mark-compacted", "--data-dir=/new", "--initial-cluster-token=new", "--name=m1"} < set(
        arguments
    )
    assert list(arguments[:3]) == ["snapshot", "restore", "/s.db"]


@pytest.mark.parametrize(("name", "peers"), [("m3", "https://192.0.2.1:2380"), ("m1", "https://192.0.2.9:2380")])
def test_a_member_outside_the_initial_cluster_is_refused(name: str, peers: str) -> None:
    _etcd_snapshot.check_member(WANTED)
    with pytest.raises(SnapshotError, match=f"lacks {name}={peers}"):
        _etcd_snapshot.check_member({**WANTED, "name": name, "peer_urls": peers})


@pytest.mark.parametrize(
    ("restored", "sound"),
    [
        pytest.param(Info(revision=1_000_000_010, keys=5, size=1, version="", digest=1), True, id="all there"),
        pytest.param(Info(revision=1_000_000_010, keys=4, size=1, version="", digest=1), False, id="a key is missing"),
        pytest.param(Info(revision=10, keys=5, size=1, version="", digest=1), False, id="revisions are the former ones"),
    ],
)
def test_check_restored(*, restored: Info, sound: bool) -> None:
    if sound:
        _etcd_snapshot.check_restored(restored, SNAPSHOT)
        return
    with pytest.raises(SnapshotError, match="Nothing was changed"):
        _etcd_snapshot.check_restored(restored, SNAPSHOT)
