"""From the users and roles that are there to those that are wanted."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils._etcd_access import Access, AccessError, common_name, parse, plan

FLANNEL = ("readwrite", "/coreos.com/network/", "/coreos.com/network0")
WANTED = Access(
    roles={"flannel": frozenset([FLANNEL])},
    users={"root": frozenset(["root"]), "kube-apiserver": frozenset(["root"]), "flannel": frozenset(["flannel"])},
    enabled=True,
)
NOTHING = Access({}, {}, enabled=False)


def calls(wanted: Access, current: Access, us: str = "root") -> list[str]:
    return [" ".join(step.arguments) for step in plan(wanted, current, us=us)]


def test_parse() -> None:
    params: dict[str, Any] = {
        "roles": [
            {
                "name": "flannel",
                "permissions": [
                    {"access": "readwrite", "prefix": "/coreos.com/network/", "key": None},
                    {"access": "read", "prefix": None, "key": "/x"},
                ],
            }
        ],
        "users": [{"name": "flannel", "roles": ["flannel"]}, {"name": "nobody", "roles": []}],
        "enabled": None,
    }
    assert parse(params) == Access(
        {"flannel": frozenset([FLANNEL, ("read", "/x", "")])}, {"flannel": frozenset(["flannel"]), "nobody": frozenset()}
    )


def test_all_from_nothing_and_access_control_last() -> None:
    assert calls(WANTED, NOTHING) == [
        "role add flannel",
        "role grant-permission flannel readwrite /coreos.com/network/ /coreos.com/network0",
        "user add flannel --no-password",
        "user grant-role flannel flannel",
        "user add kube-apiserver --no-password",
        "user grant-role kube-apiserver root",
        "user add root --no-password",
        "user grant-role root root",
        "auth enable",
    ]


@pytest.mark.parametrize(
    ("current", "steps"),
    [
        pytest.param(WANTED, [], id="all there"),
        pytest.param(Access({**WANTED.roles, "other": frozenset()}, {**WANTED.users, "other": frozenset()}, True), [], id="others stay"),
        pytest.param(Access(WANTED.roles, WANTED.users, False), ["auth enable"], id="killed before the last step"),
        pytest.param(
            Access({"flannel": frozenset([("read", *FLANNEL[1:])])}, WANTED.users, True),
            ["role grant-permission flannel readwrite /coreos.com/network/ /coreos.com/network0"],
            id="other access to the same range is replaced",
        ),
        pytest.param(
            Access({"flannel": frozenset([FLANNEL, ("readwrite", "/registry/", "/registry0")])}, WANTED.users, True),
            ["role revoke-permission flannel /registry/ /registry0"],
            id="too much is taken away",
        ),
        pytest.param(
            Access(WANTED.roles, {**WANTED.users, "flannel": frozenset(["flannel", "root"])}, True),
            ["user revoke-role flannel root"],
            id="a role too many is taken away",
        ),
    ],
)
def test_plan(current: Access, steps: list[str]) -> None:
    assert calls(WANTED, current) == steps


def test_switching_off_comes_first() -> None:
    wanted = Access({}, {"new": frozenset()}, enabled=False)
    assert calls(wanted, Access({}, {}, enabled=True), us="nobody") == ["auth disable", "user add new --no-password"]


@pytest.mark.parametrize(
    ("users", "us", "words"),
    [
        pytest.param({"flannel": frozenset(["flannel"])}, "root", "needs a user root", id="no root"),
        pytest.param({"root": frozenset()}, "root", "needs a user root", id="root without its role"),
        pytest.param({"root": frozenset(["root"])}, "operator", "makes it the user operator", id="we are somebody else"),
        pytest.param(
            {"root": frozenset(["root"]), "operator": frozenset(["x"])}, "operator", "lock this host out", id="we have too little"
        ),
        pytest.param({"root": frozenset(["root"])}, "", r"the user \(none\)", id="certificate without a name"),
    ],
)
def test_nobody_is_locked_out(users: dict[str, frozenset[str]], us: str, words: str) -> None:
    with pytest.raises(AccessError, match=words):
        plan(Access({}, users, enabled=True), NOTHING, us=us)


def test_rights_that_are_there_already_count() -> None:
    current = Access({}, {"root": frozenset(["root"]), "operator": frozenset(["root"])}, enabled=False)
    assert calls(Access({}, {}, enabled=True), current, us="operator") == ["auth enable"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        pytest.param("subject=\n    organizationName          = a, b\n    commonName                = root\n", "root", id="among others"),
        pytest.param("subject=\n    commonName                = a = b\n", "a = b", id="with an equals sign"),
        pytest.param("subject=\n", "", id="none"),
    ],
)
def test_common_name(text: str, name: str) -> None:
    assert common_name(text) == name
