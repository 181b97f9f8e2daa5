# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: carries out the plans of components on a host, and undoes what does not become ready."""

from __future__ import annotations

import dataclasses
import time
from typing import Any

from ansible_collections.quorate.kubernetes.plugins.module_utils import _component, _component_files, _host

LOOK_SECONDS = 0.25
"""Pause between two looks at a component that is not ready."""

ASK_SECONDS = 1.0
"""How often systemd is asked for a component that does not answer yet."""

RESTARTS_TO_GIVE_UP = 5
"""After how many ends of its own a component that ran before counts as one that cannot run. systemd itself tries twenty times and more."""


# Not frozen: what passes an exception on gives it another traceback.
@dataclasses.dataclass(eq=False)
class NotReadyError(Exception):
    """A component did not become ready."""

    component: str
    cause: str
    journal: str
    put_back: bool

    def __str__(self) -> str:
        ending = "It runs again with its former inputs. " if self.put_back else ""
        journal = f" Its journal ends with:\n{self.journal}" if self.journal else " Its journal is empty."
        return f"{self.component} did not become ready: {self.cause}. {ending}Mend the cause and run again.{journal}"


class ComponentOnHost:
    """One component on this host."""

    def __init__(self, component: _component.Component, digests: _host.Digests) -> None:
        self._component = component
        self._digests = digests
        self._former: dict[str, bytes | None] = {}
        self._record: dict[str, Any] = _host.read_json(_component_files.record_path(component.name)) or {}
        self.told = 0.0
        self.restarted: dict[str, float] = {}
        self.facts = _component_files.facts_of(component, digests)
        self.steps = _component.plan(component, self.facts)

    @property
    def service(self) -> str:
        return self._component.service

    @property
    def touches_units(self) -> bool:
        """Whether files are changed that systemd reads."""
        return any(step.target.startswith(_component.UNIT_DIRECTORY) for step in self.steps)

    def has_step(self, *verbs: str) -> bool:
        """Whether the plan has one of these."""
        return any(step.verb in verbs for step in self.steps)

    @property
    def disturbs(self) -> bool:
        """Whether something that runs is stopped or restarted."""
        return _component.disturbs(self.steps)

    @property
    def reloads(self) -> bool:
        """Whether it reads files again while it runs."""
        return self.has_step("reload")

    def refuse_to_disturb(self) -> None:
        """An error if it is of use to somebody, and would be stopped or restarted."""
        if self.disturbs and self.facts.unit.active == "active" and not _component_files.why_not_ready(self._component.ready):
            raise _host.HostError(
                f"{self.service} is ready by now, so it was started after this host was looked at, and was left alone: it is to be restarted, and only with "
                "care for the others. Run again."
            )

    def write(self) -> None:
        """Carry out the plan as far as nothing is started."""
        self._announce()
        self._carry_out()

    def finish(self, *, wait: bool) -> None:
        """Wait until the component is ready, and note what is true now."""
        if wait and self._component.state == _component.STARTED:
            self._wait_ready()
        self._remember()

    def undone(self, error: Exception) -> Exception:
        """Put the former inputs back if the component ran with them; the error that tells of both."""
        if not (self.facts.unit.active == "active" and (self.disturbs or self.reloads)):
            return error
        failure = error if isinstance(error, NotReadyError) else self._failure(str(error).rstrip("."))
        return dataclasses.replace(failure, put_back=self._put_back())

    def _announce(self) -> None:
        """Note what is about to be done, so that the next run can finish it if this one dies."""
        component = self._component
        if component.state == _component.ABSENT or not self.steps:
            return
        record = _component_files.record_of(component)
        record["files"] = list(dict.fromkeys([*record["files"], *self.facts.recorded]))
        record["ready"] = self._record.get("ready", record["ready"])
        record["reloaded"] = self._record.get("reloaded", "")
        if any(step.target == component.service and step.verb in ("start", "restart") for step in self.steps):
            record["replaced"] = self.facts.unit.invocation
        _host.write_json(_component_files.record_path(component.name), record)

    def _remember(self) -> None:
        """Note what is true now."""
        component = self._component
        path = _component_files.record_path(component.name)
        if component.state == _component.ABSENT:
            _host.remove_file(path)
        elif self.steps or self._record != _component_files.record_of(component):
            _host.write_json(path, _component_files.record_of(component))

    def diffs(self) -> list[dict[str, str]]:
        """What the plan changes, file by file; the rest of the plan in words."""
        written = {file.path: file for file in self._component.written()}
        diffs: list[dict[str, str]] = []
        words = []
        for step in self.steps:
            diff = _file_diff(written[step.target]) if step.verb == "write" else {}
            # A file that is empty, or not known before something else is made, differs by nothing that could be shown.
            if diff and diff["before"] != diff["after"]:
                diffs.append(diff)
            else:
                words.append(f"{step}\n")
        return diffs + ([{"prepared": "".join(words)}] if words else [])

    def _carry_out(self) -> None:
        component, digests = self._component, self._digests
        written = {file.path: file for file in component.written()}
        for step in self.steps:
            if step.verb == "user":
                _host.make_system_user(step.target)
            elif step.verb == "directory":
                directory = next(entry for entry in component.directories if entry.path == step.target)
                _host.make_directory(directory.path, mode=directory.mode, owner=directory.owner, group=directory.group)
            elif step.verb == "write":
                self._write(written[step.target])
            elif step.verb == "attributes":
                file = written[step.target]
                self._keep(file.path)
                _host.set_attributes(file.path, mode=file.mode, owner=file.owner, group=file.group)
            elif step.verb == "inputs":
                self._write(_component.inputs_file(component, _component.inputs_digest(component, self.facts.files)))
            elif step.verb == "stop":
                self._stop()
            elif step.verb == "disable":
                _host.systemctl("disable", component.service)
            elif step.verb == "remove":
                self._keep(step.target)
                _host.remove_file(step.target)
        digests.save()

    def _stop(self) -> None:
        """To its end. Its unit allows for a graceful one, which may take minutes; who has no use for that gives it less."""
        service, timeout = self._component.service, self._component.stop_timeout

        def ended() -> bool:
            return _host.unit_states([service])[service].ended

        if timeout:
            _host.systemctl("stop", "--no-block", service)
            if not _host.wait_until(ended, timeout=timeout, poll=LOOK_SECONDS):
                _host.systemctl("kill", "--signal=KILL", service)
        _host.systemctl("stop", service)

    def _keep(self, path: str) -> None:
        """Remember the content of a file before it changes."""
        self._former.setdefault(path, _host.read_file(path))

    def _write(self, file: _component.File) -> None:
        self._keep(file.path)
        _host.make_directory_of(file.path)
        _host.write_file(file.path, file.content.encode(), mode=file.mode, owner=file.owner, group=file.group)

    def _wait_ready(self) -> None:
        component = self._component
        cause, failed = "", False
        asked = 0.0

        def ready() -> bool:
            nonlocal cause, failed, asked
            cause = _component_files.why_not_ready(component.ready, since=self.told)
            # systemd is asked rarely: a process for each look, on each host, is what a small machine has not.
            if not cause or time.monotonic() >= asked + ASK_SECONDS:
                asked = time.monotonic()
                state, failed = self._why_not_running()
                # Asked again: before, it may have been the former process that answered, just before it ended.
                cause = state or _component_files.why_not_ready(component.ready, since=self.told)
            return not cause or failed

        _host.wait_until(ready, timeout=component.ready.timeout, poll=LOOK_SECONDS)
        if cause:
            raise self._failure(cause)
        if self.told and self.facts.unit.process:
            self.restarted = {"at": round(self.told, 3), "seconds": round(time.time() - self.told, 3)}

    def _failure(self, cause: str) -> NotReadyError:
        journal = _host.journal_tail(self._component.service)
        return NotReadyError(component=self._component.name, cause=cause, journal=journal, put_back=False)

    def _why_not_running(self) -> tuple[str, bool]:
        """What systemd and the process say against it, empty if nothing; and whether it failed for good."""
        unit = _component_files.facts_of(self._component, self._digests).unit
        if unit.active != "active":
            restarts = _host.unit_states([self.service])[self.service].restarts
            # One that never ran may wait for another that is not there yet. systemd counts anew from each start that it was asked for.
            if self.facts.unit.process and restarts >= RESTARTS_TO_GIVE_UP:
                return f"it ended {restarts} times by itself", True
            return f"systemd calls it {unit.active}", unit.active == "failed"
        if unit.inputs != _component.inputs_digest(self._component, self.facts.files):
            return "its former process still runs", False
        return "", False

    def _put_back(self) -> bool:
        """Restore what this run changed, and start the component as it was. Whether it got ready."""
        service = self._component.service
        ready = _component_files.ready_of(self._record) or self._component.ready
        began = 0.0

        def is_ready() -> bool:
            return _host.unit_states([service])[service].active == "active" and not _component_files.why_not_ready(ready, since=began)

        try:
            self._restore()
            _host.systemctl("daemon-reload")
            if _host.unit_states([service])[service].invocation != self.facts.unit.invocation:
                _host.run(["systemctl", "reset-failed", service], check=False)
                began = time.time()
                _host.systemctl("restart", "--no-block", service)
            elif self.reloads:
                _host.systemctl("reload", service)
            return _host.wait_until(is_ready, timeout=ready.timeout)
        except _host.HostError:
            return False

    def _restore(self) -> None:
        for path, state in self.facts.directories.items():
            if state is not None:
                mode, owner, group = state
                _host.make_directory(path, mode=mode, owner=owner, group=group)
        for path, content in self._former.items():
            attributes = self.facts.files.get(path)
            if attributes is not None and attributes["digest"].startswith("link:"):
                # Also where what it leads to could not be read.
                _host.make_link(path, attributes["digest"].removeprefix("link:"))
            elif content is None or attributes is None:
                _host.remove_file(path)
            else:
                _host.write_file(path, content, mode=attributes["mode"], owner=attributes["owner"], group=attributes["group"])
        if self._record:
            _host.write_json(_component_files.record_path(self._component.name), self._record)


class Applying:
    """Components that are brought to their definition one after the other.

    Those that disturb nothing are written first and started together: systemd reads its units again once for all of them, and their
    starts overlap. One that ran is changed by itself, after all before it are ready, and put back if it does not bear that.
    """

    def __init__(self, *, wait: bool) -> None:
        self._wait = wait
        self._written: list[ComponentOnHost] = []

    def add(self, one: ComponentOnHost) -> None:
        if not (one.disturbs or one.reloads):
            one.write()
            self._written.append(one)
            return
        self.finish()
        try:
            one.write()
            _start([one])
            one.finish(wait=self._wait)
        except (NotReadyError, _host.HostError) as error:
            raise one.undone(error) from error

    def finish(self) -> None:
        """Start what was written, and wait for it."""
        written, self._written = self._written, []
        _start(written)
        for one in written:
            one.finish(wait=self._wait)


def _start(components: list[ComponentOnHost]) -> None:
    """Tell systemd of what was written, and start what is to be started, in this order."""
    changed = [one for one in components if one.steps]
    if not changed:
        return
    # Before the one reload, which enabling would bring for each of them.
    if enabled := [one.service for one in changed if one.has_step("enable")]:
        _host.systemctl("enable", "--no-reload", *enabled)
    states = {} if any(one.touches_units for one in changed) else _host.unit_states(one.service for one in changed)
    if not states or any(state.reload_needed for state in states.values()):
        _host.systemctl("daemon-reload")
    for one in changed:
        if one.reloads:
            _host.systemctl("reload", one.service)
    if starting := [one for one in changed if one.has_step("start", "restart")]:
        services = [one.service for one in starting]
        _host.run(["systemctl", "reset-failed", *services], check=False)
        for one in starting:
            one.told = time.time()
        # Not waiting here: systemd counts a member of a new etcd cluster as started only when it has its quorum.
        _host.systemctl("restart", "--no-block", *services)


def _file_diff(file: _component.File) -> dict[str, str]:
    before = _host.read_file(file.path)
    shown = "(secret)\n" if file.secret else file.content
    return {
        "before_header": file.path,
        "after_header": file.path,
        "before": "" if before is None else "(secret, other content)\n" if file.secret else before.decode("utf-8", "replace"),
        "after": shown,
    }
