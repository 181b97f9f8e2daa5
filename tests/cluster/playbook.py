"""Runs of the shipped playbooks by the tests themselves."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

PLAYBOOKS = Path(__file__).resolve().parents[2] / "playbooks"
RECAP = re.compile(r"^(\S+) +: ok=(\d+) +changed=(\d+) +unreachable=(\d+) +failed=(\d+)", re.M)


@dataclass(frozen=True)
class Run:
    """How a run ended and what it printed."""

    code: int
    output: str

    @property
    def changed(self) -> Mapping[str, int]:
        """How many tasks changed each host."""
        return {match.group(1): int(match.group(3)) for match in RECAP.finditer(self.output)}

    @property
    def flat(self) -> str:
        """What was printed, on one line: Ansible breaks long lines anywhere."""
        return " ".join(self.output.split())

    @property
    def end(self) -> str:
        """What to look at when a run failed."""
        return "\n".join(self.output.splitlines()[-60:])


def command(name: str, *, inventory: Path, arguments: tuple[str, ...]) -> list[str]:
    return ["ansible-playbook", f"--inventory={inventory}", *arguments, str(PLAYBOOKS / f"{name}.yml")]


def environment() -> dict[str, str]:
    # Whatever the environment says of colours: this is read by a program.
    return {**os.environ, "ANSIBLE_FORCE_COLOR": "0", "ANSIBLE_NOCOLOR": "1", "PYTHONUNBUFFERED": "1"}


def play(name: str, *arguments: str, inventory: Path) -> Run:
    """Run a playbook to its end."""
    words = command(name, inventory=inventory, arguments=arguments)
    done = subprocess.run(
        words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, env=environment(), stdin=subprocess.DEVNULL
    )
    return Run(code=done.returncode, output=done.stdout)


def fine(run: Run) -> Run:
    """The run, which has to have succeeded."""
    assert run.code == 0, run.end
    return run


def unchanged(run: Run) -> Run:
    """The run, which must have changed nothing on any host."""
    assert {name: count for name, count in run.changed.items() if count} == {}, run.output
    return run


def descendants(process: int) -> Iterator[int]:
    """A process and all that it started, also in other process groups: Ansible's workers lead their own."""
    yield process
    for path in Path(f"/proc/{process}/task").glob("*/children"):
        for child in path.read_text(encoding="ascii").split():
            yield from descendants(int(child))


def kill(run: int) -> None:
    """As if the control node were gone: a run ends without warning, and all that it started."""
    for process in list(descendants(run)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def killed(name: str, *arguments: str, inventory: Path, now: Callable[[str], bool]) -> Run:
    """Run a playbook, and kill it without warning when a line that it prints is the one."""
    printed = []
    words = command(name, inventory=inventory, arguments=arguments)
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment(), stdin=subprocess.DEVNULL
    ) as run:
        assert run.stdout
        for text in run.stdout:
            printed.append(text)
            if now(text):
                kill(run.pid)
                break
    return Run(code=run.returncode, output="".join(printed))


def play_until(name: str, *arguments: str, inventory: Path, task: str, line: str) -> str:
    """Run a playbook, and kill it as soon as a line is printed below a task. Returns what was printed until then."""
    below = False

    def now(text: str) -> bool:
        nonlocal below
        if text.startswith("TASK ["):
            below = task in text
        return below and re.match(line, text) is not None

    run = killed(name, *arguments, inventory=inventory, now=now)
    assert run.code == -signal.SIGKILL, f"the run ended before it was killed:\n{run.end}"
    return run.output


def play_until_seen(name: str, *arguments: str, inventory: Path, seen: Callable[[], bool]) -> str:
    """Run a playbook, and kill it as soon as something is seen elsewhere. A look that fails has seen nothing. Returns what was printed until then."""
    words = command(name, inventory=inventory, arguments=arguments)
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8") as printed,
        subprocess.Popen(words, stdout=printed, stderr=subprocess.STDOUT, env=environment(), stdin=subprocess.DEVNULL) as run,
    ):
        while run.poll() is None:
            with contextlib.suppress(AssertionError, LookupError, OSError):
                if seen():
                    kill(run.pid)
                    break
            time.sleep(0.1)
        code = run.wait()
        printed.seek(0)
        ended = Run(code=code, output=printed.read())
    assert ended.code == -signal.SIGKILL, f"the run ended before it was killed:\n{ended.end}"
    return ended.output


def play_tasks(name: str, *, inventory: Path, tasks: int) -> Run:
    """Run a playbook, and kill it when it is about to do more than that many tasks."""
    begun = 0

    def now(text: str) -> bool:
        nonlocal begun
        begun += text.startswith("TASK [")
        return begun > tasks

    return killed(name, inventory=inventory, now=now)
