# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: members of etcd whose address changes. One at a time may, since a new certificate no longer names the former one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.quorate.kubernetes.plugins.plugin_utils import _x509

PEER_CERTIFICATE = "/etc/etcd/pki/peer.crt"


def problem(topology: Mapping[str, Any], observed: Mapping[str, Mapping[str, Any]]) -> str:
    """Why certificates may not be renewed for the addresses of the inventory; empty if they may.

    A member reads its certificate at each connection, so with a new one nobody reaches it where it still listens. Of one member that is as if it
    were down until it is restarted; of two of three the quorum would be gone before anything else is done.

    Args:
        topology: the fact C(cluster_topology).
        observed: what was observed, by the name of the host.
    """
    if not any((one.get("etcd") or {}).get("quorum") for one in observed.values()):
        return ""  # There is none to lose.
    moved = {name: former for name in topology["etcd"] if (former := _former(observed.get(name) or {}, topology["hosts"][name]["address"]))}
    if len(moved) < 2:
        return ""
    moves = ", ".join(f"{name} ({', '.join(former)} to {topology['hosts'][name]['address']})" for name, former in moved.items())
    return (
        f"The addresses of {len(moved)} members of etcd would change at once: {moves}. With their new certificates nobody would reach them where they "
        "are now, and etcd would lose its quorum. Nothing was changed. Change the address of one of them, run again, and then that of the next."
    )


def _former(one: Mapping[str, Any], address: str) -> tuple[str, ...]:
    """The addresses in the certificate of a host that holds a member's data, if the wanted one is not among them."""
    pem = ((one.get("certificates") or {}).get(PEER_CERTIFICATE) or {}).get("pem")
    content = _x509.read_content(pem, ()) if pem and (one.get("etcd") or {}).get("member") else None
    return content.addresses if content and address not in content.addresses else ()
