# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: what has to be done so that a host has a certificate or a bundle, and why.

What is there was read before (X.509 is parsed on the control node); here it is only compared with what is wanted.
"""

from __future__ import annotations

import dataclasses
import time
from typing import Optional

from ansible_collections.quorate.kubernetes.plugins.module_utils._certificates import (
    CERTIFICATE_MODE,
    KEY_MODE,
    Certificate,
    Trust,
)

DAY = 86400.0


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


# --- plan -------------------------------------------------------------------------------------------------------------


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
    ]
    if end := end_in_words(content, issuer, days=wanted.days, renew_before_days=renew_before_days, now=now):
        reasons.append(f"it {end}")
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


def end_in_words(content: Content, issuer: Optional[Issuer], *, days: int, renew_before_days: float, now: float) -> str:
    """When a certificate ends, or has ended, if it has to be renewed for that; empty otherwise."""
    if issuer is None or not nears_end(
        content.not_after, days=days, renew_before_days=renew_before_days, issuer_ends=issuer.not_after, now=now
    ):
        return ""
    return f"{'ended' if content.not_after <= now else 'ends'} on {day(content.not_after)}"


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
