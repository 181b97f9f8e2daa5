"""Keys, requests and certificates in files, with the real openssl; checked with openssl again."""

from __future__ import annotations

import getpass
import grp
import os
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils import _certificate_files as files
from ansible_collections.quorate.kubernetes.plugins.module_utils import _certificates, _host

OWNER, GROUP = getpass.getuser(), grp.getgrgid(os.getgid()).gr_name
Make = Callable[..., _certificates.Certificate]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    monkeypatch.setattr(files, "RECORD", str(tmp_path / "state" / "certificates.json"))
    # Only root may give directories and records to root.
    monkeypatch.setattr(_host.write_file, "__kwdefaults__", {**(_host.write_file.__kwdefaults__ or {}), "owner": OWNER, "group": GROUP})
    monkeypatch.setattr(_host.make_directory, "__kwdefaults__", {"mode": "0755", "owner": OWNER, "group": GROUP})

    def make(**changes: Any) -> _certificates.Certificate:
        entry = {
            "path": str(tmp_path / "pki" / "server.crt"),
            "authority": "etcd",
            "common_name": "m1",
            "usages": ["client"],
            "owner": OWNER,
            "group": GROUP,
        }
        return _certificates.parse_certificate({**entry, **changes})

    return make


def openssl(*arguments: str, text: str = "") -> str:
    return subprocess.run(["openssl", *arguments], input=text, capture_output=True, text=True, check=True).stdout


def signed(request: str, folder: Path) -> str:
    """A certificate from an authority made by openssl alone."""
    key, authority = folder / "ca.key", folder / "ca.crt"
    if not key.exists():
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", str(key))
        openssl("req", "-x509", "-new", "-key", str(key), "-subj", "/CN=ca", "-days", "9", "-out", str(authority))
    return openssl("x509", "-req", "-CA", str(authority), "-CAkey", str(key), "-CAcreateserial", "-days", "5", text=request)


def mode(path: str) -> int:
    return stat.S_IMODE(os.stat(path).st_mode)


def install(certificate: _certificates.Certificate, folder: Path, *, rekey: bool) -> files.Request:
    request = files.request(certificate, rekey=rekey)
    files.install(certificate, content=signed(request.pem, folder), new_key=request.new_key)
    files.note({certificate.path: (certificate, "public")}, [])
    return request


@pytest.mark.parametrize(
    ("key_type", "words"),
    [
        pytest.param("ecdsa-p256", "NIST CURVE: P-256", id="ecdsa-p256"),
        pytest.param("ecdsa-p384", "NIST CURVE: P-384", id="ecdsa-p384"),
        pytest.param("rsa-2048", "Public-Key: (2048 bit)", id="rsa-2048"),
    ],
)
def test_request_for_a_new_key(make: Make, key_type: str, words: str) -> None:
    certificate = make(key_type=key_type)
    request = files.request(certificate, rekey=False)
    assert request.new_key
    assert words in openssl("req", "-noout", "-text", "-verify", text=request.pem)
    assert mode(certificate.key + ".new") == 0o600
    assert not os.path.exists(certificate.key)


def test_a_new_key_waits_until_its_certificate_is_there(make: Make, tmp_path: Path) -> None:
    certificate = make()
    install(certificate, tmp_path, rekey=False)
    before = Path(certificate.key).read_bytes()
    request = files.request(certificate, rekey=True)
    assert Path(certificate.key).read_bytes() == before
    files.install(certificate, content=signed(request.pem, tmp_path), new_key=True)
    assert Path(certificate.key).read_bytes() != before
    assert not os.path.exists(certificate.key + ".new")
    assert openssl("x509", "-noout", "-pubkey", "-in", certificate.path) == openssl("pkey", "-pubout", "-in", certificate.key)
    assert (mode(certificate.path), mode(certificate.key)) == (0o644, 0o600)


def test_a_renewal_keeps_the_key(make: Make, tmp_path: Path) -> None:
    certificate = make()
    install(certificate, tmp_path, rekey=False)
    before = os.stat(certificate.key).st_ino, Path(certificate.path).read_bytes()
    assert not install(certificate, tmp_path, rekey=False).new_key
    assert os.stat(certificate.key).st_ino == before[0]
    assert Path(certificate.path).read_bytes() != before[1]


@pytest.mark.parametrize("damage", [pytest.param(b"", id="empty"), pytest.param(b"-----BEGIN PRIVATE KEY-----\nMIG", id="truncated")])
def test_a_damaged_key_is_replaced(make: Make, tmp_path: Path, damage: bytes) -> None:
    certificate = make()
    install(certificate, tmp_path, rekey=False)
    Path(certificate.key).write_bytes(damage)
    assert install(certificate, tmp_path, rekey=False).new_key
    assert openssl("x509", "-noout", "-pubkey", "-in", certificate.path) == openssl("pkey", "-pubout", "-in", certificate.key)


def test_an_encrypted_key_is_replaced_and_nobody_is_asked_for_its_password(make: Make) -> None:
    certificate = make()
    Path(certificate.key).parent.mkdir()
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-aes128", "-pass", "pass:x", "-out", certificate.key)
    assert files.request(certificate, rekey=False).new_key


def test_a_certificate_of_another_key_is_not_installed(make: Make, tmp_path: Path) -> None:
    certificate = make()
    install(certificate, tmp_path, rekey=False)
    before = Path(certificate.path).read_bytes()
    foreign = signed(files.request(make(path=str(tmp_path / "other" / "x.crt")), rekey=True).pem, tmp_path)
    with pytest.raises(_host.HostError):
        files.install(certificate, content=foreign, new_key=False)
    assert Path(certificate.path).read_bytes() == before


@pytest.mark.usefixtures("make")
def test_observation_of_a_fresh_host() -> None:
    assert files.observe() == {"certificates": {}, "files": {}}


def test_observation_tells_what_was_installed(make: Make, tmp_path: Path) -> None:
    certificate = make()
    install(certificate, tmp_path, rekey=False)
    trust = _certificates.parse_trust({"path": str(tmp_path / "ca.pem"), "authorities": ["etcd"], "owner": OWNER, "group": GROUP})
    files.write_trust(trust, "bundle")
    files.note({}, [trust.path])
    observation = files.observe()
    assert observation["certificates"] == {
        certificate.path: {
            "pem": Path(certificate.path).read_text(),
            "key": certificate.key,
            "key_matches": True,
            "public_key": "public",
            "authority": "etcd",
        }
    }
    assert {path: state["mode"] for path, state in observation["files"].items()} == {
        certificate.path: "0644",
        certificate.key: "0600",
        trust.path: "0644",
    }


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        pytest.param(lambda cert: os.unlink(cert.key), {"key_matches": False}, id="key removed"),
        pytest.param(lambda cert: Path(cert.key).write_bytes(b"x"), {"key_matches": False}, id="key altered"),
        pytest.param(lambda cert: os.unlink(cert.path), {"key_matches": True, "pem": None}, id="certificate removed"),
        pytest.param(lambda cert: Path(cert.path).write_bytes(b"\xff\xfe"), {"pem": "\ufffd\ufffd"}, id="certificate altered"),
    ],
)
def test_observation_tells_damage(make: Make, tmp_path: Path, damage: Callable[[Any], None], expected: dict[str, Any]) -> None:
    certificate = make()
    install(certificate, tmp_path, rekey=False)
    damage(certificate)
    found = files.observe()["certificates"][certificate.path]
    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize(
    "record", [pytest.param("", id="empty"), pytest.param("[]", id="no mapping"), pytest.param('{"trust": null}', id="null")]
)
@pytest.mark.usefixtures("make")
def test_a_damaged_record_counts_as_none(record: str) -> None:
    Path(files.RECORD).parent.mkdir()
    Path(files.RECORD).write_text(record)
    assert files.observe() == {"certificates": {}, "files": {}}
