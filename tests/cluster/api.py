"""The API of a cluster as its administrator sees it, without the start of a program for each request."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import tempfile
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True)
class Answer:
    """What a server said to one request."""

    status: int
    text: str

    @property
    def data(self) -> Any:
        return json.loads(self.text)


class Api:
    """One API server, or what stands before it. Each request has a connection of its own, so it may reach any of them."""

    def __init__(self, *, server: str, context: ssl.SSLContext, timeout: float = 20) -> None:
        self._address = urllib.parse.urlsplit(server)
        self._context = context
        self._timeout = timeout

    @property
    def host(self) -> str:
        return str(self._address.hostname)

    @property
    def port(self) -> int:
        return int(self._address.port or 443)

    def at(self, server: str, *, timeout: float = 20) -> Api:
        """The same user at another address."""
        return Api(server=server, context=self._context, timeout=timeout)

    def ask(
        self, path: str, *, method: str = "GET", query: Mapping[str, str] | None = None, body: Any = None, timeout: float | None = None
    ) -> Answer:
        """Send a request, and return whatever the server says. Raises OSError if it does not answer."""
        target = path if not query else f"{path}?{urllib.parse.urlencode(query)}"
        connection = http.client.HTTPSConnection(self.host, self.port, context=self._context, timeout=timeout or self._timeout)
        try:
            connection.request(
                method, target, body=body if body is None else json.dumps(body), headers={"Content-Type": "application/json"}
            )
            response = connection.getresponse()
            return Answer(status=response.status, text=response.read().decode("utf-8", "replace"))
        except http.client.HTTPException as error:
            raise ConnectionError(f"{method} {target}: {error!r}") from error
        finally:
            connection.close()

    def get(self, path: str, *, query: Mapping[str, str] | None = None) -> Any:
        """What is at a path; anything but success is a failure of the test."""
        answer = self.ask(path, query=query)
        assert answer.status == 200, f"GET {path}: {answer.status} {answer.text[:500]}"
        return answer.data


def load(kubeconfig: Path) -> Mapping[str, Any]:
    """The parts of a kubeconfig's first context."""
    config = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
    return {"cluster": config["clusters"][0]["cluster"], "user": config["users"][0]["user"]}


def decoded(part: Mapping[str, str], name: str) -> str:
    """A certificate or key that a kubeconfig holds."""
    return base64.b64decode(part[name]).decode()


def connect(kubeconfig: Path) -> Api:
    """The API server that a kubeconfig names, as the user that it names."""
    parts = load(kubeconfig)
    context = ssl.create_default_context(cadata=decoded(parts["cluster"], "certificate-authority-data"))
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(decoded(parts["user"], "client-certificate-data") + "\n" + decoded(parts["user"], "client-key-data"))
        file.flush()
        context.load_cert_chain(file.name)
    return Api(server=parts["cluster"]["server"], context=context)
