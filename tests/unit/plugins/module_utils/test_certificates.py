"""The model of certificates: definitions that make sense, and those that do not."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils import _certificates as c

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
