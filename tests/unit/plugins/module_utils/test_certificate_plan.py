"""The plan for a certificate and for a bundle."""

from __future__ import annotations

import dataclasses
from typing import Any, Optional

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils import _certificate_plan as p
from ansible_collections.quorate.kubernetes.plugins.module_utils import _certificates as c

NOW = 1_800_000_000.0
ISSUER = p.Issuer(fingerprint="issuer", chain=(), not_after=NOW + 3000 * p.DAY)
ENTRY: dict[str, Any] = {
    "path": "/etc/etcd/pki/server.crt",
    "authority": "etcd",
    "common_name": "m1",
    "organizations": ["b", "a"],
    "dns": ["m1", "localhost"],
    "addresses": ["192.0.2.1", "127.0.0.1"],
    "usages": ["server", "client"],
    "owner": "etcd",
}
WANTED = c.parse_certificate(ENTRY)
CONTENT = p.Content(
    common_name="m1",
    organizations=("a", "b"),
    dns=("localhost", "m1"),
    addresses=("127.0.0.1", "192.0.2.1"),
    usages=("client", "server"),
    key_type="ecdsa-p256",
    issuer="issuer",
    chain=(),
    public_key="public",
    serial="1",
    not_after=NOW + 200 * p.DAY,
)
FACTS = p.Facts(
    recorded=True,
    content=CONTENT,
    certificate=p.Attributes("x", "0644", "etcd", "etcd"),
    key=p.Attributes("y", "0600", "etcd", "etcd"),
    key_matches=True,
)


def plan(facts: p.Facts, *, wanted: c.Certificate = WANTED, issuer: Optional[p.Issuer] = ISSUER, before: float = 60) -> Optional[p.Step]:
    return p.plan_certificate(wanted, facts, issuer=issuer, now=NOW, renew_before_days=before)


def content(**changes: Any) -> p.Facts:
    return dataclasses.replace(FACTS, content=dataclasses.replace(CONTENT, **changes))


def test_nothing_to_do() -> None:
    assert plan(FACTS) is None


@pytest.mark.parametrize(
    ("facts", "sentence", "rekey"),
    [
        pytest.param(p.Facts(), "make /etc/etcd/pki/server.crt: it is missing (etcd signs m1, for ", True, id="fresh"),
        pytest.param(dataclasses.replace(FACTS, recorded=False), "make ", True, id="not ours: a key of unknown origin is not kept"),
        pytest.param(dataclasses.replace(FACTS, certificate=None, content=None), "make ", False, id="certificate removed, key there"),
        pytest.param(dataclasses.replace(FACTS, certificate=None, key_matches=False), "make ", True, id="certificate and key removed"),
        pytest.param(dataclasses.replace(FACTS, content=None), "renew /etc/etcd/pki/server.crt: it cannot be read", False, id="truncated"),
        pytest.param(dataclasses.replace(FACTS, content=None, key_matches=False), "it cannot be read", True, id="both damaged"),
        pytest.param(dataclasses.replace(FACTS, key=None), "its key is missing", True, id="key removed"),
        pytest.param(dataclasses.replace(FACTS, key_matches=False), "its key is not the one that it was made with", True, id="other key"),
        pytest.param(content(key_type="rsa-2048"), "key type differs (rsa-2048, wanted ecdsa-p256)", True, id="key type"),
        pytest.param(content(common_name="m2"), "common name differs (m2, wanted m1)", True, id="subject of another host"),
        pytest.param(content(organizations=("a",)), "organizations differ (+b)", False, id="organization"),
        pytest.param(content(dns=("m1",)), "names differ (+localhost)", False, id="name added"),
        pytest.param(content(addresses=("127.0.0.1", "192.0.2.9")), "names differ (+192.0.2.1, -192.0.2.9)", True, id="address changed"),
        pytest.param(content(usages=("client",)), "usages differ (+server)", False, id="usage"),
        pytest.param(content(issuer="old"), "issuer differs", False, id="rotated authority"),
        pytest.param(content(chain=("x",)), "intermediate authorities differ", False, id="chain"),
        pytest.param(content(not_after=NOW + 59 * p.DAY), "it ends on ", False, id="nears its end"),
        pytest.param(content(not_after=NOW - p.DAY), "it ended on ", False, id="expired"),
        pytest.param(content(dns=("m1",), usages=("client",)), "names differ (+localhost); usages differ (+server)", False, id="two"),
    ],
)
def test_reason_to_sign(facts: p.Facts, sentence: str, rekey: bool) -> None:
    step = plan(facts)
    assert step is not None
    assert sentence in str(step)
    assert step.signs
    assert step.rekey is rekey


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"certificate": p.Attributes("x", "0600", "etcd", "etcd")}, "certificate: mode is 0600, wanted 0644", id="mode"),
        pytest.param({"key": p.Attributes("y", "0640", "etcd", "etcd")}, "key: mode is 0640, wanted 0600", id="open key"),
        pytest.param({"key": p.Attributes("y", "0600", "root", "root")}, "key: owner is root, wanted etcd; key: group is", id="owner"),
    ],
)
def test_owner_and_mode_need_no_signature(changes: dict[str, Any], reason: str) -> None:
    step = plan(dataclasses.replace(FACTS, **changes))
    assert step is not None
    assert str(step).startswith("set owner and mode of /etc/etcd/pki/server.crt: ")
    assert reason in str(step)
    assert not step.signs


@pytest.mark.parametrize(
    ("left", "days", "before", "issuer_left", "renews"),
    [
        pytest.param(61, 365, 60, 3000, False, id="not yet"),
        pytest.param(59, 365, 60, 3000, True, id="near its end"),
        pytest.param(15, 30, 60, 3000, False, id="short life: not before two thirds of it have passed"),
        pytest.param(9, 30, 60, 3000, True, id="short life, near its end"),
        pytest.param(10, 365, 60, 10, False, id="a new one would end with its authority, as this one does"),
        pytest.param(10, 365, 60, 20, True, id="a new one would live a little longer"),
        pytest.param(-1, 365, 60, -1, False, id="authority ended too"),
    ],
)
def test_renewal_near_the_end(left: float, days: float, before: float, issuer_left: float, renews: bool) -> None:
    found = p.nears_end(NOW + left * p.DAY, days=days, renew_before_days=before, issuer_ends=NOW + issuer_left * p.DAY, now=NOW)
    assert found is renews


def test_authority_that_is_not_made_yet_has_issued_nothing() -> None:
    step = plan(FACTS, issuer=None)
    assert step is not None
    assert "issuer differs" in step.reasons


@pytest.mark.parametrize(
    ("file", "digest", "reasons"),
    [
        pytest.param(p.Attributes("d", "0644", "root", "root"), "d", None, id="as wanted"),
        pytest.param(None, "d", ("it is missing",), id="missing"),
        pytest.param(None, None, ("it is missing",), id="missing, and so is the authority"),
        pytest.param(p.Attributes("e", "0644", "root", "root"), "d", ("the trusted authorities differ",), id="other content"),
        pytest.param(p.Attributes("d", "0600", "root", "root"), "d", ("mode is 0600, wanted 0644",), id="mode"),
    ],
)
def test_bundle(file: Optional[p.Attributes], digest: Optional[str], reasons: Optional[tuple[str, ...]]) -> None:
    step = p.plan_trust(c.parse_trust({"path": "/etc/ca.crt", "authorities": ["etcd"]}), file, digest)
    assert (step.reasons if step else None) == reasons
