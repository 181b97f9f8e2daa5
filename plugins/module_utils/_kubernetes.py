# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: a client of the Kubernetes API made of Python's standard library.

It keeps one connection open, because a run asks many small things.
"""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import json
import os
import re
import ssl
import time
import urllib.parse
from collections.abc import Iterable, Mapping
from typing import Any, Optional

APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"

RETRY_STATUSES = (0, 429, 503, 504)
RETRY_SECONDS = 0.25


class KubernetesError(Exception):
    """The API did not do what it was asked.

    Attributes:
        status: HTTP status; 0 if there was no answer.
        reason: the API's word for it, such as C(NotFound) or C(Conflict).
        details: what the API adds for machines.
    """

    def __init__(self, message: str, *, status: int = 0, reason: str = "", details: Optional[Mapping[str, Any]] = None) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.details = dict(details or {})


@dataclasses.dataclass(frozen=True)
class Identity:
    """Who asks, and whom it trusts, in PEM.

    Attributes:
        certificate: client certificate, with its chain if it has one.
        key: its private key.
        trusted: certificates of the authorities that may sign the API server's certificate.
    """

    certificate: str
    key: str = dataclasses.field(repr=False)
    trusted: str


@dataclasses.dataclass(frozen=True)
class Resource:
    """Where the API serves a kind of object.

    Attributes:
        prefix: path of the group and version, such as C(/apis/apps/v1).
        plural: name of the collection, such as C(deployments).
        namespaced: whether its objects live in namespaces.
    """

    prefix: str
    plural: str
    namespaced: bool

    def path(self, *, name: str = "", namespace: str = "") -> str:
        """Path of one object, or of the collection if there is no name."""
        parts = [self.prefix]
        if self.namespaced and namespace:
            parts += ["namespaces", urllib.parse.quote(namespace, safe="")]
        parts.append(self.plural)
        if name:
            parts.append(urllib.parse.quote(name, safe=""))
        return "/".join(parts)


NODES = Resource("/api/v1", "nodes", namespaced=False)
PODS = Resource("/api/v1", "pods", namespaced=True)
BUDGETS = Resource("/apis/policy/v1", "poddisruptionbudgets", namespaced=True)


def group_prefix(api_version: str) -> str:
    """Path of a group and version: the core group is the only one without a name."""
    return f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"


def client_context(identity: Identity) -> ssl.SSLContext:
    """Client side of mutual TLS. The key passes through anonymous memory: it never is on a disk."""
    try:
        # Not create_default_context: since Python 3.13 it refuses authorities of users that API servers and kubectl take.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_verify_locations(cadata=identity.trusted)
        # The user's own authority may be an intermediate one whose root is not in the bundle. Named in Python 3.10 only.
        context.verify_flags |= getattr(ssl, "VERIFY_X509_PARTIAL_CHAIN", 0x80000)
        handle = os.memfd_create("quorate-identity", os.MFD_CLOEXEC)
        with os.fdopen(handle, "wb") as memory:
            memory.write(f"{identity.certificate.strip()}\n{identity.key.strip()}\n".encode())
            memory.flush()
            context.load_cert_chain(f"/proc/self/fd/{handle}")
    except (OSError, ssl.SSLError, ValueError) as error:
        raise KubernetesError(f"Loading the client certificate for the Kubernetes API failed: {error}.") from error
    return context


class Client:
    """Asks one API server, over one connection that is made again when it breaks."""

    def __init__(self, server: str, *, context: Optional[ssl.SSLContext], timeout: float = 15.0, patience: float = 15.0) -> None:
        """Nothing is contacted yet.

        Args:
            server: URL of the API server.
            context: client side of TLS; None only where the URL is plain HTTP.
            timeout: seconds that one request may take.
            patience: seconds for which a request is repeated while the server is away or overloaded.
        """
        self.server = server.rstrip("/")
        self._context = context
        self._timeout = timeout
        self._patience = patience
        self.warnings: list[str] = []
        """What the API server warned of, such as versions of objects that will go."""
        self._connection: Optional[http.client.HTTPConnection] = None
        self._served: dict[str, dict[str, Resource]] = {}

    # --- objects -------------------------------------------------------------------------------------------------------

    def get(self, path: str, *, query: Optional[Mapping[str, str]] = None) -> Optional[dict[str, Any]]:
        """An object, or None if there is none."""
        try:
            return self.request("GET", path, query=query)
        except KubernetesError as error:
            if error.status == 404:
                return None
            raise

    def collection(self, path: str, *, query: Optional[Mapping[str, str]] = None) -> list[dict[str, Any]]:
        """The objects of a collection."""
        return self.request("GET", path, query=query).get("items") or []

    def apply(self, path: str, wanted: Mapping[str, Any], *, manager: str, dry_run: bool = False) -> dict[str, Any]:
        """Server-side apply: the fields given become ours and get these values; fields that were ours before are dropped."""
        query = {"fieldManager": manager, "force": "true", **_dry(dry_run)}
        return self.request("PATCH", path, query=query, body=wanted, content_type=APPLY)

    def merge(self, path: str, patch: Mapping[str, Any], *, manager: str) -> dict[str, Any]:
        """Change some fields; null removes one."""
        return self.request("PATCH", path, query={"fieldManager": manager}, body=patch, content_type=MERGE)

    def delete(self, path: str) -> bool:
        """Delete an object and, in the background, what belongs to it. False if there was none."""
        options = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
        try:
            self.request("DELETE", path, body=options)
        except KubernetesError as error:
            if error.status == 404:
                return False
            raise
        return True

    # --- discovery -----------------------------------------------------------------------------------------------------

    def resource(self, api_version: str, kind: str) -> Optional[Resource]:
        """Where the API serves a kind; None if it does not."""
        if api_version not in self._served:
            prefix = group_prefix(api_version)
            found = self.get(prefix) or {}
            self._served[api_version] = {
                entry["kind"]: Resource(prefix, entry["name"], bool(entry.get("namespaced")))
                for entry in found.get("resources") or []
                if "/" not in entry["name"]
            }
        return self._served[api_version].get(kind)

    def forget(self, api_version: str) -> None:
        """Ask anew which kinds there are: a definition was added."""
        self._served.pop(api_version, None)

    # --- requests ------------------------------------------------------------------------------------------------------

    def reachable(self) -> bool:
        """Whether anything answers at all, asked once."""
        try:
            return self._send("GET", "/readyz", None, {})[0] != 0
        except KubernetesError:
            return True  # it answers, with a certificate that is not trusted: the next request tells

    def wait_ready(self, timeout: float) -> None:
        """Wait until the API server is ready to serve."""
        end = time.monotonic() + timeout
        while True:
            status, text = self._send("GET", "/readyz", None, {})
            if status == 200:
                return
            if time.monotonic() >= end:
                raise KubernetesError(
                    f"The API server {self.server} did not get ready within {timeout:g} s: {_words(status, text)}", status=status
                )
            time.sleep(RETRY_SECONDS)

    def text(self, path: str) -> str:
        """What is at a path that is no object, such as the metrics. Asked once."""
        status, text = self._send("GET", path, None, {"User-Agent": "quorate.kubernetes"})
        if status != 200:
            raise self._error(f"GET {self.server}{path}", status, text)
        return text

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Optional[Mapping[str, str]] = None,
        body: Optional[Mapping[str, Any]] = None,
        content_type: str = "application/json",
    ) -> dict[str, Any]:
        """One request and its JSON answer. Everything but a POST may be repeated safely, and is while the server is away."""
        target = path + ("?" + urllib.parse.urlencode(query) if query else "")
        content = json.dumps(body).encode() if body is not None else None
        headers = {"Accept": "application/json", "Content-Type": content_type, "User-Agent": "quorate.kubernetes"}
        end = time.monotonic() + (0 if method == "POST" else self._patience)
        while True:
            status, text = self._send(method, target, content, headers)
            if not _worth_retrying(status, text) or time.monotonic() >= end:
                break
            time.sleep(RETRY_SECONDS)
        if 200 <= status < 300:
            return json.loads(text) if text else {}
        raise self._error(f"{method} {self.server}{path}", status, text)

    def close(self) -> None:
        if self._connection:
            self._connection.close()
            self._connection = None

    def _send(self, method: str, target: str, content: Optional[bytes], headers: Mapping[str, str]) -> tuple[int, str]:
        fresh = self._connection is None
        try:
            connection = self._connection or self._connect()
            connection.request(method, target, content, dict(headers))
            response = connection.getresponse()
            self._note_warnings(response.headers.get_all("Warning") or [])
            return response.status, response.read().decode("utf-8", "replace")
        except ssl.SSLCertVerificationError as error:
            self.close()
            raise KubernetesError(f"{self.server} is not trusted: {error.verify_message}. Is it this cluster's API server?") from error
        except (OSError, http.client.HTTPException) as error:
            self.close()
            # The server may close a connection that was idle: one repetition on a fresh one tells whether it is away.
            if not fresh and method != "POST":
                return self._send(method, target, content, headers)
            return 0, f"{type(error).__name__}: {error}"

    def _note_warnings(self, headers: Iterable[str]) -> None:
        for header in headers:
            found = re.match(r'299 \S+ "(.*)"', header)
            if found and found[1] not in self.warnings:
                self.warnings.append(found[1])

    def _connect(self) -> http.client.HTTPConnection:
        parts = urllib.parse.urlsplit(self.server)
        host, port = parts.hostname or "", parts.port
        if parts.scheme == "https":
            self._connection = http.client.HTTPSConnection(host, port, context=self._context, timeout=self._timeout)
        else:
            self._connection = http.client.HTTPConnection(host, port, timeout=self._timeout)
        return self._connection

    def _error(self, tried: str, status: int, text: str) -> KubernetesError:
        answer: Any = {}
        with contextlib.suppress(ValueError):
            answer = json.loads(text)
        answer = answer if isinstance(answer, dict) else {}
        message = f"{tried} failed: {_words(status, answer.get('message') or text)}"
        return KubernetesError(message, status=status, reason=answer.get("reason") or "", details=answer.get("details"))


def _worth_retrying(status: int, text: str) -> bool:
    # etcd's change of leader comes through as an internal error.
    return status in RETRY_STATUSES or (status == 500 and "etcdserver:" in text)


def _words(status: int, text: str) -> str:
    words = " ".join(text.split())[:2000] or "no explanation"
    return f"no answer ({words}). Does kube-apiserver run on this host?" if status == 0 else f"{words} (HTTP {status})"


def _dry(dry_run: bool) -> dict[str, str]:
    return {"dryRun": "All"} if dry_run else {}


# --- what the modules have in common -----------------------------------------------------------------------------------

API_OPTIONS: dict[str, dict[str, Any]] = {
    "server": {"type": "str", "default": "https://127.0.0.1:6443"},
    "ca": {"type": "path"},
    "pki_directory": {"type": "path"},
    "pki_passphrase": {"type": "str", "no_log": True},
    "identity": {
        "type": "dict",
        "options": {
            "certificate": {"type": "str", "required": True},
            "key": {"type": "str", "required": True, "no_log": True},
            "trusted": {"type": "str", "default": ""},
        },
    },
    "wait_part": {
        "type": "dict",
        "options": {"seconds": {"type": "float", "required": True}, "last": {"type": "bool", "required": True}},
    },
}
"""Arguments that every module here takes."""


def context_of(parameters: Mapping[str, Any]) -> ssl.SSLContext:
    """The client side of TLS that a module's arguments ask for."""
    given = parameters["identity"]
    if not given:
        raise KubernetesError("The client certificate is missing: the action of the module makes it, if it has none in identity.")
    trusted = given["trusted"]
    if parameters["ca"]:
        try:
            with open(parameters["ca"], encoding="ascii") as file:
                trusted = file.read()
        except OSError as error:
            raise KubernetesError(f"Reading the authority {parameters['ca']} failed: {error.strerror}.") from error
    return client_context(Identity(given["certificate"], given["key"], trusted))


def client_of(parameters: Mapping[str, Any]) -> Client:
    """The client that a module's arguments ask for."""
    return Client(parameters["server"], context=context_of(parameters))


def wait_part(parameters: Mapping[str, Any]) -> tuple[float, bool]:
    """Seconds that this execution of a module may wait, and whether it is the last one."""
    part = parameters["wait_part"] or {"seconds": parameters["wait_timeout"], "last": True}
    return float(part["seconds"]), bool(part["last"])
