# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes a kubeconfig file on the control node. No host is contacted."""

from __future__ import annotations

import os
import time
from typing import Any, Optional

from ansible.plugins.action import ActionBase

from ansible_collections.quorate.kubernetes.plugins.plugin_utils import _authority, _kubeconfig, _local, _x509

AUTHORITY = "kubernetes"
ARGUMENT_SPEC: dict[str, Any] = {
    "path": {"type": "path", "required": True},
    "server": {"type": "str", "required": True},
    "cluster_name": {"type": "str", "default": "kubernetes"},
    "common_name": {"type": "str", "required": True},
    "organizations": {"type": "list", "elements": "str", "default": []},
    "days": {"type": "int", "default": 365},
    "renew_before_days": {"type": "int", "default": 60},
    "other_servers": {"type": "dict", "default": {}},
    "pki_directory": {"type": "path", "required": True},
    "passphrase": {"type": "str", "default": "", "no_log": True},
}


class ActionModule(ActionBase):
    """Write the file if it is missing, differs or nears the end of its certificate."""

    _requires_connection = False

    def run(self, tmp: Optional[str] = None, task_vars: Optional[dict[str, Any]] = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(ARGUMENT_SPEC)
        try:
            result.update(self._work(arguments))
        except (_authority.AuthorityError, _x509.X509Error, _local.LocalError) as error:
            result.update(failed=True, msg=f"Writing the kubeconfig {arguments['path']} failed: {error}")
        return result

    def _work(self, arguments: dict[str, Any]) -> dict[str, Any]:
        path = os.path.abspath(arguments["path"])
        store = _authority.AuthorityStore(arguments["pki_directory"], arguments["passphrase"])
        reasons = self._reasons(arguments, store, path)
        if reasons and not self._task.check_mode:
            store.signer(AUTHORITY)
            # Hosts of one run come here at once: the first writes, the others find it written.
            with _local.locked(store.path(".lock")):
                reasons = self._reasons(arguments, store, path)
                if reasons:
                    self._write(arguments, store, path)
        plan = [f"write {path}: {'; '.join(reasons)}"] if reasons else []
        return {"changed": bool(plan), "plan": plan, "diff": {"prepared": "".join(f"{words}\n" for words in plan)}, "path": path}

    def _reasons(self, arguments: dict[str, Any], store: _authority.AuthorityStore, path: str) -> list[str]:
        found = _kubeconfig.reasons(
            _wanted(arguments, store),
            _local.read(path),
            issuer=store.issuer(AUTHORITY),
            authorities=store.known(AUTHORITY),
            days=arguments["days"],
            renew_before_days=arguments["renew_before_days"],
            now=time.time(),
        )
        if not found and _local.mode_of(path) & 0o077:
            found.append("others can read it")
        return found

    def _write(self, arguments: dict[str, Any], store: _authority.AuthorityStore, path: str) -> None:
        wanted = _wanted(arguments, store)
        pair = store.issue(
            authority=AUTHORITY,
            common_name=wanted.common_name,
            organizations=wanted.organizations,
            minutes=arguments["days"] * 24 * 60,
        )
        _local.write_private(path, _kubeconfig.render(wanted, certificate=pair.certificate, key=pair.key).encode())


def _wanted(arguments: dict[str, Any], store: _authority.AuthorityStore) -> _kubeconfig.Kubeconfig:
    # Values of Ansible's are tagged subclasses, which the YAML writer refuses.
    return _kubeconfig.Kubeconfig(
        cluster=str(arguments["cluster_name"]),
        server=str(arguments["server"]),
        others=tuple(sorted((str(name), str(server)) for name, server in arguments["other_servers"].items())),
        common_name=str(arguments["common_name"]),
        organizations=tuple(sorted(str(name) for name in arguments["organizations"])),
        trusted=store.trusted(AUTHORITY),
    )
