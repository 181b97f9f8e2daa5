"""Steps that make a timer what it should be."""

from __future__ import annotations

from typing import Optional

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils import _timer
from ansible_collections.quorate.kubernetes.plugins.module_utils._timer import File

SCRIPT, SERVICE, TIMER = "/x/save.py", "/etc/systemd/system/x.service", "/etc/systemd/system/x.timer"
WANTED = {SCRIPT: File("a", "0700"), SERVICE: File("b", "0644"), TIMER: File("c", "0644")}
NONE: dict[str, Optional[File]] = dict.fromkeys(WANTED)


@pytest.mark.parametrize(
    ("present", "runs", "enabled", "state", "expected"),
    [
        pytest.param(
            NONE, False, False, "started", [f"write {SCRIPT}", f"write {SERVICE}", f"write {TIMER}", "reload ", "start x.timer"], id="new"
        ),
        pytest.param(WANTED, True, True, "started", [], id="as wanted"),
        pytest.param({**WANTED, SCRIPT: File("old", "0700")}, True, True, "started", [f"write {SCRIPT}"], id="another script"),
        pytest.param({**WANTED, SCRIPT: File("a", "0755")}, True, True, "started", [f"write {SCRIPT}"], id="others could read it"),
        pytest.param({**WANTED, SERVICE: None}, True, True, "started", [f"write {SERVICE}", "reload "], id="service lost"),
        pytest.param(
            {**WANTED, TIMER: File("old", "0644")},
            True,
            True,
            "started",
            [f"write {TIMER}", "reload ", "restart x.timer"],
            id="another time",
        ),
        pytest.param(WANTED, False, True, "started", ["start x.timer"], id="stopped by hand"),
        pytest.param(WANTED, True, False, "started", ["start x.timer"], id="not at boot"),
        pytest.param(NONE, False, False, "absent", [], id="gone already"),
        pytest.param(
            WANTED,
            True,
            True,
            "absent",
            ["stop x.timer", f"remove {SCRIPT}", f"remove {SERVICE}", f"remove {TIMER}", "reload "],
            id="removed",
        ),
        pytest.param({**NONE, TIMER: File("c", "0644")}, False, False, "absent", [f"remove {TIMER}", "reload "], id="half removed"),
    ],
)
def test_plan(present: dict[str, Optional[File]], runs: bool, enabled: bool, state: str, expected: list[str]) -> None:
    steps = _timer.plan(WANTED, present=present, timer="x.timer", runs=runs, enabled=enabled, recorded=True, state=state)
    assert [f"{step.verb} {step.target}" for step in steps] == expected


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        pytest.param("started", ["record", "write", "write", "write", "reload", "start"], id="before what it tells of"),
        pytest.param("absent", ["record"], id="after all else is gone"),
    ],
)
def test_record(state: str, expected: list[str]) -> None:
    steps = _timer.plan(WANTED, present=NONE, timer="x.timer", runs=False, enabled=False, recorded=False, state=state)
    assert [step.verb for step in steps] == expected


def test_links() -> None:
    text = "[Timer]\nOnCalendar=daily\n[Install]\nWantedBy=etcd.service\n"
    assert _timer.links("x.timer", text) == ["/etc/systemd/system/etcd.service.wants/x.timer"]


@pytest.mark.parametrize(
    "text",
    [
        "daily",
        "DAILY",
        "semi-annually",
        "daily UTC",
        "02:00",
        "*-*-* 02:00",
        "*-*-* 00/6:00",
        "*-01-01 00:00",
        "Sun",
        "Mon..Fri 22:30",
        "Mon,Fri *-01/2-01,03 *:30:45",
        "Wed..Sat,Tue 12-10-15 1:2:3",
        "Mon, 12:00",
        "10-15",
        "*-02~01",
        "*:0/10",
        "*:*:0/30.5",
        "2026-01-01 02:00:00 Europe/Berlin",
    ],
)
def test_what_systemd_takes_for_a_time(text: str) -> None:
    assert _timer.is_calendar(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "nightly",
        "every day",
        "2:00am",
        "02.00",
        "10",
        "0 2 * * *",
        "*/2:00",
        "1d",
        "UTC",
        "Mond",
        "Mon Tue",
        "02:00 Mon",
        "02:00 04:00",
        "daily UTC UTC",
        "daily\nOnBootSec=1",
        "*-*-* 02:00\n",
    ],
)
def test_what_systemd_does_not_take_for_a_time(text: str) -> None:
    assert not _timer.is_calendar(text)
