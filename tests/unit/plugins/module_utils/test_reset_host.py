"""What is found on a host, and taken away: real files below a temporary root, and tools that tell what they are told to."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
from pathlib import Path
from typing import Any, Optional
from unittest import mock

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils import (
    _artifact_files,
    _certificate_files,
    _component,
    _component_files,
    _host,
    _reset,
    _reset_host,
    _reset_state,
)


class Host:
    """A host whose root is a temporary folder, with records of ours."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.state = root / "var/lib/quorate"

    def path(self, name: str) -> str:
        return str(self.root / name)

    def write(self, name: str, content: str = "x") -> str:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        return str(path)

    def record(self, name: str, content: Any) -> None:
        self.write(f"var/lib/quorate/{name}", json.dumps(content))

    def observe(self) -> _reset.Observed:
        return _reset_state.observe([self.path("var/lib/kubelet")])


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    host = Host(tmp_path)
    monkeypatch.setattr(_host, "STATE_DIRECTORY", str(host.state))
    monkeypatch.setattr(_component_files, "RECORDS", str(host.state / "components"))
    monkeypatch.setattr(_component, "UNIT_DIRECTORY", host.path("units"))
    monkeypatch.setattr(_certificate_files, "RECORD", str(host.state / "certificates.json"))
    monkeypatch.setattr(_artifact_files, "RECORD", str(host.state / "artifacts.json"))
    monkeypatch.setattr(_host, "unit_states", lambda units: {unit: State(unit) for unit in units})
    monkeypatch.setattr(_host, "made_users", lambda: ["etcd"])
    return host


def State(unit: str, **about: Any) -> _host.UnitState:  # noqa: N802 - it stands for the class
    known = {"loaded": True, "active": "active", "enabled": True, "static": unit.startswith("systemd-"), "pid": 1}
    rest = {"invocation": "", "reload_needed": False, "activated": 0.0, "restarts": 0}
    return _host.UnitState(**{**known, **rest, **about})


# --- observation -------------------------------------------------------------------------------------------------------


def test_host_without_records_is_left_alone(host: Host) -> None:
    host.write("var/lib/kubelet/x")
    assert host.observe() == _reset.Observed()


def test_files_go_in_the_order_units_certificates_programs(host: Host) -> None:
    unit, certificate, key = host.write("units/etcd.service"), host.write("etc/a.crt"), host.write("etc/a.key")
    program, bundle = host.write("opt/etcd/3/etcd"), host.write("etc/ca.crt")
    host.record("artifacts.json", {program: "0755", host.path("opt/gone"): "0755"})
    host.record("certificates.json", {"certificates": {certificate: {"key": key}}, "trust": [bundle]})
    host.record("components/etcd.json", {"files": [unit], "directories": []})
    assert host.observe().files == (unit, certificate, key, bundle, program)


def test_what_a_run_that_died_left_goes(host: Host) -> None:
    key = host.path("etc/a.key")
    host.record("certificates.json", {"certificates": {host.path("etc/a.crt"): {"key": key}}, "trust": []})
    assert host.write("etc/a.key.new") in host.observe().files
    assert host.write("etc/.a.key.new") in host.observe().files


@pytest.mark.parametrize(
    ("target", "ours"), [("opt/etcd/3/etcdctl", True), ("opt/etcd/2/etcdctl", False)], ids=["to a program of ours", "to another"]
)
def test_links_of_others_stay(host: Host, target: str, ours: bool) -> None:
    program, link = host.write("opt/etcd/3/etcdctl"), host.path("bin-etcdctl")
    os.symlink(host.path(target), link)
    host.record("artifacts.json", {program: "0755", link: "link"})
    assert (link in host.observe().files) is ours


def test_file_in_the_place_of_a_link_stays(host: Host) -> None:
    link = host.write("bin-etcdctl")
    host.record("artifacts.json", {link: "link"})
    assert host.observe().files == ()


def test_units(host: Host) -> None:
    unit = host.write("units/etcd.service")
    host.record("components/etcd.json", {"files": [unit]})
    host.record("components/flanneld.json", {"files": [host.path("units/flanneld.service")]})
    host.record("components/systemd-sysctl.json", {"files": [host.path("etc/sysctl.conf")]})
    units = {one.name: one for one in _reset_state.observe([]).units}
    assert units["etcd"] == _reset.Unit("etcd", running=True, enabled=True)
    assert units["flanneld"].stale, "systemd has a unit whose file is gone"
    assert (units["systemd-sysctl"].own, units["systemd-sysctl"].enabled) == (False, False)


def test_data_is_what_lies_in_directories_of_components(host: Host) -> None:
    host.write("var/lib/etcd/member/db")
    (host.root / "var/lib/empty").mkdir()
    host.write("var/lib/moved/moved.aside-20261121T120000Z/db")
    names = ["var/lib/etcd", "var/lib/empty", "var/lib/moved", "var/lib/none"]
    host.record("components/etcd.json", {"directories": [host.path(name) for name in names]})
    observed = host.observe()
    assert observed.data == (host.path("var/lib/etcd"),)
    assert observed.entries[host.path("var/lib/empty")] == ()


def test_only_nodes_are_searched_for_what_pods_left(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    host.write("var/lib/kubelet/x")
    monkeypatch.setattr(_reset_state, "told", lambda *_words: "")
    monkeypatch.setattr(_reset_state, "pod_processes", lambda: {7: "pause"})
    host.record("components/etcd.json", {})
    assert host.observe().runtime == _reset.Runtime(), "whatever runs on a member of etcd is somebody else's"
    host.record("components/kubelet.json", {})
    runtime = host.observe().runtime
    assert (runtime.processes, runtime.directories) == (1, (host.path("var/lib/kubelet"),))


@pytest.mark.parametrize(
    ("names", "records", "kept"),
    [
        pytest.param([], True, (), id="empty"),
        pytest.param(["digests.json", "artifacts.json"], True, (), id="records"),
        pytest.param(["digests.json", "snapshots"], True, ("snapshots",), id="records and snapshots"),
        pytest.param(["snapshots"], False, ("snapshots",), id="snapshots"),
        pytest.param([".x.new"], True, (), id="begun to write"),
    ],
)
def test_records(host: Host, names: list[str], records: bool, kept: tuple[str, ...]) -> None:
    host.state.mkdir(parents=True)
    for name in names:
        host.record(name, {})
    observed = host.observe()
    assert (observed.records, observed.kept) == (records, kept)


# --- actions -----------------------------------------------------------------------------------------------------------


def test_forget_leaves_snapshots(host: Host) -> None:
    host.record("components/etcd.json", {})
    host.record(".x.new", {})
    host.record("digests.json", {})
    snapshot = host.write("var/lib/quorate/snapshots/a.db")
    _reset_host.forget()
    assert os.listdir(host.state) == ["snapshots"]
    assert os.path.exists(snapshot)


def test_forget_leaves_nothing(host: Host) -> None:
    host.record("components/etcd.json", {})
    _reset_host.forget()
    assert not host.state.exists()


def test_clear(host: Host) -> None:
    host.write("pods/a/b")
    os.symlink(host.write("outside/file"), host.path("pods/link"))
    os.symlink(host.path("outside"), host.path("pods/directory"))
    _reset_host.clear(host.path("pods"), _reset_state.names_in(host.path("pods")))
    assert not os.path.exists(host.path("pods"))
    assert os.path.exists(host.path("outside/file")), "what links lead to is not ours"


def test_link_is_emptied_and_stays(host: Host) -> None:
    host.write("disk/a/b")
    os.symlink(host.path("disk"), host.path("pods"))
    _reset_host.clear(host.path("pods"), _reset_state.names_in(host.path("pods")))
    assert os.path.islink(host.path("pods"))
    assert os.listdir(host.path("disk")) == []


def test_nothing_is_deleted_where_something_is_mounted_still(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    volume = host.write("pods/volume/precious")
    mountinfo = f"1 0 8:1 / / rw - ext4 /dev/sda rw\n2 1 8:2 / {host.path('pods/volume')} rw - ext4 /dev/sdb rw\n"
    monkeypatch.setattr(_host, "read_file", lambda _path: mountinfo.encode())
    with pytest.raises(_host.HostError, match=r"mounted there still.*pods/volume"):
        _reset_host.clear(host.path("pods"), ["volume"])
    assert os.path.exists(volume)


def test_data_that_is_deleted_leaves_what_was_moved_aside(host: Host) -> None:
    host.write("etcd/member/db")
    kept = host.write("etcd/etcd.aside-20261121T120000Z/db")
    _reset_host.clear(host.path("etcd"), _reset_state.data_in(host.path("etcd")))
    assert not os.path.exists(host.path("etcd/member"))
    assert os.path.exists(kept)


def test_data_moved_aside_is_closed(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "chown", lambda *_arguments: None)
    host.write("etcd/member/db")
    target = _reset_host.move_data_aside(host.path("etcd"))
    assert target.startswith(host.path("etcd.aside-"))
    assert os.stat(target).st_mode & 0o777 == 0o700
    assert not os.path.exists(host.path("etcd"))


@pytest.mark.parametrize(("needs", "killed"), [(1, False), (4, True)], ids=["ends", "waits for what will not come"])
def test_unit_that_does_not_end_is_killed(monkeypatch: pytest.MonkeyPatch, needs: int, killed: bool) -> None:
    calls: list[tuple[str, ...]] = []
    looks = iter(["deactivating"] * needs + ["failed"])
    monkeypatch.setattr(_host, "systemctl", lambda *words: calls.append(words))
    monkeypatch.setattr(_host, "unit_states", lambda units: {units[0]: State(units[0], active=next(looks))})
    monkeypatch.setattr(_host, "wait_until", lambda ended, **_options: any(ended() for _look in range(3)))
    _reset_host.stop("a.service")
    assert calls[0] == ("stop", "--no-block", "a.service")
    assert (calls[1:] == [("kill", "--signal", "KILL", "a.service")]) is killed


@pytest.mark.parametrize(("there", "error"), [(False, None), (True, "Removing the interface cni0 failed: busy")], ids=["gone", "there"])
def test_interface_that_is_gone_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bool, error: Optional[str]) -> None:
    monkeypatch.setattr(_reset_state, "INTERFACES", str(tmp_path))
    monkeypatch.setattr(_host, "run", lambda _words, **_options: _host.Completed(1, "", "busy\n"))
    if there:
        (tmp_path / "cni0").mkdir()
    with pytest.raises(_host.HostError, match=error) if error else contextlib.nullcontext():
        _reset_host.remove_interface("cni0")


def test_hidden_namespace_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_host, "run", lambda _words, **_options: _host.Completed(32, "", "not mounted"))
    monkeypatch.setattr(os, "unlink", mock.Mock(side_effect=OSError(16, "Device or resource busy")))
    assert "stays until the next boot" in _reset_host.remove_namespace(str(tmp_path / "cni-1"))


def test_directory_in_which_something_appeared_stays(host: Host) -> None:
    path = host.write("etc/new")
    _reset_host.remove_directory(os.path.dirname(path))
    assert os.path.exists(path)


def test_processes_that_do_not_end_are_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    # Each has told that it is there before it is asked to end.
    command = "trap '' TERM; echo there; exec sleep 60"
    processes = [subprocess.Popen(["sh", "-c", text], stdout=subprocess.PIPE) for text in ("echo there; exec sleep 60", command)]
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == b"there\n"
    monkeypatch.setattr(_reset_state, "pod_processes", lambda: {one.pid: "pod" for one in processes if one.poll() is None})
    _reset_host.end_processes(0.3)
    assert [process.wait(5) for process in processes] == [-signal.SIGTERM, -signal.SIGKILL]
    for process in processes:
        assert process.stdout
        process.stdout.close()


def test_process_that_cannot_be_killed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_reset_host, "GONE_SECONDS", 0.0)
    monkeypatch.setattr(_reset_state, "pod_processes", lambda: {2**22 + 1: "/opt/pause"})
    with pytest.raises(_host.HostError, match=r"/opt/pause.*did not end. Restart the host"):
        _reset_host.end_processes(0.0)


def test_each_verb_of_a_removal_is_known() -> None:
    runtime = _reset.Runtime(
        cgroups=("x",), mounts=("x",), links=("x",), routes=("x",), namespaces=("x",), chains={"iptables": 1}, tables=("x",)
    )
    observed = _reset.Observed(files=("/a/b",), entries={"/c/d": ()}, users=("x",), runtime=runtime)
    verbs = {step.verb for step in _reset.plan(observed, delete_data=False)}
    assert verbs == set(_reset_host.REMOVALS)


def test_locks_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_host, "LOCK_DIRECTORY", str(tmp_path))
    for name in ("quorate-components.lock", "other.lock"):
        (tmp_path / name).touch()
    _reset_host.remove_locks()
    assert os.listdir(tmp_path) == ["other.lock"]


def test_every_record_of_ours_goes_with_a_reset() -> None:
    utils = Path(_host.__file__).parent
    written = {
        name for file in utils.glob("*.py") for name in re.findall(r'STATE_DIRECTORY \+ "/([\w.]+)"', file.read_text(encoding="utf-8"))
    }
    assert "objects.json" in written
    assert written <= set(_reset_state.RECORDS)
