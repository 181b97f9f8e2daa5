"""Looks at many things ten times a second, and remembers which of them were away together."""

from __future__ import annotations

import http.client
import ssl
import threading
import time
import urllib.parse
from collections.abc import Callable, Mapping

from .background import Background


class Health:
    """Whether a server answers 200, over one connection as long as it lasts: ten handshakes a second would be a load of their own."""

    def __init__(self, url: str, *, context: ssl.SSLContext) -> None:
        self._url = urllib.parse.urlsplit(url)
        self._context = context
        self._connection: http.client.HTTPSConnection | None = None

    def __call__(self) -> bool:
        connection = self._connection or http.client.HTTPSConnection(
            str(self._url.hostname), self._url.port, context=self._context, timeout=10
        )
        self._connection = None
        try:
            connection.request("GET", self._url._replace(scheme="", netloc="").geturl())
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            return False
        self._connection = connection
        return answer.status == 200


class Sampler(Background):
    """Asks each thing of a kind in a thread of its own, since one that is away answers late.

    Attributes:
        samples: how often each was asked.
    """

    def __init__(self, things: Mapping[str, Callable[[], bool]], *, every: float = 0.1) -> None:
        """Nothing is asked yet.

        Args:
            things: by name, what tells whether it is there. A failure is a no.
            every: seconds between two looks.
        """
        super().__init__()
        self._every = every
        self._lock = threading.Lock()
        self._away: dict[str, float] = {}
        self._worst: set[str] = set()
        self.samples = dict.fromkeys(things, 0)
        self.absences: list[tuple[str, str, float]] = []
        self._threads = [threading.Thread(target=self._watch, args=item, daemon=True) for item in things.items()]

    @property
    def worst(self) -> list[str]:
        """The most that were away at the same time."""
        return sorted(self._worst)

    def _watch(self, name: str, is_there: Callable[[], bool]) -> None:
        due = time.monotonic()
        while not self._stop.wait(max(0.0, due - time.monotonic())):
            due = max(due + self._every, time.monotonic())
            try:
                there = is_there()
            except (AssertionError, OSError):
                there = False
            self._note(name, there=there)

    def _note(self, name: str, *, there: bool) -> None:
        with self._lock:
            self.samples[name] += 1
            if there and name in self._away:
                self.absences.append((name, time.strftime("%H:%M:%S"), time.monotonic() - self._away.pop(name)))
            elif not there:
                self._away.setdefault(name, time.monotonic())
                if len(self._away) > len(self._worst):
                    self._worst = set(self._away)
