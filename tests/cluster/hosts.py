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


# Where runs write; the rest is data, which changes by itself.
MANAGED = ("/etc", "/opt", "/usr/local")


def managed(host: Host) -> dict[str, Any]:
    """What a run could change of a cluster that works: all its files, and when each unit was started."""
    files = {path: it for path, it in look(host, "files", *MANAGED, "/var/lib/quorate").items() if it["kind"] == "file"}
    return {**files, **units(host)}


def different(before: Mapping[str, Any], after: Mapping[str, Any]) -> set[tuple[str, str]]:
    """Host and name of what is not the same in two states of all hosts."""
    return {
        (name, thing) for name in before for thing in {*before[name], *after[name]} if before[name].get(thing) != after[name].get(thing)
    }


# Not ours: Debian's packages, users, and systemd's own.
OTHERS = ("/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow", "/etc/subuid", "/etc/subgid", "/etc/.pwd.lock", "/etc/ld.so.cache")


def brought(host: Host, fresh: Mapping[str, Any]) -> list[str]:
    """Files that runs have brought to a host, by its state when it was fresh."""
    found = {path for path, it in look(host, "files", *MANAGED).items() if it["kind"] == "file"}
    return sorted(path for path in found - set(fresh["files"]) if not path.startswith(OTHERS) and ".aside-" not in path)


def untold(paths: Iterable[str], told: str) -> list[str]:
    """Those files that a run in check mode did not name. A key is made with its certificate, which is what is named."""
    return [path for path in paths if path not in told and not (path.endswith(".key") and f"{path.removesuffix('.key')}.crt" in told)]


# Where something of a cluster could be written. Logs, and what systemd keeps, change by themselves.
FOLDERS = ("/etc", "/opt", "/usr/local", "/root", "/home", "/var/lib")
BY_ITSELF = ("/var/lib/systemd/", "/var/lib/containerd/", "/var/lib/apt/", "/var/lib/dpkg/")


def state(host: Host) -> dict[str, Any]:
    """All files of a host that a run could write, and what else a cluster leaves there."""
    files = {path: it for path, it in look(host, "files", *FOLDERS).items() if not path.startswith(BY_ITSELF) and it["kind"] != "folder"}
    return {"files": files, "traces": look(host, "traces")}


# Copies that tools for users make of their files before they change them.
BACKUPS = {f"/etc/{name}-" for name in ("passwd", "shadow", "group", "gshadow", "subuid", "subgid")} | {"/etc/.pwd.lock"}
# The look itself runs over SSH.
LOOKING = {"sshd", "bash", "sh", "dash", "python3.11", "ss", "systemctl"}
CLUSTER_FOLDERS = (
    *(f"/etc/{name}" for name in ("kubernetes", "etcd", "containerd", "cni")),
    *(f"/var/lib/{name}" for name in ("etcd", "etcd-log", "kubelet", "quorate")),
    *("/opt/quorate", "/var/log/kubernetes", "/var/log/pods", "/var/log/containers", "/run/flannel", "/run/containerd"),
)


def left(host: Host, before: Mapping[str, Any]) -> dict[str, list[str]]:
    """What a cluster has left on a host, by its state before: files, folders, and whatever else; nothing where that is nothing."""
    after = state(host)
    found = {kind: set(after["traces"][kind]) - set(things) for kind, things in before["traces"].items()}
    found["programs"] -= LOOKING
    found["files"] = set(after["files"]) - set(before["files"]) - BACKUPS
    found["folders"] = {folder for folder in CLUSTER_FOLDERS if host.file(folder).exists}
    # A disk of its own, of which the folder stays.
    found["images"] = set(said(host, "ls -A /var/lib/containerd").split())
    return {kind: sorted(things) for kind, things in found.items() if things}
