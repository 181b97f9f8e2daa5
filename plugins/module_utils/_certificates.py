# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: what a certificate is: who signs it, for whom, for which names, and where it and its key lie."""

from __future__ import annotations

import dataclasses
import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

AUTHORITIES = ("kubernetes", "etcd", "front_proxy")
USAGES = ("server", "client")
# What ends within a day is refused when it is used, and beyond a century there is hardly a clock to ask.
SHORTEST_AUTHORITY_DAYS, LONGEST_DAYS = 2, 36500
KEY_TYPES = ("ecdsa-p256", "ecdsa-p384", "rsa-2048", "rsa-3072", "rsa-4096")

CERTIFICATE_MODE = "0644"
KEY_MODE = "0600"

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
    """A bundle of authorities on a host that says whom to trust.

    Attributes:
        chain: whether what is above the trusted certificates is in it too, up to the root.
    """

    path: str
    authorities: tuple[str, ...]
    chain: bool
    owner: str
    group: str
    mode: str


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
        chain=_truth("chain", entry.get("chain") or False),
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


def _truth(what: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise CertificateError(f"{what} cannot be {value!r}. Choose true or false.")
    return value


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
