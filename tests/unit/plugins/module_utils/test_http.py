"""HTTP requests and mutual TLS, with real servers."""

from __future__ import annotations

import datetime
import http.server
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ansible_collections.quorate.kubernetes.plugins.module_utils import _http
from ansible_collections.quorate.kubernetes.plugins.module_utils._host import HostError


class Echo(http.server.BaseHTTPRequestHandler):
    """Answers with what it was asked."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        self.send_response(201)
        self.end_headers()
        self.wfile.write(f"{self.command} {self.path} {self.headers.get('X-Test')} {body}".encode())

    def do_GET(self) -> None:
        self.do_POST()

    def log_message(self, *_words: object) -> None:
        """Nothing."""


def serve(context: ssl.SSLContext | None = None) -> http.server.ThreadingHTTPServer:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    return server


@pytest.fixture
def server() -> Iterator[str]:
    running = serve()
    yield f"http://127.0.0.1:{running.server_port}"
    running.shutdown()
    running.server_close()


def test_request(server: str) -> None:
    answer = _http.http_request(f"{server}/path?query=1", method="POST", body=b"text", headers={"X-Test": "yes"})
    assert answer == _http.Answer(201, "POST /path?query=1 yes text")
    assert _http.http_request(server).status == 201


def test_nobody_answers() -> None:
    running = serve()
    running.shutdown()
    running.server_close()
    answer = _http.http_request(f"http://127.0.0.1:{running.server_port}/")
    assert answer.status == 0
    assert "refused" in answer.body


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A certificate for 127.0.0.1 that vouches for itself, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=key.public_key(), serial_number=1)
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "tls.crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "tls.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return str(folder / "tls.crt"), str(folder / "tls.key")


@pytest.fixture
def tls_server(certificate: tuple[str, str]) -> Iterator[str]:
    """A server that wants to see a certificate."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=certificate[0])
    context.load_cert_chain(*certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    running = serve(context)
    yield f"https://127.0.0.1:{running.server_port}/"
    running.shutdown()
    running.server_close()


def test_mutual_tls(tls_server: str, certificate: tuple[str, str]) -> None:
    path, key = certificate
    both = _http.tls_context(ca=path, certificate=path, key=key)
    unverified = _http.tls_context(certificate=path, key=key)
    assert [_http.http_request(tls_server, context=context).status for context in (both, unverified)] == [201, 201]
    assert _http.http_request(tls_server, context=_http.tls_context(ca=path)).status == 0


def test_server_that_the_authority_does_not_vouch_for(tls_server: str, certificate: tuple[str, str]) -> None:
    answer = _http.http_request(tls_server.replace("127.0.0.1", "localhost"), context=_http.tls_context(ca=certificate[0]))
    assert answer.status == 0
    assert "verify failed" in answer.body


def test_certificates_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(HostError, match=r"Loading the certificates .*/none.crt"):
        _http.tls_context(ca=str(tmp_path / "none.crt"))
