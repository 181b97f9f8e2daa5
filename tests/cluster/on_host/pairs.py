"""Print every certificate on this host whose private key is here too, with that key, by the path of the certificate."""

from __future__ import annotations

import json
import os
import re
import ssl
import sys

FOLDERS = ("/etc/etcd", "/etc/kubernetes", "/etc/cni", "/var/lib/kubelet/pki", "/var/lib/quorate", "/root", "/home", "/srv")
CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", re.S)
KEY = re.compile(r"-----BEGIN ([A-Z ]*)PRIVATE KEY-----.*?-----END \1PRIVATE KEY-----\n", re.S)


def text_of(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (OSError, UnicodeDecodeError):
        return ""


def fit(certificate: str, key: str) -> bool:
    """Whether they belong together: OpenSSL refuses to load them otherwise."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(certificate, key)
    except ssl.SSLError:
        return False
    return True


paths = [os.path.join(folder, name) for top in FOLDERS for folder, _folders, names in os.walk(top) for name in names]
texts = {path: text_of(path) for path in paths}
certificates = [path for path, text in texts.items() if CERTIFICATE.search(text)]
keys = [path for path, text in texts.items() if KEY.search(text)]
pairs = {
    certificate: {"certificate": texts[certificate], "key": texts[key]}
    for certificate in certificates
    for key in keys
    if fit(certificate, key)
}
json.dump(pairs, sys.stdout)
