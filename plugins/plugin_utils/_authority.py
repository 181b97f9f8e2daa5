# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: the authorities in pki_directory, read and used for signing. Nothing is written here.

Each authority is a folder. C(ca.crt) begins with the certificate that signs (intermediates may follow), C(ca.key) is its
key, C(trusted.crt) holds all that hosts shall trust. So who signs and whom to trust are two facts.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Optional

from ansible.errors import AnsibleError
from ansible.parsing.vault import VaultLib, VaultSecret

from ansible_collections.quorate.kubernetes.plugins.module_utils import _certificate_plan, _certificates
from ansible_collections.quorate.kubernetes.plugins.plugin_utils import _local, _x509

if TYPE_CHECKING:
    from cryptography import x509

CERTIFICATE = "ca.crt"
KEY = "ca.key"
TRUSTED = "trusted.crt"
FORMER = "former.crt"
SIGNING_KEY = "service_account/signing.key"
SIGNING_TRUSTED = "service_account/trusted.pub"
ENCRYPTION_KEYS = "encryption/keys.json"


class AuthorityError(Exception):
    """An authority cannot do what was asked."""


@dataclasses.dataclass(frozen=True)
class IssuedPair:
    """A certificate with its key, and the bundle to verify the other side with. All are PEM texts."""

    certificate: str
    key: str
    trusted: str


class AuthorityStore:
    """The authorities below a directory of the control node."""

    def __init__(self, directory: str, passphrase: str = "") -> None:
        self.directory = os.path.abspath(os.path.expanduser(directory))
        self._passphrase = passphrase
        self._read: dict[str, list[x509.Certificate]] = {}
        self._signers: dict[str, tuple[x509.Certificate, _x509.PrivateKey]] = {}

    # --- files

    def path(self, name: str) -> str:
        return os.path.join(self.directory, name)

    def exists(self, authority: str) -> bool:
        return os.path.exists(self.path(f"{authority}/{CERTIFICATE}"))

    def forget(self) -> None:
        """Read all files anew from now on."""
        self._read.clear()
        self._signers.clear()

    def read(self, name: str) -> Optional[bytes]:
        """Content of a file by its name below the directory; None if there is none."""
        if not _x509.FOUND:
            raise AuthorityError(_x509.LACKING)
        try:
            return _local.read(self.path(name))
        except _local.LocalError as error:
            raise AuthorityError(str(error)) from error

    def read_key(self, name: str) -> Optional[_x509.PrivateKey]:
        """A private key by its name below the directory; None if there is none."""
        content = self.read(name)
        if content is None:
            return None
        try:
            return _x509.read_private_key(content, self._passphrase)
        except _x509.X509Error as error:
            raise AuthorityError(f"The key {self.path(name)} cannot be used: {error}.") from None

    def certificates(self, name: str) -> list[x509.Certificate]:
        """Certificates of a file by its name below the directory; none if there is no such file. Read once."""
        if name not in self._read:
            self._read[name] = self._read_certificates(name)
        return self._read[name]

    def _read_certificates(self, name: str) -> list[x509.Certificate]:
        content = self.read(name)
        if content is None:
            return []
        try:
            return _x509.read_bundle(content)
        except _x509.X509Error as error:
            raise AuthorityError(f"The file {self.path(name)} cannot be used: {error}.") from None

    # --- whom to trust

    def trusted_certificates(self, authority: str) -> list[x509.Certificate]:
        """What hosts shall trust. By default only the certificate that signs: trusting the root of a company would let in
        everybody whom that root, or any authority below it, ever certified."""
        return self.certificates(f"{authority}/{TRUSTED}") or self.certificates(f"{authority}/{CERTIFICATE}")[:1]

    def trusted(self, authority: str) -> str:
        """The bundle that hosts shall trust, as PEM; empty while the authority is not made."""
        return _x509.bundle_pem(self.trusted_certificates(authority))

    def chain(self, authority: str) -> str:
        """The bundle with all that is above it, up to the root, as PEM. Programs that use OpenSSL verify servers with it, since they
        take no intermediate for the end of a chain."""
        above = self.certificates(f"{authority}/{CERTIFICATE}")
        return _x509.bundle_pem([*self.trusted_certificates(authority), *above])

    def has_root(self, authority: str) -> bool:
        """Whether the root is at hand that the chain ends with."""
        entries = [*self.trusted_certificates(authority), *self.certificates(f"{authority}/{CERTIFICATE}")]
        return any(entry.subject == entry.issuer for entry in entries)

    def known(self, authority: str) -> list[x509.Certificate]:
        """All certificates that belong to the authority, former ones included. Those that sign now come first."""
        names = (CERTIFICATE, TRUSTED, FORMER)
        found = [entry for name in names for entry in self.certificates(f"{authority}/{name}")]
        return list({_x509.fingerprint(entry): entry for entry in found}.values())

    def issuer(self, authority: str) -> Optional[_certificate_plan.Issuer]:
        """Who signs now; None while the authority is not made."""
        chain = self.certificates(f"{authority}/{CERTIFICATE}")
        if not chain:
            return None
        return _certificate_plan.Issuer(
            fingerprint=_x509.fingerprint(chain[0]),
            chain=tuple(_x509.fingerprint(entry) for entry in _to_send(chain)),
            not_after=chain[0].not_valid_after_utc.timestamp(),
        )

    def foreign(self, certificates: Mapping[str, Mapping[str, Any]]) -> dict[str, list[str]]:
        """Of the observed certificates those that no authority here signed: paths by name of the authority."""
        found: dict[str, list[str]] = {}
        for path, entry in sorted(certificates.items()):
            authority = entry.get("authority")
            if authority not in _certificates.AUTHORITIES or not entry.get("pem"):
                continue
            content = _x509.read_content(entry["pem"], self.known(authority))
            if content is not None and not content.issuer:
                found.setdefault(authority, []).append(path)
        return found

    # --- signing

    def signer(self, authority: str) -> tuple[x509.Certificate, _x509.PrivateKey]:
        """Certificate and key that sign, after a check that they belong together and may sign."""
        if authority not in self._signers:
            self._signers[authority] = self._load_signer(authority)
        return self._signers[authority]

    def sign(self, authority: str, subject: _x509.Subject, *, public_key: Any, life: datetime.timedelta) -> str:
        """A certificate for the public key with the names of the subject, followed by intermediates. PEM."""
        certificate, key = self.signer(authority)
        leaf = _x509.sign(subject, public_key, issuer=certificate, key=key, life=life, now=_now())
        return _x509.bundle_pem([leaf, *_to_send(self.certificates(f"{authority}/{CERTIFICATE}"))])

    def issue(self, *, authority: str, common_name: str, organizations: Sequence[str], minutes: int) -> IssuedPair:
        """An identity for a client on the control node, in memory only."""
        key = _x509.make_key(_certificates.KEY_TYPES[0])
        subject = _x509.Subject(common_name=common_name, organizations=tuple(organizations))
        certificate = self.sign(authority, subject, public_key=key.public_key(), life=datetime.timedelta(minutes=minutes))
        return IssuedPair(certificate, _x509.private_pem(key).decode(), self.trusted(authority))

    def _load_signer(self, authority: str) -> tuple[x509.Certificate, _x509.PrivateKey]:
        where = self.path(authority)
        chain = self.certificates(f"{authority}/{CERTIFICATE}")
        if not chain:
            raise AuthorityError(f"There is no authority {authority} in {where}. The module authorities makes it.")
        key = self.read_key(f"{authority}/{KEY}")
        if key is None:
            raise AuthorityError(
                f"The authority {authority} in {where} has a certificate but no key, so it cannot sign. "
                f"Put its key there as {KEY}, or bring certificates that need no renewal."
            )
        if _x509.public_digest(key.public_key()) != _x509.public_digest(chain[0].public_key()):
            raise AuthorityError(f"{KEY} in {where} is not the key of the first certificate in {CERTIFICATE}. Put the right one there.")
        if chain[0].not_valid_after_utc <= _now():
            raise AuthorityError(f"The authority {authority} in {where} ended on {chain[0].not_valid_after_utc:%Y-%m-%d}. Rotate it.")
        if not _x509.may_sign(chain[0]):
            raise AuthorityError(f"The first certificate of {CERTIFICATE} in {where} is not that of an authority: it may not sign.")
        return chain[0], key

    # --- secrets that are no certificates

    def service_account_key(self) -> str:
        """The key that signs tokens of service accounts, as PEM without encryption."""
        key = self.read_key(SIGNING_KEY)
        if key is None:
            raise AuthorityError(f"There is no {self.path(SIGNING_KEY)}. The module authorities makes it.")
        return _x509.private_pem(key).decode()

    def service_account_trusted(self) -> str:
        """The public keys that tokens of service accounts are checked with, as PEM; empty while there are none."""
        return (self.read(SIGNING_TRUSTED) or b"").decode()

    def encryption_keys(self) -> list[dict[str, str]]:
        """The keys that encrypt Secrets in etcd, the one that writes first: C(name) and C(secret), base64 of 32 bytes."""
        path = self.path(ENCRYPTION_KEYS)
        content = self.read(ENCRYPTION_KEYS)
        if content is None:
            raise AuthorityError(f"There is no {path}. The module authorities makes it.")
        try:
            keys = json.loads(unsealed(content, self._passphrase))
            return [{"name": str(key["name"]), "secret": str(key["secret"])} for key in keys]
        except (AuthorityError, ValueError, KeyError, TypeError) as error:
            raise AuthorityError(f"The file {path} cannot be used: {error}") from None


def refuse_foreign(store: AuthorityStore, hosts: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
    """Stop if hosts hold certificates of an authority that is another one here, or is missing here."""
    found: dict[str, list[str]] = {}
    for host, certificates in sorted(hosts.items()):
        for authority, paths in store.foreign(certificates).items():
            found.setdefault(authority, []).append(f"{host} ({', '.join(paths)})")
    sentences = []
    for authority, places in sorted(found.items()):
        here = f"another one is in {store.path(authority)}" if store.exists(authority) else f"{store.path(authority)} is missing"
        sentences.append(f"the authority {authority} signed certificates on {'; '.join(places)}, but {here}")
    if sentences:
        raise AuthorityError(
            f"Two different authorities, or one that was lost: {'. Also '.join(sentences)}. Nothing was changed. Set pki_directory to, or "
            "bring back from a backup, the directory that made these certificates. To take a host into another cluster, reset it first."
        )


def sealed(content: bytes, passphrase: str) -> bytes:
    """Content as C(ansible-vault) encrypts it, so that people can view it with that; as it is without a passphrase."""
    return VaultLib([("default", VaultSecret(passphrase.encode()))]).encrypt(content) if passphrase else content


def unsealed(content: bytes, passphrase: str) -> bytes:
    if not is_sealed(content):
        return content
    if not passphrase:
        raise AuthorityError("It is encrypted and there is no passphrase. Set pki_passphrase.")
    try:
        return VaultLib([("default", VaultSecret(passphrase.encode()))]).decrypt(content)
    except AnsibleError:
        raise AuthorityError("The passphrase does not open it.") from None


def is_sealed(content: bytes) -> bool:
    return content.startswith(b"$ANSIBLE_VAULT;")


def _to_send(chain: Sequence[x509.Certificate]) -> list[x509.Certificate]:
    """What has to follow a leaf certificate: the chain without a root, which the other side has anyway."""
    return [entry for entry in chain if entry.subject != entry.issuer]


def _now() -> datetime.datetime:
    return datetime.datetime.now(tz=datetime.timezone.utc)
