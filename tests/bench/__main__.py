"""Measure what runs cost, as ratios within one run on one machine: make bench [INVENTORY=...] [ARGS="--fresh --bare 17"].

With nothing to do, a run of site.yml is compared with `ansible all -m ping` over the same connections. With --fresh the hosts are made
anew first and the building of the cluster is measured too; --bare is a command that builds the same cluster otherwise, which is measured on the
same hosts before, or the seconds that it took. With --upgrade the cluster, which --from builds in an older version, is upgraded without emptying its
nodes; --bare-upgrade is the same for that. With --probe everybody works meanwhile: ten reads and two writes a second go through each node.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cluster.api import connect
from tests.cluster.use import probed


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


@dataclass(frozen=True)
class Compared:
    """A run, and the seconds that the same thing took otherwise."""

    name: str
    run: Run
    bare: float | None

    def __str__(self) -> str:
        ratio = f"  {self.run.seconds / self.bare:.2f} x bare ({self.bare:g} s)" if self.bare else ""
        return f"{self.name:<20} {self.run.seconds:7.2f} s  {self.run.modules} modules on the busiest host{ratio}"


def report(*, ping: float, compared: Iterable[Compared], again: Run) -> str:
    """The measures as lines of text."""
    lines = [f"ping                 {ping:7.2f} s", *map(str, compared)]
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


def playbook(inventory: Path, name: str = "site", **variables: str) -> Run:
    """One run of a playbook, with its modules counted."""
    with tempfile.NamedTemporaryFile(encoding="utf-8", mode="r", suffix=".jsonl") as counts:
        settings = {
            "ANSIBLE_CALLBACKS_ENABLED": "quorate.kubernetes.light_forks,quorate.kubernetes.count_executions",
            "ANSIBLE_NOCOLOR": "1",
            "QUORATE_EXECUTIONS_PATH": counts.name,
        }
        given = [f"--extra-vars={variable}={value}" for variable, value in variables.items()]
        seconds, output = timed(["ansible-playbook", "-i", str(inventory), f"playbooks/{name}.yml", *given], settings=settings)
        return Run(
            seconds=seconds, changed=changes(output), modules=most_modules(Path(counts.name).read_text(encoding="utf-8").splitlines())
        )


def seconds(bare: str | None, *, before: Callable[[], object] = lambda: None) -> float | None:
    """What the other way takes: the seconds that are told, or those of a command, which is run after something else is done."""
    if not bare:
        return None
    if re.fullmatch(r"[\d.]+", bare):
        return float(bare)
    before()
    return round(timed(shlex.split(bare))[0], 1)


@contextlib.contextmanager
def noticed(inventory: Path) -> Iterator[None]:
    """Read ten times and write twice a second through the load balancer of each node meanwhile, and tell what came of it."""
    listing = json.loads(timed(["ansible-inventory", "-i", str(inventory), "--list"])[1])
    addresses = {name: str(values["ansible_host"]) for name, values in listing["_meta"]["hostvars"].items()}
    nodes = sorted({name for group in ("masters", "workers") for name in listing.get(group, {}).get("hosts", [])})
    with probed(connect(inventory / "admin.kubeconfig"), addresses, nodes, timeout=10, reads=10) as probes:
        yield
    for name, probe in probes.items():
        seen = probe.seen
        print(
            f"{name}: {seen.reads} reads, {len(seen.acknowledged)} writes, {len(seen.once)} failed once, {len(seen.failed)} failed, "
            f"{len(seen.lost)} lost, longest gap between two writes {seen.gap:.2f} s"
        )


def best(measure: Callable[[], float], *, times: int) -> float:
    """The shortest of some measures: what else the machine does can only lengthen one."""
    return min(measure() for _time in range(times))


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    options.add_argument("--inventory", type=Path, default=Path("inventories/lab"))
    options.add_argument("--repeat", type=int, default=3, help="measure so often, and take the shortest")
    options.add_argument("--fresh", action="store_true", help="make the hosts anew, and measure the building of the cluster")
    options.add_argument(
        "--bare", help="with --fresh, a command that builds the same cluster otherwise on the same hosts, or the seconds that it took"
    )
    options.add_argument("--from", dest="older", help="with --fresh, the version of Kubernetes that the cluster is built in")
    options.add_argument("--upgrade", help="measure the upgrade to this version of Kubernetes, without emptying nodes")
    options.add_argument(
        "--bare-upgrade", help="a command that makes the same upgrade otherwise, after that of --bare, or the seconds that it took"
    )
    options.add_argument("--probe", action="store_true", help="read and write through each node during the upgrade")
    chosen = options.parse_args()

    def hosts() -> None:
        timed([sys.executable, "-m", "lab", "hosts", "--inventory", str(chosen.inventory), "--fresh"])

    bare, bare_upgrade = seconds(chosen.bare, before=hosts), seconds(chosen.bare_upgrade)
    compared = []
    if chosen.fresh:
        hosts()
        older = {"cluster_version": chosen.older} if chosen.older else {}
        compared.append(Compared("fresh cluster", playbook(chosen.inventory, **older), bare))
    newer = {"cluster_version": chosen.upgrade} if chosen.upgrade else {}
    if newer:
        with noticed(chosen.inventory) if chosen.probe else contextlib.nullcontext():
            upgrade = playbook(chosen.inventory, "upgrade", upgrade_drain="false", **newer)
        compared.append(Compared("upgrade", upgrade, bare_upgrade))
    ping = ["ansible", "all", "-i", str(chosen.inventory), "-m", "ansible.builtin.ping"]
    timed(ping)  # opens the connections
    shortest = best(lambda: timed(ping)[0], times=chosen.repeat)
    again = min((playbook(chosen.inventory, **newer) for _time in range(chosen.repeat)), key=lambda run: run.seconds)
    print(report(ping=shortest, compared=compared, again=again))


if __name__ == "__main__":
    main()
