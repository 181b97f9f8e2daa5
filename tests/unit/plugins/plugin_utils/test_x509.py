"""Certificates that are signed on the control node, checked with openssl."""

from __future__ import annotations

import datetime
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from ansible_collections.quorate.kubernetes.plugins.plugin_utils import _x509

NOW = datetime.datetime.now(tz=datetime.timezone.utc)
YEAR = datetime.timedelta(days=365)
SUBJECT = _x509.Subject(
    common_name="system:node:m1",
    organizations=("system:nodes",),
    dns=("localhost", "m1"),
    addresses=("192.0.2.1", "2001:db8::1"),
    usages=("client", "server"),
)


def authority(key_type: str = "ecdsa-p256", *, days: int = 3650) -> tuple[x509.Certificate, Any]:
    key = _x509.make_key(key_type)
    return _x509.make_authority("etcd-ca-1", key, days=days, now=NOW), key


def leaf(issuer: tuple[x509.Certificate, Any], key_type: str = "ecdsa-p256", *, life: datetime.timedelta = YEAR) -> x509.Certificate:
    key = _x509.make_key(key_type)
    return _x509.sign(SUBJECT, key.public_key(), issuer=issuer[0], key=issuer[1], life=life, now=NOW)


def openssl(*arguments: str) -> str:
    return subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("key_type", ["ecdsa-p256", "ecdsa-p384", "rsa-2048"])
def test_openssl_accepts_what_was_signed(tmp_path: Path, key_type: str) -> None:
    issuer = authority(key_type)
    (tmp_path / "ca.crt").write_text(_x509.bundle_pem([issuer[0]]))
    (tmp_path / "leaf.crt").write_text(_x509.bundle_pem([leaf(issuer, key_type)]))
    for purpose in ("sslserver", "sslclient"):
        strict = ["-x509_strict", "-purpose", purpose, "-verify_ip", "192.0.2.1", "-verify_hostname", "m1"]
        assert ": OK" in openssl("verify", *strict, "-CAfile", str(tmp_path / "ca.crt"), str(tmp_path / "leaf.crt"))
    text = openssl("x509", "-noout", "-text", "-in", str(tmp_path / "leaf.crt"))
    assert "DNS:localhost, DNS:m1, IP Address:192.0.2.1, IP Address:2001:DB8:0:0:0:0:0:1" in text
    assert "Subject: O = system:nodes, CN = system:node:m1" in text
    assert "CA:FALSE" in text
    assert ("Key Encipherment" in text) is key_type.startswith("rsa")


def test_a_leaf_may_not_sign(tmp_path: Path) -> None:
    issuer = authority()
    key = _x509.make_key("ecdsa-p256")
    middle = _x509.sign(SUBJECT, key.public_key(), issuer=issuer[0], key=issuer[1], life=YEAR, now=NOW)
    end = _x509.sign(SUBJECT, _x509.make_key("ecdsa-p256").public_key(), issuer=middle, key=key, life=YEAR, now=NOW)
    for name, entries in (("ca", [issuer[0]]), ("middle", [middle]), ("end", [end])):
        (tmp_path / name).write_text(_x509.bundle_pem(entries))
    with pytest.raises(subprocess.CalledProcessError):
        openssl("verify", "-CAfile", str(tmp_path / "ca"), "-untrusted", str(tmp_path / "middle"), str(tmp_path / "end"))


@pytest.mark.parametrize("key_type", ["ecdsa-p256", "ecdsa-p384", "rsa-2048"])
def test_what_is_read_is_what_was_signed(key_type: str) -> None:
    issuer = authority()
    certificate = leaf(issuer, key_type)
    content = _x509.read_content(_x509.bundle_pem([certificate]), [authority()[0], issuer[0]])
    assert content is not None
    assert (content.common_name, content.organizations) == (SUBJECT.common_name, SUBJECT.organizations)
    assert (content.dns, content.addresses, content.usages) == (SUBJECT.dns, SUBJECT.addresses, SUBJECT.usages)
    assert (content.key_type, content.issuer, content.chain) == (key_type, _x509.fingerprint(issuer[0]), ())
    assert content.public_key == _x509.public_digest(certificate.public_key())


def test_an_unknown_authority_is_told_from_a_known_one_of_the_same_name() -> None:
    content = _x509.read_content(_x509.bundle_pem([leaf(authority())]), [authority()[0]])
    assert content is not None
    assert content.issuer == ""


@pytest.mark.parametrize(
    "pem",
    [
        pytest.param("", id="empty"),
        pytest.param("\ufffd\ufffd", id="binary"),
        pytest.param("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", id="no certificate inside"),
    ],
)
def test_what_is_no_certificate_has_no_content(pem: str) -> None:
    assert _x509.read_content(pem, []) is None


def test_a_truncated_certificate_has_no_content() -> None:
    pem = _x509.bundle_pem([leaf(authority())])
    assert all(_x509.read_content(pem[:length], []) is None for length in range(0, len(pem) - 30, 50))


def test_life_is_counted_from_now_and_begins_before_it() -> None:
    certificate = leaf(authority(), life=datetime.timedelta(minutes=10))
    assert certificate.not_valid_after_utc == (NOW + datetime.timedelta(minutes=10)).replace(microsecond=0)
    assert certificate.not_valid_before_utc < NOW - datetime.timedelta(minutes=30)


def test_a_life_that_is_over_before_it_begins_is_refused() -> None:
    with pytest.raises(_x509.X509Error, match=r"CN=system:node:m1.* would end on .*, before it begins"):
        leaf(authority(), life=datetime.timedelta(days=-1))


def test_no_certificate_outlives_its_authority() -> None:
    issuer = authority(days=10)
    assert leaf(issuer).not_valid_after_utc == issuer[0].not_valid_after_utc


def test_serial_numbers_are_random() -> None:
    issuer = authority()
    serials = {leaf(issuer).serial_number for _attempt in range(5)}
    assert len(serials) == 5
    assert min(serials) > 2**100


# --- requests and keys -------------------------------------------------------------------------------------------------


def request(key: Any) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "system:masters")])
    signed = x509.CertificateSigningRequestBuilder(name).sign(key, hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM).decode()


def test_a_request_proves_its_key() -> None:
    key = _x509.make_key("ecdsa-p256")
    assert _x509.public_digest(_x509.read_request(request(key)).public_key()) == _x509.public_digest(key.public_key())


def test_a_request_that_is_not_signed_with_its_key_is_refused() -> None:
    der = bytearray(x509.load_pem_x509_csr(request(_x509.make_key("ecdsa-p256")).encode()).public_bytes(serialization.Encoding.DER))
    der[der.index(b"system:masters")] ^= 1
    forged = x509.load_der_x509_csr(bytes(der)).public_bytes(serialization.Encoding.PEM).decode()
    with pytest.raises(_x509.X509Error, match="not signed with the key"):
        _x509.read_request(forged)


@pytest.mark.parametrize("pem", [pytest.param("", id="empty"), pytest.param("x" * 100, id="text")])
def test_what_is_no_request_is_refused(pem: str) -> None:
    with pytest.raises(_x509.X509Error, match="cannot be read"):
        _x509.read_request(pem)


def test_a_key_with_a_passphrase_opens_with_it_only() -> None:
    pem = _x509.private_pem(_x509.make_key("ecdsa-p256"), "secret")
    assert _x509.is_encrypted(pem)
    assert _x509.read_private_key(pem, "secret")
    with pytest.raises(_x509.X509Error, match="does not open it"):
        _x509.read_private_key(pem, "other")
    with pytest.raises(_x509.X509Error, match="Set pki_passphrase"):
        _x509.read_private_key(pem)


def test_a_passphrase_does_not_disturb_an_open_key() -> None:
    pem = _x509.private_pem(_x509.make_key("ecdsa-p256"))
    assert not _x509.is_encrypted(pem)
    assert _x509.read_private_key(pem, "secret")
