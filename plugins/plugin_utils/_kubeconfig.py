# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: kubeconfig files for people, with an embedded certificate. Made and compared, no files."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Optional

import yaml

from ansible_collections.quorate.kubernetes.plugins.module_utils import _certificate_plan
from ansible_collections.quorate.kubernetes.plugins.plugin_utils import _x509

if TYPE_CHECKING:
    from cryptography import x509


@dataclasses.dataclass(frozen=True)
class Kubeconfig:
    """Who someone is, and which cluster it is for.

    Attributes:
        cluster: name of the cluster.
        server: URL that is used unless another context is asked for.
        others: further URLs of the same cluster, each with the name that tells its context from the rest.
        common_name: name of the user.
        organizations: groups of the user.
        trusted: certificates of the authorities.
    """

    cluster: str
    server: str
    others: tuple[tuple[str, str], ...]
    common_name: str
    organizations: tuple[str, ...]
    trusted: str


def render(wanted: Kubeconfig, *, certificate: str, key: str) -> str:
    """The file's text."""
    authorities = _encoded(wanted.trusted)
    servers = {wanted.cluster: wanted.server, **{f"{wanted.cluster}-{name}": server for name, server in wanted.others}}
    user = {"client-certificate-data": _encoded(certificate), "client-key-data": _encoded(key)}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": name, "cluster": {"server": server, "certificate-authority-data": authorities}} for name, server in servers.items()
        ],
        "users": [{"name": wanted.common_name, "user": user}],
        "contexts": [
            {"name": f"{wanted.common_name}@{name}", "context": {"cluster": name, "user": wanted.common_name}} for name in servers
        ],
        "current-context": f"{wanted.common_name}@{wanted.cluster}",
    }
    return yaml.safe_dump(content, sort_keys=False)


def reasons(
    wanted: Kubeconfig,
    text: Optional[bytes],
    *,
    issuer: Optional[_certificate_plan.Issuer],
    authorities: Iterable[x509.Certificate],
    days: int,
    renew_before_days: float,
    now: float,
) -> list[str]:
    """Why the file has to be written; nothing if it is as wanted."""
    if text is None:
        return ["it is missing"]
    try:
        parsed = yaml.safe_load(text)
        (first, *rest), user = parsed["clusters"], parsed["users"][0]["user"]
        certificate, key = _decoded(user["client-certificate-data"]), _decoded(user["client-key-data"])
        content = _x509.read_content(certificate, authorities)
        key_digest = _x509.public_digest(_x509.read_private_key(key.encode()).public_key())
        there = Kubeconfig(
            cluster=first["name"],
            server=first["cluster"]["server"],
            others=tuple((entry["name"][len(first["name"]) + 1 :], entry["cluster"]["server"]) for entry in rest),
            common_name=parsed["users"][0]["name"],
            organizations=content.organizations if content else (),
            trusted=_decoded(first["cluster"]["certificate-authority-data"]),
        )
    except (yaml.YAMLError, LookupError, TypeError, ValueError, AttributeError, _x509.X509Error):
        return ["it cannot be read"]
    if content is None or content.public_key != key_digest:
        return ["its certificate and key do not fit"]
    end = _certificate_plan.end_in_words(content, issuer, days=days, renew_before_days=renew_before_days, now=now)
    return _differences(there, wanted, content, issuer) + ([f"its certificate {end}"] if end else [])


def _differences(
    there: Kubeconfig, wanted: Kubeconfig, content: _certificate_plan.Content, issuer: Optional[_certificate_plan.Issuer]
) -> list[str]:
    pairs = (("cluster", there.cluster, wanted.cluster), ("server", there.server, wanted.server))
    found = [f"{what} differs ({is_}, wanted {want})" for what, is_, want in pairs if is_ != want]
    if there.others != wanted.others:
        found.append("the servers to choose from differ")
    if (content.common_name, there.common_name) != (wanted.common_name, wanted.common_name):
        found.append(f"user differs ({content.common_name}, wanted {wanted.common_name})")
    if there.organizations != wanted.organizations:
        found.append(f"groups differ ({', '.join(there.organizations)}, wanted {', '.join(wanted.organizations)})")
    if there.trusted != wanted.trusted:
        found.append("the trusted authorities differ")
    if issuer is None or content.issuer != issuer.fingerprint:
        found.append("issuer differs")
    return found


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _decoded(data: Any) -> str:
    return base64.b64decode(str(data), validate=True).decode()
