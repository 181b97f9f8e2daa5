"""What the processes of tasks inherit."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator

import pytest

from ansible_collections.quorate.kubernetes.plugins.callback import light_forks


@pytest.fixture
def thresholds() -> Iterator[tuple[int, int, int]]:
    """Those of this process, which it has again in the end."""
    known = gc.get_threshold()
    yield known
    gc.set_threshold(*known)


def test_processes_inherit_patience(thresholds: tuple[int, int, int]) -> None:
    light_forks.CallbackModule()
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:
        os.write(writer, repr(gc.get_threshold()).encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reader, 100).decode() == repr((light_forks.THRESHOLD, *thresholds[1:]))
    assert gc.isenabled()
