# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the authorities that are missing on the control node. No host is contacted."""

from __future__ import annotations

from typing import Any, Optional

from ansible.plugins.action import ActionBase

from ansible_collections.quorate.kubernetes.plugins.module_utils import _certificate_plan, _certificates
from ansible_collections.quorate.kubernetes.plugins.plugin_utils import (
    _authority,
    _authority_maker,
    _local,
    _moved_members,
    _observation,
    _x509,
)

ARGUMENT_SPEC: dict[str, Any] = {
    "pki_directory": {"type": "path", "required": True},
    "passphrase": {"type": "str", "default": "", "no_log": True},
    "days": {"type": "int", "default": 3650},
    "key_type": {"type": "str", "choices": list(_certificates.KEY_TYPES), "default": _certificates.KEY_TYPES[0]},
    "hosts": {"type": "list", "elements": "str", "default": []},
}
FACT = "pki_authorities"
NOWHERE: dict[str, Any] = {"etcd": [], "hosts": {}}


class ActionModule(ActionBase):
    """Make what is missing; refuse to if hosts hold certificates of what is missing."""

    _requires_connection = False

    def run(self, tmp: Optional[str] = None, task_vars: Optional[dict[str, Any]] = None) -> dict[str, Any]:
        task_vars = task_vars or {}
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(ARGUMENT_SPEC)
        try:
            result.update(self._work(arguments, task_vars))
        except (_authority.AuthorityError, _x509.X509Error, _local.LocalError) as error:
            result.update(failed=True, msg=str(error))
        return result

    def _work(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        store = _authority.AuthorityStore(arguments["pki_directory"], arguments["passphrase"])
        settings = _authority_maker.Settings(passphrase=arguments["passphrase"], days=arguments["days"], key_type=arguments["key_type"])
        maker = _authority_maker.AuthorityMaker(store, settings)
        observed = _observation.of_hosts(arguments["hosts"], task_vars["hostvars"], run=_observation.run_of(task_vars))
        if moved := _moved_members.problem(task_vars.get("cluster_topology") or NOWHERE, observed):
            return {"failed": True, "msg": moved}
        hosts = {name: one.get("certificates") for name, one in observed.items()}
        _authority.refuse_foreign(store, {name: certificates or {} for name, certificates in hosts.items()})
        warnings = maker.check()
        steps = maker.steps()
        if steps:
            _authority_maker.refuse_lost(maker, store, hosts)
        if steps and not self._task.check_mode:
            steps = maker.carry_out()
        words = [step.words for step in steps]
        return {
            "changed": bool(words),
            "plan": words,
            "diff": {"prepared": "".join(f"{word}\n" for word in words)},
            "ansible_facts": {FACT: _facts(store)},
            **({"warnings": warnings} if warnings else {}),
        }


def _facts(store: _authority.AuthorityStore) -> dict[str, Any]:
    """What roles may know: nothing of it is secret. Empty texts stand for what is not made yet, in check mode."""
    facts: dict[str, Any] = {}
    for authority in _certificates.AUTHORITIES:
        issuer = store.issuer(authority)
        facts[authority] = {
            "trusted": store.trusted(authority),
            "issuer_fingerprint": issuer.fingerprint if issuer else "",
            "not_after": _certificate_plan.day(issuer.not_after) if issuer else "",
        }
    facts["service_account"] = {"trusted": store.service_account_trusted()}
    return facts
