# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides on the control node whether members of etcd are replaced, and keeps the record of it. No host is contacted."""

from __future__ import annotations

import dataclasses
import json
import os
import time
from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.quorate.kubernetes.plugins.module_utils import _healing, _replacement
from ansible_collections.quorate.kubernetes.plugins.plugin_utils import _local

# Ansible takes nothing that begins with a dot for an inventory.
MEMORY = ".quorate-watch.json"

ARGUMENT_SPEC: dict[str, Any] = {
    "after": {"type": "float", "default": 0},
    "directory": {"type": "path", "required": True},
    "members": {"type": "list", "elements": "str", "default": []},
    "own_group": {"type": "bool", "default": True},
    "pairs": {"type": "dict", "default": {}},
    "pause": {"type": "float", "default": 0},
    "per_day": {"type": "int", "default": 0},
    "remember": {"type": "bool", "default": False},
    "replaced": {"type": "dict", "default": {}},
    "spares": {"type": "list", "elements": "str", "default": []},
    "state": {"type": "str", "choices": ["decided", "begun", "forgotten"], "default": "decided"},
    "version": {"type": "str", "default": ""},
    "views": {"type": "dict", "default": {}},
}

# Looks that are further apart than this do not tell what was between them.
SHORTEST_GAP = 300.0


class Watch:
    """What is known in the folder of an inventory."""

    def __init__(self, directory: str, *, now: float) -> None:
        self._memory_path = os.path.join(directory, MEMORY)
        self._record_path = os.path.join(directory, _replacement.FILE)
        self.now = now

    def memory(self) -> _healing.Memory:
        try:
            return _healing.Memory.of(json.loads(_local.read(self._memory_path) or b"null"))
        except ValueError:
            return _healing.Memory()

    def keep(self, memory: _healing.Memory, decision: _healing.Decision | None = None) -> None:
        said = dataclasses.asdict(decision) if decision else {}
        content = json.dumps({**memory.as_data(), "decision": said}, indent=2) + "\n"
        _local.write_private(self._memory_path, content.encode())

    def record(self) -> list[_replacement.Replacement]:
        return _replacement.parse((_local.read(self._record_path) or b"").decode("utf-8", "replace"))

    def write_record(self, replacements: list[_replacement.Replacement]) -> None:
        _local.write_private(self._record_path, _replacement.render(replacements).encode())


class ActionModule(ActionBase):
    """Say what is to be done, or record that it is done."""

    BYPASS_HOST_LOOP = True
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(ARGUMENT_SPEC)
        watch = Watch(arguments["directory"], now=time.time())
        try:
            found = {"decided": self._decide, "begun": self._begin, "forgotten": self._forget}[arguments["state"]](watch, arguments)
        except (_local.LocalError, _replacement.ReplacementError) as error:
            return {**result, "failed": True, "msg": f"Healing etcd failed on the control node: {error}"}
        plan = found["plan"]
        return {**result, "changed": bool(plan), "diff": {"prepared": "".join(f"{line}\n" for line in plan)}, **found}

    def _decide(self, watch: Watch, arguments: dict[str, Any]) -> dict[str, Any]:
        views = {str(name): _healing.view_of(answer) for name, answer in arguments["views"].items()}
        limits = _healing.Limits(after=arguments["after"], pause=arguments["pause"], per_day=arguments["per_day"])
        seen = _healing.state(views)
        memory = _healing.remember(watch.memory(), seen, now=watch.now, gap=max(limits.after, SHORTEST_GAP))
        decision = _healing.decide(
            seen,
            memory=memory,
            limits=limits,
            now=watch.now,
            members=arguments["members"],
            spares=arguments["spares"],
            replaced=arguments["replaced"],
        )
        problem = _healing.version_problem(seen, arguments["version"]) if arguments["version"] and decision.action == _healing.HEAL else ""
        if problem:
            decision = dataclasses.replace(decision, action=_healing.REFUSE, reason=f"{decision.reason} {problem}")
        if arguments["remember"] and not self._task.check_mode:
            watch.keep(memory, decision)
        # A host that answers although its member does not can still take part, such as a spare that is on its way to join.
        silent = sorted(name for name, answer in arguments["views"].items() if "reachable" not in (answer or {}))
        voters = sorted(name for name, one in seen.entries.items() if one.voter)
        return {"plan": [], "decision": dataclasses.asdict(decision), "silent": silent, "voters": voters}

    def _forget(self, watch: Watch, arguments: dict[str, Any]) -> dict[str, Any]:
        """Take members that live off the record, so that the inventory holds again; decided anew, for a healing may have ended meanwhile."""
        found = self._decide(watch, arguments)
        back = found["decision"]["members"] if found["decision"]["action"] == _healing.FORGET else ()
        record = watch.record()
        kept = [one for one in record if one.member not in back]
        if kept != record and not self._task.check_mode:
            watch.write_record(kept)
        return {**found, "plan": [f"take from the record: {one}" for one in record if one not in kept]}

    def _begin(self, watch: Watch, arguments: dict[str, Any]) -> dict[str, Any]:
        record, stamp = watch.record(), time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(watch.now))
        recorded = {(one.member, one.spare) for one in record}
        new = [
            _replacement.Replacement(str(member), str(spare), stamp)
            for member, spare in arguments["pairs"].items()
            if (member, spare) not in recorded
        ]
        if not self._task.check_mode:
            memory = watch.memory()
            watch.keep(dataclasses.replace(memory, attempts=(*memory.attempts, watch.now)))
            if new:
                watch.write_record([*record, *new])
        known = _replacement.Effective(members=tuple(arguments["members"]), spares=(), replaced=arguments["replaced"])
        return {"plan": [f"record: {one}" for one in new], "advice": _replacement.advice(known, own_group=arguments["own_group"])}
