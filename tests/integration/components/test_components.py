"""The module components against a real systemd, looked at with systemctl, stat, cat and HTTP."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils import _component, _settings

from .harness import HOST_FACTS, Host, Server, components

SECRET = "correct-horse-battery-staple"


def test_life_of_a_component(host: Host, fresh: Server) -> None:
    """Told, checked, applied, again, changed, again, absent, absent again."""
    unit = f"/etc/systemd/system/{fresh.name}.service"
    places = " ".join([fresh.path("config"), fresh.path("data"), unit, f"{unit}.d/50-inputs.conf", fresh.record])

    # Nothing is done: with apply: false, without and with an observation, and in check mode.
    told = components(fresh.definition(), apply=False)
    idle = host.play(told, HOST_FACTS, told, {**components(fresh.definition()), "check_mode": True, "diff": True})
    contacted, _observed, reckoned, checked = idle.results
    assert [result["changed"] for result in (contacted, reckoned, checked)] == [False, False, True]
    assert [result["step"] for result in (contacted, reckoned, checked)] == ["build"] * 3
    assert contacted["plan"] == reckoned["plan"] == checked["plan"]
    assert "+first" in idle.output
    assert host.ssh(f"ls -d {places} 2>/dev/null", check=False) == ""
    assert host.unit(fresh.name, "LoadState") == ("not-found",)

    run = host.play(components(fresh.definition()), components(fresh.definition()), HOST_FACTS, components(fresh.definition()))
    applied, again, _observed, observed = run.results
    assert [applied["changed"], applied["plan"]] == [True, checked["plan"]]
    assert [again["changed"], again["plan"], again["step"]] == [False, [], "keep"]
    assert [observed["changed"], observed["plan"], observed["step"]] == [False, [], "keep"]
    assert observed["executions"] == 0, "the observation told that there is nothing to do, yet the host was contacted"
    assert fresh.answer() == ["first", "more", "hush", "old"]
    assert host.unit(fresh.name, "ActiveState", "UnitFileState", "NeedDaemonReload", "NRestarts") == ("active", "enabled", "no", "0")
    assert host.ssh(f"stat --format '%a %U %G' {fresh.path('data')} {fresh.path('config')} {unit}").splitlines() == [
        "750 root root",
        "640 root root",
        "600 root root",
    ]

    started = fresh.start()
    changed = host.converge(fresh.definition("second"))
    assert [changed.changed, changed.last["step"]] == [True, "change"]
    assert fresh.answer()[0] == "second"
    assert fresh.start() != started

    gone = host.converge({"name": fresh.name, "state": "absent"})
    assert gone.changed
    assert host.unit(fresh.name, "LoadState", "ActiveState") == ("not-found", "inactive")
    assert host.ssh(f"ls -d {places} 2>/dev/null", check=False) == fresh.path("data"), "directories may hold data, and stay"

    # Taken away and brought back in one run, which had seen it before.
    absent = components({"name": fresh.name, "state": "absent"})
    back = host.play(components(fresh.definition()), HOST_FACTS, absent, components(fresh.definition()))
    assert back.results[-1]["step"] == "build"
    assert host.unit(fresh.name, "LoadState", "ActiveState") == ("loaded", "active")


def test_stopped_is_configured_and_does_not_run(host: Host, server: Server) -> None:
    stopped = host.converge(server.definition("second", state="stopped"))
    assert stopped.last["step"] == "change"
    assert host.unit(server.name, "ActiveState", "UnitFileState") == ("inactive", "disabled")
    assert host.ssh(f"cat {server.path('config')}") == "second"
    assert host.apply(server.definition("second")).last["step"] == "build"
    assert server.answer()[0] == "second"


def test_what_was_taken_for_stopped_and_runs_is_left_alone(host: Host, server: Server) -> None:
    """Without an observation the action plans nothing, so the module sees for the first time that it runs."""
    started = server.start()
    task = components(server.definition("second"), disturb=False)
    refused = host.play(task)
    assert refused.code != 0
    assert f"{server.name}.service is ready by now" in refused.last["msg"]
    assert server.start() == started
    assert host.ssh(f"cat {server.path('config')}") == "first"
    host.ssh(f"systemctl stop {server.name}")
    assert host.play(task).code == 0
    assert server.answer()[0] == "second"


def test_what_does_not_stop_is_killed(host: Host) -> None:
    stubborn = "[Service]\nExecStart=/bin/sh -c 'trap \"\" TERM; while :; do sleep 1; done'\nTimeoutStopSec=90\n[Install]\nWantedBy=multi-user.target\n"
    host.apply({"name": "stubborn", "unit": stubborn})
    assert host.unit("stubborn", "ActiveState") == ("active",)
    began = time.monotonic()
    host.apply({"name": "stubborn", "state": "absent", "stop_timeout": 1})
    assert time.monotonic() - began < 60
    assert host.unit("stubborn", "ActiveState") != ("deactivating",)
    assert host.ssh("pgrep -f '[t]rap .* TERM' || echo none") == "none"


def test_file_that_needs_no_restart(host: Host, server: Server) -> None:
    started = server.start()
    changed = host.converge(server.definition(again="two"))
    assert changed.plan == [f"write {server.path('again')} (content)"]
    assert changed.last["step"] == "build"
    assert host.ssh(f"cat {server.path('again')}") == "two"
    assert server.start() == started


def test_file_that_is_reloaded(host: Host, server: Server) -> None:
    """The unit notices it without a restart, and what it does not bear is put back."""

    def definition(again: str) -> dict[str, Any]:
        reload = f"ExecReload=/bin/sh -c 'grep -q fine {server.path('again')} && cp {server.path('again')} {server.path('seen')}'\n"
        made = server.definition(again=again)
        made["unit"] = made["unit"].replace("[Install]", f"{reload}\n[Install]")
        made["files"][-1] = {**made["files"][-1], "restart": True, "reload": True}
        return made

    host.converge(definition("fine"))
    started = server.start()
    changed = host.converge(definition("fine too"))
    assert changed.plan == [
        f"write {server.path('again')} (content)",
        f"reload {server.name}.service (it has read another {server.path('again')})",
    ]
    assert changed.last["step"] == "build"
    assert host.ssh(f"cat {server.path('seen')}") == "fine too"
    failed, again = host.play({**components(definition("wrong")), "ignore_errors": True}, components(definition("fine too"))).results
    assert failed["failure"]["put_back"] is True
    assert [again["changed"], again["plan"]] == [False, []]
    assert host.ssh(f"cat {server.path('again')} {server.path('seen')}").split() == ["fine", "too"] * 2
    assert server.start() == started


def test_watched_path(host: Host, server: Server) -> None:
    """What others write is an input; so is what is behind a link."""
    assert server.answer()[3] == "old"
    host.write(server.path("real/bundle"), "new\n")
    assert host.converge(server.definition()).plan[-1] == f"restart {server.name}.service (it runs with other inputs)"
    assert server.answer()[3] == "new"


def test_altered_on_disk_is_put_right_without_a_restart(host: Host, server: Server) -> None:
    started = server.start()
    host.write(server.path("config"), "altered\n")
    assert host.converge(server.definition()).plan == [f"write {server.path('config')} (content)"]
    assert host.ssh(f"cat {server.path('config')}") == "first"
    assert server.start() == started


def test_altered_and_started_by_hand_is_restarted(host: Host, server: Server) -> None:
    host.write(server.path("config"), "altered\n")
    host.restart(server.name)
    assert host.converge(server.definition()).plan == [
        f"write {server.path('config')} (content)",
        f"restart {server.name}.service (it was started with an altered {server.path('config')})",
    ]
    assert server.answer()[0] == "first"


@pytest.mark.parametrize("last", [pytest.param(1, id="after the first file"), pytest.param(None, id="before the restart")])
def test_run_that_died_is_finished(host: Host, server: Server, last: int | None) -> None:
    """Some or all is written, and the process still runs with the former inputs."""
    wanted = _component.parse(server.definition("second"))
    inputs = _component.inputs_file(wanted, "somebody wrote this")
    for file in [*wanted.written(), inputs][:last]:
        host.write(file.path, file.content)
    assert host.converge(server.definition("second")).plan[-1] == f"restart {server.name}.service (it runs with other inputs)"
    assert server.answer()[0] == "second"


def test_run_that_died_after_it_put_an_altered_file_right_is_finished(host: Host, server: Server) -> None:
    """The disk is as it should be, and so is the digest that the process was started with; but it has read something else."""
    host.write(server.path("config"), "altered\n")
    host.restart(server.name)
    # What the module notes before it touches anything, and what it does next.
    noted = {**json.loads(host.ssh(f"cat {server.record}")), "replaced": server.start()}
    host.write(server.record, json.dumps(noted))
    host.write(server.path("config"), "first\n")
    finished, again = host.play(HOST_FACTS, components(server.definition()), components(server.definition())).results[1:]
    assert finished["plan"] == [f"restart {server.name}.service (a former run did not come to restart it)"]
    assert again["plan"] == []
    assert server.answer()[0] == "first"


def test_broken_configuration_is_put_back(host: Host, server: Server) -> None:
    """What the module changed is as before: content, attributes, and the file that is no longer named."""
    broken = server.definition("broken", extra=None)
    broken["files"][0]["mode"] = "0666"

    failed, again = host.play({**components(broken), "ignore_errors": True}, components(server.definition())).results
    assert failed["failed"] is True
    assert failed["failure"]["put_back"] is True
    assert failed["failure"]["component"] == server.name
    assert "The configuration makes no sense" in failed["failure"]["journal"]
    assert "The configuration makes no sense" in failed["msg"]
    assert "runs again with its former inputs" in failed["msg"]
    assert [again["changed"], again["plan"]] == [False, []]
    assert server.answer() == ["first", "more", "hush", "old"]
    assert host.ssh(f"stat --format %a {server.path('config')} {server.path('extra')}").split() == ["640", "600"]


def test_component_that_ends_again_and_again_is_put_back(host: Host, server: Server) -> None:
    """Long before its time is over, and although systemd would try for ever."""
    unit = server.definition()["unit"].replace("[Service]\n", "StartLimitIntervalSec=0\n[Service]\nRestart=always\nRestartSec=100ms\n")
    ready = {**server.definition()["ready"], "timeout": 300}
    stubborn, broken = (server.definition(config, unit=unit, ready=ready) for config in ("first", "broken"))
    failed, again = host.play(components(stubborn), {**components(broken), "ignore_errors": True}, components(stubborn)).results[1:]
    assert failed["failed"] is True
    assert failed["failure"]["put_back"] is True
    assert "times by itself" in failed["failure"]["cause"]
    assert [again["changed"], again["plan"]] == [False, []]
    assert server.answer()[0] == "first"


def test_unit_that_systemd_refuses_is_put_back(host: Host, server: Server) -> None:
    """The process never notices."""
    started = server.start()
    refused = server.definition(unit="[Service]\nExecStart=not-absolute/path --flag\n[Install]\nWantedBy=multi-user.target\n")
    failed, again = host.play({**components(refused), "ignore_errors": True}, components(server.definition())).results
    assert failed["failed"] is True
    assert failed["failure"]["put_back"] is True
    assert server.name in failed["msg"]
    assert [again["changed"], again["plan"]] == [False, []]
    assert server.start() == started


def test_component_that_never_ran_is_left_for_the_next_run(host: Host, fresh: Server) -> None:
    run = host.play({**components(fresh.definition("broken")), "ignore_errors": True}, components(fresh.definition()))
    failed, mended = run.results
    assert failed["failed"] is True
    assert failed["failure"]["put_back"] is False
    assert "The configuration makes no sense" in failed["msg"]
    assert [mended["changed"], mended["step"]] == [True, "build"]
    assert fresh.answer()[0] == "first"


def test_secret_is_never_shown(host: Host, fresh: Server) -> None:
    """Not even where the program itself prints it when it fails."""
    run = host.play(
        {**components(fresh.definition(secret=SECRET)), "check_mode": True},
        components(fresh.definition(secret=SECRET)),
        HOST_FACTS,
        components(fresh.definition(secret=SECRET)),
        components(fresh.definition(secret=f"{SECRET}-2")),
        {**components(fresh.definition(secret=f"{SECRET}-broken")), "ignore_errors": True},
        options=["-vvv", "--diff"],
    )
    assert [result["changed"] for result in run.results] == [True, True, False, False, True, True]
    assert "The configuration makes no sense" in run.last["msg"]
    assert fresh.answer()[2] == f"{SECRET}-2", "it has to be there to be hidden"
    assert host.ssh(f"stat --format %a {fresh.path('secret')}") == "600"
    assert fresh.path("secret") in run.output
    assert SECRET not in run.output
    assert SECRET not in json.dumps(run.results)


def test_mode_and_owner_are_repaired_without_a_restart(host: Host, server: Server) -> None:
    started = server.start()
    paths = f"{server.path('config')} {server.path('data')}"
    host.ssh(f"chmod 777 {paths} && chown nobody:nogroup {server.path('config')}")
    assert host.converge(server.definition()).changed
    assert host.ssh(f"stat --format '%a %U %G' {paths}").splitlines() == ["640 root root", "750 root root"]
    assert server.start() == started


def test_file_that_is_no_longer_named_is_removed(host: Host, server: Server) -> None:
    assert f"remove {server.path('extra')} (no longer part of {server.name})" in host.converge(server.definition(extra=None)).plan
    assert host.ssh(f"ls {server.path('')}").split() == ["again", "bundle", "config", "data", "real", "secret"]
    assert server.answer() == ["first", "hush", "old"]


def test_file_of_a_run_that_died_is_removed_too(host: Host, server: Server) -> None:
    """It died between noting what it was about to do and doing it: the file is nobody's any more, but not forgotten."""
    wanted = _component.parse(server.definition(extra=None))
    noted = json.loads(host.ssh(f"cat {server.record}"))
    assert server.path("extra") in noted["files"]
    host.write(wanted.unit_path, wanted.unit)
    host.converge(server.definition(extra=None))
    assert server.path("extra") not in json.loads(host.ssh(f"cat {server.record}"))["files"]
    assert host.ssh(f"ls {server.path('extra')} 2>/dev/null", check=False) == ""


def test_system_user_owns_what_it_is_given(host: Host, server: Server) -> None:
    definition = server.definition(user=server.name, directories=[{"path": server.path("data"), "mode": "0700", "owner": server.name}])
    definition["unit"] = definition["unit"].replace("[Service]", f"[Service]\nUser={server.name}")
    for file in definition["files"]:
        file.update(mode="0600", owner=server.name)
    assert host.converge(definition).changed
    assert server.answer()[0] == "first"
    assert host.ssh(f"stat --format '%a %U %G' {server.path('config')}") == f"600 {server.name} {server.name}"
    assert host.ssh(f"getent passwd {server.name}").rpartition(":")[2] == "/usr/sbin/nologin"


def test_systemd_passes_flags_on_unchanged(host: Host, server: Server) -> None:
    """What the filter unit_arguments quotes, seen by the process."""
    flags = {
        "a": 'it\'s "quoted" \\ and $HOME ${HOME} %n %% ; #',
        "b": ["x", "y z"],
        "c": {"Gate": True},
        "d": "\\x41\\n",
        "e": "100%",
        "f": "ä",
        "g": "'",
    }
    definition = server.definition()
    command = next(line for line in definition["unit"].splitlines() if line.startswith("ExecStart="))
    definition["unit"] = definition["unit"].replace(command, f"{command} \\\n{_settings.unit_arguments(flags)}")
    host.apply(definition)
    (pid,) = host.unit(server.name, "MainPID")
    words = host.ssh(f"cat /proc/{pid}/cmdline").split("\0")
    assert [word for word in words if word.startswith("--")] == [
        '--a=it\'s "quoted" \\ and $HOME ${HOME} %n %% ; #',
        "--b=x,y z",
        "--c=Gate=true",
        "--d=\\x41\\n",
        "--e=100%",
        "--f=ä",
        "--g='",
    ]


def test_unit_of_the_operating_system(host: Host) -> None:
    """systemd-sysctl does its work and ends: running it again disturbs nothing. That it starts at boot cannot be changed."""
    path = "/etc/sysctl.d/91-it.conf"

    def definition(value: int) -> dict[str, Any]:
        return {"name": "systemd-sysctl", "files": [{"path": path, "content": f"net.ipv4.ip_default_ttl = {value}\n"}]}

    def value() -> str:
        return host.ssh("cat /proc/sys/net/ipv4/ip_default_ttl")

    first = host.converge(definition(70))
    assert [first.changed, first.last["step"], value()] == [True, "build", "70"]
    gone = {"name": "systemd-sysctl", "state": "absent"}
    run = host.play(*(components(one) for one in (definition(71), definition(71), gone, gone)))
    assert [result["changed"] for result in run.results] == [True, False, True, False]
    assert [run.results[0]["step"], value()] == ["build", "71"]
    unit = "/lib/systemd/system/systemd-sysctl.service"
    assert host.ssh(f"ls {unit} {path} 2>/dev/null", check=False) == unit, "only what is ours goes"
