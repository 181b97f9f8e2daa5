"""What maintenance a cluster of etcd needs."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils import _etcd_maintenance
from ansible_collections.quorate.kubernetes.plugins.module_utils._etcd import Alarm, Cluster, Health, Member, Status
from ansible_collections.quorate.kubernetes.plugins.module_utils._etcd_maintenance import MaintenanceRefused, Options

MIB = 1 << 20
MEMBERS = tuple(Member(number, f"m{number}", (f"p{number}",), (f"c{number}",)) for number in (1, 2, 3))
GONE = 9


def cluster(
    *,
    used: tuple[int, int, int] = (200, 200, 200),
    size: int = 200,
    alarms: tuple[Alarm, ...] = (),
    versions: str = "3.7.3 3.7.3 3.7.3",
    back: str = "",
) -> Cluster:
    """Three members, led by m1; sizes in MiB."""
    health = {
        member.identity: Health(
            live=True,
            ready=True,
            status=Status(
                identity=member.identity,
                version=version,
                storage="",
                leader=1,
                term=2,
                index=1,
                size=size * MIB,
                used=one * MIB,
                quota=2048 * MIB,
                learner=False,
                revision=5000,
                downgrade=back,
            ),
        )
        for member, one, version in zip(MEMBERS, used, versions.split())
    }
    return Cluster(1, MEMBERS, health, alarms)


def work(on: Cluster, *, free: Mapping[str, int] | None = None, **options: Any) -> str:
    steps = _etcd_maintenance.plan(on, Options(**options), free or {})
    return " ".join(f"{step.verb}:{step.member or step.revision}" if step.member or step.revision else step.verb for step in steps)


NOSPACE = (Alarm(2, "NOSPACE"),)


@pytest.mark.parametrize(
    ("on", "options", "steps"),
    [
        pytest.param(cluster(), {}, "", id="nothing needed"),
        pytest.param(cluster(back="3.6.0"), {}, "cancel", id="a way back that was given up"),
        pytest.param(cluster(back="3.6.0", versions="3.7.3 3.7.3 3.6.16"), {}, "", id="a way back that one has gone"),
        pytest.param(cluster(used=(100, 200, 100)), {}, "defragment:3 defragment:1", id="half is free on two: leader last"),
        pytest.param(cluster(used=(120, 120, 120)), {}, "", id="below the threshold"),
        pytest.param(cluster(used=(120, 120, 120)), {"threshold": 30}, "defragment:2 defragment:3 defragment:1", id="other threshold"),
        pytest.param(cluster(used=(1, 1, 1), size=50), {}, "", id="small databases are left alone"),
        pytest.param(cluster(used=(1, 1, 1)), {"defragment": "never"}, "", id="never"),
        pytest.param(cluster(), {"defragment": "always"}, "defragment:2 defragment:3 defragment:1", id="always"),
        pytest.param(cluster(), {"compact": "always"}, "compact:4000", id="compaction leaves some revisions"),
        pytest.param(cluster(), {"compact": "always", "retain": 9000}, "", id="fewer revisions than are to stay"),
        pytest.param(cluster(used=(100, 200, 200)), {"free": {"m1": 164 * MIB}}, "defragment:1", id="just enough room for the copy"),
        pytest.param(
            cluster(alarms=NOSPACE),
            {"free": {"m1": 0}},
            "compact:5000 defragment:2 defragment:3 defragment:1 disarm",
            id="full, and what the copy needs shows after the compaction",
        ),
        pytest.param(cluster(alarms=NOSPACE), {}, "compact:5000 defragment:2 defragment:3 defragment:1 disarm", id="full"),
        pytest.param(cluster(alarms=(Alarm(GONE, "CORRUPT"),)), {}, "forget", id="the corrupt member was removed"),
        pytest.param(
            cluster(alarms=(Alarm(GONE, "CORRUPT"),)),
            {"defragment": "always"},
            "forget defragment:2 defragment:3 defragment:1",
            id="the corrupt member was removed: its alarm would keep each from coming back",
        ),
        pytest.param(
            cluster(alarms=(*NOSPACE, Alarm(GONE, "CORRUPT"))),
            {},
            "forget compact:5000 defragment:2 defragment:3 defragment:1 disarm",
            id="full, and the corrupt member was removed: nothing is compacted under its alarm",
        ),
        pytest.param(
            cluster(alarms=(Alarm(GONE, "NOSPACE"),), size=2000),
            {"compact": "never", "defragment": "never"},
            "forget",
            id="restored from a snapshot with an alarm",
        ),
    ],
)
def test_plan(on: Cluster, options: dict[str, Any], steps: str) -> None:
    assert work(on, **options) == steps


@pytest.mark.parametrize(
    ("on", "options", "words"),
    [
        pytest.param(cluster(alarms=(Alarm(3, "CORRUPT"),)), {}, "The data of m3 differs", id="corrupt member"),
        pytest.param(cluster(alarms=(*NOSPACE, Alarm(3, "CORRUPT"))), {}, "Nothing is touched", id="corrupt and full"),
        pytest.param(cluster(alarms=(Alarm(0, "CORRUPT"),)), {}, "cannot tell whose is right", id="somebody is corrupt"),
        pytest.param(
            cluster(versions="3.7.3 3.6.16 3.6.16"), {"defragment": "always"}, "change of version is under way", id="during an upgrade"
        ),
        pytest.param(
            cluster(used=(100, 200, 90)),
            {"free": {"m1": 100 * MIB, "m2": 0, "m3": 154 * MIB}},
            "m1 has 100 MiB free and needs 164. It was left",
            id="no room for the copy of one that is to be defragmented",
        ),
    ],
)
def test_refused(on: Cluster, options: dict[str, Any], words: str) -> None:
    with pytest.raises(MaintenanceRefused, match=words):
        work(on, **options)


def test_with_nothing_to_do_an_upgrade_is_no_obstacle() -> None:
    assert work(cluster(versions="3.7.3 3.6.16 3.6.16")) == ""


def test_still_full() -> None:
    assert _etcd_maintenance.still_full(cluster()) == []
    assert _etcd_maintenance.still_full(cluster(size=2000)) == ["m1", "m2", "m3"]


@pytest.mark.parametrize(
    ("used", "hands_over"),
    [
        pytest.param(10, False, id="done before it would pay"),
        pytest.param(256, True, id="takes seconds"),
    ],
)
def test_hands_over(used: int, hands_over: bool) -> None:
    assert _etcd_maintenance.hands_over(cluster(used=(used, 1, 1), size=2048), MEMBERS[0]) is hands_over


def test_hands_over_only_what_answers() -> None:
    silent = dataclasses.replace(cluster(), health={})
    assert not _etcd_maintenance.hands_over(silent, MEMBERS[0])
