# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Saves the authorities and keys of the control node in an encrypted archive. No host is contacted."""

from __future__ import annotations

import os
from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.quorate.kubernetes.plugins.plugin_utils import _local, _pki_archive, _x509

ARGUMENT_SPEC: dict[str, Any] = {
    "keep": {"type": "int", "default": 0},
    "passphrase": {"type": "str", "required": True, "no_log": True},
    "path": {"type": "path", "required": True},
    "pki_directory": {"type": "path", "required": True},
}


class ActionModule(ActionBase):
    """Write an archive, read it back, and only then drop the oldest ones."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(ARGUMENT_SPEC)
        path = os.path.abspath(arguments["path"])
        try:
            found = self._save(path, arguments)
        except (_pki_archive.ArchiveError, _local.LocalError, OSError) as error:
            return {
                **result,
                "failed": True,
                "msg": f"Saving {arguments['pki_directory']} in {path} failed: {error} No archive was dropped.",
            }
        return {**result, **found, "path": path, "diff": {"prepared": "".join(f"{line}\n" for line in found["plan"])}}

    def _save(self, path: str, arguments: dict[str, Any]) -> dict[str, Any]:
        if not arguments["passphrase"]:
            raise _pki_archive.ArchiveError("There is no passphrase: an archive of keys that anybody can read is none. Set pki_passphrase.")
        if not _x509.FOUND:
            raise _pki_archive.ArchiveError(_x509.LACKING)
        files = _pki_archive.files_of(arguments["pki_directory"])
        if not files:
            raise _pki_archive.ArchiveError("There is nothing in it. Run site first, or correct pki_directory.")
        if os.path.lexists(path):
            if _pki_archive.opened(_local.read(path) or b"", arguments["passphrase"]) == files:
                return {"changed": False, "plan": [], "removed": []}
            raise _pki_archive.ArchiveError("There is another archive of that name. Choose another name.")
        folder = os.path.dirname(path)
        old = _pki_archive.expired([*_names(folder), os.path.basename(path)], arguments["keep"])
        if not self._task.check_mode:
            self._write(path, files, arguments["passphrase"])
            for name in old:
                os.unlink(os.path.join(folder, name))
        return {"changed": True, "plan": [f"save {len(files)} files in {path}", *(f"drop {name}" for name in old)], "removed": old}

    def _write(self, path: str, files: dict[str, bytes], passphrase: str) -> None:
        _local.make_private_directory(os.path.dirname(path))
        _local.write_private(path, _pki_archive.sealed(files, passphrase))
        if _pki_archive.opened(_local.read(path) or b"", passphrase) != files:
            os.unlink(path)
            raise _pki_archive.ArchiveError("What was written is not what it should be, and was removed. See to the disk.")


def _names(folder: str) -> list[str]:
    return os.listdir(folder) if os.path.isdir(folder) else []
