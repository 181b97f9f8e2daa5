# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control node's half of the module topology, which is all of it: no host is contacted."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase

from ansible_collections.quorate.kubernetes.plugins.module_utils import _replacement
from ansible_collections.quorate.kubernetes.plugins.module_utils._inventory import GROUPS, Inventory
from ansible_collections.quorate.kubernetes.plugins.module_utils._problem import Problem, merge, render
from ansible_collections.quorate.kubernetes.plugins.module_utils._topology import problems, topology
from ansible_collections.quorate.kubernetes.plugins.module_utils._variables import Declared, check, declared
from ansible_collections.quorate.kubernetes.plugins.plugin_utils import _local, _preflight, _run_lock, _templates
from ansible_collections.quorate.kubernetes.plugins.plugin_utils._plain import plain

ROLES = Path(__file__).resolve().parents[2] / "roles"
CLUSTER_PREFIX = "cluster_"  # variables of this prefix have one value for the whole cluster

ARGUMENT_SPEC: dict[str, Any] = {
    "installs": {"type": "bool", "default": False},
    "lock": {"type": "bool", "default": True},
    "replaced": {"type": "dict", "default": {}},
    "run": {"type": "str", "default": ""},
}

# The time of a replacement that is about to be made.
ABOUT_TO = "now"

# Facts that the collection gathers later. A variable that needs one cannot be computed yet, and is no mistake.
LATER = ("cluster_topology", "host_observation")

SECOND_PLAYBOOK = (
    "Another playbook of the collection has run in this call of ansible-playbook. What it saw and decided would be taken for true still. Call ansible-playbook "
    "once for each of them. Nothing was changed by this one."
)


def specifications(roles: Path) -> dict[str, Any]:
    """The argument specifications of all roles of the collection, by role."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return {path.parents[1].name: yaml.load(path.read_text("utf-8"), loader) for path in roles.glob("*/meta/argument_specs.yml")}  # noqa: S506 - safe loaders


def is_plain(value: Any) -> bool:
    """Whether a value is data as it stands: no template, nothing encrypted."""
    if isinstance(value, str):
        return "{{" not in value and "{%" not in value
    if isinstance(value, Mapping):
        return all(is_plain(item) for item in value.values())
    if isinstance(value, (list, tuple)):
        return all(is_plain(item) for item in value)
    return value is None or isinstance(value, (bool, int, float))


def _folder_problems(folders: Mapping[str, str]) -> list[Problem]:
    """Authorities, lock file and records lie beside the inventory, which Ansible knows only as the folder of the file that named a host."""
    if len(set(folders.values())) < 2:
        return []
    shown = "; ".join(
        f"{', '.join(host for host in folders if folders[host] == folder)}: {folder}" for folder in sorted(set(folders.values()))
    )
    remedy = "Name all hosts in files of one folder, which is the inventory; their variables may lie in group_vars and host_vars there"
    return [Problem(place="all hosts", what=f"the hosts come from files in different folders ({shown})", remedy=remedy)]


def _with_replacements(inventory: Inventory, *, folder: str, further: Mapping[str, str]) -> tuple[Inventory, list[Problem]]:
    """The inventory together with what healing has recorded beside it, and with what it is about to."""
    try:
        content = _local.read(str(Path(folder, _replacement.FILE))) if folder else None
        recorded = _replacement.parse((content or b"").decode("utf-8", "replace"))
    except (_local.LocalError, _replacement.ReplacementError) as error:
        reason = Problem(
            place="all hosts", what=str(error), remedy=f"Mend the file, or bring back the one that the playbook heal wrote: {folder}"
        )
        return inventory, [reason]
    recorded += [_replacement.Replacement(str(member), str(spare), ABOUT_TO) for member, spare in further.items()]
    return dataclasses.replace(inventory, replacements=tuple(recorded)), []


def _forget_replacements(inventory: Inventory, *, folder: str) -> None:
    """Take off the record what the inventory says by itself now."""
    recorded = [one for one in inventory.replacements if one.time != ABOUT_TO]
    left = _replacement.remaining(members=inventory.named_members, replacements=recorded)
    if left != recorded:
        _local.write_private(str(Path(folder, _replacement.FILE)), _replacement.render(left).encode())


def _is_second(hosts: Iterable[str], hostvars: Any, *, run: str) -> bool:
    """Whether another playbook has handed out a topology in this process."""
    topologies = (hostvars.raw_get(host).get("cluster_topology") for host in hosts)
    return any(isinstance(topology, Mapping) and topology.get("run") != run for topology in topologies)


class Reader:
    """Reads the variables of hosts of which the names concern the collection."""

    def __init__(self, *, known: Declared, templar: Any, task_vars: Mapping[str, Any]) -> None:
        self._known = known
        self._templar = templar
        self._task_vars = task_vars
        self._hostvars = task_vars["hostvars"]
        self.problems: list[Problem] = []
        self.given: dict[str, set[str]] = {}

    def play(self) -> dict[str, Any]:
        """Variables that the play or the task sets; they hold for all hosts. What is a role's default is none of them."""
        own = self._hostvars.raw_get(self._task_vars["inventory_hostname"])
        return {
            name: value
            for name, value in self._task_vars.items()
            if name.startswith(self._known.prefixes)
            and not (name in own and own[name] == value)
            and not (name in self._known.specs and self._known.default(name) == value)
        }

    def host(self, name: str, *, overlay: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
        """The variables of a host, and its ansible_host."""
        raw: dict[str, Any] = {**self._hostvars.raw_get(name), **overlay, "hostvars": self._hostvars}
        self.given[name] = {variable for variable in raw if variable.startswith(self._known.prefixes)}
        templar = None
        values: dict[str, Any] = {}
        for variable, value in raw.items():
            if variable != "ansible_host" and not variable.startswith(self._known.prefixes):
                if not variable.startswith("ansible_"):
                    values[variable] = None  # only its name matters: it may be one of ours with a wrong prefix
                continue
            if not is_plain(value):
                templar = templar or self._templar.copy_with_new_env(available_variables=raw)
                if not self._compute(variable, host=name, templar=templar, values=values, value=value):
                    continue
            else:
                values[variable] = plain(value)
        return values, str(values.pop("ansible_host", "") or "")

    def _compute(self, variable: str, *, host: str, templar: Any, values: dict[str, Any], value: Any) -> bool:
        try:
            values[variable] = plain(templar.template(value))
        except AnsibleError as error:
            reason = " ".join(str(error).split())
            if not any(fact in reason for fact in LATER):
                self.problems.append(
                    Problem(
                        what=f"{variable} cannot be computed: {reason}",
                        remedy=f"Correct the expression in {variable}, or define what it uses",
                        hosts=(host,),
                    )
                )
            return False
        return True


class ActionModule(ActionBase):
    """Check the inventory and all variables, and tell what cluster they describe."""

    BYPASS_HOST_LOOP = True
    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        task_vars = task_vars or {}
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(ARGUMENT_SPEC)
        known = declared(specifications(ROLES))
        groups = {name: list(hosts) for name, hosts in task_vars["groups"].items()}
        hosts = sorted({host for name in GROUPS for host in groups.get(name, ())})
        if _is_second(hosts, task_vars["hostvars"], run=arguments["run"]):
            return {**result, "failed": True, "msg": SECOND_PLAYBOOK}
        folders = {host: task_vars["hostvars"].raw_get(host).get("inventory_dir") or "" for host in hosts}
        folder = next(iter(folders.values()), "")
        inventory, settings, found = self._inventory(groups, hosts=hosts, known=known, task_vars=task_vars)
        inventory, unreadable = _with_replacements(inventory, folder=folder, further=arguments["replaced"])
        found += [*unreadable, *_folder_problems(folders), *problems(inventory)]
        found += _preflight.problems(
            settings,
            pods=inventory.setting("cluster_pod_network"),
            installs=arguments["installs"],
            has_template=_templates.Templates(self, task_vars).has,
        )
        if found:
            entries = merge(found, everyone=hosts)
            return {**result, "failed": True, "msg": render(entries), "failure": {"problems": entries}}
        if arguments["lock"] and folder and not self._task.check_mode:
            refusal = _run_lock.refusal(Path(folder), process=_run_lock.this_run())
            if refusal:
                return {**result, "failed": True, "msg": refusal}
            _forget_replacements(inventory, folder=folder)
        # Tells this run from all others, so that what a cache of facts keeps of them is not taken for what was seen now.
        return {**result, "changed": False, "topology": {**topology(inventory).as_fact(), "run": arguments["run"] or uuid.uuid4().hex}}

    def _inventory(
        self, groups: Mapping[str, list[str]], *, hosts: Iterable[str], known: Declared, task_vars: Mapping[str, Any]
    ) -> tuple[Inventory, _preflight.Settings, list[Problem]]:
        reader = Reader(known=known, templar=self._templar, task_vars=task_vars)
        overlay = reader.play()
        read = {host: reader.host(host, overlay=overlay) for host in hosts}
        checked = check({host: variables for host, (variables, _connection) in read.items()}, known=known)
        inventory = Inventory(
            groups=groups,
            variables=checked.values,
            connections={host: connection for host, (_variables, connection) in read.items()},
            defaults={name: known.default(name) for name in known.specs if name.startswith(CLUSTER_PREFIX)},
        )
        settings = _preflight.Settings(values=checked.values, given=reader.given, known=known)
        return inventory, settings, [*reader.problems, *checked.problems]
