"""What a server of TLS says to one who shows a certificate, or none."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Mapping
from pathlib import Path


def anyone() -> ssl.SSLContext:
    """A client that shows nothing, and takes every server for what it says it is."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def status(address: str, *, port: int, path: str, files: Mapping[str, Path] | None = None) -> str:
    """The status of the answer to a GET, or how the server ends the connection without one."""
    context = anyone()
    if files:
        context.load_cert_chain(files["cert"], files["key"])
    try:
        with socket.create_connection((address, port), timeout=20) as plain, context.wrap_socket(plain) as connection:
            connection.sendall(f"GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n".encode())
            answer = re.match(rb"HTTP/\S+ (\d+)", connection.recv(64))
            return answer.group(1).decode() if answer else "nothing"
    except (ssl.SSLError, ConnectionResetError, BrokenPipeError) as error:
        return f"refused: {error}"
