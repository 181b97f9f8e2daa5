"""What reads and writes while a cluster is changed: in a process of its own it sees the same."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.cluster.api import Answer
from tests.cluster.probe import Apart


class Server:
    """Keeps what is written, and forgets one write. It takes a moment for every write, and longer for one."""

    def __init__(self, *, forgets: bool = False, slow: float = 0.0, ends: int = 10**9) -> None:
        self._objects: list[str] = []
        self._forgets, self._slow, self._asked, self._ends = forgets, slow, 0, ends

    def ask(self, _path: str, *, method: str = "GET", body: Any = None, **_options: Any) -> Answer:
        self._asked += 1
        if self._asked > self._ends:
            return Answer(503, "it is away")
        if method == "POST":
            if len(self._objects) == 2:
                time.sleep(self._slow)
            self._objects.append(body["metadata"]["name"])
            return Answer(201, "{}")
        return Answer(200, "{}")

    def get(self, _path: str, **_options: Any) -> Any:
        names = self._objects[1:] if self._forgets else self._objects
        return json.loads(json.dumps({"items": [{"metadata": {"name": name}} for name in names]}))


def probe(server: Server) -> Apart:
    return Apart(api=server, name="one", reads=100, writes=50)  # type: ignore[arg-type]


def wait(apart: Apart, *, writes: int) -> None:
    end = time.monotonic() + 20
    while len(apart.look().acknowledged) < writes:
        assert time.monotonic() < end, apart.seen
        time.sleep(0.01)


@pytest.mark.parametrize("forgets", [False, True])
def test_what_was_seen_is_told_meanwhile_and_in_the_end(*, forgets: bool) -> None:
    with probe(Server(forgets=forgets)) as apart:
        wait(apart, writes=5)
        assert apart.seen.reads
    assert len(apart.seen.acknowledged) >= 5
    assert apart.seen.failed == []
    assert apart.seen.lost == (apart.seen.acknowledged[:1] if forgets else [])


def test_the_longest_pause_between_writes_is_measured() -> None:
    with probe(Server(slow=0.5)) as apart:
        wait(apart, writes=5)
    assert 0.5 <= apart.seen.gap < 5


def test_requests_that_fail_are_told() -> None:
    with probe(Server(ends=20)) as apart:
        wait(apart, writes=1)
        time.sleep(0.5)
    assert apart.seen.failed
    assert all("503 it is away" in problem for problem in apart.seen.failed)


def test_a_probe_that_fails_fails_the_test() -> None:
    class Broken(Server):
        def get(self, _path: str, **_options: Any) -> Any:
            raise AssertionError("no answer in the end")

    with pytest.raises(AssertionError, match="no answer in the end"), probe(Broken()) as apart:
        wait(apart, writes=1)
