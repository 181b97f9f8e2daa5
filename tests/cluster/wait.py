"""Waiting in the tests of clusters: bounded, and as short as it can be."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(what: str, probe: Callable[[], T], *, within: float, every: float = 0.3) -> T:
    """Ask until the answer is true, and return it. A probe that raises has not answered yet."""
    end = time.monotonic() + within
    while True:
        seen: object
        try:
            answer = probe()
        except (AssertionError, LookupError, OSError, RuntimeError, ValueError) as error:
            seen = error
        else:
            if answer:
                return answer
            seen = answer
        if time.monotonic() >= end:
            raise AssertionError(f"not within {within:.0f} s: {what}; seen last: {seen!r}")
        time.sleep(every)


def settled(what: str, problems: Callable[[], object], *, within: float, every: float = 0.3) -> None:
    """Ask until there are no problems any more; if some stay, the last ones are told."""

    def none_left() -> bool:
        found = problems()
        assert not found, found
        return True

    until(what, none_left, within=within, every=every)
