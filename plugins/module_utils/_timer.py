# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: what makes a systemd timer, its service and further files what they should be."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Optional

# OnCalendar of systemd.time(7): a word, or any of days, a date and a time; then perhaps a zone. Whether a day or an hour exists is not judged.
_WORD = re.compile(r"minutely|hourly|daily|weekly|monthly|quarterly|(semi|bi)-?annually|yearly|annually", re.IGNORECASE)
_DAY = r"(mon(day)?|tue(sday)?|wed(nesday)?|thu(rsday)?|fri(day)?|sat(urday)?|sun(day)?)"
_DAYS = re.compile(rf"{_DAY}((\.\.|-){_DAY})?(,{_DAY}((\.\.|-){_DAY})?)*,?", re.IGNORECASE)
_SOME = r"\d+(\.\d+)?(\.\.\d+(\.\d+)?)?(/\d+(\.\d+)?)?"
_VALUES = rf"(\*|{_SOME}(,{_SOME})*)"
_DATE = re.compile(rf"({_VALUES}-)?{_VALUES}[-~]{_VALUES}", re.ASCII)
_TIME = re.compile(rf"{_VALUES}:{_VALUES}(:{_VALUES})?", re.ASCII)
_ZONE = re.compile(r"[A-Za-z][\w+-]*(/[\w+-]+)*", re.ASCII)

RECORD, WRITE, REMOVE, RELOAD, START, RESTART, STOP = "record", "write", "remove", "reload", "start", "restart", "stop"


@dataclasses.dataclass(frozen=True)
class File:
    """A file of a timer."""

    content: str
    mode: str


@dataclasses.dataclass(frozen=True)
class Step:
    """One change: what is done, to which file or unit, and the sentence that tells of it."""

    verb: str
    target: str
    sentence: str

    def __str__(self) -> str:
        return self.sentence


def is_calendar(text: str) -> bool:
    """Whether a text has the form of a time for OnCalendar of systemd."""
    parts = [part for part in text.split(" ") if part]
    if parts and _WORD.fullmatch(parts[0]):
        rest = parts[1:]
    else:
        rest = parts
        for pattern in (_DAYS, _DATE, _TIME):
            if rest and pattern.fullmatch(rest[0]):
                rest = rest[1:]
    return len(rest) < len(parts) and len(rest) <= 1 and all(_ZONE.fullmatch(zone) and not _DAYS.fullmatch(zone) for zone in rest)


def links(timer: str, text: str) -> list[str]:
    """The links that systemd makes when a timer with this text is enabled."""
    units = [line.partition("=")[2].strip() for line in text.splitlines() if line.startswith("WantedBy=")]
    return [f"/etc/systemd/system/{unit}.wants/{timer}" for unit in units]


def plan(
    wanted: Mapping[str, File],
    *,
    present: Mapping[str, Optional[File]],
    timer: str,
    runs: bool,
    enabled: bool,
    recorded: bool,
    state: str,
) -> list[Step]:
    """Steps from what is there to what is wanted.

    Args:
        wanted: the files by path, the units among them.
        present: the same paths with what is there.
        timer: name of the timer's unit.
        runs: whether the timer is active.
        enabled: whether it is started at boot.
        recorded: whether the host's record of it is as wanted, which comes before what it tells of, and goes after it.
        state: V(started) or V(absent).
    """
    if state == "absent":
        there = [path for path, file in present.items() if file is not None]
        steps = [Step(STOP, timer, f"Stop {timer}, and do not start it at boot.")] if runs or enabled else []
        steps += [Step(REMOVE, path, f"Remove {path}.") for path in there]
        steps += [Step(RELOAD, "", "Let systemd read its units again.")] if there else []
        return [*steps, *([] if recorded else [Step(RECORD, timer, f"Remove the record of {timer}.")])]
    changed = [path for path, file in wanted.items() if present.get(path) != file]
    steps = [] if recorded else [Step(RECORD, timer, f"Record what belongs to {timer}.")]
    steps += [Step(WRITE, path, f"Write {path}.") for path in changed]
    if any(path.endswith((".service", ".timer")) for path in changed):
        steps.append(Step(RELOAD, "", "Let systemd read its units again."))
    if not runs or not enabled:
        steps.append(Step(START, timer, f"Start {timer}, also at boot."))
    elif any(path.endswith(".timer") for path in changed):
        # Only now does it heed another time.
        steps.append(Step(RESTART, timer, f"Restart {timer}."))
    return steps
