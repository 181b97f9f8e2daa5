"""Addresses of members of etcd change one at a time."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from ansible_collections.quorate.kubernetes.plugins.plugin_utils import _authority, _authority_maker, _moved_members, _x509

TOPOLOGY: dict[str, Any] = {"etcd": ["e1", "e2", "e3"], "hosts": {f"e{number}": {"address": f"192.0.2.{number}"} for number in (1, 2, 3)}}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> _authority.AuthorityStore:
    made = _authority.AuthorityStore(str(tmp_path_factory.mktemp("pki")), "")
    _authority_maker.AuthorityMaker(made, _authority_maker.Settings(passphrase="", days=10, key_type="ecdsa-p256")).carry_out()
    return made


def seen(store: _authority.AuthorityStore, address: str, *, quorum: bool = True, member: str | None = "2a") -> dict[str, Any]:
    """A host whose certificate names an address."""
    pem = ""
    if address:
        subject = _x509.Subject(common_name="e", addresses=(address,))
        pem = store.sign("etcd", subject, public_key=_x509.make_key("ecdsa-p256").public_key(), life=datetime.timedelta(days=1))
    return {"etcd": {"quorum": quorum, "member": member}, "certificates": {_moved_members.PEER_CERTIFICATE: {"pem": pem}}}


@pytest.mark.parametrize(
    ("addresses", "moved"),
    [
        pytest.param(["192.0.2.1", "192.0.2.2", "192.0.2.3"], [], id="none"),
        pytest.param(["192.0.2.9", "192.0.2.2", "192.0.2.3"], [], id="one"),
        pytest.param(["192.0.2.9", "192.0.2.2", "192.0.2.8"], ["e1 (192.0.2.9 to 192.0.2.1)", "e3 (192.0.2.8 to 192.0.2.3)"], id="two"),
        pytest.param(["192.0.2.9", "", "192.0.2.3"], [], id="one, and one whose certificate cannot be read"),
    ],
)
def test_addresses(store: _authority.AuthorityStore, addresses: list[str], moved: list[str]) -> None:
    observed = {f"e{number}": seen(store, address) for number, address in enumerate(addresses, 1)}
    problem = _moved_members.problem(TOPOLOGY, observed)
    assert bool(problem) is bool(moved)
    for words in moved:
        assert words in problem


def test_without_a_quorum_there_is_none_to_lose(store: _authority.AuthorityStore) -> None:
    observed = {name: seen(store, "192.0.2.9", quorum=False) for name in TOPOLOGY["etcd"]}
    assert _moved_members.problem(TOPOLOGY, observed) == ""


def test_hosts_without_data_are_no_members(store: _authority.AuthorityStore) -> None:
    observed = {"e1": seen(store, "192.0.2.1"), "e2": seen(store, "192.0.2.9", member=None), "e3": seen(store, "192.0.2.8")}
    assert _moved_members.problem(TOPOLOGY, observed) == ""
    assert _moved_members.problem(TOPOLOGY, {"e1": seen(store, "192.0.2.1"), "w1": {}}) == ""
