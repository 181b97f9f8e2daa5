"""Certificates as OpenSSL reads and judges them: a tool that the collection's own code does not use."""

from __future__ import annotations

import functools
import re
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Certificate:
    """What a certificate says."""

    subject: str
    names: frozenset[str]
    usages: frozenset[str]
    authority: bool
    public_key: str
    pem: str


USAGES = {"TLS Web Server Authentication": "server", "TLS Web Client Authentication": "client"}


def openssl(*words: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(["openssl", *words], input=text, capture_output=True, text=True, check=False)


def below(heading: str, text: str) -> str:
    """The line below the heading of an extension."""
    match = re.search(rf"{re.escape(heading)}:[^\n]*\n\s+([^\n]+)", text)
    return match.group(1).strip() if match else ""


@functools.cache
def read(pem: str) -> Certificate:
    shown = openssl("x509", "-noout", "-subject", "-nameopt", "RFC2253", "-pubkey", "-text", text=pem)
    assert shown.returncode == 0, f"{shown.stderr}\n{pem}"
    text = shown.stdout
    usages = below("X509v3 Extended Key Usage", text)
    names = below("X509v3 Subject Alternative Name", text)
    subject = re.search(r"^subject=(.*)$", text, re.M)
    public_key = re.search(r"-----BEGIN PUBLIC KEY-----.*-----END PUBLIC KEY-----\n", text, re.S)
    assert subject, text
    assert public_key, text
    return Certificate(
        subject=subject.group(1),
        names=frozenset(name.removeprefix("DNS:").removeprefix("IP Address:") for name in names.split(", ") if name),
        usages=frozenset(USAGES.get(usage, usage) for usage in usages.split(", ") if usage),
        authority="CA:TRUE" in below("X509v3 Basic Constraints", text),
        public_key=public_key.group(0),
        pem=pem,
    )


def verify(certificates: Sequence[str], *, authority: str, purpose: str) -> str:
    """What OpenSSL finds wrong with certificates as those of servers or clients ("ssl" + purpose), or nothing."""
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for number, pem in enumerate([authority, *certificates]):
            paths.append(Path(folder, f"{number}.pem"))
            paths[-1].write_text(pem, encoding="utf-8")
        done = openssl("verify", "-x509_strict", "-no-CApath", "-CAfile", str(paths[0]), "-purpose", f"ssl{purpose}", *map(str, paths[1:]))
    return "" if done.returncode == 0 else done.stdout + done.stderr
