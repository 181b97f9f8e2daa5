"""How components are observed: real files and processes, and a systemctl that tells what it is told to."""

from __future__ import annotations

import dataclasses
import json
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils import _component, _component_files, _host, _http
from ansible_collections.quorate.kubernetes.plugins.module_utils._component import Component, Directory, File, Ready

Systemctl = Callable[..., None]


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Records and units lie in a folder of the test."""
    (tmp_path / "records").mkdir()
    (tmp_path / "units" / "web.service.d").mkdir(parents=True)
    monkeypatch.setattr(_component_files, "RECORDS", str(tmp_path / "records"))
    monkeypatch.setattr(_component, "UNIT_DIRECTORY", str(tmp_path / "units"))


@pytest.fixture
def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Systemctl:
    """Makes a systemctl that tells these properties of any unit."""

    def make(**properties: Any) -> None:
        program = tmp_path / "bin" / "systemctl"
        program.parent.mkdir(exist_ok=True)
        told = " ".join(f"{name}={value}" for name, value in properties.items())
        program.write_text(f'#!/bin/sh\nfor word in "$@"; do case $word in *.service) printf "%s\\n" {told} "";; esac; done\n')
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")

    make(ActiveState="inactive", MainPID=0)
    return make


@pytest.fixture
def web(tmp_path: Path) -> Component:
    return Component(
        name="web",
        unit="[Service]\n",
        user="no-such-user",
        directories=(Directory(str(tmp_path / "data")),),
        files=(File(str(tmp_path / "config"), "content"),),
        watch=(str(tmp_path / "bundle"),),
        ready=Ready(port=80, paths=("/run/web",)),
    )


def record(name: str, content: Any) -> None:
    Path(_component_files.record_path(name)).write_text(content if isinstance(content, str) else json.dumps(content))


def monotonic_in(seconds: float) -> int:
    """systemd's time stamp of a moment before or after now."""
    return int((time.monotonic() + seconds) * 1e6)


# --- records -----------------------------------------------------------------------------------------------------------


def test_host_without_records_has_no_components(tmp_path: Path) -> None:
    (tmp_path / "records").rmdir()
    assert _component_files.read_records() == {}


def test_records(tmp_path: Path, web: Component) -> None:
    record("web", _component_files.record_of(web))
    record("damaged", "{")
    record("strange", "[]")
    (tmp_path / "records" / ".web.json.new").touch()
    records = _component_files.read_records()
    assert sorted(records) == ["web"]
    assert records["web"]["files"] == [str(tmp_path / "config"), str(tmp_path / "units/web.service"), web.inputs_path]
    assert records["web"] == _component_files.record_of(web), "a record that was read must equal one that was not written yet"
    assert _component_files.ready_of(records["web"]) == web.ready
    assert _component_files.ready_of({}) is None


# --- observation -------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("systemctl")
def test_fresh_host_lacks_everything(web: Component) -> None:
    steps = _component.plan(web, _component_files.facts_of(web, _host.Digests()))
    assert [step.verb for step in steps] == ["user", "directory", "write", "write", "inputs", "enable", "start"]


def test_what_a_record_names_is_observed(tmp_path: Path, systemctl: Systemctl) -> None:
    systemctl(ActiveState="failed", UnitFileState="enabled", MainPID=0, InvocationID="abc")
    (tmp_path / "config").write_text("content")
    (tmp_path / "data").mkdir(mode=0o700)
    observed = _component_files.observe(
        ["web"],
        {
            "web": {
                "files": [str(tmp_path / "config"), str(tmp_path / "gone")],
                "directories": [str(tmp_path / "data"), str(tmp_path / "none")],
                "users": ["root", "no-such-user"],
                "replaced": "former",
            }
        },
        _host.Digests(),
    )
    assert observed["files"][str(tmp_path / "config")]["digest"] == File("", "content").digest
    assert observed["files"][str(tmp_path / "gone")] is None
    component = observed["components"]["web"]
    assert component["directories"][str(tmp_path / "data")][0] == "0700"
    assert component["directories"][str(tmp_path / "none")] is None
    assert component["users"] == {"root": True, "no-such-user": False}
    unit = {"active": "failed", "enabled": True, "static": False, "invocation": "abc", "process": False, "inputs": "", "started": 0.0}
    assert {name: component["unit"][name] for name in unit} == unit
    assert (component["recorded"], component["replaced"]) == ([str(tmp_path / "config"), str(tmp_path / "gone")], "former")
    json.dumps(observed)


@pytest.mark.usefixtures("systemctl")
def test_facts_know_former_and_present_files(tmp_path: Path, web: Component) -> None:
    (tmp_path / "former").write_text("x")
    (tmp_path / "config").write_text("content")
    record("web", {"files": [str(tmp_path / "former")], "replaced": "abc"})
    facts = _component_files.facts_of(web, _host.Digests())
    assert facts.files[str(tmp_path / "former")] is not None
    assert facts.files[str(tmp_path / "config")] is not None
    assert facts.recorded == (str(tmp_path / "former"),), "what is wanted now was not written by a former run"
    assert facts.replaced == "abc"


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "60"], env={"QUORATE_INPUTS": "0123"}) as running:
        assert _host.wait_until(lambda: "QUORATE_INPUTS" in _host.process_environment(running.pid), timeout=5, poll=0.01)
        yield running
        running.kill()


def test_inputs_are_those_of_the_process_whatever_is_on_disk(
    web: Component, systemctl: Systemctl, process: subprocess.Popen[bytes]
) -> None:
    systemctl(ActiveState="active", MainPID=process.pid, ActiveEnterTimestampMonotonic=monotonic_in(-1000))
    Path(web.inputs_path).write_text(_component.inputs_file(web, "4567").content)
    unit = _component_files.facts_of(web, _host.Digests()).unit
    assert (unit.inputs, unit.process) == ("0123", True)
    assert 0 <= time.time() - unit.started < 10


@pytest.mark.parametrize(
    ("active", "ended", "inputs"),
    [
        pytest.param("active", 5, "4567", id="drop-in is older than the start"),
        pytest.param("active", -5, "", id="drop-in is younger than the start"),
        pytest.param("failed", 5, "", id="failed"),
        pytest.param("inactive", 5, "", id="inactive"),
    ],
)
def test_inputs_of_a_program_that_has_ended(web: Component, systemctl: Systemctl, active: str, ended: float, inputs: str) -> None:
    systemctl(ActiveState=active, MainPID=0, ActiveEnterTimestampMonotonic=monotonic_in(ended))
    Path(web.inputs_path).write_text(_component.inputs_file(web, "4567").content)
    assert _component_files.facts_of(web, _host.Digests()).unit.inputs == inputs


@pytest.mark.usefixtures("systemctl")
def test_of_a_link_that_is_watched_the_content_counts(tmp_path: Path, web: Component) -> None:
    def digest() -> str:
        return _component.inputs_digest(web, _component_files.facts_of(web, _host.Digests()).files)

    (tmp_path / "real").write_text("one")
    (tmp_path / "bundle").symlink_to("real")
    one = digest()
    (tmp_path / "real").write_text("two")
    assert digest() != one


@pytest.mark.usefixtures("systemctl")
def test_of_a_link_in_the_place_of_our_own_file_the_link_counts(tmp_path: Path) -> None:
    """Also where another component watches it."""
    (tmp_path / "real").write_text("content")
    (tmp_path / "config").symlink_to("real")
    path = str(tmp_path / "config")
    observed = _component_files.observe(["web", "watcher"], {"web": {"files": [path]}, "watcher": {"watch": [path]}}, _host.Digests())
    assert observed["files"][path]["digest"] == "link:real"


def node(ready: str) -> _http.Answer:
    """What the API tells of a node; 1796083200 is when it was said last."""
    said = {
        "type": "Ready",
        "status": ready,
        "reason": "KubeletNotReady",
        "message": "no network",
        "lastHeartbeatTime": "2026-12-01T00:00:00Z",
    }
    return _http.Answer(200, json.dumps({"kind": "Node", "metadata": {"name": "w1"}, "status": {"conditions": [said]}}))


# --- readiness ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_ready(tmp_path: Path, port: int) -> None:
    assert _component_files.why_not_ready(Ready()) == ""
    assert _component_files.why_not_ready(Ready(port=port, paths=(str(tmp_path),))) == ""


def test_not_ready(tmp_path: Path, port: int, free_port: int) -> None:
    """One cause at a time, the first that is missing."""
    path = str(tmp_path / "none")
    assert _component_files.why_not_ready(Ready(port=port, paths=(str(tmp_path), path))) == f"{path} is not there"
    assert _component_files.why_not_ready(Ready(port=free_port)) == f"nothing listens on port {free_port}"
    assert _component_files.why_not_ready(Ready(url=f"http://127.0.0.1:{free_port}/healthz")).startswith(
        f"http://127.0.0.1:{free_port}/healthz answers nothing: ConnectionRefusedError"
    )
    assert f"{path}" in _component_files.why_not_ready(Ready(url=f"https://127.0.0.1:{free_port}/", ca=path))


@pytest.mark.parametrize(("status", "answer"), [(200, ""), (503, "answers 200: not yet")])
def test_status_and_words_of_the_answer_count(monkeypatch: pytest.MonkeyPatch, status: int, answer: str) -> None:
    monkeypatch.setattr(_http, "http_request", lambda _url, context: _http.Answer(200, "not yet\n") if context is None else None)
    cause = _component_files.why_not_ready(Ready(url="http://127.0.0.1/healthz", status=status))
    assert cause.endswith(answer)
    assert bool(cause) == bool(answer)


@pytest.mark.parametrize(
    ("answer", "since", "problem"),
    [
        pytest.param(node("True"), 0, "", id="ready"),
        pytest.param(node("True"), 1796083200, "", id="said in the second of the start"),
        pytest.param(node("True"), 1796083201, "Node w1 has not said anything since", id="said before"),
        pytest.param(node("False"), 0, "Node w1 is not Ready: KubeletNotReady: no network", id="not ready"),
        pytest.param(
            _http.Answer(200, '{"kind": "Node", "metadata": {"name": "w1"}}'), 0, "Node w1 is not Ready: nobody has said so", id="silent"
        ),
        pytest.param(_http.Answer(0, "TimeoutError"), 0, "https://api/nodes/w1 answers nothing: TimeoutError", id="no answer"),
        pytest.param(_http.Answer(404, "no node"), 0, "https://api/nodes/w1 answers 404: no node", id="not registered"),
    ],
)
def test_what_an_object_says_counts(monkeypatch: pytest.MonkeyPatch, answer: _http.Answer, since: float, problem: str) -> None:
    monkeypatch.setattr(_component_files, "_tls_context", lambda *_paths: None)
    monkeypatch.setattr(_http, "http_request", lambda _url, context: answer if context is None else None)
    assert _component_files.why_not_ready(Ready(object="https://api/nodes/w1"), since=since) == problem


def test_facts_of_what_was_observed_say_the_same_as_the_observation(web: Component, systemctl: Systemctl) -> None:
    """The control node plans on the observation, the host on what it finds: both have to come to the same plan."""
    systemctl(ActiveState="active", UnitFileState="enabled", MainPID=0, ActiveEnterTimestampMonotonic=monotonic_in(5))
    record("web", {**_component_files.record_of(web), "replaced": "abc"})
    (Path(web.files[0].path)).write_text("altered")
    on_host = _component_files.facts_of(web, _host.Digests())
    records = _component_files.read_records()
    observation = json.loads(json.dumps(_component_files.observe(records, records, _host.Digests())))
    told = _component.facts_from_observation(web, observation)
    # Seconds since the epoch are reckoned from two clocks anew each time.
    started = dataclasses.replace(told.unit, started=on_host.unit.started)
    assert _component.plan(web, dataclasses.replace(told, unit=started)) == _component.plan(web, on_host)
