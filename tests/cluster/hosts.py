"""Looks at hosts that take more than one command, at all of them at once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from testinfra.host import Host

T = TypeVar("T")
K = TypeVar("K")

SCRIPTS = Path(__file__).parent / "on_host"


def together(act: Callable[[K], T], things: Iterable[K], *, at_once: int = 8) -> dict[K, T]:
    """Do the same to all, some at once, and keep what came of each. The first failure is raised."""
    chosen = list(things)
    with ThreadPoolExecutor(max_workers=at_once) as pool:
        return dict(zip(chosen, pool.map(act, chosen)))


def look(host: Host, script: str, *arguments: str) -> Any:
    """Run a script of on_host/ on a host; it prints JSON."""
    text = (SCRIPTS / f"{script}.py").read_text(encoding="utf-8")
    done = host.run("python3 -c %s" + " %s" * len(arguments), text, *arguments)
    assert done.rc == 0, f"{script}: {done.stderr}"
    return json.loads(done.stdout)


def said(host: Host, command: str, *arguments: str) -> str:
    """What a command prints; it has to succeed."""
    done = host.run(command, *arguments)
    assert done.rc == 0, f"{command}: {done.stderr or done.stdout}"
    return done.stdout_bytes.decode("utf-8", "replace")


def units(host: Host) -> Mapping[str, Mapping[str, str]]:
    """The services that systemd has of the cluster, by name, with what tells a restart."""
    names = "etcd.service kube-*.service kubelet.service kubernetes-*.service containerd.service container-images.service"
    shown = "Id,ActiveState,SubState,MainPID,ExecMainStartTimestampMonotonic,NRestarts"
    text = said(host, f"systemctl show --property={shown} -- $(systemctl list-units --all --plain --no-legend "
                f"{names} flanneld.service api-load-balancer.service | cut -d' ' -f1)")  # fmt: skip
    # Without a name, on a host that has none of them, systemctl shows the properties of systemd itself.
    shown_units = [dict(line.split("=", 1) for line in block.splitlines()) for block in text.strip().split("\n\n") if "Id=" in block]
    return {unit["Id"]: unit for unit in shown_units}


def starts(host: Host) -> dict[str, str]:
    """When each of those services was started, in microseconds of the one clock that all hosts of the lab share."""
    return {name.removesuffix(".service"): unit["ExecMainStartTimestampMonotonic"] for name, unit in units(host).items()}


def started_since(host: Host, unit: str, moment: float) -> int:
    """How often systemd has started a service since a moment (seconds since the epoch), whoever told it to. The journal has an entry for each."""
    finished = "MESSAGE_ID=39f53479d3a045ac8e11786248231fbf"
    text = said(host, "journalctl --quiet --no-pager --output=cat --since=@%s UNIT=%s %s", str(int(moment)), unit, finished)
    return len(text.splitlines())


# Where a run could write on a host of a cluster that works, and nobody else does.
OURS = ("/etc", "/opt", "/usr/local", "/var/lib/quorate")


def managed(host: Host) -> dict[str, Any]:
    """What a run could change of a cluster that works: all its files, and when each unit was started."""
    files = {path: it for path, it in look(host, "files", *OURS).items() if it["kind"] == "file"}
    return {**files, **units(host)}


def different(before: Mapping[str, Any], after: Mapping[str, Any]) -> set[tuple[str, str]]:
    """Host and name of what is not the same in two states of all hosts."""
    return {
        (name, thing) for name in before for thing in {*before[name], *after[name]} if before[name].get(thing) != after[name].get(thing)
    }


# Where something of a cluster could be written. Logs, and what systemd keeps, change by themselves.
FOLDERS = ("/etc", "/opt", "/usr/local", "/root", "/home", "/var/lib")
BY_ITSELF = ("/var/lib/systemd/", "/var/lib/containerd/", "/var/lib/apt/", "/var/lib/dpkg/")


def state(host: Host) -> dict[str, Any]:
    """All files of a host that a run could write, and what else a cluster leaves there."""
    files = {path: it for path, it in look(host, "files", *FOLDERS).items() if not path.startswith(BY_ITSELF) and it["kind"] != "folder"}
    return {"files": files, "traces": look(host, "traces")}
