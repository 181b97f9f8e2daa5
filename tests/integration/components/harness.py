"""A host of the lab, the playbooks that run on it, and a look at it by other means than Ansible's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab import paths

ROOT = Path(__file__).resolve().parents[3]
HERE = Path(__file__).resolve().parent
INVENTORY = ROOT / "tests/integration/inventory"
ADDRESS = "192.168.77.99"
SERVER = "/usr/local/lib/it-server.py"


def program(name: str, *words: str) -> list[str]:
    """A program of the environment that runs the tests."""
    return [str(Path(sys.executable).parent / name), *words]


def lab(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "lab", *words], cwd=ROOT, check=True)


@dataclass(frozen=True)
class Run:
    """What a run of ansible-playbook said: all of its output, and the result of each task."""

    code: int
    output: str
    results: tuple[Mapping[str, Any], ...]

    @property
    def last(self) -> Mapping[str, Any]:
        assert self.results, self.output
        return self.results[-1]

    @property
    def changed(self) -> bool:
        assert self.code == 0, self.output
        return bool(self.last["changed"])

    @property
    def plan(self) -> list[str]:
        return list(self.last["plan"])


def components(*definitions: Mapping[str, Any], **arguments: Any) -> dict[str, Any]:
    """A task with the module under test."""
    return {"name": "Run components", "quorate.kubernetes.components": {"components": list(definitions), **arguments}}


HOST_FACTS: dict[str, Any] = {"name": "Observe the host", "quorate.kubernetes.host_facts": {}}


class Host:
    """The host: changed by playbooks, looked at over SSH and HTTP."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._runs = 0

    def play(self, *tasks: Mapping[str, Any], options: Sequence[str] = ()) -> Run:
        """Run a playbook of these tasks."""
        self._runs += 1
        playbook, record = self._folder / f"{self._runs}.yml", self._folder / f"{self._runs}.results"
        playbook.write_text(json.dumps([{"name": "Test", "hosts": "it1", "gather_facts": False, "tasks": tasks}]), encoding="utf-8")
        environment = {
            **os.environ,
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callbacks"),
            "ANSIBLE_NOCOLOR": "1",
            "RECORD_RESULTS": str(record),
        }
        words = program("ansible-playbook", "-i", str(INVENTORY), *options, str(playbook))
        done = subprocess.run(
            words, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300, check=False
        )
        lines = record.read_text(encoding="utf-8").splitlines() if record.exists() else []
        return Run(done.returncode, done.stdout, tuple(json.loads(line) for line in lines))

    def apply(self, *definitions: Mapping[str, Any], options: Sequence[str] = ()) -> Run:
        """Run the module without an observation, so on the host whatever it finds there."""
        return self.play(components(*definitions), options=options)

    def converge(self, *definitions: Mapping[str, Any]) -> Run:
        """Run the module, and once more to see that nothing is left to do."""
        run = self.play(components(*definitions), components(*definitions))
        assert run.code == 0, run.output
        first, again = run.results
        assert [again["changed"], again["plan"], again["step"]] == [False, [], "keep"]
        return Run(run.code, run.output, (first,))

    def ssh(self, command: str, *, stdin: str = "", check: bool = True) -> str:
        """Output of a shell command on the host."""
        cache = paths.cache()
        options = ["BatchMode=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR"]
        options += ["ControlMaster=auto", "ControlPersist=60s", f"ControlPath={cache.sockets / f'root@{ADDRESS}'}"]
        words = ["ssh", "-F", "none", "-i", str(cache.key), *(word for option in options for word in ("-o", option))]
        done = subprocess.run([*words, f"root@{ADDRESS}", command], input=stdin, capture_output=True, text=True, timeout=60, check=False)
        assert not check or done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def write(self, path: str, content: str) -> None:
        """Write a file past the module."""
        self.ssh(f"mkdir -p $(dirname {path}) && cat >{path}", stdin=content)

    def restart(self, name: str) -> None:
        """Restart a unit past the module; what was written before is older than its process for any clock."""
        self.ssh(f"sleep 0.05; systemctl restart {name}")

    def unit(self, name: str, *properties: str) -> tuple[str, ...]:
        """Properties of a unit."""
        shown = self.ssh(f"systemctl show {' '.join(f'--property {entry}' for entry in properties)} {name}.service")
        found = dict(line.split("=", 1) for line in shown.splitlines())
        return tuple(found[entry] for entry in properties)

    def start_of(self, name: str) -> str:
        """What systemd calls the present start of a unit that runs."""
        active, invocation = self.unit(name, "ActiveState", "InvocationID")
        assert active == "active", f"{name} is {active}"
        return invocation


@dataclass(frozen=True)
class Server:
    """A component that runs the program of server.py."""

    host: Host
    name: str
    port: int

    def path(self, name: str) -> str:
        return f"/etc/{self.name}/{name}"

    @property
    def record(self) -> str:
        return f"/var/lib/quorate/components/{self.name}.json"

    def definition(
        self, config: str = "first", *, extra: str | None = "more", secret: str = "hush", again: str = "one", **overrides: Any
    ) -> dict[str, Any]:
        """The component with files of this content; all but one are read when it starts, and the bundle is somebody else's."""
        files: list[dict[str, Any]] = [{"path": self.path("config"), "content": f"{config}\n", "mode": "0640"}]
        if extra is not None:
            files.append({"path": self.path("extra"), "content": f"{extra}\n", "mode": "0600"})
        files.append({"path": self.path("secret"), "secret": f"{secret}\n", "mode": "0600"})
        read = " ".join([*(file["path"] for file in files), self.path("bundle")])
        files.append({"path": self.path("again"), "content": f"{again}\n", "restart": False})
        command = f"/usr/bin/python3 {SERVER} {self.port} {read}"
        return {
            "name": self.name,
            "unit": f"[Unit]\nDescription=Test\n\n[Service]\nExecStart={command}\n\n[Install]\nWantedBy=multi-user.target\n",
            "directories": [{"path": self.path("data"), "mode": "0750"}],
            "files": files,
            "watch": [self.path("bundle")],
            "ready": {"url": f"http://127.0.0.1:{self.port}/", "timeout": 20},
            **overrides,
        }

    def answer(self) -> list[str]:
        """What the process that runs has read when it started, file by file."""
        with urllib.request.urlopen(f"http://{ADDRESS}:{self.port}/", timeout=5) as response:
            return str(response.read().decode()).splitlines()

    def start(self) -> str:
        return self.host.start_of(self.name)
