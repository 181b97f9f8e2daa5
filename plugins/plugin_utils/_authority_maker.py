# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: makes what is missing in pki_directory, and nothing else there is changed.

Steps are planned on what is there and carried out one by one, each by one atomic write. A run that died in between is gone
on with by the next: what a step needs was written by the one before.
"""

from __future__ import annotations

import base64
import dataclasses
import datetime
import functools
import json
import os
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any, Optional

from ansible_collections.quorate.kubernetes.plugins.module_utils import _certificate_plan, _certificates
from ansible_collections.quorate.kubernetes.plugins.plugin_utils import _authority, _local, _x509

LOCK = ".lock"
SECRETS = (_authority.SIGNING_KEY, _authority.ENCRYPTION_KEYS)
ENDS_SOON_DAYS = 90


@dataclasses.dataclass(frozen=True)
class Settings:
    """How authorities are made.

    Attributes:
        passphrase: encrypts keys; empty for no encryption.
        days: life of an authority.
        key_type: type of its key and of the key of service accounts.
    """

    passphrase: str
    days: int
    key_type: str


@dataclasses.dataclass(frozen=True)
class Step:
    """One file to be made or mended."""

    words: str
    do: Callable[[], None]


class AuthorityMaker:
    """What is missing below the directory of a store, and how it is made."""

    def __init__(self, store: _authority.AuthorityStore, settings: Settings) -> None:
        self._store = store
        self._settings = settings

    def missing(self) -> list[str]:
        """Authorities and secrets that are not there, by their names below the directory."""
        authorities = [name for name in _certificates.AUTHORITIES if not self._store.exists(name)]
        return authorities + [name for name in SECRETS if not self._exists(name)]

    def steps(self) -> list[Step]:
        """All that has to be done, in order."""
        found = self._directory_steps()
        for authority in _certificates.AUTHORITIES:
            found += self._authority_steps(authority)
        found += self._service_account_steps()
        if not self._exists(_authority.ENCRYPTION_KEYS):
            found.append(self._step("make", _authority.ENCRYPTION_KEYS, self._make_encryption_keys))
        return found + self._protection_steps()

    def carry_out(self) -> list[Step]:
        """Make everything under a lock and return what was made. Hosts of one run come here at once: the first makes, the others
        find it made."""
        root = self._store.directory
        done = [_directory_step(root)] if _local.make_private_directory(root) else []
        with _local.locked(os.path.join(root, LOCK)):
            self._store.forget()
            for step in self.steps():
                step.do()
                done.append(step)
        self._store.forget()
        return done

    def check(self) -> list[str]:
        """Stop if what is there cannot work, or what would be made; return what people should know."""
        self._refuse_days()
        if self._exists(_authority.SIGNING_KEY):
            self._store.service_account_key()
        if self._exists(_authority.ENCRYPTION_KEYS):
            self._store.encryption_keys()
        warnings = []
        for authority in _certificates.AUTHORITIES:
            issuer = self._store.issuer(authority)
            if issuer is None:
                continue
            where = self._store.path(authority)
            if issuer.not_after <= time.time() + _certificate_plan.DAY:
                raise _authority.AuthorityError(
                    f"The authority {authority} in {where} has ended or ends within a day, on {_certificate_plan.day(issuer.not_after)}. Rotate it."
                )
            if self._exists(f"{authority}/{_authority.KEY}"):
                self._store.signer(authority)
            if issuer.not_after - time.time() < ENDS_SOON_DAYS * _certificate_plan.DAY:
                warnings.append(
                    f"The authority {authority} in {where} ends on {_certificate_plan.day(issuer.not_after)}. Rotate it before."
                )
            if not self._store.has_root(authority):
                warnings.append(
                    f"The root above the authority {authority} is missing in {where}. Append it to {_authority.CERTIFICATE}: programs that "
                    "use OpenSSL, such as haproxy, need it to verify servers."
                )
            if not self._trusts_itself(authority):
                raise _authority.AuthorityError(
                    f"{_authority.TRUSTED} in {where} trusts none of the certificates in {_authority.CERTIFICATE}, so hosts would refuse "
                    f"what it signs. Put them, or their root, into {_authority.TRUSTED}, or remove that file to have it made."
                )
        return warnings

    # --- planning

    def _refuse_days(self) -> None:
        shortest, longest = _certificates.SHORTEST_AUTHORITY_DAYS, _certificates.LONGEST_DAYS
        if not shortest <= self._settings.days <= longest:
            raise _authority.AuthorityError(
                f"Authorities would live {self._settings.days} days. Nothing was made. Choose a number from {shortest} to {longest}."
            )

    def _directory_steps(self) -> list[Step]:
        folders = ("", *_certificates.AUTHORITIES, *(os.path.dirname(name) for name in SECRETS))
        found = []
        for folder in dict.fromkeys(folders):
            path = self._store.path(folder).rstrip("/")
            if not os.path.isdir(path):
                found.append(_directory_step(path))
            elif _local.mode_of(path) & 0o077:
                found.append(Step(f"set mode 0700 of {path}", functools.partial(_local.set_mode, path, _local.DIRECTORY_MODE)))
        return found

    def _authority_steps(self, authority: str) -> list[Step]:
        key, certificate = f"{authority}/{_authority.KEY}", f"{authority}/{_authority.CERTIFICATE}"
        trusted = f"{authority}/{_authority.TRUSTED}"
        found = []
        if not self._exists(certificate):
            if not self._exists(key):
                found.append(self._step("make", key, functools.partial(self._make_key, key)))
            found.append(self._step("make", certificate, functools.partial(self._make_authority, authority)))
        if not self._exists(trusted):
            found.append(self._step("make", trusted, functools.partial(self._make_trusted, authority)))
        return found

    def _service_account_steps(self) -> list[Step]:
        found = []
        if not self._exists(_authority.SIGNING_KEY):
            found.append(self._step("make", _authority.SIGNING_KEY, functools.partial(self._make_key, _authority.SIGNING_KEY)))
        if not self._exists(_authority.SIGNING_TRUSTED):
            found.append(self._step("make", _authority.SIGNING_TRUSTED, self._make_signing_trusted))
        return found

    def _protection_steps(self) -> list[Step]:
        """Keys that were there before a passphrase was, and files that others can read."""
        found = []
        for name in self._files():
            path = self._store.path(name)
            if self._settings.passphrase and self._is_open(name) and not os.path.islink(path):
                found.append(self._step("encrypt", name, functools.partial(self._encrypt, name)))
            elif _local.mode_of(path) & 0o077:
                found.append(Step(f"set mode 0600 of {path}", functools.partial(_local.set_mode, path, _local.FILE_MODE)))
        return found

    def _files(self) -> list[str]:
        names = [f"{authority}/{name}" for authority in _certificates.AUTHORITIES for name in _AUTHORITY_FILES]
        return [name for name in [*names, *SECRETS, _authority.SIGNING_TRUSTED] if self._exists(name)]

    def _is_open(self, name: str) -> bool:
        content = self._store.read(name) or b""
        if name == _authority.ENCRYPTION_KEYS:
            return not _authority.is_sealed(content)
        return name.endswith(".key") and not _x509.is_encrypted(content)

    def _trusts_itself(self, authority: str) -> bool:
        trusted = self._store.trusted_certificates(authority)
        return any(
            entry == anchor or _x509.issued(entry, anchor)
            for entry in self._store.certificates(f"{authority}/{_authority.CERTIFICATE}")
            for anchor in trusted
        )

    def _exists(self, name: str) -> bool:
        return os.path.exists(self._store.path(name))

    def _step(self, verb: str, name: str, do: Callable[[], None]) -> Step:
        return Step(f"{verb} {self._store.path(name)}", do)

    # --- making

    def _write(self, name: str, content: bytes) -> None:
        _local.write_private(self._store.path(name), content)
        self._store.forget()

    def _make_key(self, name: str) -> None:
        self._write(name, _x509.private_pem(_x509.make_key(self._settings.key_type), self._settings.passphrase))

    def _make_authority(self, authority: str) -> None:
        key = self._store.read_key(f"{authority}/{_authority.KEY}")
        if key is None:
            raise _authority.AuthorityError(f"The key {self._store.path(authority)}/{_authority.KEY} vanished. Run again.")
        # The name is unique, so that nobody takes a rotated authority for the one before.
        name = f"{authority.replace('_', '-')}-ca-{_x509.public_digest(key.public_key())[:8]}"
        now = datetime.datetime.now(tz=datetime.timezone.utc)
        certificate = _x509.make_authority(name, key, days=self._settings.days, now=now)
        self._write(f"{authority}/{_authority.CERTIFICATE}", _x509.bundle_pem([certificate]).encode())

    def _make_trusted(self, authority: str) -> None:
        self._write(f"{authority}/{_authority.TRUSTED}", self._store.trusted(authority).encode())

    def _make_signing_trusted(self) -> None:
        key = self._store.read_key(_authority.SIGNING_KEY)
        if key is None:
            raise _authority.AuthorityError(f"The key {self._store.path(_authority.SIGNING_KEY)} vanished. Run again.")
        self._write(_authority.SIGNING_TRUSTED, _x509.public_pem(key.public_key()).encode())

    def _make_encryption_keys(self) -> None:
        keys = [{"name": f"key-{secrets.token_hex(4)}", "secret": base64.b64encode(secrets.token_bytes(32)).decode()}]
        content = json.dumps(keys, indent=1).encode() + b"\n"
        self._write(_authority.ENCRYPTION_KEYS, _authority.sealed(content, self._settings.passphrase))

    def _encrypt(self, name: str) -> None:
        content = self._store.read(name) or b""
        if name == _authority.ENCRYPTION_KEYS:
            self._write(name, _authority.sealed(content, self._settings.passphrase))
            return
        key = self._store.read_key(name)
        if key is not None:
            self._write(name, _x509.private_pem(key, self._settings.passphrase))


def _directory_step(path: str) -> Step:
    return Step(f"make {path} (directory)", functools.partial(_make_directory, path))


def _make_directory(path: str) -> None:
    _local.make_private_directory(path)


_AUTHORITY_FILES = (_authority.CERTIFICATE, _authority.KEY, _authority.TRUSTED, _authority.FORMER)


def refuse_lost(
    maker: AuthorityMaker, store: _authority.AuthorityStore, hosts: Mapping[str, Optional[Mapping[str, Mapping[str, Any]]]]
) -> None:
    """Stop before making a secret anew that a cluster was built with, or anything while some hosts are not known. `hosts` holds
    the observed certificates, None where nothing was observed. Authorities of what was observed are _authority.refuse_foreign's."""
    missing = maker.missing()
    if not missing:
        return
    unseen = sorted(name for name, certificates in hosts.items() if certificates is None)
    if unseen:
        raise _authority.AuthorityError(
            f"{', '.join(missing)} would have to be made in {store.directory}, but {', '.join(unseen)} were not reached, and they may hold "
            "certificates of the lost ones. Reach all hosts, without --limit. For a new cluster take unreachable hosts out of the inventory."
        )
    seen = {name: certificates for name, certificates in hosts.items() if certificates}
    lost = [name for name in missing if name in SECRETS]
    holders = [name for name, entries in sorted(seen.items()) if any(e.get("authority") == "kubernetes" for e in entries.values())]
    if lost and holders:
        raise _authority.AuthorityError(
            f"{', '.join(lost)} is missing in {store.directory}, but {', '.join(holders)} belong to a cluster that was built with it. "
            "Nothing was changed. Bring it back from a backup: without it Secrets cannot be read, or tokens not be checked."
        )
