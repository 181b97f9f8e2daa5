# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: pki_secret
short_description: Read a secret of the cluster on the control node
version_added: 1.0.0
author: quorate.kubernetes contributors (@quorate)
description:
  - Reads secrets that the API servers need and that are no certificates, so that they are not kept in facts.
  - M(quorate.kubernetes.authorities) makes them.
  - In check mode a secret that is not made yet is a placeholder of the same shape.
options:
  _terms:
    description:
      - V(service_account_key) is the key that signs tokens of service accounts, a PEM text.
      - V(encryption_keys) is a list of dicts, C(name) and C(secret), of the keys that encrypt Secrets in etcd. The first one writes.
    type: list
    elements: str
    choices: [service_account_key, encryption_keys]
    required: true
  pki_directory:
    description:
      - Directory of the authorities on the control node.
    type: path
    required: true
  passphrase:
    description:
      - Opens the secrets if they are encrypted.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Read the key that signs tokens
  ansible.builtin.copy:
    content: "{{ lookup('quorate.kubernetes.pki_secret', 'service_account_key', pki_directory=pki_directory, passphrase=pki_passphrase) }}"
    dest: /etc/hello/signing.key
    mode: "0600"
  no_log: true

- name: Count the keys that encrypt Secrets
  ansible.builtin.debug:
    msg: "{{ lookup('quorate.kubernetes.pki_secret', 'encryption_keys', pki_directory=pki_directory) | length }}"
"""

RETURN = r"""
_raw:
  description:
    - One entry a term.
    - A C(lookup) of V(encryption_keys) is the list of keys itself.
  type: list
  elements: raw
"""

import base64
from typing import Any, Optional

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ansible_collections.quorate.kubernetes.plugins.plugin_utils import _authority, _local, _x509

TERMS = {"service_account_key": _authority.SIGNING_KEY, "encryption_keys": _authority.ENCRYPTION_KEYS}
# What a template needs to be rendered in check mode, before anything was made.
PLACEHOLDERS: dict[str, Any] = {
    "service_account_key": "not made yet",
    "encryption_keys": [{"name": "not-made-yet", "secret": base64.b64encode(bytes(32)).decode()}],
}


class LookupModule(LookupBase):
    """Secrets of the cluster by name."""

    def run(self, terms: list[str], variables: Optional[dict[str, Any]] = None, **kwargs: Any) -> list[Any]:
        self.set_options(var_options=variables, direct=kwargs)
        store = _authority.AuthorityStore(self.get_option("pki_directory"), self.get_option("passphrase"))
        check_mode = bool((variables or {}).get("ansible_check_mode"))
        return [self._secret(store, term, check_mode=check_mode) for term in terms]

    def _secret(self, store: _authority.AuthorityStore, term: str, *, check_mode: bool) -> Any:
        if term not in TERMS:
            raise AnsibleLookupError(f"There is no secret {term}. Choose among {', '.join(TERMS)}.")
        try:
            if check_mode and _local.read(store.path(TERMS[term])) is None:
                return PLACEHOLDERS[term]
            return store.service_account_key() if term == "service_account_key" else store.encryption_keys()
        except (_authority.AuthorityError, _x509.X509Error, _local.LocalError) as error:
            raise AnsibleLookupError(str(error)) from None
