"""Authorities below a directory: made, brought, damaged, lost; and identities that they sign."""

from __future__ import annotations

import base64
import datetime
import stat
import subprocess
from pathlib import Path
from typing import Any, Optional

import pytest
from cryptography import x509

from ansible_collections.quorate.kubernetes.plugins.module_utils import _certificates
from ansible_collections.quorate.kubernetes.plugins.plugin_utils import _authority, _authority_maker, _x509

NOW = datetime.datetime.now(tz=datetime.timezone.utc)


def maker(directory: Path, passphrase: str = "", *, days: int = 3650) -> _authority_maker.AuthorityMaker:
    settings = _authority_maker.Settings(passphrase=passphrase, days=days, key_type="ecdsa-p256")
    return _authority_maker.AuthorityMaker(_authority.AuthorityStore(str(directory), passphrase), settings)


@pytest.fixture
def pki(tmp_path: Path) -> Path:
    maker(tmp_path / "pki").carry_out()
    return tmp_path / "pki"


def words(steps: list[_authority_maker.Step], directory: Path) -> list[str]:
    return [step.words.replace(str(directory), "PKI") for step in steps]


def names(steps: list[_authority_maker.Step], directory: Path) -> list[str]:
    return [sentence.split()[-1].removeprefix("PKI/") for sentence in words(steps, directory)]


def store(directory: Path, passphrase: str = "") -> _authority.AuthorityStore:
    return _authority.AuthorityStore(str(directory), passphrase)


def observed(authority_store: _authority.AuthorityStore, authority: str = "etcd") -> dict[str, Any]:
    pair = authority_store.issue(authority=authority, common_name="m1", organizations=[], minutes=60)
    return {f"/etc/{authority}.crt": {"pem": pair.certificate, "authority": authority}}


@pytest.mark.parametrize("days", [-1, 0, 1, 10**9])
def test_a_life_that_no_authority_can_have_is_refused_before_a_key_is_made(tmp_path: Path, days: int) -> None:
    with pytest.raises(_authority.AuthorityError, match=f"would live {days} days. Nothing was made"):
        maker(tmp_path / "pki", days=days).check()


# --- making ------------------------------------------------------------------------------------------------------------


def test_all_that_is_missing_is_made_once(tmp_path: Path) -> None:
    directory = tmp_path / "pki"
    planned = words(maker(directory).steps(), directory)
    assert planned == words(maker(directory).carry_out(), directory)
    assert planned[0] == "make PKI (directory)"
    assert planned[-1] == "make PKI/encryption/keys.json"
    assert maker(directory).steps() == []
    assert maker(directory).check() == []
    assert maker(directory).carry_out() == []


def test_nobody_else_can_read_any_of_it(pki: Path) -> None:
    modes = {stat.S_IMODE(path.stat().st_mode) for path in pki.rglob("*") if path.is_file()}
    assert modes == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in [pki, *pki.rglob("*")] if path.is_dir()} == {0o700}


def test_authorities_have_keys_and_names_of_their_own(pki: Path) -> None:
    certificates = [store(pki).certificates(f"{name}/ca.crt")[0] for name in _certificates.AUTHORITIES]
    assert len({_x509.public_digest(certificate.public_key()) for certificate in certificates}) == 3
    assert len({certificate.subject for certificate in certificates}) == 3


@pytest.mark.parametrize("stop", range(18))
def test_killed_after_any_step_it_goes_on(tmp_path: Path, stop: int) -> None:
    directory = tmp_path / "pki"
    for step in maker(directory).steps()[:stop]:
        step.do()
    kept = {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()}
    maker(directory).carry_out()
    assert {path: path.read_bytes() for path in kept} == kept
    assert maker(directory).steps() == []
    for authority in _certificates.AUTHORITIES:
        assert store(directory).signer(authority)


def test_a_passphrase_encrypts_everything_secret(tmp_path: Path) -> None:
    maker(tmp_path / "pki", "secret").carry_out()
    for name in ("kubernetes/ca.key", "etcd/ca.key", "front_proxy/ca.key", "service_account/signing.key"):
        assert b"BEGIN ENCRYPTED PRIVATE KEY" in (tmp_path / "pki" / name).read_bytes()
    assert (tmp_path / "pki/encryption/keys.json").read_bytes().startswith(b"$ANSIBLE_VAULT;")
    opened = store(tmp_path / "pki", "secret")
    assert opened.service_account_key().startswith("-----BEGIN PRIVATE KEY-----")
    assert len(base64.b64decode(opened.encryption_keys()[0]["secret"])) == 32


@pytest.mark.parametrize("passphrase", [pytest.param("", id="none"), pytest.param("other", id="wrong")])
def test_nothing_opens_without_the_passphrase(tmp_path: Path, passphrase: str) -> None:
    maker(tmp_path / "pki", "secret").carry_out()
    closed = store(tmp_path / "pki", passphrase)
    for attempt in (closed.service_account_key, closed.encryption_keys, lambda: closed.signer("etcd")):
        with pytest.raises(_authority.AuthorityError, match="passphrase"):
            attempt()
    with pytest.raises(_authority.AuthorityError, match="passphrase"):
        maker(tmp_path / "pki", passphrase).check()


def test_a_passphrase_set_later_encrypts_what_is_there(pki: Path) -> None:
    key, secrets = store(pki).service_account_key(), store(pki).encryption_keys()
    done = maker(pki, "secret").carry_out()
    assert [sentence.split()[0] for sentence in words(done, pki)] == ["encrypt"] * 5
    assert (store(pki, "secret").service_account_key(), store(pki, "secret").encryption_keys()) == (key, secrets)
    assert maker(pki, "secret").steps() == []


def test_a_file_that_others_can_read_is_closed(pki: Path) -> None:
    (pki / "etcd/ca.key").chmod(0o644)
    pki.chmod(0o755)
    assert words(maker(pki).carry_out(), pki) == ["set mode 0700 of PKI", "set mode 0600 of PKI/etcd/ca.key"]
    assert maker(pki).steps() == []


# --- signing -----------------------------------------------------------------------------------------------------------


def test_an_identity_in_memory(pki: Path, tmp_path: Path) -> None:
    before = sorted(pki.rglob("*"))
    pair = store(pki).issue(authority="kubernetes", common_name="admin", organizations=["system:masters"], minutes=10)
    assert sorted(pki.rglob("*")) == before
    (tmp_path / "ca").write_text(pair.trusted)
    (tmp_path / "leaf").write_text(pair.certificate)
    verified = subprocess.run(
        ["openssl", "verify", "-purpose", "sslclient", "-CAfile", str(tmp_path / "ca"), str(tmp_path / "leaf")], check=False
    )
    assert verified.returncode == 0
    content = _x509.read_content(pair.certificate, store(pki).known("kubernetes"))
    assert content is not None
    assert (content.common_name, content.organizations, content.usages) == ("admin", ("system:masters",), ("client",))
    remaining = content.not_after - datetime.datetime.now(tz=datetime.timezone.utc).timestamp()
    assert 0 < remaining <= 10 * 60
    assert content.public_key == _x509.public_digest(_x509.read_private_key(pair.key.encode()).public_key())


def test_an_intermediate_is_trusted_itself_and_sent_along(pki: Path) -> None:
    root_key, key = _x509.make_key("ecdsa-p256"), _x509.make_key("rsa-2048")
    root = _authority_certificate("root", root_key.public_key(), issuer="root", key=root_key)
    middle = _authority_certificate("middle", key.public_key(), issuer="root", key=root_key)
    (pki / "etcd/ca.crt").write_text(_x509.bundle_pem([middle, root]))
    (pki / "etcd/ca.key").write_bytes(_x509.private_pem(key))
    (pki / "etcd/trusted.crt").unlink()
    assert names(maker(pki).carry_out(), pki) == ["etcd/trusted.crt"]
    assert store(pki).trusted("etcd") == _x509.bundle_pem([middle])
    assert store(pki).chain("etcd") == _x509.bundle_pem([middle, root])
    assert store(pki).chain("kubernetes") == store(pki).trusted("kubernetes")
    assert maker(pki).check() == []
    pair = store(pki).issue(authority="etcd", common_name="m1", organizations=[], minutes=10)
    assert _x509.read_bundle(pair.certificate)[1:] == [middle]
    content, issuer = _x509.read_content(pair.certificate, store(pki).known("etcd")), store(pki).issuer("etcd")
    assert content is not None
    assert issuer is not None
    assert (content.issuer, content.chain) == (issuer.fingerprint, issuer.chain)


def test_an_intermediate_without_its_root_is_told(pki: Path) -> None:
    root_key, key = _x509.make_key("ecdsa-p256"), _x509.make_key("ecdsa-p256")
    middle = _authority_certificate("middle", key.public_key(), issuer="root", key=root_key)
    (pki / "etcd/ca.crt").write_text(_x509.bundle_pem([middle]))
    (pki / "etcd/ca.key").write_bytes(_x509.private_pem(key))
    (pki / "etcd/trusted.crt").unlink()
    assert [warning for warning in maker(pki).check() if "The root above the authority etcd is missing" in warning]


def _authority_certificate(
    name: str, public_key: Any, *, issuer: str, key: Any, days: float = 300, may_sign: bool = True
) -> x509.Certificate:
    from cryptography.hazmat.primitives import hashes
    from cryptography.x509.oid import NameOID

    def named(common_name: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])

    builder = x509.CertificateBuilder(named(issuer), named(name), public_key, x509.random_serial_number())
    end = NOW + datetime.timedelta(days=days)
    builder = builder.not_valid_before(NOW - datetime.timedelta(days=200)).not_valid_after(end)
    return builder.add_extension(x509.BasicConstraints(may_sign, None), critical=True).sign(key, hashes.SHA256())


@pytest.mark.parametrize(
    ("days", "may_sign", "own_key", "reason"),
    [
        pytest.param(-1, True, True, "ended on", id="expired"),
        pytest.param(100, False, True, "may not sign", id="no authority"),
        pytest.param(100, True, False, "not the key of", id="key of another"),
        pytest.param(100, True, None, "a certificate but no key", id="no key"),
    ],
)
def test_an_authority_that_was_brought_and_cannot_sign(pki: Path, days: int, may_sign: bool, own_key: Optional[bool], reason: str) -> None:
    key = _x509.make_key("ecdsa-p256")
    brought = _authority_certificate("brought", key.public_key(), issuer="brought", key=key, days=days, may_sign=may_sign)
    (pki / "etcd/ca.crt").write_text(_x509.bundle_pem([brought]))
    (pki / "etcd/trusted.crt").unlink()
    if own_key is None:
        (pki / "etcd/ca.key").unlink()
    elif own_key:
        (pki / "etcd/ca.key").write_bytes(_x509.private_pem(key))
    with pytest.raises(_authority.AuthorityError, match=reason):
        store(pki).issue(authority="etcd", common_name="m1", organizations=[], minutes=1)


@pytest.mark.parametrize("days", [-1, 0.5])
def test_an_authority_that_a_run_would_outlive_stops_it(pki: Path, days: float) -> None:
    key = _x509.make_key("ecdsa-p256")
    brought = _authority_certificate("brought", key.public_key(), issuer="brought", key=key, days=days, may_sign=True)
    (pki / "etcd/ca.crt").write_text(_x509.bundle_pem([brought]))
    with pytest.raises(_authority.AuthorityError, match="ends within a day"):
        maker(pki).check()


def test_an_authority_without_a_key_is_no_reason_to_stop(pki: Path) -> None:
    (pki / "etcd/ca.key").unlink()
    assert maker(pki).steps() == []
    assert maker(pki).check() == []


def test_an_authority_that_its_own_bundle_does_not_trust_is_refused(pki: Path) -> None:
    (pki / "etcd/trusted.crt").write_bytes((pki / "kubernetes/trusted.crt").read_bytes())
    with pytest.raises(_authority.AuthorityError, match="trusts none"):
        maker(pki).check()


def test_an_authority_that_ends_soon_is_told(pki: Path) -> None:
    key = _x509.make_key("ecdsa-p256")
    brought = _authority_certificate("brought", key.public_key(), issuer="brought", key=key, days=30)
    (pki / "etcd/ca.crt").write_text(_x509.bundle_pem([brought]))
    (pki / "etcd/ca.key").write_bytes(_x509.private_pem(key))
    (pki / "etcd/trusted.crt").write_text(_x509.bundle_pem([brought]))
    assert [warning for warning in maker(pki).check() if "authority etcd" in warning and "Rotate it before" in warning]


@pytest.mark.parametrize("name", ["etcd/ca.crt", "etcd/ca.key", "etcd/trusted.crt", "service_account/signing.key", "encryption/keys.json"])
def test_a_damaged_file_is_named(pki: Path, name: str) -> None:
    (pki / name).write_bytes((pki / name).read_bytes()[:40])
    with pytest.raises(_authority.AuthorityError, match=name):
        maker(pki).check()


# --- agreement with the hosts ------------------------------------------------------------------------------------------


def test_hosts_of_this_cluster_are_no_strangers(pki: Path) -> None:
    _authority.refuse_foreign(store(pki), {"m1": observed(store(pki)), "m2": {}})


def test_a_former_authority_is_known(pki: Path, tmp_path: Path) -> None:
    maker(tmp_path / "before").carry_out()
    certificates = observed(store(tmp_path / "before"))
    (pki / "etcd/former.crt").write_bytes((tmp_path / "before/etcd/ca.crt").read_bytes())
    _authority.refuse_foreign(store(pki), {"m1": certificates})


@pytest.mark.parametrize(
    ("lost", "reason"),
    [pytest.param(False, "another one is in", id="another"), pytest.param(True, "is missing", id="lost")],
)
def test_another_authority_on_a_host_stops(pki: Path, tmp_path: Path, lost: bool, reason: str) -> None:
    maker(tmp_path / "other").carry_out()
    certificates = observed(store(tmp_path / "other"))
    if lost:
        (pki / "etcd/ca.crt").unlink()
        (pki / "etcd/trusted.crt").unlink()
    with pytest.raises(_authority.AuthorityError) as error:
        _authority.refuse_foreign(store(pki), {"m1": certificates, "m2": {}})
    assert "m1 (/etc/etcd.crt)" in str(error.value)
    assert reason in str(error.value)


def test_an_unreadable_certificate_says_nothing_of_its_authority(pki: Path) -> None:
    _authority.refuse_foreign(store(pki), {"m1": {"/etc/x.crt": {"pem": "x", "authority": "etcd"}, "/etc/y.crt": {"pem": None}}})


def test_nothing_is_made_while_a_host_is_unknown(tmp_path: Path) -> None:
    with pytest.raises(_authority.AuthorityError, match="m2 were not reached"):
        _authority_maker.refuse_lost(maker(tmp_path / "pki"), store(tmp_path / "pki"), {"m1": {}, "m2": None})


def test_fresh_hosts_may_have_everything_made(tmp_path: Path) -> None:
    _authority_maker.refuse_lost(maker(tmp_path / "pki"), store(tmp_path / "pki"), {"m1": {}, "m2": {}})


@pytest.mark.parametrize("name", ["encryption/keys.json", "service_account/signing.key"])
def test_a_lost_secret_is_not_made_anew_under_a_running_cluster(pki: Path, name: str) -> None:
    certificates = observed(store(pki), "kubernetes")
    (pki / name).unlink()
    with pytest.raises(_authority.AuthorityError, match=f"{name} is missing in"):
        _authority_maker.refuse_lost(maker(pki), store(pki), {"m1": certificates})


def test_a_control_node_without_cryptography_is_told_what_it_needs(pki: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_x509, "FOUND", False)
    with pytest.raises(_authority.AuthorityError, match="version 42 or later of the Python library cryptography"):
        store(pki).issue(authority="etcd", common_name="m1", organizations=[], minutes=1)


def test_an_unreadable_directory_is_told(tmp_path: Path) -> None:
    (tmp_path / "etcd").write_text("a file where a folder belongs")
    with pytest.raises(_authority.AuthorityError, match=r"Reading .*etcd/ca\.crt"):
        store(tmp_path).issue(authority="etcd", common_name="m1", organizations=[], minutes=1)
