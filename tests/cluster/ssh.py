"""SSH to hosts of the lab beside testinfra, which can neither send a file nor forward a port."""

from __future__ import annotations

import contextlib
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

from lab import paths

from .wait import until

STRANGERS = "-F none -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"


def command(address: str, *options: str) -> list[str]:
    """The start of a command line that logs in over a connection of its own."""
    words = STRANGERS.split()
    return ["ssh", *words, "-o", "ControlPath=none", "-o", "BatchMode=yes", "-i", str(paths.cache().key), *options, f"root@{address}"]


def send(address: str, *, file: Path, to: str) -> None:
    """Run a command on a host with a file as its input."""
    with file.open("rb") as content:
        done = subprocess.run([*command(address), to], stdin=content, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, f"{to} on {address}: {done.stderr}"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def listens(port: int) -> bool:
    with socket.create_connection(("127.0.0.1", port), timeout=1):
        return True


@contextlib.contextmanager
def forwarded(address: str, *, port: int) -> Iterator[int]:
    """A port of this machine that leads to a port of the host's loopback."""
    local = free_port()
    with subprocess.Popen(
        command(address, "-N", "-o", "ExitOnForwardFailure=yes", "-L", f"127.0.0.1:{local}:127.0.0.1:{port}"), stdin=subprocess.DEVNULL
    ) as tunnel:
        try:
            until(f"a tunnel to {address}", lambda: listens(local), within=60)
            yield local
        finally:
            tunnel.terminate()
