# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: what a component is, and what has to be done so that it runs with exactly its inputs.

A component is a systemd unit with its configuration. Its inputs are the unit, the content of its files and the content
of the paths that it watches. Their digest stands in the environment of the unit, so the digest that a process was
started with can be read from the process itself: whoever started it, and whatever died in between.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

UNIT_DIRECTORY = "/etc/systemd/system"
INPUTS_VARIABLE = "QUORATE_INPUTS"
SECRET_WORD = 16
"""A shorter word is no key, and may be a word of the message."""

STARTED = "started"
STOPPED = "stopped"
ABSENT = "absent"

BUILD = "build"
CHANGE = "change"
KEEP = "keep"


class ComponentError(Exception):
    """The definition of a component makes no sense."""


@dataclasses.dataclass(frozen=True)
class File:
    """A file that belongs to a component.

    Attributes:
        path: absolute path on the host.
        content: whole content.
        mode: permission bits as four octal digits.
        owner: user that owns it.
        group: group that owns it.
        secret: whether the content must not be shown.
        restart: whether the component has to be restarted to notice a change.
        reload: whether its unit can be reloaded for that, which disturbs nobody; then it is not restarted.
    """

    path: str
    content: str
    mode: str = "0644"
    owner: str = "root"
    group: str = "root"
    secret: bool = False
    restart: bool = True
    reload: bool = False

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.content.encode()).hexdigest()


@dataclasses.dataclass(frozen=True)
class Directory:
    """A directory that a component needs. It is made, and never removed."""

    path: str
    mode: str = "0755"
    owner: str = "root"
    group: str = "root"


@dataclasses.dataclass(frozen=True)
class Ready:
    """When a component counts as ready: all that is set has to hold, within `timeout` seconds of its start.

    Attributes:
        url: answers with `status`; a server certificate is checked against `ca` if that is set.
        ca: path of the bundle to check the server against.
        certificate: path of the client certificate.
        key: path of the client key.
        status: HTTP status expected.
        object: URL of an object of the Kubernetes API, which is asked for with the same certificates.
        condition: type of a condition of that object that is true, and was said since the start.
        port: TCP port of 127.0.0.1 that accepts connections.
        paths: paths that exist.
        timeout: seconds.
    """

    url: str = ""
    ca: str = ""
    certificate: str = ""
    key: str = ""
    status: int = 200
    object: str = ""
    condition: str = "Ready"
    port: int = 0
    paths: tuple[str, ...] = ()
    timeout: float = 60.0


@dataclasses.dataclass(frozen=True)
class Component:
    """A program that runs as a systemd unit with exactly these inputs.

    Attributes:
        name: name of the unit, without C(.service).
        unit: text of the unit; empty for a unit that the operating system brings itself.
        user: system user that has to exist; empty for none.
        directories: directories that have to exist.
        files: files with their content.
        watch: paths that others write, whose content is an input: a change restarts the component.
        ready: when it counts as ready.
        state: C(started), C(stopped) or C(absent).
        stop_timeout: seconds that it gets to stop before it is killed; 0 for as long as its unit allows.
    """

    name: str
    unit: str = ""
    user: str = ""
    directories: tuple[Directory, ...] = ()
    files: tuple[File, ...] = ()
    watch: tuple[str, ...] = ()
    ready: Ready = Ready()
    state: str = STARTED
    stop_timeout: float = 0

    @property
    def service(self) -> str:
        return self.name + ".service"

    @property
    def unit_path(self) -> str:
        return f"{UNIT_DIRECTORY}/{self.service}"

    @property
    def inputs_path(self) -> str:
        return f"{UNIT_DIRECTORY}/{self.service}.d/50-inputs.conf"

    def written(self) -> tuple[File, ...]:
        """Files of the component and its unit."""
        unit = (File(self.unit_path, self.unit, mode="0600"),) if self.unit else ()
        return (*self.files, *unit)

    def paths(self) -> tuple[str, ...]:
        """Every path whose content decides about the component."""
        return (*(file.path for file in self.written()), *self.watch, self.inputs_path)


@dataclasses.dataclass(frozen=True)
class Unit:
    """What systemd and the process itself say about a unit.

    Attributes:
        active: systemd's ActiveState.
        enabled: whether it starts at boot.
        static: whether that cannot be chosen, because its unit file does not say how it is enabled.
        invocation: what systemd calls this start of it; empty if it never was started.
        inputs: digest of the inputs that the process was started with; empty if that is not known.
        started: when it was started, in seconds since the epoch; 0 if it is not running.
        program: path of the program that its main process runs; empty if it has none.
        process: whether it has a process; one that did its work and ended has none, and is disturbed by nothing.
    """

    active: str = "inactive"
    enabled: bool = False
    static: bool = False
    invocation: str = ""
    process: bool = False
    program: str = ""
    inputs: str = ""
    started: float = 0.0

    @property
    def running(self) -> bool:
        return self.active in ("active", "activating", "reloading")


@dataclasses.dataclass(frozen=True)
class Facts:
    """What was observed of one component on a host.

    Attributes:
        unit: the unit.
        files: for each path of the component, its attributes as in C(_host.FileState), None if it is absent.
        directories: for each directory, mode, owner and group, None if it is absent.
        user: whether the system user exists.
        recorded: paths that were written for the component by former runs.
        replaced: invocation that a former run was about to replace by another.
        reloaded: digest of the files that it was started with or has reloaded, of those that need no restart.
    """

    unit: Unit
    files: Mapping[str, Mapping[str, Any] | None]
    directories: Mapping[str, Sequence[str] | None]
    user: bool = True
    recorded: tuple[str, ...] = ()
    replaced: str = ""
    reloaded: str = ""


@dataclasses.dataclass(frozen=True)
class Step:
    """One thing to do.

    Attributes:
        verb: C(user), C(directory), C(write), C(attributes), C(remove), C(inputs), C(enable), C(disable), C(start),
            C(reload), C(restart) or C(stop).
        target: path or unit.
        reason: why, in words.
    """

    verb: str
    target: str
    reason: str = ""

    def __str__(self) -> str:
        words = {"user": "make user", "directory": "make directory", "attributes": "set owner and mode of", "inputs": "note inputs in"}
        return f"{words.get(self.verb, self.verb)} {self.target}" + (f" ({self.reason})" if self.reason else "")


def parse(value: Mapping[str, Any]) -> Component:
    """Make a component from the module's argument."""
    name = value["name"]
    files = []
    for entry in value.get("files") or []:
        content, secret = entry.get("content"), entry.get("secret")
        if (content is None) == (secret is None):
            raise ComponentError(f"The file {entry['path']} of component {name} needs either 'content' or 'secret'.")
        files.append(
            File(
                path=entry["path"],
                content=str(content if content is not None else secret),
                mode=entry.get("mode") or "0644",
                owner=entry.get("owner") or "root",
                group=entry.get("group") or entry.get("owner") or "root",
                secret=secret is not None,
                restart=entry.get("restart") is not False and not entry.get("reload"),
                reload=bool(entry.get("reload")),
            )
        )
    directories = [
        Directory(
            path=entry["path"],
            mode=entry.get("mode") or "0755",
            owner=entry.get("owner") or "root",
            group=entry.get("group") or entry.get("owner") or "root",
        )
        for entry in value.get("directories") or []
    ]
    ready = {key: setting for key, setting in (value.get("ready") or {}).items() if setting is not None}
    # From the command line numbers come as texts.
    numbers = {key: kind(ready[key]) for key, kind in (("timeout", float), ("port", int), ("status", int)) if key in ready}
    component = Component(
        name=name,
        unit=value.get("unit") or "",
        user=value.get("user") or "",
        directories=tuple(directories),
        files=tuple(files),
        watch=tuple(value.get("watch") or ()),
        ready=Ready(**{**ready, **numbers, "paths": tuple(ready.get("paths", ()))}),
        state=value.get("state") or STARTED,
        stop_timeout=float(value.get("stop_timeout") or 0),
    )
    _check(component)
    return component


def _check(component: Component) -> None:
    if not component.name or "/" in component.name or component.name.endswith(".service"):
        raise ComponentError(f"'{component.name}' is no component name: it is the name of a unit without '.service'.")
    paths = [file.path for file in component.written()]
    for path in [*paths, *component.watch, *(directory.path for directory in component.directories)]:
        if not path.startswith("/") or "/../" in path + "/":
            raise ComponentError(f"The path '{path}' of component {component.name} is not absolute.")
    modes = [(file.path, file.mode) for file in component.files] + [(directory.path, directory.mode) for directory in component.directories]
    for path, mode in modes:
        if not re.fullmatch(r"[0-7]{4}", str(mode)):
            raise ComponentError(f"The mode '{mode}' of {path} is not four octal digits in quotes, such as '0644'.")
    if len(set(paths)) != len(paths):
        raise ComponentError(f"Component {component.name} names a file twice: {', '.join(sorted(paths))}.")


def secret_words(components: Iterable[Component]) -> set[str]:
    """What must not be shown of secret files: a program that fails may print a part of what it has read."""
    contents = [file.content for component in components for file in component.files if file.secret]
    return {word for content in contents for word in re.split(r"[\s\"',=]+", content) if len(word) >= SECRET_WORD}


def inputs_digest(component: Component, files: Mapping[str, Mapping[str, Any] | None]) -> str:
    """Digest of all that a process of the component has read when it started."""
    parts = [f"{file.path} {file.digest}" for file in component.written() if file.restart]
    parts += [f"{path} {(files.get(path) or {}).get('digest', '')}" for path in component.watch]
    return _digest(parts)


def reload_digest(component: Component) -> str:
    """Digest of all that a process of the component notices when it is reloaded; empty if there is nothing."""
    parts = [f"{file.path} {file.digest}" for file in component.written() if file.reload]
    return _digest(parts) if parts else ""


def _digest(parts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(sorted(parts)).encode()).hexdigest()


def inputs_file(component: Component, digest: str) -> File:
    """Drop-in that carries the digest of the inputs into the environment of the process."""
    return File(component.inputs_path, f"[Service]\nEnvironment={INPUTS_VARIABLE}={digest}\n", mode="0600")


def plan(component: Component, facts: Facts) -> list[Step]:
    """All that has to be done, in order. Empty if the component is as it should be."""
    if component.state == ABSENT:
        return _plan_absent(component, facts)
    steps = _plan_files(component, facts)
    digest = inputs_digest(component, facts.files)
    inputs = inputs_file(component, digest)
    if _differs(inputs, facts.files.get(inputs.path)):
        steps.append(Step("inputs", inputs.path))
    return steps + _plan_unit(component, facts, digest)


def _plan_files(component: Component, facts: Facts) -> list[Step]:
    steps = []
    if component.user and not facts.user:
        steps.append(Step("user", component.user))
    for directory in component.directories:
        found = facts.directories.get(directory.path)
        if found is None or tuple(found) != (directory.mode, directory.owner, directory.group):
            steps.append(Step("directory", directory.path, f"mode {directory.mode}, owner {directory.owner}"))
    for file in component.written():
        reason = _differs(file, facts.files.get(file.path))
        if reason in ("absent", "content"):
            steps.append(Step("write", file.path, reason))
        elif reason:
            steps.append(Step("attributes", file.path, reason))
    wanted = {*(file.path for file in component.written()), component.inputs_path}
    dropped = [path for path in facts.recorded if path not in wanted and facts.files.get(path)]
    steps += [Step("remove", path, "no longer part of " + component.name) for path in dropped]
    return steps


def _plan_unit(component: Component, facts: Facts, digest: str) -> list[Step]:
    unit = facts.unit
    steps = []
    if component.state == STOPPED:
        if unit.enabled and not unit.static:
            steps.append(Step("disable", component.service))
        return steps + ([Step("stop", component.service)] if unit.running else [])
    if not unit.enabled:
        steps.append(Step("enable", component.service))
    if not unit.running:
        steps.append(Step("start", component.service, "it is " + unit.active))
    elif reason := _why_restart(component, facts, digest):
        steps.append(Step("restart" if unit.process else "start", component.service, reason))
    elif reason := _why_reload(component, facts):
        # One that is starting cannot be reloaded, and may have read what was there before.
        steps.append(Step("reload" if unit.active == "active" else "restart", component.service, reason))
    return steps


def _why_reload(component: Component, facts: Facts) -> str:
    """Why a component that runs with its inputs has not noticed its other files; empty if it has."""
    written = [file.path for file in component.files if file.reload and _differs(file, facts.files.get(file.path)) in ("absent", "content")]
    if written:
        return f"it has read another {', '.join(written)}"
    return "a former run did not come to reload it" if facts.reloaded != reload_digest(component) else ""


def _why_restart(component: Component, facts: Facts, digest: str) -> str:
    """Why a component that runs does not run with its inputs; empty if it does."""
    unit = facts.unit
    if unit.inputs != digest:
        return "it runs with other inputs" if unit.process else "it ran with other inputs"
    # Altered on disk before the process was started, so the process has read what was not meant.
    altered = [
        file.path
        for file in component.written()
        if file.restart
        and _differs(file, facts.files.get(file.path)) == "content"
        and (facts.files.get(file.path) or {})["changed"] < unit.started
    ]
    if altered:
        return f"it was started with an altered {', '.join(altered)}"
    if unit.invocation and unit.invocation == facts.replaced:
        return "a former run did not come to restart it"
    return ""


def _plan_absent(component: Component, facts: Facts) -> list[Step]:
    steps = []
    if facts.unit.running:
        steps.append(Step("stop", component.service))
    if facts.unit.enabled and not facts.unit.static:
        steps.append(Step("disable", component.service))
    paths = dict.fromkeys([*facts.recorded, component.inputs_path])
    return steps + [Step("remove", path) for path in paths if facts.files.get(path)]


def _differs(file: File, found: Mapping[str, Any] | None) -> str:
    """In one word why a file is not what it should be; empty if it is."""
    if not found:
        return "absent"
    if found["digest"] != file.digest:
        return "content"
    wrong = [f"{name} {found[name]}" for name in ("mode", "owner", "group") if found[name] != getattr(file, name)]
    return ", ".join(wrong)


def disturbs(steps: Iterable[Step]) -> bool:
    """Whether the steps stop or restart something that runs."""
    return any(step.verb in ("restart", "stop") for step in steps)


def kind_of(plans: Iterable[Sequence[Step]]) -> str:
    """What a host needs: C(keep) is nothing, C(build) disturbs nothing that runs, C(change) does."""
    steps = [step for steps in plans for step in steps]
    if not steps:
        return KEEP
    return CHANGE if disturbs(steps) else BUILD


def facts_from_observation(component: Component, observation: Mapping[str, Any]) -> Facts:
    """What an observation tells about a component. What it does not tell counts as absent, so a plan on it is never too short."""
    found = (observation.get("components") or {}).get(component.name) or {}
    return Facts(
        unit=Unit(**found.get("unit", {})),
        files=observation.get("files") or {},
        directories=found.get("directories", {}),
        user=found.get("users", {}).get(component.user, False),
        recorded=tuple(found.get("recorded", ())),
        replaced=found.get("replaced", ""),
        reloaded=found.get("reloaded", ""),
    )
