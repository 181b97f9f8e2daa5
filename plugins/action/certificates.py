# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control node's half of the module certificates: it reads certificates, plans, and signs."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import time
from collections.abc import Mapping, Sequence
from typing import Any, Optional

from ansible.plugins.action import ActionBase

from ansible_collections.quorate.kubernetes.plugins.module_utils import _certificate_plan, _certificates
from ansible_collections.quorate.kubernetes.plugins.plugin_utils import _authority, _local, _observation, _x509

MODULE = "quorate.kubernetes.certificates"
ARGUMENT_SPEC: dict[str, Any] = {
    "certificates": {"type": "list", "elements": "dict", "default": []},
    "trust": {"type": "list", "elements": "dict", "default": []},
    "pki_directory": {"type": "path", "required": True},
    "passphrase": {"type": "str", "default": "", "no_log": True},
    "renew_before_days": {"type": "int", "default": 60},
}


class RemoteError(Exception):
    """The host's half failed. Holds its result."""

    def __init__(self, result: Mapping[str, Any]) -> None:
        super().__init__(str(result.get("msg", "")))
        self.result = dict(result)


class ActionModule(ActionBase):
    """Plan on what was observed; ask the host for requests, sign them, and have the host install the rest."""

    _requires_connection = True

    def run(self, tmp: Optional[str] = None, task_vars: Optional[dict[str, Any]] = None) -> dict[str, Any]:
        task_vars = task_vars or {}
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(ARGUMENT_SPEC)
        self._executions = 0
        try:
            result.update(self._work(arguments, task_vars))
        except RemoteError as error:
            result.update(error.result)
        except (_certificates.CertificateError, _authority.AuthorityError, _x509.X509Error, _local.LocalError) as error:
            result.update(failed=True, msg=str(error))
        result["executions"] = self._executions
        return _observation.noted(result, task_vars)

    def _work(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        certificates, trust = _certificates.parse(arguments["certificates"], arguments["trust"])
        store = _authority.AuthorityStore(arguments["pki_directory"], arguments["passphrase"])
        observation, looked = self._observation([*certificates, *trust], task_vars)
        _authority.refuse_foreign(store, {task_vars.get("inventory_hostname", ""): observation["certificates"]})
        plan = Plan(store, observation, renew_before_days=arguments["renew_before_days"])
        steps = [step for step in (*map(plan.certificate, certificates), *map(plan.trust, trust)) if step]
        known = {"observation": observation} if looked else {}
        if not steps:
            return {"changed": False, "plan": [], **known}
        signing = {c.path: c for c in certificates if any(step.signs and step.path == c.path for step in steps)}
        for authority in sorted({certificate.authority for certificate in signing.values()}):
            # In check mode on a fresh cluster the authorities are not there yet, and nothing is signed.
            if store.exists(authority) or not self._task.check_mode:
                store.signer(authority)
        words = [str(step) for step in steps]
        report = {"changed": True, "plan": words, "diff": {"prepared": "".join(f"{word}\n" for word in words)}, **known}
        wanted = Wanted(certificates, trust, steps)
        if self._task.check_mode:
            return {**report, "observation": _observation.merged(observation, {"files": _foretold(wanted, store)})}
        return {**report, **self._apply(wanted, store, task_vars)}

    def _observation(self, wanted: Sequence[Any], task_vars: dict[str, Any]) -> tuple[dict[str, Any], bool]:
        """What the fact says; if it does not know our files, what the host says. And whether the host was asked."""
        fact = _observation.current(task_vars)
        certificates, files = fact.get("certificates"), fact.get("files")
        if certificates is not None and files is not None:
            paths = [path for entry in wanted if entry.path in certificates for path in (entry.path, entry.key)]
            if all(path in files for path in paths):
                return {"certificates": certificates, "files": files}, False
        return self._remote({"state": "observed"}, task_vars)["observation"], True

    def _apply(self, wanted: Wanted, store: _authority.AuthorityStore, task_vars: dict[str, Any]) -> dict[str, Any]:
        signing = [(certificate, step) for certificate, step in wanted.certificates_with_steps() if step.signs]
        signed: dict[str, dict[str, Any]] = {}
        if signing:
            asked = [{**_sent(certificate), "rekey": step.rekey} for certificate, step in signing]
            requests = self._remote({"state": "requested", "certificates": asked}, task_vars)["requests"]
            signed = {certificate.path: _sign(store, certificate, requests[certificate.path]) for certificate, _step in signing}
        installed = self._remote(
            {
                "state": "present",
                "certificates": [
                    {**_sent(certificate), **signed.get(certificate.path, {})} for certificate, _step in wanted.certificates_with_steps()
                ],
                "trust": [{**_sent(bundle), "content": _bundle(store, bundle)} for bundle in wanted.trust_with_steps()],
            },
            task_vars,
        )
        return {"observation": installed["observation"], "signed": {path: _told(entry["content"]) for path, entry in signed.items()}}

    def _remote(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        self._executions += 1
        result: dict[str, Any] = self._execute_module(MODULE, module_args=arguments, task_vars=task_vars)
        if result.get("failed") or result.get("unreachable"):
            raise RemoteError(result)
        return result


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What a host shall have, with what there is to do for it."""

    certificates: Sequence[_certificates.Certificate]
    trust: Sequence[_certificates.Trust]
    steps: Sequence[_certificate_plan.Step]

    def certificates_with_steps(self) -> list[tuple[_certificates.Certificate, _certificate_plan.Step]]:
        steps = {step.path: step for step in self.steps}
        return [(certificate, steps[certificate.path]) for certificate in self.certificates if certificate.path in steps]

    def trust_with_steps(self) -> list[_certificates.Trust]:
        paths = {step.path for step in self.steps}
        return [bundle for bundle in self.trust if bundle.path in paths]


class Plan:
    """What was observed, in the words of the model, compared with what is wanted."""

    def __init__(self, store: _authority.AuthorityStore, observation: Mapping[str, Any], *, renew_before_days: float) -> None:
        self._store = store
        self._certificates = observation["certificates"]
        self._files = observation["files"]
        self._renew_before_days = renew_before_days
        self._now = time.time()

    def certificate(self, wanted: _certificates.Certificate) -> Optional[_certificate_plan.Step]:
        return _certificate_plan.plan_certificate(
            wanted,
            self._facts(wanted),
            issuer=self._store.issuer(wanted.authority),
            now=self._now,
            renew_before_days=self._renew_before_days,
        )

    def trust(self, wanted: _certificates.Trust) -> Optional[_certificate_plan.Step]:
        content = _bundle(self._store, wanted)
        digest = hashlib.sha256(content.encode()).hexdigest() if content else None
        return _certificate_plan.plan_trust(wanted, self._file(wanted.path), digest)

    def _facts(self, wanted: _certificates.Certificate) -> _certificate_plan.Facts:
        found = self._certificates.get(wanted.path)
        if found is None or found["key"] != wanted.key:
            return _certificate_plan.Facts()
        content = _x509.read_content(found["pem"] or "", self._store.known(wanted.authority))
        return _certificate_plan.Facts(
            recorded=True,
            content=content,
            certificate=self._file(wanted.path),
            key=self._file(wanted.key),
            key_matches=found["key_matches"] and (content is None or content.public_key == found["public_key"]),
        )

    def _file(self, path: str) -> Optional[_certificate_plan.Attributes]:
        state = self._files.get(path)
        return _certificate_plan.Attributes(**{n: state[n] for n in ("digest", "mode", "owner", "group")}) if state else None


def _foretold(wanted: Wanted, store: _authority.AuthorityStore) -> dict[str, Any]:
    """Bundles as they would be, for whoever has to be restarted to notice, unless their authorities are yet to be made."""
    bundles = [bundle for bundle in wanted.trust_with_steps() if all(store.exists(authority) for authority in bundle.authorities)]
    return {
        bundle.path: {
            "digest": hashlib.sha256(_bundle(store, bundle).encode()).hexdigest(),
            "mode": bundle.mode,
            "owner": bundle.owner,
            "group": bundle.group,
            "changed": time.time(),
        }
        for bundle in bundles
    }


def _bundle(store: _authority.AuthorityStore, trust: _certificates.Trust) -> str:
    return "".join(store.chain(authority) if trust.chain else store.trusted(authority) for authority in trust.authorities)


def _sign(store: _authority.AuthorityStore, certificate: _certificates.Certificate, request: Mapping[str, Any]) -> dict[str, Any]:
    """What the host has to install: names come from the model, from the request only the public key."""
    try:
        public_key = _x509.read_request(request["pem"]).public_key()
    except _x509.X509Error as error:
        raise _x509.X509Error(f"Signing {certificate.path} failed: {error}.") from None
    if _x509.key_type_of(public_key) != certificate.key_type:
        raise _x509.X509Error(
            f"Signing {certificate.path} failed: its key is {_x509.key_type_of(public_key)}, wanted {certificate.key_type}. "
            f"Remove {certificate.key} on the host and run again."
        )
    subject = _x509.Subject(
        common_name=certificate.common_name,
        organizations=certificate.organizations,
        dns=certificate.dns,
        addresses=certificate.addresses,
        usages=certificate.usages,
    )
    content = store.sign(certificate.authority, subject, public_key=public_key, life=datetime.timedelta(days=certificate.days))
    return {"content": content, "public_key": _x509.public_digest(public_key), "rekey": request["new_key"]}


def _told(pem: str) -> dict[str, str]:
    """What a report says of a certificate that was signed."""
    content = _x509.read_content(pem, ())
    return {"serial": content.serial, "not_after": _certificate_plan.day(content.not_after)} if content else {}


def _sent(entry: Any) -> dict[str, Any]:
    """A definition as plain data, for the host."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in dataclasses.asdict(entry).items()}
