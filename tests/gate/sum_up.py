"""Print what all runs of pytest together came to, as one line: python -m tests.gate.sum_up FILE (see conftest.py)."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path


def summed(lines: Iterable[str]) -> dict[str, int]:
    """Passed, failed and skipped over all runs; an error in a fixture is a failure."""
    runs = [json.loads(line) for line in lines]
    return {
        "passed": sum(run["passed"] for run in runs),
        "failed": sum(run["failed"] + run["error"] for run in runs),
        "skipped": sum(run["skipped"] for run in runs),
    }


if __name__ == "__main__":
    print(", ".join(f"{count} {word}" for word, count in summed(Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()).items()))
