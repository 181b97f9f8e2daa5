# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: X.509 on the control node. Certificates in and out of bytes, no files."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import ipaddress
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Optional, Union

from ansible_collections.quorate.kubernetes.plugins.module_utils import _certificate_plan, _certificates

try:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
except ImportError:
    FOUND = False
else:
    # Times with a zone are in version 42 and later.
    FOUND = hasattr(x509.Certificate, "not_valid_after_utc")

if TYPE_CHECKING:
    PrivateKey = Union[ec.EllipticCurvePrivateKey, rsa.RSAPrivateKey, ed25519.Ed25519PrivateKey]
    PublicKey = Union[ec.EllipticCurvePublicKey, rsa.RSAPublicKey, ed25519.Ed25519PublicKey]

LACKING = (
    "The control node needs version 42 or later of the Python library cryptography, for the Python that runs Ansible. "
    "Install the collection's requirements.txt there."
)

# Clocks of hosts may be behind that of the control node; a certificate has to hold there at once.
BACKDATED = datetime.timedelta(hours=1)


class X509Error(Exception):
    """A certificate, a request or a key could not be read or made."""


def _usages_by_word() -> dict[str, x509.ObjectIdentifier]:
    return {"server": ExtendedKeyUsageOID.SERVER_AUTH, "client": ExtendedKeyUsageOID.CLIENT_AUTH}


def _curves() -> dict[str, ec.EllipticCurve]:
    return {"ecdsa-p256": ec.SECP256R1(), "ecdsa-p384": ec.SECP384R1()}


@dataclasses.dataclass(frozen=True)
class Subject:
    """What an authority puts into a certificate besides the public key."""

    common_name: str
    organizations: Sequence[str] = ()
    dns: Sequence[str] = ()
    addresses: Sequence[str] = ()
    usages: Sequence[str] = ("client",)


# --- keys --------------------------------------------------------------------------------------------------------------


def make_key(key_type: str) -> PrivateKey:
    """A new private key of one of the types that the model knows."""
    curve = _curves().get(key_type)
    if curve is not None:
        return ec.generate_private_key(curve)
    if key_type.startswith("rsa-"):
        return rsa.generate_private_key(public_exponent=65537, key_size=int(key_type[4:]))
    raise X509Error(f"There is no key type {key_type}. Choose among {', '.join(_certificates.KEY_TYPES)}.")


def key_type_of(key: object) -> str:
    """Type of a public key in the words of the model."""
    if isinstance(key, ec.EllipticCurvePublicKey):
        names = {curve.name: name for name, curve in _curves().items()}
        return names.get(key.curve.name, f"ecdsa-{key.curve.name}")
    if isinstance(key, rsa.RSAPublicKey):
        return f"rsa-{key.key_size}"
    return "ed25519" if isinstance(key, ed25519.Ed25519PublicKey) else type(key).__name__


def private_pem(key: PrivateKey, passphrase: str = "") -> bytes:
    """A key as PKCS#8, encrypted if there is a passphrase."""
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:
        encryption = serialization.BestAvailableEncryption(passphrase.encode())
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)


def is_encrypted(pem: bytes) -> bool:
    return b"BEGIN ENCRYPTED PRIVATE KEY" in pem or b"Proc-Type: 4,ENCRYPTED" in pem


def read_private_key(pem: bytes, passphrase: str = "") -> PrivateKey:
    """A key from PEM. The message of the error is the cause only; the caller knows which file."""
    if is_encrypted(pem) and not passphrase:
        raise X509Error("it is encrypted and there is no passphrase. Set pki_passphrase")
    try:
        key = serialization.load_pem_private_key(pem, passphrase.encode() if is_encrypted(pem) else None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        cause = "the passphrase does not open it" if is_encrypted(pem) else f"it is no private key ({error})"
        raise X509Error(cause) from None
    if not isinstance(key, (ec.EllipticCurvePrivateKey, rsa.RSAPrivateKey, ed25519.Ed25519PrivateKey)):
        raise X509Error(f"it is a {type(key).__name__}; RSA, ECDSA and Ed25519 can sign here")
    return key


def public_pem(key: PublicKey) -> str:
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def public_digest(key: object) -> str:
    """SHA-256 of a public key, in hexadecimal."""
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined]
    return hashlib.sha256(der).hexdigest()


# --- certificates ------------------------------------------------------------------------------------------------------


def read_bundle(pem: Union[str, bytes]) -> list[x509.Certificate]:
    """All certificates of a PEM file, in its order."""
    content = pem.encode() if isinstance(pem, str) else pem
    try:
        return x509.load_pem_x509_certificates(content)
    except ValueError as error:
        raise X509Error(f"it holds no certificate that can be read ({error})") from None


def bundle_pem(certificates: Iterable[x509.Certificate]) -> str:
    """Certificates as one PEM text, each once."""
    texts = dict.fromkeys(entry.public_bytes(serialization.Encoding.PEM).decode() for entry in certificates)
    return "".join(texts)


def fingerprint(certificate: x509.Certificate) -> str:
    return certificate.fingerprint(hashes.SHA256()).hex()


def issued(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    """Whether the authority signed the certificate."""
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def may_sign(certificate: x509.Certificate) -> bool:
    """Whether it is the certificate of an authority."""
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def read_request(pem: str) -> x509.CertificateSigningRequest:
    """A signing request whose sender holds the key: its signature was checked."""
    try:
        request = x509.load_pem_x509_csr(pem.encode())
        valid = request.is_signature_valid
    except (ValueError, UnsupportedAlgorithm) as error:
        raise X509Error(f"the signing request cannot be read ({error})") from None
    if not valid:
        raise X509Error("the signing request is not signed with the key that it names")
    return request


def read_content(pem: str, authorities: Iterable[x509.Certificate]) -> Optional[_certificate_plan.Content]:
    """What a certificate says; None if it cannot be read."""
    try:
        leaf, *chain = read_bundle(pem)
        dns, addresses = _names(leaf)
        return _certificate_plan.Content(
            common_name="".join(str(entry.value) for entry in leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)),
            organizations=tuple(sorted(str(entry.value) for entry in leaf.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME))),
            dns=dns,
            addresses=addresses,
            usages=_usages(leaf),
            key_type=key_type_of(leaf.public_key()),
            issuer=next((fingerprint(authority) for authority in authorities if issued(leaf, authority)), ""),
            chain=tuple(fingerprint(entry) for entry in chain),
            public_key=public_digest(leaf.public_key()),
            serial=f"{leaf.serial_number:x}",
            not_after=leaf.not_valid_after_utc.timestamp(),
        )
    except (X509Error, ValueError, UnsupportedAlgorithm):
        return None


def _names(certificate: x509.Certificate) -> tuple[tuple[str, ...], tuple[str, ...]]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return (), ()
    dns = sorted(names.get_values_for_type(x509.DNSName))
    return tuple(dns), tuple(sorted(str(address) for address in names.get_values_for_type(x509.IPAddress)))


def _usages(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return ()
    words = {identifier: usage for usage, identifier in _usages_by_word().items()}
    return tuple(sorted(words.get(identifier, identifier.dotted_string) for identifier in found))


# --- signing -----------------------------------------------------------------------------------------------------------


def make_authority(common_name: str, key: PrivateKey, *, days: int, now: datetime.datetime) -> x509.Certificate:
    """A root authority that may sign leaf certificates only."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    builder = _builder(name, name, key.public_key(), start=now - BACKDATED, end=now + datetime.timedelta(days=days))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_key_usage(signs_certificates=True), critical=True)
    return builder.sign(key, _algorithm(key))


def sign(
    subject: Subject, public_key: PublicKey, *, issuer: x509.Certificate, key: PrivateKey, life: datetime.timedelta, now: datetime.datetime
) -> x509.Certificate:
    """A leaf certificate. It holds the names given and no others, and does not outlive its issuer."""
    attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, name) for name in subject.organizations]
    attributes.append(x509.NameAttribute(NameOID.COMMON_NAME, subject.common_name))
    start = max(now - BACKDATED, issuer.not_valid_before_utc)
    end = min(now + life, issuer.not_valid_after_utc)
    builder = _builder(x509.Name(attributes), issuer.subject, public_key, start=start, end=end)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    enciphers = isinstance(public_key, rsa.RSAPublicKey)
    builder = builder.add_extension(_key_usage(signs_certificates=False, enciphers=enciphers), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([_usages_by_word()[usage] for usage in subject.usages]), critical=False)
    names: list[x509.GeneralName] = [x509.DNSName(name) for name in subject.dns]
    names += [x509.IPAddress(ipaddress.ip_address(address)) for address in subject.addresses]
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    builder = builder.add_extension(_authority_identifier(issuer), critical=False)
    return builder.sign(key, _algorithm(key))


def _builder(
    subject: x509.Name, issuer: x509.Name, public_key: PublicKey, *, start: datetime.datetime, end: datetime.datetime
) -> x509.CertificateBuilder:
    if end <= start:
        raise X509Error(
            f"The certificate of {subject.rfc4514_string()} would end on {end:%Y-%m-%d}, before it begins. Choose a longer life."
        )
    builder = x509.CertificateBuilder(issuer, subject, public_key, x509.random_serial_number())
    builder = builder.not_valid_before(start.replace(microsecond=0)).not_valid_after(end.replace(microsecond=0))
    return builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)


def _key_usage(*, signs_certificates: bool, enciphers: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=enciphers,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _authority_identifier(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    """The identifier that the issuer bears, which need not be the digest of its key if others made it."""
    try:
        identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except x509.ExtensionNotFound:
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key())  # type: ignore[arg-type]
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)


def _algorithm(key: PrivateKey) -> Optional[hashes.SHA256]:
    return None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
