# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: one HTTP request, and the client side of TLS from files. Apart from _host, since few need it and it takes time to load."""

from __future__ import annotations

import dataclasses
import http.client
import ssl
import urllib.parse
from collections.abc import Mapping

from ansible_collections.quorate.kubernetes.plugins.module_utils._host import HostError


@dataclasses.dataclass(frozen=True)
class Answer:
    """Answer to an HTTP request. The status is 0, and body the cause, when there was none."""

    status: int
    body: str


def tls_context(*, ca: str | None = None, certificate: str | None = None, key: str | None = None) -> ssl.SSLContext:
    """Client side of mutual TLS from files. Without a CA the server is not verified: only for probes of this host itself."""
    try:
        # Not create_default_context: without a CA it reads all those of the operating system, which takes 50 ms.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if ca:
            context.load_verify_locations(cafile=ca)
        else:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        # A bundle may end with an intermediate authority. Python knows the flag by name since 3.10.
        context.verify_flags |= getattr(ssl, "VERIFY_X509_PARTIAL_CHAIN", 0x80000)
        if certificate:
            context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise HostError(f"Loading the certificates {ca}, {certificate} and the key {key} failed: {error}.") from error
    return context


def http_request(
    url: str,
    *,
    method: str = "GET",
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    context: ssl.SSLContext | None = None,
    timeout: float = 5.0,
) -> Answer:
    """One HTTP or HTTPS request; a failure to connect is an answer with status 0, not an exception."""
    parts = urllib.parse.urlsplit(url)
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        connection = http.client.HTTPSConnection(parts.hostname or "", parts.port, context=context, timeout=timeout)
    else:
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout)
    try:
        connection.request(method, parts.path + ("?" + parts.query if parts.query else ""), body, dict(headers or {}))
        response = connection.getresponse()
        return Answer(response.status, response.read().decode("utf-8", "replace"))
    except (OSError, http.client.HTTPException) as error:
        return Answer(0, f"{type(error).__name__}: {error}")
    finally:
        connection.close()
