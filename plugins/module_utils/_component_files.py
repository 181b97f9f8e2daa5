# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: how components are observed on a host, and the records that say which there are."""

from __future__ import annotations

import dataclasses
import functools
import json
import os
import socket
import ssl
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.quorate.kubernetes.plugins.module_utils import _component, _host, _http, _readiness

RECORDS = _host.STATE_DIRECTORY + "/components"


def record_path(name: str) -> str:
    return f"{RECORDS}/{name}.json"


def read_records() -> dict[str, dict[str, Any]]:
    """Records of all components of this host, by name."""
    try:
        names = sorted(os.path.splitext(entry)[0] for entry in os.listdir(RECORDS) if entry.endswith(".json"))
    except FileNotFoundError:
        return {}
    return {name: record for name in names if isinstance(record := _host.read_json(record_path(name)), dict)}


def record_of(component: _component.Component) -> dict[str, Any]:
    """What the host has to remember of a component, so that it can be observed and removed without its definition."""
    return {
        "files": [*(file.path for file in component.written()), component.inputs_path],
        "watch": list(component.watch),
        "directories": [directory.path for directory in component.directories],
        "users": [component.user] if component.user else [],
        "reloaded": _component.reload_digest(component),
        "ready": {**dataclasses.asdict(component.ready), "paths": list(component.ready.paths)},
    }


def ready_of(record: Mapping[str, Any]) -> _component.Ready | None:
    """When a component counted as ready by its record; None if there is none."""
    known = record.get("ready")
    return _component.Ready(**{**known, "paths": tuple(known["paths"])}) if known else None


def observe(names: Iterable[str], records: Mapping[str, Mapping[str, Any]], digests: _host.Digests) -> dict[str, Any]:
    """The parts C(files) and C(components) of an observation, for the named components as their records describe them."""
    names = list(names)
    states = _host.unit_states(f"{name}.service" for name in names)
    files: dict[str, Any] = {}
    components: dict[str, Any] = {}
    for name in names:
        record = records.get(name, {})
        inputs_path = _component.Component(name=name).inputs_path
        for path in (*record.get("files", []), inputs_path):
            files[path] = _file_facts(path, digests)
        for path in record.get("watch", []):
            # Of a link that somebody made, what counts is the content behind it.
            files.setdefault(path, _file_facts(os.path.realpath(path), digests))
        components[name] = {
            "unit": dataclasses.asdict(_unit(states[f"{name}.service"], files[inputs_path], inputs_path)),
            "directories": {path: _host.directory_state(path) for path in record.get("directories", [])},
            "users": {user: _host.user_exists(user) for user in record.get("users", [])},
            "recorded": list(record.get("files", [])),
            "replaced": record.get("replaced", ""),
            "reloaded": record.get("reloaded", ""),
        }
    return {"files": files, "components": components}


def facts_of(component: _component.Component, digests: _host.Digests) -> _component.Facts:
    """Facts of one component as it is defined now, whatever the last run recorded."""
    record = _host.read_json(record_path(component.name)) or {}
    wanted = record_of(component)
    together = {key: list(dict.fromkeys([*record.get(key, []), *wanted[key]])) for key in ("files", "watch", "directories", "users")}
    together.update({key: record.get(key, "") for key in ("replaced", "reloaded")})
    observation = observe([component.name], {component.name: together}, digests)
    observation["components"][component.name]["recorded"] = record.get("files", [])
    return _component.facts_from_observation(component, observation)


def _file_facts(path: str, digests: _host.Digests) -> dict[str, Any] | None:
    state = _host.file_state(path, digests)
    return None if state is None else dataclasses.asdict(state)


def _unit(state: _host.UnitState, inputs: Mapping[str, Any] | None, inputs_path: str) -> _component.Unit:
    running_inputs, started = "", 0.0
    if state.pid:
        running_inputs = _host.process_environment(state.pid).get(_component.INPUTS_VARIABLE, "")
        started = _host.process_started(state.pid) or 0.0
    elif state.active == "active":
        # A program that ran and ended well: what it was started with is what the drop-in said then.
        started = state.activated
        if inputs and inputs["changed"] < started:
            running_inputs = (_host.read_file(inputs_path) or b"").decode().strip().rpartition("=")[2]
    return _component.Unit(
        active=state.active,
        enabled=state.enabled,
        static=state.static,
        invocation=state.invocation,
        process=bool(state.pid),
        program=_host.process_program(state.pid) if state.pid else "",
        inputs=running_inputs,
        started=started,
    )


def why_not_ready(ready: _component.Ready, *, since: float = 0) -> str:
    """In words what a component still lacks to be ready; empty if nothing.

    Args:
        ready: when it is ready.
        since: when it was started, in seconds since the epoch, if what an object of the API says has to be newer.
    """
    for path in ready.paths:
        if not os.path.exists(path):
            return f"{path} is not there"
    if ready.port and not _accepts(ready.port):
        return f"nothing listens on port {ready.port}"
    try:
        return _url_problem(ready) or _object_problem(ready, since)
    except _host.HostError as error:
        return str(error).rstrip(".")


def _url_problem(ready: _component.Ready) -> str:
    if not ready.url:
        return ""
    answer = _answer(ready.url, ready)
    return "" if answer.status == ready.status else f"{ready.url} answers {answer.status or 'nothing'}: {answer.body.strip()[-400:]}"


def _object_problem(ready: _component.Ready, since: float) -> str:
    if not ready.object:
        return ""
    answer = _answer(ready.object, ready)
    if answer.status != 200:
        return f"{ready.object} answers {answer.status or 'nothing'}: {answer.body.strip()[-400:]}"
    return _readiness.condition_problem(json.loads(answer.body), ready.condition, since=since)


def _answer(url: str, ready: _component.Ready) -> _http.Answer:
    context = _tls_context(ready.ca, ready.certificate, ready.key) if url.startswith("https:") else None
    return _http.http_request(url, context=context)


@functools.lru_cache  # not cache, which Python 3.8 lacks: such a host has to come as far as being told that it is too old
def _tls_context(ca: str, certificate: str, key: str) -> ssl.SSLContext:
    """Made once for all the looks at a component: it takes longer than the look."""
    return _http.tls_context(ca=ca or None, certificate=certificate or None, key=key or None)


def _accepts(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False
