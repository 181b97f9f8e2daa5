# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one place of the lab that runs other programs."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shlex
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

HEARTBEAT = 20.0


class LabError(Exception):
    """What was tried, on what, why it failed, and what to do next."""


def say(text: str) -> None:
    """Tell the person in front of the screen, also when the output is a pipe."""
    print(text, flush=True)


def as_root(command: Sequence[str]) -> list[str]:
    """The command, with sudo if this is not root: the lab's containers are root's."""
    return [*command] if os.geteuid() == 0 else ["sudo", *command]


def tail(text: str, lines: int = 15) -> str:
    return "\n".join(text.strip().splitlines()[-lines:])


def run(
    command: Sequence[str],
    *,
    check: bool = True,
    timeout: float | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a program that ends soon, and keep what it says."""
    try:
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=timeout, env=env, cwd=cwd, stdin=subprocess.DEVNULL
        )
    except FileNotFoundError as error:
        raise LabError(f"cannot run {command[0]}: it is not installed; run 'python3 -m lab setup' first") from error
    except subprocess.TimeoutExpired as error:
        raise LabError(f"{shlex.join(command)} did not end within {timeout:.0f} s") from error
    if check and done.returncode != 0:
        raise LabError(f"{shlex.join(command)} failed with code {done.returncode}:\n{tail(done.stderr or done.stdout)}")
    return done


def run_long(command: Sequence[str], *, label: str, log: Path, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> None:
    """Run a program that takes minutes: its output goes to a log, and a line every 20 s says that it still works."""
    log.parent.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    say(f"{label}: started (log: {log})")
    with log.open("w", encoding="utf-8") as output:
        try:
            child = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=env, cwd=cwd)
        except FileNotFoundError as error:
            raise LabError(f"{label}: cannot run {command[0]}: it is not installed; run 'python3 -m lab setup' first") from error
        try:
            code = _wait(child, label=label, started=started)
        except BaseException:
            child.terminate()
            child.wait()
            raise
    if code != 0:
        text = log.read_text(encoding="utf-8", errors="replace")
        raise LabError(f"{label}: {shlex.join(command)} failed with code {code}:\n{tail(text)}\nThe whole log is {log}.")
    say(f"{label}: done in {time.monotonic() - started:.0f} s")


def _wait(child: subprocess.Popen[bytes], *, label: str, started: float) -> int:
    while True:
        try:
            return child.wait(timeout=HEARTBEAT)
        except subprocess.TimeoutExpired:
            say(f"{label}: {time.monotonic() - started:.0f} s so far")


@contextlib.contextmanager
def locked(path: Path, *, purpose: str) -> Iterator[None]:
    """One at a time: a second process waits for the first. The kernel releases the lock of a process that dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"Another process is {purpose} (lock: {path}); waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
