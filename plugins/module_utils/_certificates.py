# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: what a certificate is, and what has to be done so that a host has it.

The model says who signs, for whom, for which names, and where certificate and key lie. A certificate that is there was
read before (X.509 is parsed on the control node); here both are only compared.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Optional

AUTHORITIES = ("kubernetes", "etcd", "front_proxy")
USAGES = ("server", "client")
KEY_TYPES = ("ecdsa-p256", "ecdsa-p384", "rsa-2048", "rsa-3072", "rsa-4096")

CERTIFICATE_MODE = "0644"
KEY_MODE = "0600"
DAY = 86400.0

# Digits and dots alone are an address with a slip.
_DNS_NAME = re.compile(r"(?=.{1,253}\Z)(?![0-9.]+\.[0-9]+\Z)[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*\Z")
_OWNER = re.compile(r"[a-z_0-9][-a-z0-9_.]{0,31}\Z")
_PATH = re.compile(r"(/[A-Za-z0-9_][-A-Za-z0-9_.:@]*)+\Z")
# X.520 allows 64 characters for each of the two; libraries refuse longer ones.
_SUBJECT = re.compile(r"[\x21-\x7e]{1,64}\Z")


class CertificateError(Exception):
    """The definition of a certificate makes no sense."""


@dataclasses.dataclass(frozen=True)
class Certificate:
    """A certificate that a host shall have.

    Attributes:
        path: absolute path of the certificate on the host. It is the certificate's identity.
        key: absolute path of its key.
        name: what people call it; its path by default.
        authority: which authority signs it, one of AUTHORITIES.
        common_name: common name of the subject; Kubernetes and etcd take it for the user.
        organizations: organizations of the subject; Kubernetes takes them for the groups.
        dns: DNS names, sorted.
        addresses: addresses in canonical form, sorted.
        usages: what it is good for, of USAGES.
        owner: user that owns certificate and key.
        group: group that owns them.
        days: how long it lives when it is made.
        key_type: one of KEY_TYPES.
    """

    path: str
    key: str
    name: str
    authority: str
    common_name: str
    organizations: tuple[str, ...]
    dns: tuple[str, ...]
    addresses: tuple[str, ...]
    usages: tuple[str, ...]
    owner: str
    group: str
    days: int
    key_type: str


@dataclasses.dataclass(frozen=True)
class Trust:
    """A bundle of authorities on a host that says whom to trust."""

    path: str
    authorities: tuple[str, ...]
    owner: str
    group: str
    mode: str


@dataclasses.dataclass(frozen=True)
class Content:
    """What a certificate that is there says. Digests are SHA-256 in hexadecimal.

    Attributes:
        issuer: digest of the authority's certificate that signed it; empty if it is not one of ours.
        chain: digests of the certificates that follow it in its file.
        public_key: digest of its public key.
    """

    common_name: str
    organizations: tuple[str, ...]
    dns: tuple[str, ...]
    addresses: tuple[str, ...]
    usages: tuple[str, ...]
    key_type: str
    issuer: str
    chain: tuple[str, ...]
    public_key: str
    serial: str
    not_after: float


@dataclasses.dataclass(frozen=True)
class Issuer:
    """Who signs for an authority now.

    Attributes:
        fingerprint: digest of its certificate.
        chain: digests of the certificates that a server has to send along with its own.
        not_after: end of its life, in seconds since the epoch.
    """

    fingerprint: str
    chain: tuple[str, ...]
    not_after: float


@dataclasses.dataclass(frozen=True)
class Attributes:
    """Digest, mode and owner of a file that is there."""

    digest: str
    mode: str
    owner: str
    group: str


@dataclasses.dataclass(frozen=True)
class Facts:
    """What was observed of one certificate.

    Attributes:
        recorded: whether the host's records know it as ours.
        content: what it says; None if it is missing or cannot be read.
        certificate: state of its file; None if it is missing.
        key: state of the file of its key; None if it is missing.
        key_matches: whether the key is the one that was installed with it.
    """

    recorded: bool = False
    content: Optional[Content] = None
    certificate: Optional[Attributes] = None
    key: Optional[Attributes] = None
    key_matches: bool = False


@dataclasses.dataclass(frozen=True)
class Step:
    """One thing to do.

    Attributes:
        verb: C(make) or C(renew) a certificate, C(own) its files anew, C(trust) a bundle.
        path: certificate or bundle.
        reasons: why.
        rekey: whether a new key is needed too.
    """

    verb: str
    path: str
    reasons: tuple[str, ...]
    rekey: bool = False

    @property
    def signs(self) -> bool:
        return self.verb in ("make", "renew")

    def __str__(self) -> str:
        words = {"own": "set owner and mode of", "trust": "write"}
        return f"{words.get(self.verb, self.verb)} {self.path}: {'; '.join(self.reasons)}"


# --- definition --------------------------------------------------------------------------------------------------------


def parse_certificate(entry: Mapping[str, Any]) -> Certificate:
    """A certificate from its definition, checked."""
    fields = {field.name for field in dataclasses.fields(Certificate)}
    unknown = sorted(set(entry) - fields)
    if unknown:
        raise CertificateError(f"A certificate has no {', '.join(unknown)}. It has {', '.join(sorted(fields))}.")
    path = _checked("path", entry.get("path"), _PATH)
    try:
        names, addresses = _split(list(entry.get("dns") or []) + list(entry.get("addresses") or []))
        owner = _checked("owner", entry.get("owner") or "root", _OWNER)
        return Certificate(
            path=path,
            key=_checked("key", entry.get("key") or f"{path.rpartition('.')[0]}.key", _PATH),
            name=str(entry.get("name") or path),
            authority=_one_of("authority", entry.get("authority"), AUTHORITIES),
            common_name=_checked("common_name", entry.get("common_name"), _SUBJECT),
            organizations=_unique(_checked("organizations", value, _SUBJECT) for value in entry.get("organizations") or []),
            dns=names,
            addresses=addresses,
            usages=_unique(_one_of("usages", usage, USAGES) for usage in entry.get("usages") or []),
            owner=owner,
            group=_checked("group", entry.get("group") or owner, _OWNER),
            days=_positive("days", 365 if entry.get("days") is None else entry["days"]),
            key_type=_one_of("key_type", entry.get("key_type") or KEY_TYPES[0], KEY_TYPES),
        )
    except CertificateError as error:
        raise CertificateError(f"Certificate {path}: {error}") from error


def parse_trust(entry: Mapping[str, Any]) -> Trust:
    """A bundle from its definition, checked."""
    fields = {field.name for field in dataclasses.fields(Trust)}
    unknown = sorted(set(entry) - fields)
    if unknown:
        raise CertificateError(f"A bundle has no {', '.join(unknown)}. It has {', '.join(sorted(fields))}.")
    path = _checked("path", entry.get("path"), _PATH)
    owner = _checked("owner", entry.get("owner") or "root", _OWNER)
    authorities = tuple(_one_of("authorities", name, AUTHORITIES) for name in entry.get("authorities") or [])
    if not authorities:
        raise CertificateError(f"Bundle {path}: authorities is empty. Whom shall it trust?")
    return Trust(
        path=path,
        authorities=authorities,
        owner=owner,
        group=_checked("group", entry.get("group") or owner, _OWNER),
        mode=_checked("mode", entry.get("mode") or CERTIFICATE_MODE, re.compile(r"0[0-7]{3}\Z")),
    )


def parse(
    certificates: Iterable[Mapping[str, Any]], trust: Iterable[Mapping[str, Any]]
) -> tuple[tuple[Certificate, ...], tuple[Trust, ...]]:
    """All that one host shall have; no file may be named twice."""
    wanted = tuple(parse_certificate(entry) for entry in certificates)
    bundles = tuple(parse_trust(entry) for entry in trust)
    seen: set[str] = set()
    for certificate in wanted:
        if not certificate.usages:
            raise CertificateError(f"Certificate {certificate.path}: usages is empty. Give server, client or both.")
        if "server" in certificate.usages and not (certificate.dns or certificate.addresses):
            raise CertificateError(f"Certificate {certificate.path}: a server needs a name or an address in dns or addresses.")
    for path in [path for certificate in wanted for path in (certificate.path, certificate.key)] + [b.path for b in bundles]:
        if path in seen:
            raise CertificateError(f"{path} is named twice. Every certificate, key and bundle needs a path of its own.")
        seen.add(path)
    return wanted, bundles


def _checked(what: str, value: Any, pattern: re.Pattern[str]) -> str:
    if not isinstance(value, str) or not pattern.match(value):
        raise CertificateError(f"{what} cannot be {value!r}.")
    return str(value)


def _one_of(what: str, value: Any, choices: Sequence[str]) -> str:
    if value not in choices:
        raise CertificateError(f"{what} cannot be {value!r}. Choose among {', '.join(choices)}.")
    return str(value)


def _positive(what: str, value: Any) -> int:
    if isinstance(value, bool) or not str(value).isdigit() or int(value) < 1:
        raise CertificateError(f"{what} cannot be {value!r}. Give a number of days above 0.")
    return int(value)


def _unique(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(values)))


def _split(names: Iterable[Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """DNS names and addresses apart. An address is one wherever it was given: as a DNS name it would never be matched."""
    dns, addresses = set(), set()
    for name in names:
        try:
            addresses.add(str(ipaddress.ip_address(str(name))))
        except ValueError:
            dns.add(_checked("dns", str(name).lower(), _DNS_NAME))
    return tuple(sorted(dns)), tuple(sorted(addresses))


# --- plan --------------------------------------------------------------------------------------------------------------


def renewal_window(days: float, renew_before_days: float) -> float:
    """Seconds before its end at which a certificate is renewed: never more than a third of its life."""
    return min(renew_before_days, days / 3) * DAY


def nears_end(not_after: float, *, days: float, renew_before_days: float, issuer_ends: float, now: float) -> bool:
    """Whether to renew now. No certificate outlives its issuer, so renewing has to gain time, or every run would renew."""
    gains = min(now + days * DAY, issuer_ends) > not_after
    return gains and not_after - now < renewal_window(days, renew_before_days)


def plan_certificate(
    wanted: Certificate, facts: Facts, *, issuer: Optional[Issuer], now: float, renew_before_days: float
) -> Optional[Step]:
    """What to do so that the host has the certificate; None if it has it."""
    content = facts.content
    if facts.certificate is None or not facts.recorded:
        return Step("make", wanted.path, (f"it is missing ({_summary(wanted)})",), rekey=not (facts.recorded and facts.key_matches))
    if content is None:
        return Step("renew", wanted.path, ("it cannot be read",), rekey=not facts.key_matches)
    key_reasons = _key_reasons(wanted, facts, content)
    reasons = [
        *key_reasons,
        *_subject_reasons(wanted, content),
        *_issuer_reasons(content, issuer),
        *_end_reasons(wanted, content, issuer=issuer, now=now, renew_before_days=renew_before_days),
    ]
    if reasons:
        return Step("renew", wanted.path, tuple(reasons), rekey=bool(key_reasons) or _other_identity(wanted, content))
    attributes = _attribute_reasons(wanted, facts)
    return Step("own", wanted.path, attributes) if attributes else None


def _summary(wanted: Certificate) -> str:
    names = wanted.dns + wanted.addresses
    return f"{wanted.authority} signs {wanted.common_name}{', for ' + ', '.join(names) if names else ''}"


def plan_trust(wanted: Trust, file: Optional[Attributes], digest: Optional[str]) -> Optional[Step]:
    """What to do so that the host has the bundle. The digest is None while the authorities are not made yet."""
    if file is None:
        return Step("trust", wanted.path, ("it is missing",))
    reasons = []
    if file.digest != digest:
        reasons.append("the trusted authorities differ")
    reasons += _differences(file, owner=wanted.owner, group=wanted.group, mode=wanted.mode)
    return Step("trust", wanted.path, tuple(reasons)) if reasons else None


def _key_reasons(wanted: Certificate, facts: Facts, content: Content) -> list[str]:
    if facts.key is None:
        return ["its key is missing"]
    if not facts.key_matches:
        return ["its key is not the one that it was made with"]
    if content.key_type != wanted.key_type:
        return [f"key type differs ({content.key_type}, wanted {wanted.key_type})"]
    return []


def _subject_reasons(wanted: Certificate, content: Content) -> list[str]:
    reasons = []
    if content.common_name != wanted.common_name:
        reasons.append(f"common name differs ({content.common_name}, wanted {wanted.common_name})")
    for what, there, want in (
        ("organizations differ", content.organizations, wanted.organizations),
        ("names differ", content.dns + content.addresses, wanted.dns + wanted.addresses),
        ("usages differ", content.usages, wanted.usages),
    ):
        if there != want:
            changes = [f"+{name}" for name in want if name not in there] + [f"-{name}" for name in there if name not in want]
            reasons.append(f"{what} ({', '.join(changes)})")
    return reasons


def _other_identity(wanted: Certificate, content: Content) -> bool:
    """Whether the certificate was somebody else's. Keys of a cloned host must not stay in use on both."""
    lost = set(content.dns + content.addresses) - set(wanted.dns + wanted.addresses)
    return content.common_name != wanted.common_name or bool(lost)


def _issuer_reasons(content: Content, issuer: Optional[Issuer]) -> list[str]:
    if issuer is None or content.issuer != issuer.fingerprint:
        return ["issuer differs"]
    return ["intermediate authorities differ"] if content.chain != issuer.chain else []


def _end_reasons(wanted: Certificate, content: Content, *, issuer: Optional[Issuer], now: float, renew_before_days: float) -> list[str]:
    if issuer is None or not nears_end(
        content.not_after, days=wanted.days, renew_before_days=renew_before_days, issuer_ends=issuer.not_after, now=now
    ):
        return []
    verb = "ended" if content.not_after <= now else "ends"
    return [f"it {verb} on {day(content.not_after)}"]


def _attribute_reasons(wanted: Certificate, facts: Facts) -> tuple[str, ...]:
    reasons = []
    for what, file, mode in (("certificate", facts.certificate, CERTIFICATE_MODE), ("key", facts.key, KEY_MODE)):
        if file is not None:
            found = _differences(file, owner=wanted.owner, group=wanted.group, mode=mode)
            reasons += [f"{what}: {reason}" for reason in found]
    return tuple(reasons)


def _differences(file: Attributes, *, owner: str, group: str, mode: str) -> list[str]:
    pairs = (("owner", file.owner, owner), ("group", file.group, group), ("mode", file.mode, mode))
    return [f"{what} is {there}, wanted {want}" for what, there, want in pairs if there != want]


def day(moment: float) -> str:
    """A moment as people read it."""
    return time.strftime("%Y-%m-%d", time.gmtime(moment))
