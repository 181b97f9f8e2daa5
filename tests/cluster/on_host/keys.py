"""Find every certificate and private key on this host, also those inside of other files; print certificates and public keys.

Private keys themselves do not leave the host.
"""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys

# Kernel interfaces, programs, images, the public authorities that Debian trusts, the host's own identity for SSH.
LEFT_OUT = ("/proc", "/sys", "/dev", "/usr", "/opt", "/boot", "/var/lib/containerd", "/run/containerd", "/etc/ssl", "/etc/ssh")
# Volumes of pods: tokens, and the authorities that a pod trusts.
PODS = "/var/lib/kubelet/pods"
LARGEST = 64 * 1024 * 1024

PEM = re.compile(rb"-----BEGIN ([A-Z ]+)-----\s.*?-----END \1-----\n?", re.S)
PACKED = re.compile(rb"LS0tLS1CRUdJTi[A-Za-z0-9+/=]+")


def text_of(path: str) -> bytes:
    try:
        if os.path.islink(path) or not os.path.isfile(path) or os.path.getsize(path) > LARGEST:
            return b""
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def openssl(arguments: list[str], text: bytes) -> str:
    return subprocess.run(["openssl", *arguments], input=text, capture_output=True, check=True).stdout.decode()


def blocks(text: bytes) -> list[tuple[str, bytes]]:
    if b"-----BEGIN " not in text and b"LS0tLS1CRUdJTi" not in text:
        return []
    unpacked = b"\n".join(base64.b64decode(match) for match in PACKED.findall(text))
    return [(match.group(1).decode(), match.group(0)) for match in PEM.finditer(text + b"\n" + unpacked)]


found: dict[str, dict[str, list[str]]] = {}
for folder, folders, names in os.walk("/"):
    folders[:] = [name for name in folders if os.path.join(folder, name) not in (*LEFT_OUT, PODS)]
    for name in names:
        path = os.path.join(folder, name)
        for label, block in blocks(text_of(path)):
            entry = found.setdefault(path, {"certificates": [], "keys": []})
            if label == "CERTIFICATE":
                entry["certificates"].append(block.decode())
            elif "PRIVATE KEY" in label:
                entry["keys"].append(openssl(["pkey", "-pubout"], block))
json.dump(found, sys.stdout)
