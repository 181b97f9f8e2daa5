"""What a snapshot says of itself, and how it is restored."""

from __future__ import annotations

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils import _etcd_snapshot
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
