"""The switch of a host of the lab, as somebody in the machine room presses it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def press(verb: str, name: str) -> None:
    """Do to a host what the lab calls kill, start, restart or replace."""
    done = subprocess.run([sys.executable, "-m", "lab", verb, name], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
