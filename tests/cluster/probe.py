"""Reads and writes through one address, all the time, while something else happens to the cluster."""

from __future__ import annotations

import functools
import multiprocessing
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Self

from .api import Api
from .background import Background

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
LABEL = "quorate-test-probe"
# etcd drops what was on its way to a leader that died or that hands over just then, and tells. No load balancer can repeat it; whoever wrote
# has to, once there is another leader. So these answers alone are no failure; a request that fails after one is.
WITHOUT_LEADER = ("etcdserver: request timed out", "raft proposal dropped")


def is_without_leader(problem: str) -> bool:
    """Whether a request failed because etcd had no leader to do it."""
    return any(words in problem for words in WITHOUT_LEADER)


@dataclass
class Seen:
    """What came of the requests.

    Attributes:
        reads: how many reads were answered.
        acknowledged: writes that were.
        failed: requests that failed twice.
        once: requests of which the first attempt failed.
        lost: writes that were acknowledged and are not there. Known in the end.
        gap: the longest time between two writes that were acknowledged, in seconds.
        gap_ended: when it was over.
    """

    reads: int = 0
    acknowledged: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    once: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    gap: float = 0.0
    gap_ended: str = ""


class Probe(Background):
    """Each request gets one retry at once, as every client of Kubernetes gives it.

    Attributes:
        api: what it asks.
        seen: what came of it.
    """

    def __init__(self, *, api: Api, name: str, reads: float = 5, writes: float = 2, patience: float = 0) -> None:
        """Nothing is asked yet.

        Args:
            api: what is asked.
            name: tells its objects from those of others.
            reads: how many a second.
            writes: how many a second.
            patience: seconds for which a request is repeated after its one retry: a power cut is noticed a second later by load balancers, and
                etcd needs one or two for another leader.
        """
        super().__init__()
        self.api = api
        self._patience = patience
        self._tag = f"{name}-{time.time_ns()}"
        self._threads = [
            threading.Thread(target=self._repeat, args=(self._read, 1 / reads), daemon=True),
            threading.Thread(target=self._repeat, args=(self._write, 1 / writes), daemon=True),
        ]
        self._written = 0.0
        self.seen = Seen()

    def settle(self) -> None:
        """Find out what was lost, when it has ended, and take the rest away."""
        mine = {"labelSelector": f"{LABEL}={self._tag}"}
        found = {item["metadata"]["name"] for item in self.api.get(CONFIG_MAPS, query=mine)["items"]}
        self.seen.lost = sorted(set(self.seen.acknowledged) - found)
        # Hundreds of objects, one after the other.
        self.api.ask(CONFIG_MAPS, method="DELETE", query=mine, timeout=120)

    def _repeat(self, act: Callable[[int], str], every: float) -> None:
        number = 0
        due = time.monotonic() + every
        # By the clock, so that a slow request does not make the next one late.
        while not self._stop.wait(max(0.0, due - time.monotonic())):
            number += 1
            problem = act(number)
            if problem:
                self.seen.once.append(problem)
                problem = act(number)
            if is_without_leader(problem):
                problem = act(number)
            end = time.monotonic() + self._patience
            while problem and time.monotonic() < end and not self._stop.wait(0.3):
                problem = act(number)
            if problem:
                self.seen.failed.append(problem)
            due = max(due + every, time.monotonic())

    def _read(self, number: int) -> str:
        problem = self._ask("GET", CONFIG_MAPS, fine={200}, query={"limit": "1"})
        self.seen.reads += not problem
        return problem and f"read {number}: {problem}"

    def _write(self, number: int) -> str:
        name = f"{self._tag}-{number}"
        body = {"metadata": {"name": name, "labels": {LABEL: self._tag}}}
        # 409: the first attempt was carried out, only its answer was lost.
        problem = self._ask("POST", CONFIG_MAPS, fine={201, 409}, body=body)
        if not problem:
            self.seen.acknowledged.append(name)
            self._note_gap()
        return problem and f"write {number}: {problem}"

    def _note_gap(self) -> None:
        now = time.monotonic()
        if self._written and now - self._written > self.seen.gap:
            self.seen.gap = now - self._written
            self.seen.gap_ended = time.strftime("%H:%M:%S")
        self._written = now

    def _ask(self, method: str, path: str, *, fine: set[int], query: dict[str, str] | None = None, body: object = None) -> str:
        started = time.monotonic()
        try:
            answer = self.api.ask(path, method=method, query=query, body=body)
        except OSError as error:
            return f"{error!r} after {time.monotonic() - started:.1f} s at {time.strftime('%H:%M:%S')}"
        return "" if answer.status in fine else f"{answer.status} {answer.text[:200]} at {time.strftime('%H:%M:%S')}"


class Apart:
    """A probe in a process of its own. In that of the test its threads would wait for all others there, which would pass for a gap.

    Attributes:
        api: what it asks.
        seen: what had come of it when it was asked last, and in the end all of it.
    """

    def __init__(self, *, api: Api, name: str, reads: float = 5, writes: float = 2, patience: float = 0) -> None:
        """Nothing is asked yet; see L(Probe)."""
        self.api = api
        self.seen = Seen()
        # Made in the process: threads that are made before do not start there. It inherits the client certificate, which cannot be sent.
        make = functools.partial(Probe, api=api, name=name, reads=reads, writes=writes, patience=patience)
        context = multiprocessing.get_context("fork")
        self._here, there = context.Pipe()
        self._process = context.Process(target=_work, args=(make, there, self._here), daemon=True)

    def look(self) -> Seen:
        """Ask what has come of it so far."""
        self._here.send("look")
        self.seen = self._here.recv()
        return self.seen

    def __enter__(self) -> Self:
        self._process.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._here.send("end")
        answer: Seen | str = self._here.recv()
        self._process.join()
        if isinstance(answer, Seen):
            self.seen = answer
        else:
            assert error, answer


def _work(make: Callable[[], Probe], questions: Connection, other_end: Connection) -> None:
    """Probe until the test says that it is over; tell what was seen meanwhile when it asks, and what came of it in the end."""
    # So that the end of a test that is killed is noticed.
    other_end.close()
    try:
        with make() as probe:
            while questions.recv() == "look":
                questions.send(probe.seen)
        probe.settle()
        questions.send(probe.seen)
    except EOFError:
        return
    except (AssertionError, OSError) as error:
        questions.send(f"the probe failed: {error!r}")
