"""Data without what Ansible attaches to it."""

from __future__ import annotations

import yaml
from ansible._internal._datatag._tags import VaultedValue
from ansible.parsing.yaml.dumper import AnsibleDumper

from ansible_collections.quorate.kubernetes.plugins.plugin_utils._plain import plain


def test_what_was_encrypted_is_written_as_it_is() -> None:
    value = {"a": [VaultedValue(ciphertext="$ANSIBLE_VAULT;1.1;AES256\n00").tag("secret"), 1, True, None]}
    assert "vault" in yaml.dump(value, Dumper=AnsibleDumper)
    assert yaml.dump(plain(value), Dumper=AnsibleDumper, default_flow_style=True) == "{a: [secret, 1, true, null]}\n"
