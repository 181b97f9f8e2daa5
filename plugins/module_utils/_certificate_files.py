# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: keys, requests, certificates and bundles on a host, and the record of which there are.

A key is made on its host and never leaves it. A new one waits beside the old as C(KEY.new) until its certificate is there;
then both are put in place together. A key that is kept is not touched, so its certificate is replaced in one step.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Mapping
from typing import Any, Optional

from ansible_collections.quorate.kubernetes.plugins.module_utils import _certificates, _host, _http

RECORD = _host.STATE_DIRECTORY + "/certificates.json"
NEW = ".new"

_REQUEST = ("openssl", "req", "-new", "-sha256", "-config", "/dev/stdin")
_KEY_END = "-----END PRIVATE KEY-----\n"
# The names in a request do not count: the control node signs those of its model. openssl wants some subject, and a
# configuration, which not every host has.
_REQUEST_CONFIGURATION = b"[req]\ndistinguished_name = none\nprompt = no\n[none]\nCN = unused\n"


# --- observation -------------------------------------------------------------------------------------------------------


def read_record() -> dict[str, Any]:
    """What is ours on this host: certificates by path, and paths of bundles."""
    record = _host.read_json(RECORD)
    record = record if isinstance(record, dict) else {}
    return {"certificates": dict(record.get("certificates") or {}), "trust": list(record.get("trust") or [])}


def observe_certificates(digests: Optional[_host.Digests] = None) -> dict[str, Any]:
    """The part C(certificates) of an observation. No program is run: the record tells which key a certificate was made with."""
    found = {}
    for path, entry in read_record()["certificates"].items():
        content = _host.read_file(path)
        key = _host.file_state(entry["key"], digests)
        found[path] = {
            "pem": None if content is None else content.decode("utf-8", "replace"),
            "key": entry["key"],
            "key_matches": key is not None and key.digest == entry["key_digest"],
            "public_key": entry["public_key"],
            "authority": entry["authority"],
        }
    return found


def observe_files(digests: Optional[_host.Digests] = None) -> dict[str, Any]:
    """The part C(files) of an observation, for certificates, keys and bundles."""
    record = read_record()
    paths = [*record["certificates"], *(entry["key"] for entry in record["certificates"].values()), *record["trust"]]
    states = {path: _host.file_state(path, digests) for path in paths}
    return {path: None if state is None else dataclasses.asdict(state) for path, state in states.items()}


def observe(digests: Optional[_host.Digests] = None) -> dict[str, Any]:
    """Both parts."""
    return {"certificates": observe_certificates(digests), "files": observe_files(digests)}


# --- keys and requests -------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Request:
    """A signing request, and whether it is for a new key that still waits beside the old."""

    pem: str
    new_key: bool


def request(certificate: _certificates.Certificate, *, rekey: bool) -> Request:
    """Ask for a certificate for the key that is there, or for a new one if it is to be replaced, missing or damaged."""
    _host.make_directory_of(certificate.key)
    if not rekey:
        pem = _request(certificate.key)
        if pem is not None:
            return Request(pem, new_key=False)
    key, pem = _new_key(certificate.key_type)
    _host.write_file(certificate.key + NEW, key.encode(), mode=_certificates.KEY_MODE)
    return Request(pem, new_key=True)


def _new_key(key_type: str) -> tuple[str, str]:
    """A key, and a request signed with it. Both by one process: starting them is what takes longest."""
    algorithm, _dash, size = key_type.partition("-")
    if algorithm == "rsa":
        options = ["rsa", "-pkeyopt", f"rsa_keygen_bits:{size}"]
    else:
        options = ["ec", "-pkeyopt", f"ec_paramgen_curve:{size.upper().replace('P', 'P-')}"]
    command = [*_REQUEST, "-nodes", "-keyout", "-", "-newkey", *options]
    key, end, pem = _host.run(command, stdin=_REQUEST_CONFIGURATION).out.partition(_KEY_END)
    return key + end, pem


def _request(key: str) -> Optional[str]:
    """A request signed with the key; None if there is no such key or it is damaged."""
    if not os.path.exists(key):
        return None
    # The empty password keeps openssl from asking at the terminal if the key is encrypted.
    done = _host.run([*_REQUEST, "-key", key, "-passin", "pass:"], stdin=_REQUEST_CONFIGURATION, check=False)
    return done.out if done.code == 0 else None


# --- installation ------------------------------------------------------------------------------------------------------


def install(certificate: _certificates.Certificate, *, content: str, new_key: bool) -> None:
    """Put a signed certificate in place, together with its key if that is new."""
    waiting_key = certificate.key + NEW if new_key else certificate.key
    waiting = certificate.path + NEW
    _make_owner(certificate.owner)
    _host.make_directory_of(certificate.path)
    attributes = {"owner": certificate.owner, "group": certificate.group}
    _host.write_file(waiting, content.encode(), mode=_certificates.CERTIFICATE_MODE, **attributes)
    # Loading both fails if they do not belong together: another run may have made another key meanwhile.
    _http.tls_context(certificate=waiting, key=waiting_key)
    if new_key:
        _host.set_attributes(waiting_key, mode=_certificates.KEY_MODE, **attributes)
        # Nothing in between: a server that reads both at this moment would find a pair that does not fit.
        _host.rename_file(waiting_key, certificate.key)
    else:
        own(certificate)
    _host.rename_file(waiting, certificate.path)
    for folder in sorted({os.path.dirname(certificate.key), os.path.dirname(certificate.path)}):
        _host.sync_directory(folder)


def own(certificate: _certificates.Certificate) -> None:
    """Give certificate and key their owner and mode."""
    _make_owner(certificate.owner)
    for path, mode in ((certificate.path, _certificates.CERTIFICATE_MODE), (certificate.key, _certificates.KEY_MODE)):
        if os.path.exists(path):
            _host.set_attributes(path, mode=mode, owner=certificate.owner, group=certificate.group)


def write_trust(trust: _certificates.Trust, content: str) -> None:
    _make_owner(trust.owner)
    _host.make_directory_of(trust.path)
    _host.write_file(trust.path, content.encode(), mode=trust.mode, owner=trust.owner, group=trust.group)


def note(installed: Mapping[str, tuple[_certificates.Certificate, str]], trust: list[str]) -> None:
    """Record certificates, each with the digest of its public key, and bundles as ours."""
    record = read_record()
    for path, (certificate, public_key) in installed.items():
        record["certificates"][path] = {
            "key": certificate.key,
            "key_digest": hashlib.sha256(_host.read_file(certificate.key) or b"").hexdigest(),
            "public_key": public_key,
            "authority": certificate.authority,
        }
    record["trust"] = sorted({*record["trust"], *trust})
    _host.write_json(RECORD, record)


def _make_owner(name: str) -> None:
    """Keys come before the component that makes its user otherwise, so the user is made here if it is missing."""
    if not name.isdigit():
        _host.make_system_user(name)
