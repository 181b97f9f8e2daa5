#!/usr/bin/python
# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_snapshot
short_description: Save, verify and restore snapshots of etcd
version_added: 1.0.0
author: quorate.kubernetes contributors (@quorate)
description:
  - Saves a snapshot of one healthy member, verifies one, or restores one to the data directory of this host.
  - A member with the alarm C(CORRUPT) is not healthy, also if it answers. The one on this host is preferred.
  - A snapshot is verified by its own digest and by C(etcdutl) before it gets its name, and again before it is restored.
  - It holds all Secrets of a cluster. Its file is only for C(root).
  - A restore writes to a new directory, checks it, and then puts it at its place. The former data is moved aside, never deleted.
  - Restored revisions lie far behind the former ones, and the former are marked as compacted, so watchers notice that they must list anew.
extends_documentation_fragment:
  - quorate.kubernetes._attributes
  - quorate.kubernetes._etcd
attributes:
  idempotent:
    support: full
    details:
      - With O(state=present) a sound snapshot that is there already is kept. Put the time into its name.
      - With O(state=restored) the same snapshot is restored once for each O(token).
options:
  data_directory:
    description:
      - Data directory of the member on this host. With O(state=restored) it is C(/var/lib/etcd) by default.
      - If it is given with O(state=verified), the module fails if the snapshot cannot be restored there for lack of room, so before anything is stopped.
    type: path
  etcdutl:
    description:
      - The program C(etcdutl), on the host.
    type: path
    default: etcdutl
  group:
    description:
      - Group of the restored data.
    type: str
    default: etcd
  initial_cluster:
    description:
      - Names and peer URLs of all members of the restored cluster, the same on each of them. Needed with O(state=restored).
    type: str
  keep:
    description:
      - With O(state=present), how many snapshots to keep in the folder of O(path). Older ones are deleted after a new one was saved and verified.
      - Only files whose name is a time in UTC count, such as C(20261121T120000Z.db). V(0) keeps all.
    type: int
    default: 0
  name:
    description:
      - Name of the member on this host. Needed with O(state=restored).
    type: str
  owner:
    description:
      - Owner of the restored data.
    type: str
    default: etcd
  path:
    description:
      - The file of the snapshot, on the host.
    type: path
    required: true
  peer_urls:
    description:
      - Peer URLs of the member on this host. Needed with O(state=restored).
    type: list
    elements: str
    default: []
  state:
    description:
      - With V(present), there is a sound snapshot at O(path).
      - With V(verified), the snapshot at O(path) is only looked at, and the room for it in O(data_directory) if that is given.
      - With V(restored), the data directory holds the snapshot. etcd must not run. Stop all API servers first, and restore the same file on all members.
    type: str
    choices: [present, verified, restored]
    default: present
  timeout:
    description:
      - Seconds for saving or restoring.
    type: float
    default: 600
  token:
    description:
      - Token of the restored cluster, the same on all members, and a new one for each restore. Needed with O(state=restored).
    type: str
  unit:
    description:
      - The systemd unit of the member on this host. With O(state=restored) it must not run. Empty if there is none.
    type: str
    default: etcd.service
"""

EXAMPLES = r"""
- name: Save a snapshot
  quorate.kubernetes.etcd_snapshot:
    path: /var/lib/quorate/snapshots/20261121T120000Z.db

- name: Restore it on each member
  quorate.kubernetes.etcd_snapshot:
    path: /var/lib/quorate/restore.db
    name: m1
    peer_urls: [https://192.0.2.11:2380]
    initial_cluster: m1=https://192.0.2.11:2380,m2=https://192.0.2.12:2380,m3=https://192.0.2.13:2380
    token: kubernetes-20261121T120000Z
    state: restored
"""

RETURN = r"""
path:
  description: The file of the snapshot.
  returned: always
  type: str
snapshot:
  description:
    - What it holds, and the SHA-256 of its file. The same file has the same on all members.
  returned: when there is one
  type: dict
  sample: {revision: 4711, keys: 1234, size: 20971520, version: 3.7.0, hash: 3099880325, sha256: 9f86d0...}
removed:
  description: Names of the older snapshots that were deleted.
  returned: with O(state=present)
  type: list
  elements: str
data_moved_to:
  description: Where the former data was moved.
  returned: when it was moved
  type: str
"""

import functools
import os
import shutil
from typing import Any, Optional

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.quorate.kubernetes.plugins.module_utils import _etcd, _etcd_client, _etcd_snapshot, _host

ARGUMENT_SPEC: dict[str, Any] = {
    **_etcd_client.ETCD_ARGUMENTS,
    "data_directory": {"type": "path"},
    "etcdutl": {"type": "path", "default": "etcdutl"},
    "group": {"type": "str", "default": "etcd"},
    "initial_cluster": {"type": "str"},
    "keep": {"type": "int", "default": 0},
    "name": {"type": "str"},
    "owner": {"type": "str", "default": "etcd"},
    "path": {"type": "path", "required": True},
    "peer_urls": {"type": "list", "elements": "str", "default": []},
    "state": {"type": "str", "choices": ["present", "verified", "restored"], "default": "present"},
    "timeout": {"type": "float", "default": 600},
    "token": {"type": "str", "no_log": False},
    "unit": {"type": "str", "default": "etcd.service"},
}

DATA_DIRECTORY = "/var/lib/etcd"
RECORD = "restored.json"


class EtcdSnapshot:
    """A snapshot in a file of this host."""

    def __init__(self, params: dict[str, Any]) -> None:
        self._params = params
        self.path: str = params["path"]
        self.directory: str = params["data_directory"] or DATA_DIRECTORY
        self.facts: Optional[dict[str, Any]] = None
        self.moved_to: Optional[str] = None
        self.removed: list[str] = []

    # --- verified ---

    def verify(self, path: str) -> dict[str, Any]:
        """What the snapshot holds; an error if it is not sound."""
        if not os.path.isfile(path):
            raise _etcd_snapshot.SnapshotError(f"There is no snapshot {path} on this host.")
        size = os.path.getsize(path)
        # Before etcdutl looks: it finds nothing wrong with half a database if all that it still needs lies in that half.
        digests = _digests(path, size) if _etcd_snapshot.has_digest(size) else None
        problem = _etcd_snapshot.file_problem(path, digests)
        if problem or digests is None:
            raise _etcd_snapshot.SnapshotError(problem)
        info = self._info(path)
        facts = {"revision": info.revision, "keys": info.keys, "size": info.size, "version": info.version, "hash": info.digest}
        return {**facts, "sha256": digests.whole}

    def refuse_a_newer_version(self) -> None:
        """An error if the snapshot is of a later minor version of etcd than the programs of this host."""
        program = _host.run([self._params["etcdutl"], "version"], timeout=self._params["timeout"]).out
        problem = _etcd_snapshot.version_problem(self.path, written=(self.facts or {}).get("version", ""), program=program)
        if problem:
            raise _etcd_snapshot.SnapshotError(problem)

    def _info(self, path: str) -> _etcd_snapshot.Info:
        done = _host.run(
            [self._params["etcdutl"], "snapshot", "status", path, "--write-out=json"], timeout=self._params["timeout"], check=False
        )
        if done.code != 0:
            raise _etcd_snapshot.SnapshotError(f"{path} is no sound snapshot: {_etcd.cause_of(done.err)}.")
        return _etcd_snapshot.parse_info(done.out)

    # --- present ---

    def is_present(self) -> bool:
        """Whether there is a sound snapshot; one that is not is left for a person to look at."""
        if not os.path.exists(self.path):
            return False
        self.facts = self.verify(self.path)
        return True

    def save(self) -> None:
        """From a healthy member, the one of this host before others, to a name beside, and there only when it is sound."""
        client = _etcd_client.EtcdClient(_etcd_client.Connection.of(self._params))
        cluster, nearest = client.cluster(), next(iter(client.statuses([client.entry()]).values()), None)
        source = _etcd_snapshot.source(cluster, nearest.identity if nearest else None)
        folder, new = os.path.dirname(self.path), f"{self.path}.new"
        if not os.path.isdir(folder):
            _host.make_directory(folder, mode="0700")
        status, free = cluster.of(source).status, _host.free_bytes(folder)
        size = status.size if status else 0
        if free < size + _etcd_snapshot.SPARE_BYTES:
            raise _etcd_snapshot.SnapshotError(
                f"{folder} has {free >> 20} MiB left, but the database has {size >> 20} MiB. Make room, or save elsewhere."
            )
        _host.remove_file(new)
        client.control(["snapshot", "save", new], endpoints=source.clients[:1], timeout=self._params["timeout"])
        _host.set_attributes(new, mode="0600", owner="root", group="root")
        self.facts = self.verify(new)
        _host.rename_file(new, self.path)
        _host.sync_directory(folder)
        self.removed = _etcd_snapshot.expired(os.listdir(folder), self._params["keep"])
        for name in self.removed:
            _host.remove_file(os.path.join(folder, name))

    # --- restored ---

    def wanted(self) -> dict[str, Any]:
        self.facts = self.verify(self.path)
        self.refuse_a_newer_version()
        wanted = {name: self._params[name] for name in ("name", "initial_cluster", "token")}
        wanted.update(peer_urls=",".join(self._params["peer_urls"]), sha256=self.facts["sha256"])
        _etcd_snapshot.check_member(wanted)
        return wanted

    def is_restored(self, wanted: dict[str, Any]) -> bool:
        record = _host.read_json(os.path.join(self.directory, "member", RECORD))
        return _etcd_snapshot.same_members(record, wanted)

    def restore(self, wanted: dict[str, Any]) -> None:
        params, directory = self._params, self.directory
        self._refuse_if_running()
        new, member = os.path.join(directory, ".restoring"), os.path.join(directory, "member")
        _host.make_directory(directory, mode="0700", owner=params["owner"], group=params["group"])
        self.refuse_without_room()
        # What a restore that was cut short left is a copy of the snapshot and nothing else.
        shutil.rmtree(new, ignore_errors=True)
        arguments = _etcd_snapshot.restore_arguments(wanted, path=self.path, target=new)
        done = _host.run([params["etcdutl"], *arguments], timeout=params["timeout"], check=False)
        if done.code != 0:
            raise _etcd_snapshot.SnapshotError(f"Restoring {self.path} failed: {_etcd.cause_of(done.err)}. The former data is untouched.")
        _etcd_snapshot.check_restored(self._info(os.path.join(new, "member", "snap", "db")), self._info(self.path))
        # The record becomes part of what is renamed, so it is there if and only if the data is.
        _host.write_json(os.path.join(new, "member", RECORD), wanted)
        self._give_away(new)
        self.moved_to = _host.move_aside(member)
        _host.rename_file(os.path.join(new, "member"), member)
        shutil.rmtree(new, ignore_errors=True)
        _host.sync_directory(directory)

    def _refuse_if_running(self) -> None:
        unit = self._params["unit"]
        if unit and not _host.unit_states([unit])[unit].ended:
            raise _etcd_snapshot.SnapshotError(
                f"{unit} runs on this host. Stop it here and on all members, and all API servers, before restoring."
            )

    def refuse_without_room(self) -> None:
        """An error if the data directory, or what is to hold it, has no room for what is restored beside what is there."""
        needed, free = 2 * os.path.getsize(self.path) + _etcd_snapshot.SPARE_BYTES, _host.free_bytes(self.directory)
        if free < needed:
            raise _etcd_snapshot.SnapshotError(
                f"{self.directory} has {free >> 20} MiB left, and restoring needs {needed >> 20} MiB. Make room first."
            )

    def _give_away(self, directory: str) -> None:
        attributes = {"owner": self._params["owner"], "group": self._params["group"]}
        for folder, _folders, files in os.walk(directory):
            _host.set_attributes(folder, mode="0700", **attributes)
            for name in files:
                _host.set_attributes(os.path.join(folder, name), mode="0600", **attributes)


def _digests(path: str, size: int) -> _etcd_snapshot.Digests:
    length = size - _etcd_snapshot.DIGEST_BYTES
    tail = b"".join(_host.read_blocks(path, offset=length, length=_etcd_snapshot.DIGEST_BYTES))
    return _etcd_snapshot.digests(_host.read_blocks(path, length=length), tail)


def run(module: AnsibleModule, snapshot: EtcdSnapshot) -> tuple[bool, str]:
    """Whether something is or would be changed, and what."""
    state = module.params["state"]
    if state == "verified":
        snapshot.facts = snapshot.verify(snapshot.path)
        snapshot.refuse_a_newer_version()
        if module.params["data_directory"]:
            snapshot.refuse_without_room()
        return False, ""
    if state == "present":
        if snapshot.is_present():
            return False, ""
        apply, words = snapshot.save, f"a snapshot at {snapshot.path}"
    else:
        wanted = snapshot.wanted()
        if snapshot.is_restored(wanted):
            return False, ""
        apply, words = functools.partial(snapshot.restore, wanted), f"{snapshot.path} restored to {snapshot.directory}"
    if not module.check_mode:
        apply()
    return True, words


def main() -> None:
    needs = ["initial_cluster", "name", "peer_urls", "token"]
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True, required_if=[("state", "restored", needs)])
    snapshot = EtcdSnapshot(module.params)
    try:
        changed, words = run(module, snapshot)
    except (_etcd.EtcdError, _etcd_snapshot.SnapshotError, _host.HostError, OSError) as error:
        module.fail_json(msg=f"The snapshot {snapshot.path} cannot be {module.params['state']}: {error}")
    result: dict[str, Any] = {"changed": changed, "path": snapshot.path, "diff": {"before": "", "after": f"{words}\n" if words else ""}}
    if snapshot.facts:
        result["snapshot"] = snapshot.facts
    if module.params["state"] == "present":
        result["removed"] = snapshot.removed
    if snapshot.moved_to:
        result["data_moved_to"] = snapshot.moved_to
    module.exit_json(**result)


if __name__ == "__main__":
    main()
