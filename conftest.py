"""Make `ansible_collections.quorate.kubernetes` importable by pytest wherever the checkout lies."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent

# In a real `ansible_collections/quorate/kubernetes` folder (ansible-test) the parents serve as they are.
if HERE.parts[-3:] != ("ansible_collections", "quorate", "kubernetes"):
    # Removed when pytest ends.
    _ROOT = tempfile.TemporaryDirectory(prefix="quorate-")
    _LINK = Path(_ROOT.name, "ansible_collections", "quorate", "kubernetes")
    _LINK.parent.mkdir(parents=True)
    _LINK.symlink_to(HERE)
    sys.path.insert(0, _ROOT.name)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Note how many tests passed, failed and were skipped, so that `make test` can sum up all its runs of pytest."""
    # A worker of pytest-xdist tells its part to the process that sums them up.
    if not (path := os.environ.get("QUORATE_TEST_RESULTS")) or hasattr(config, "workerinput"):
        return
    counts = {outcome: len(terminalreporter.getreports(outcome)) for outcome in ("passed", "failed", "error", "skipped")}
    with Path(path).open("a", encoding="utf-8") as file:
        file.write(json.dumps({"tests": " ".join(config.args), **counts}) + "\n")
