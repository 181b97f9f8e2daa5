# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: users and roles of etcd. What is wanted, what is there, and the steps between."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, Optional

from ansible_collections.quorate.kubernetes.plugins.module_utils._etcd import prefix_end

ROOT = "root"

Permission = tuple[str, str, str]
"""Kind of access, first key, end of the range (empty for a single key)."""


class AccessError(Exception):
    """What is wanted would lock us out, or makes no sense."""


@dataclasses.dataclass(frozen=True)
class Access:
    """Roles with their permissions, users with their roles, and whether etcd enforces them (None: as it is)."""

    roles: Mapping[str, frozenset[Permission]]
    users: Mapping[str, frozenset[str]]
    enabled: Optional[bool] = None

    def as_data(self) -> dict[str, Any]:
        """In a form to print and compare."""
        return {
            "enabled": self.enabled,
            "roles": {name: [" ".join(entry).strip() for entry in sorted(self.roles[name])] for name in sorted(self.roles)},
            "users": {name: sorted(self.users[name]) for name in sorted(self.users)},
        }


@dataclasses.dataclass(frozen=True)
class Step:
    """One call of etcdctl, and the sentence that tells of it."""

    arguments: tuple[str, ...]
    sentence: str

    def __str__(self) -> str:
        return self.sentence


def parse(params: Mapping[str, Any]) -> Access:
    """What is wanted, from the options of the module."""
    return Access(
        roles={role["name"]: frozenset(_permission(entry) for entry in role.get("permissions") or []) for role in params["roles"]},
        users={user["name"]: frozenset(user.get("roles") or []) for user in params["users"]},
        enabled=params["enabled"],
    )


def _permission(entry: Mapping[str, Any]) -> Permission:
    prefix, key = entry.get("prefix"), entry.get("key")
    return (entry["access"], prefix, prefix_end(prefix)) if prefix is not None else (entry["access"], str(key), "")


def plan(wanted: Access, current: Access, *, us: str) -> list[Step]:
    """Steps from what is there to what is wanted; roles and users that are not mentioned stay as they are.

    Args:
        wanted: what is wanted.
        current: what is there.
        us: the user that our certificate makes us.
    """
    steps = [step for name in sorted(wanted.roles) for step in _role_steps(name, wanted.roles[name], current.roles.get(name))]
    steps += [step for name in sorted(wanted.users) for step in _user_steps(name, wanted.users[name], current.users.get(name))]
    if wanted.enabled is None or wanted.enabled == current.enabled:
        return steps
    if not wanted.enabled:
        # First, so that whatever follows is allowed.
        return [Step(("auth", "disable"), "Switch access control off."), *steps]
    _refuse_to_lock_out({**current.users, **wanted.users}, us)
    return [*steps, Step(("auth", "enable"), "Switch access control on.")]


def _refuse_to_lock_out(users: Mapping[str, frozenset[str]], us: str) -> None:
    if ROOT not in users.get(ROOT, frozenset()):
        raise AccessError("etcd needs a user root with the role root before access control can be switched on: add it to the users.")
    if ROOT not in users.get(us, frozenset()):
        raise AccessError(
            f"Switching access control on would lock this host out: its certificate makes it the user {us or '(none)'}, who has not got the role root. "
            "Give the user that role, or use a certificate with the common name root."
        )


def _role_steps(name: str, wanted: frozenset[Permission], current: Optional[frozenset[Permission]]) -> Iterable[Step]:
    if current is None:
        yield Step(("role", "add", name), f"Add the role {name}.")
    there = current or frozenset()
    ranges = {entry[1:] for entry in wanted}
    for access, key, end in sorted(there - wanted):
        # A grant of other access to the same range replaces the former one.
        if (key, end) not in ranges:
            yield Step(
                ("role", "revoke-permission", name, key, *([end] if end else [])),
                f"Take {access} of {_range(key, end)} from the role {name}.",
            )
    for access, key, end in sorted(wanted - there):
        arguments = ("role", "grant-permission", name, access, key, *([end] if end else []))
        yield Step(arguments, f"Give {access} of {_range(key, end)} to the role {name}.")


def _user_steps(name: str, wanted: frozenset[str], current: Optional[frozenset[str]]) -> Iterable[Step]:
    if current is None:
        yield Step(("user", "add", name, "--no-password"), f"Add the user {name}, who is known by a certificate only.")
    there = current or frozenset()
    for role in sorted(wanted - there):
        yield Step(("user", "grant-role", name, role), f"Give the role {role} to the user {name}.")
    for role in sorted(there - wanted):
        yield Step(("user", "revoke-role", name, role), f"Take the role {role} from the user {name}.")


def _range(key: str, end: str) -> str:
    return f"all keys from {key} to before {end}" if end else f"the key {key}"


def common_name(text: str) -> str:
    """Common name in what openssl prints of a subject with one attribute a line."""
    pairs = (line.partition("=") for line in text.splitlines())
    return next((value.strip() for name, _equals, value in pairs if name.strip() == "commonName"), "")
