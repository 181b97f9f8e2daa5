"""The model of certificates, and the plan for one."""

from __future__ import annotations

import dataclasses
from typing import Any, Optional

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils import _certificates as c

NOW = 1_800_000_000.0
ISSUER = c.Issuer(fingerprint="issuer", chain=(), not_after=NOW + 3000 * c.DAY)
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
CONTENT = c.Content(
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
    not_after=NOW + 200 * c.DAY,
)
FACTS = c.Facts(
    recorded=True,
    content=CONTENT,
    certificate=c.Attributes("x", "0644", "etcd", "etcd"),
    key=c.Attributes("y", "0600", "etcd", "etcd"),
    key_matches=True,
)


def plan(facts: c.Facts, *, wanted: c.Certificate = WANTED, issuer: Optional[c.Issuer] = ISSUER, before: float = 60) -> Optional[c.Step]:
    return c.plan_certificate(wanted, facts, issuer=issuer, now=NOW, renew_before_days=before)


def content(**changes: Any) -> c.Facts:
    return dataclasses.replace(FACTS, content=dataclasses.replace(CONTENT, **changes))


# --- definition --------------------------------------------------------------------------------------------------------


def test_definition_is_completed_and_sorted() -> None:
    assert WANTED.key == "/etc/etcd/pki/server.key"
    assert WANTED.name == "/etc/etcd/pki/server.crt"
    assert WANTED.group == "etcd"
    assert WANTED.organizations == ("a", "b")
    assert WANTED.usages == ("client", "server")
    assert (WANTED.days, WANTED.key_type) == (365, "ecdsa-p256")


def test_an_address_among_the_names_is_an_address_in_canonical_form() -> None:
    found = c.parse_certificate({**ENTRY, "dns": ["M1", "2001:DB8:0::1"], "addresses": ["192.0.2.1", "192.0.2.1"]})
    assert found.dns == ("m1",)
    assert found.addresses == ("192.0.2.1", "2001:db8::1")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param({"path": "etc/x.crt"}, "path cannot be", id="relative path"),
        pytest.param({"path": "/etc/../x.crt"}, "path cannot be", id="path that goes up"),
        pytest.param({"path": "/etc/x y.crt"}, "path cannot be", id="path with a space"),
        pytest.param({"path": None}, "path cannot be", id="no path"),
        pytest.param({"key": "/etc/x\n.key"}, "key cannot be", id="key with a newline"),
        pytest.param({"authority": "ectd"}, "Choose among kubernetes, etcd, front_proxy", id="authority"),
        pytest.param({"common_name": ""}, "common_name cannot be", id="no subject"),
        pytest.param({"common_name": "x" * 65}, "common_name cannot be", id="subject too long for X.520"),
        pytest.param({"common_name": "a\nb"}, "common_name cannot be", id="subject with a newline"),
        pytest.param({"organizations": ["a b"]}, "organizations cannot be", id="organization with a space"),
        pytest.param({"dns": ["*.example.org"]}, "dns cannot be", id="wildcard"),
        pytest.param({"dns": ["a_b"]}, "dns cannot be", id="underscore"),
        pytest.param({"addresses": ["10.0.0.300"]}, "dns cannot be '10.0.0.300'", id="address with a slip"),
        pytest.param({"usages": ["both"]}, "Choose among server, client", id="usage"),
        pytest.param({"owner": "$(id)"}, "owner cannot be", id="owner"),
        pytest.param({"days": 0}, "Give a number of days", id="no life"),
        pytest.param({"days": True}, "Give a number of days", id="life that is no number"),
        pytest.param({"key_type": "dsa"}, "Choose among ecdsa-p256", id="key type"),
        pytest.param({"comon_name": "x"}, "has no comon_name", id="misspelt"),
    ],
)
def test_senseless_certificate_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(c.CertificateError) as error:
        c.parse_certificate({**ENTRY, **change})
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        pytest.param({"path": "/a", "authorities": []}, "authorities is empty", id="nobody"),
        pytest.param({"path": "/a", "authorities": ["x"]}, "Choose among", id="unknown authority"),
        pytest.param({"path": "/a", "authorities": ["etcd"], "mode": "644"}, "mode cannot be", id="mode"),
        pytest.param({"path": "/a", "authorities": ["etcd"], "text": ""}, "has no text", id="misspelt"),
    ],
)
def test_senseless_bundle_is_refused(entry: dict[str, Any], words: str) -> None:
    with pytest.raises(c.CertificateError) as error:
        c.parse_trust(entry)
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("certificates", "trust", "words"),
    [
        pytest.param([{**ENTRY, "usages": []}], [], "usages is empty", id="good for nothing"),
        pytest.param([{**ENTRY, "dns": [], "addresses": []}], [], "needs a name or an address", id="server without a name"),
        pytest.param([ENTRY, ENTRY], [], "named twice", id="path twice"),
        pytest.param([ENTRY, {**ENTRY, "path": "/b.crt", "key": WANTED.key}], [], "server.key is named twice", id="shared key"),
        pytest.param([ENTRY], [{"path": WANTED.path, "authorities": ["etcd"]}], "named twice", id="bundle over certificate"),
    ],
)
def test_senseless_list_is_refused(certificates: list[Any], trust: list[Any], words: str) -> None:
    with pytest.raises(c.CertificateError) as error:
        c.parse(certificates, trust)
    assert words in str(error.value)


# --- plan --------------------------------------------------------------------------------------------------------------


def test_nothing_to_do() -> None:
    assert plan(FACTS) is None


@pytest.mark.parametrize(
    ("facts", "sentence", "rekey"),
    [
        pytest.param(c.Facts(), "make /etc/etcd/pki/server.crt: it is missing (etcd signs m1, for ", True, id="fresh"),
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
        pytest.param(content(not_after=NOW + 59 * c.DAY), "it ends on ", False, id="nears its end"),
        pytest.param(content(not_after=NOW - c.DAY), "it ended on ", False, id="expired"),
        pytest.param(content(dns=("m1",), usages=("client",)), "names differ (+localhost); usages differ (+server)", False, id="two"),
    ],
)
def test_reason_to_sign(facts: c.Facts, sentence: str, rekey: bool) -> None:
    step = plan(facts)
    assert step is not None
    assert sentence in str(step)
    assert step.signs
    assert step.rekey is rekey


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"certificate": c.Attributes("x", "0600", "etcd", "etcd")}, "certificate: mode is 0600, wanted 0644", id="mode"),
        pytest.param({"key": c.Attributes("y", "0640", "etcd", "etcd")}, "key: mode is 0640, wanted 0600", id="open key"),
        pytest.param({"key": c.Attributes("y", "0600", "root", "root")}, "key: owner is root, wanted etcd; key: group is", id="owner"),
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
    found = c.nears_end(NOW + left * c.DAY, days=days, renew_before_days=before, issuer_ends=NOW + issuer_left * c.DAY, now=NOW)
    assert found is renews


def test_authority_that_is_not_made_yet_has_issued_nothing() -> None:
    step = plan(FACTS, issuer=None)
    assert step is not None
    assert "issuer differs" in step.reasons


@pytest.mark.parametrize(
    ("file", "digest", "reasons"),
    [
        pytest.param(c.Attributes("d", "0644", "root", "root"), "d", None, id="as wanted"),
        pytest.param(None, "d", ("it is missing",), id="missing"),
        pytest.param(None, None, ("it is missing",), id="missing, and so is the authority"),
        pytest.param(c.Attributes("e", "0644", "root", "root"), "d", ("the trusted authorities differ",), id="other content"),
        pytest.param(c.Attributes("d", "0600", "root", "root"), "d", ("mode is 0600, wanted 0644",), id="mode"),
    ],
)
def test_bundle(file: Optional[c.Attributes], digest: Optional[str], reasons: Optional[tuple[str, ...]]) -> None:
    step = c.plan_trust(c.parse_trust({"path": "/etc/ca.crt", "authorities": ["etcd"]}), file, digest)
    assert (step.reasons if step else None) == reasons
