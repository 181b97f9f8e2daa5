"""Print what listens on TCP on this host and what it says to a stranger: in plain HTTP, and in TLS without a certificate."""

from __future__ import annotations

import json
import re
import socket
import ssl
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

PATIENCE = 20.0
# How a Go server answers HTTP on a port of HTTPS, and how a server of TLS starts its alert.
MEANT_TLS = b"Client sent an HTTP request to an HTTPS server"


def reached(address: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "*": "127.0.0.1", "[::]": "::1"}.get(address, address.strip("[]"))  # noqa: S104


def request(path: str) -> bytes:
    return f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode()


def received(connection: socket.socket) -> bytes:
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)


def plain(address: str, *, port: int, path: str) -> str:
    try:
        with socket.create_connection((address, port), timeout=PATIENCE) as connection:
            connection.sendall(request(path))
            first = connection.recv(8)
            if not first.startswith(b"HTTP/"):
                return "other"
            return "other" if MEANT_TLS in (first + received(connection)) else "http"
    except OSError:
        return "other"


def secured(address: str, *, port: int, path: str, newest: ssl.TLSVersion) -> str:
    """The status of an answer, or "refused" if there is none without a certificate, or "no tls"."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = newest
    try:
        with socket.create_connection((address, port), timeout=PATIENCE) as raw, context.wrap_socket(raw) as connection:
            connection.sendall(request(path))
            answer = re.match(rb"HTTP/\S+ (\d+)", received(connection))
            return answer.group(1).decode() if answer else "closed"
    except ssl.SSLError as error:
        reason = error.reason or ""
        return f"refused: {reason}" if "ALERT" in reason else "no tls"
    except OSError as error:
        return f"closed: {error}"


def described(line: str) -> dict[str, object]:
    words = line.split()
    address, port = words[3].rsplit(":", 1)
    process = re.search(r'"([^"]+)"', line)
    target, number, path = reached(address), int(port), sys.argv[1]
    return {
        "address": address,
        "port": number,
        "process": process.group(1) if process else "",
        "plain": plain(target, port=number, path=path),
        "tls": secured(target, port=number, path=path, newest=ssl.TLSVersion.MAXIMUM_SUPPORTED),
        "old tls": secured(target, port=number, path=path, newest=ssl.TLSVersion.TLSv1_1),
    }


lines = subprocess.run(["ss", "-Hltnp"], capture_output=True, text=True, check=True).stdout.splitlines()
with ThreadPoolExecutor(max_workers=8) as pool:
    json.dump(list(pool.map(described, lines)), sys.stdout)
