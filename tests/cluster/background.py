"""Something that goes on in threads of its own while a test does something else."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self


class Background:
    """Threads that run for as long as the context lasts; each ends soon after `_stop` is set. One that ended before has failed, and seen nothing since."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        ended = sum(not thread.is_alive() for thread in self._threads)
        self._stop.set()
        for thread in self._threads:
            thread.join()
        assert error or not ended, f"{type(self).__name__}: {ended} of {len(self._threads)} threads ended before their time"
