"""The client of the API against a server of this process that answers as told."""

from __future__ import annotations

import contextlib
import datetime
import http.server
import ipaddress
import json
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ansible_collections.quorate.kubernetes.plugins.module_utils import _kubernetes


@dataclass
class Server:
    """Answers in the order given, the last one again and again; keeps what it was asked."""

    port: int
    answers: list[tuple[int, Any]]
    close: bool = False
    warning: str = ""
    asked: list[tuple[str, str, Any, str]] = field(default_factory=list)
    connections: set[Any] = field(default_factory=set)

    def client(self, *, patience: float = 5.0) -> _kubernetes.Client:
        return _kubernetes.Client(f"http://127.0.0.1:{self.port}", context=None, patience=patience)


@contextlib.contextmanager
def serving(*answers: tuple[int, Any], context: ssl.SSLContext | None = None, close: bool = False, warning: str = "") -> Iterator[Server]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            told.asked.append((self.command, self.path, json.loads(body) if body else None, self.headers.get("Content-Type", "")))
            told.connections.add(self.client_address)
            status, content = told.answers.pop(0) if len(told.answers) > 1 else told.answers[0]
            text = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            if told.warning:
                self.send_header("Warning", f'299 - "{told.warning}"')
            self.end_headers()
            self.wfile.write(text)
            # Closed without a word, as a server does that waited long enough for the next request.
            self.close_connection = told.close

        do_GET = do_PATCH = do_POST = do_DELETE = answer  # noqa: N815 - named by the library

        def log_message(self, *_arguments: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    told = Server(server.server_address[1], list(answers), close, warning)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()


def test_get_list_and_nothing_there() -> None:
    with serving((200, {"kind": "Node"}), (404, {"message": "not found"}), (200, {"items": None}), (200, {"items": [{"a": 1}]})) as server:
        client = server.client()
        assert client.get("/a") == {"kind": "Node"}
        assert client.get("/b") is None
        assert client.collection("/c") == []
        assert client.collection("/c", query={"fieldSelector": "spec.nodeName=w 1"}) == [{"a": 1}]
    assert server.asked[-1][1] == "/c?fieldSelector=spec.nodeName%3Dw+1"
    assert len(server.connections) == 1


def test_a_connection_that_was_closed_is_made_anew() -> None:
    with serving((200, {}), close=True) as server:
        client = server.client(patience=0)
        for _number in range(3):
            client.get("/a")
    assert len(server.connections) == 3


def test_apply_merge_delete() -> None:
    with serving((200, {}), (200, {}), (200, {}), (404, {})) as server:
        client = server.client()
        client.apply("/a", {"x": 1}, manager="quorate", dry_run=True)
        client.merge("/a", {"x": None}, manager="quorate")
        assert client.delete("/a")
        assert not client.delete("/a")
    assert server.asked[0] == ("PATCH", "/a?fieldManager=quorate&force=true&dryRun=All", {"x": 1}, "application/apply-patch+yaml")
    assert server.asked[1] == ("PATCH", "/a?fieldManager=quorate", {"x": None}, "application/merge-patch+json")
    assert server.asked[2][2]["propagationPolicy"] == "Background"


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param((503, {"message": "apiserver is shutting down"}), id="server ends"),
        pytest.param((429, {"message": "too many requests"}), id="too many requests"),
        pytest.param((500, {"message": "etcdserver: leader changed"}), id="etcd changes its leader"),
    ],
)
def test_requests_are_repeated_while_the_server_is_away(answer: tuple[int, Any]) -> None:
    with serving(answer, (200, {"a": 1})) as server:
        assert server.client().get("/a") == {"a": 1}
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        pytest.param("POST", (503, {"message": "away"}), id="a request that may not be repeated"),
        pytest.param("GET", (500, {"message": "broken"}), id="an answer that waiting does not change"),
        pytest.param("PATCH", (422, {"message": "invalid"}), id="a refusal"),
    ],
)
def test_requests_are_not_repeated(method: str, answer: tuple[int, Any]) -> None:
    with serving(answer) as server, pytest.raises(_kubernetes.KubernetesError):
        server.client().request(method, "/a")
    assert len(server.asked) == 1


def test_error_tells_what_was_tried_and_what_the_api_said() -> None:
    status = {"message": "pods is forbidden", "reason": "Forbidden", "details": {"causes": [{"reason": "x"}]}}
    with serving((403, status)) as server, pytest.raises(_kubernetes.KubernetesError) as error:
        server.client().request("GET", "/api/v1/pods")
    assert str(error.value) == f"GET http://127.0.0.1:{server.port}/api/v1/pods failed: pods is forbidden (HTTP 403)"
    assert (error.value.status, error.value.reason, error.value.details) == (403, "Forbidden", {"causes": [{"reason": "x"}]})


def test_no_server() -> None:
    client = _kubernetes.Client("http://127.0.0.1:1", context=None, patience=0)
    assert not client.reachable()
    with pytest.raises(_kubernetes.KubernetesError, match=r"Does kube-apiserver run on this host\?") as error:
        client.get("/a")
    assert error.value.status == 0
    with pytest.raises(_kubernetes.KubernetesError, match="did not get ready within 0 s"):
        client.wait_ready(0)


def test_wait_ready() -> None:
    with serving((500, "[-]etcd failed"), (200, "ok")) as server:
        client = server.client()
        assert client.reachable()
        client.wait_ready(5)
    assert [path for _method, path, _body, _type in server.asked] == ["/readyz", "/readyz"]


def test_discovery_is_asked_once_until_it_is_forgotten() -> None:
    resources = [
        {"name": "deployments", "kind": "Deployment", "namespaced": True},
        {"name": "deployments/scale", "kind": "Scale", "namespaced": True},
    ]
    with serving((200, {"resources": resources}), (404, {})) as server:
        client = server.client()
        found = client.resource("apps/v1", "Deployment")
        assert found == _kubernetes.Resource("/apis/apps/v1", "deployments", namespaced=True)
        assert client.resource("apps/v1", "Scale") is None
        assert len(server.asked) == 1
        client.forget("apps/v1")
        assert client.resource("apps/v1", "Deployment") is None
    assert [path for _method, path, _body, _type in server.asked] == ["/apis/apps/v1", "/apis/apps/v1"]


@pytest.mark.parametrize(
    ("resource", "name", "namespace", "path"),
    [
        pytest.param(_kubernetes.NODES, "m1", "", "/api/v1/nodes/m1", id="in no namespace"),
        pytest.param(_kubernetes.NODES, "", "", "/api/v1/nodes", id="all"),
        pytest.param(_kubernetes.PODS, "web", "shop", "/api/v1/namespaces/shop/pods/web", id="in a namespace"),
        pytest.param(_kubernetes.PODS, "", "", "/api/v1/pods", id="of all namespaces"),
        pytest.param(_kubernetes.NODES, "m1", "ignored", "/api/v1/nodes/m1", id="namespace of what has none"),
        pytest.param(_kubernetes.PODS, "../x", "a/b", "/api/v1/namespaces/a%2Fb/pods/..%2Fx", id="names cannot leave their place"),
    ],
)
def test_paths(resource: _kubernetes.Resource, name: str, namespace: str, path: str) -> None:
    assert resource.path(name=name, namespace=namespace) == path


def test_warnings_are_kept_once() -> None:
    with serving((200, {}), warning="policy/v1beta1 is deprecated") as server:
        client = server.client()
        client.get("/a")
        client.get("/a")
    assert client.warnings == ["policy/v1beta1 is deprecated"]


# --- TLS ---------------------------------------------------------------------------------------------------------------


def pair(issuer: tuple[x509.Name, Any] | None, name: str) -> tuple[str, str, tuple[x509.Name, Any]]:
    """Certificate and key in PEM, and what signs further ones."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    signer, signing_key = issuer or (subject, key)
    now = datetime.datetime.now(tz=datetime.timezone.utc)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(signer).public_key(key.public_key()).serial_number(1 + len(name))
    builder = builder.not_valid_before(now - datetime.timedelta(minutes=1)).not_valid_after(now + datetime.timedelta(hours=1))
    builder = builder.add_extension(x509.BasicConstraints(ca=not issuer, path_length=None), critical=True)
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
    certificate = builder.sign(signing_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
    return certificate, private, (subject, key)


@contextlib.contextmanager
def serving_tls(folder: Path) -> Iterator[tuple[Server, str, Any]]:
    """A server that asks for a client certificate; its authority and what signs with it."""
    authority, _key, signer = pair(None, "authority")
    certificate, key, _signer = pair(signer, "server")
    for name, content in (("ca", authority), ("server", certificate + key)):
        (folder / name).write_text(content)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(folder / "ca"))
    context.load_cert_chain(folder / "server")
    context.verify_mode = ssl.CERT_REQUIRED
    with serving((200, {"a": 1}), context=context) as server:
        yield server, authority, signer


def test_client_certificate_from_memory(tmp_path: Path) -> None:
    with serving_tls(tmp_path) as (server, authority, signer):
        certificate, key, _signer = pair(signer, "client")
        context = _kubernetes.client_context(_kubernetes.Identity(certificate, key, authority))
        assert _kubernetes.Client(f"https://127.0.0.1:{server.port}", context=context).get("/a") == {"a": 1}


def test_server_of_another_authority_is_not_trusted(tmp_path: Path) -> None:
    with serving_tls(tmp_path) as (server, _authority, signer):
        certificate, key, _signer = pair(signer, "client")
        other, _key, _signer = pair(None, "other")
        context = _kubernetes.client_context(_kubernetes.Identity(certificate, key, other))
        client = _kubernetes.Client(f"https://127.0.0.1:{server.port}", context=context, patience=0)
        with pytest.raises(_kubernetes.KubernetesError, match="is not trusted"):
            client.get("/a")


def test_key_is_in_no_message() -> None:
    identity = _kubernetes.Identity("certificate", "the key", "trusted")
    assert "the key" not in repr(identity)
    with pytest.raises(_kubernetes.KubernetesError) as error:
        _kubernetes.client_context(identity)
    assert "the key" not in str(error.value)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        pytest.param({"identity": None}, "the action of the module makes it", id="no identity"),
        pytest.param({"ca": "/nonexistent/ca.crt"}, "Reading the authority /nonexistent/ca.crt failed", id="no authority"),
    ],
)
def test_client_of_refuses(changes: dict[str, Any], problem: str) -> None:
    parameters = {"identity": {"certificate": "c", "key": "k", "trusted": ""}, "ca": None, "server": "https://127.0.0.1:1", **changes}
    with pytest.raises(_kubernetes.KubernetesError, match=problem):
        _kubernetes.client_of(parameters)
