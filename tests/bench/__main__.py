"""Measure what runs cost, as ratios within one run on one machine: make bench [INVENTORY=...] [ARGS="--fresh --bare 17"].

With nothing to do, a run of site.yml is compared with `ansible all -m ping` over the same connections. With --fresh the hosts are made
anew first and the building of the cluster is measured too; --bare tells the seconds that the same cluster took otherwise.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Run:
    """One run of a playbook.

    Attributes:
        seconds: wall time.
        changed: changes over all hosts.
        modules: modules run on the host that needed most.
    """

    seconds: float
    changed: int
    modules: int


def changes(output: str) -> int:
    """The changes that the recap of a playbook tells, over all hosts."""
    return sum(int(number) for number in re.findall(r"\bchanged=(\d+)", output))


def most_modules(lines: Iterable[str]) -> int:
    """Modules of the busiest host in what the callback count_executions wrote."""
    hosts: list[Mapping[str, Any]] = [host for line in lines for host in json.loads(line)["hosts"].values()]
    return max((int(host["modules"]) for host in hosts), default=0)


def report(*, ping: float, fresh: Run | None, again: Run, bare: float | None) -> str:
    """The measures as lines of text."""
    lines = [f"ping                 {ping:7.2f} s"]
    if fresh:
        ratio = f"  {fresh.seconds / bare:.2f} x bare ({bare:g} s)" if bare else ""
        lines.append(f"fresh cluster        {fresh.seconds:7.2f} s  {fresh.modules} modules on the busiest host{ratio}")
    changed = f"  {again.changed} CHANGES" if again.changed else ""
    lines.append(f"nothing to do        {again.seconds:7.2f} s  {again.modules} modules on the busiest host{changed}")
    lines.append(f"nothing to do / ping {again.seconds / ping:7.2f}")
    return "\n".join(lines)


def timed(command: list[str], *, settings: Mapping[str, str] | None = None) -> tuple[float, str]:
    """Run a program; its wall time and output. A failure ends the benchmark."""
    started = time.perf_counter()
    done = subprocess.run(command, env={**os.environ, **(settings or {})}, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - started
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed with {done.returncode}:\n{done.stdout}{done.stderr}")
    return seconds, done.stdout


def playbook(inventory: Path) -> Run:
    """One run of site.yml, with its modules counted."""
    with tempfile.NamedTemporaryFile(encoding="utf-8", mode="r", suffix=".jsonl") as counts:
        settings = {
            "ANSIBLE_CALLBACKS_ENABLED": "quorate.kubernetes.count_executions",
            "ANSIBLE_NOCOLOR": "1",
            "QUORATE_EXECUTIONS_PATH": counts.name,
        }
        seconds, output = timed(["ansible-playbook", "-i", str(inventory), "site.yml"], settings=settings)
        return Run(
            seconds=seconds, changed=changes(output), modules=most_modules(Path(counts.name).read_text(encoding="utf-8").splitlines())
        )


def best(measure: Callable[[], float], *, times: int) -> float:
    """The shortest of some measures: what else the machine does can only lengthen one."""
    return min(measure() for _time in range(times))


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    options.add_argument("--inventory", type=Path, default=Path("inventories/lab"))
    options.add_argument("--repeat", type=int, default=3, help="measure so often, and take the shortest")
    options.add_argument("--fresh", action="store_true", help="make the hosts anew, and measure the building of the cluster")
    options.add_argument("--bare", type=float, help="seconds that the same cluster took otherwise")
    chosen = options.parse_args()

    fresh = None
    if chosen.fresh:
        timed([sys.executable, "-m", "lab", "hosts", "--inventory", str(chosen.inventory), "--fresh"])
        fresh = playbook(chosen.inventory)
    ping = ["ansible", "all", "-i", str(chosen.inventory), "-m", "ansible.builtin.ping"]
    timed(ping)  # opens the connections
    shortest = best(lambda: timed(ping)[0], times=chosen.repeat)
    again = min((playbook(chosen.inventory) for _time in range(chosen.repeat)), key=lambda run: run.seconds)
    print(report(ping=shortest, fresh=fresh, again=again, bare=chosen.bare))


if __name__ == "__main__":
    main()
