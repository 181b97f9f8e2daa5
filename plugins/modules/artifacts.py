#!/usr/bin/python
# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: artifacts
short_description: Bring programs and image archives to a host, pinned by their digests
version_added: 1.0.0
author: quorate.kubernetes contributors (@quorate)
description:
  - Takes the files that a host needs from official releases, a mirror or a local folder, and puts them into a folder of their
    version on the host. Former versions stay.
  - A lock file pins the SHA-256 of each file. A file that is not in it is added when it is used for the first time; one that differs
    stops the play. Official files are checked against what upstream publishes before they are added.
  - The work is shared. The control node downloads, verifies and packs, and sends one bundle of what the host lacks. The host unpacks
    it to temporary names, verifies each file, and renames all of them.
  - If the fact C(host_observation) shows that there is nothing to do, the host is not contacted.
extends_documentation_fragment:
  - quorate.kubernetes._attributes
  - quorate.kubernetes._attributes.action
attributes:
  check_mode:
    support: full
    details:
      - Nothing is downloaded or sent, and the lock file is not written, but sources are asked whether they have the files.
options:
  packages:
    description:
      - The packages by name, as in the table of the role P(quorate.kubernetes.artifacts#role).
      - Each has C(files), by name, with C(kinds) (which hosts need it; all if absent), C(link) (whether people call it) and C(mode).
      - A package, or a file, may have C(url), C(member) (its path, if the URL is that of an archive) and C(checksum) (URL), in which
        C({package}), C({version}), C({architecture}) and C({file}) are filled in; C(version), if it is not in O(versions); and
        C(image), if its files are archives of container images.
    type: dict
    default: {}
  kinds:
    description:
      - What the host is. Files for other kinds are left out.
    type: list
    elements: str
    default: []
  versions:
    description:
      - Version of each package, without a leading v.
    type: dict
    default: {}
  architecture:
    description:
      - Architecture of the host. By default what was observed.
    type: str
  destination:
    description:
      - Folder on the host. Each version of each package gets a folder below it.
    type: path
    default: /opt/quorate
  links:
    description:
      - Folder on the host for links to the files that people call. Empty for none.
      - What is there and is not ours stays as it is.
    type: str
    default: /usr/local/bin
  images:
    description:
      - Whether archives of container images are wanted, too.
    type: bool
    default: false
  source:
    description:
      - Where the files come from.
      - V(mirror) and V(directory) hold C(PACKAGE/VERSION/ARCHITECTURE/FILE).
    type: str
    choices: [official, mirror, directory]
    default: official
  mirror:
    description:
      - URL of the mirror. Files may have their SHA-256 beside them in C(FILE.sha256).
    type: str
  directory:
    description:
      - Folder on the control node.
    type: path
  cache:
    description:
      - Folder on the control node for downloads and packed files.
    type: path
    default: ~/.cache/quorate/downloads
  delivery:
    description:
      - V(push) sends the files from the control node.
      - V(pull) lets the host download them from the mirror.
    type: str
    choices: [push, pull]
    default: push
  lock_file:
    description:
      - Path on the control node. Without it nothing is pinned.
      - It has the lines that C(sha256sum) prints, so C(sha256sum --check) in a folder of artifacts tells whether they fit.
      - Beside an inventory, it needs a name that Ansible does not take for an inventory, such as one that ends with C(.txt).
    type: path
  refusals:
    description:
      - Why the host must not get anything, a sentence each, as far as the play knows. If there are any the task fails with them, and with what else stands
        in the way of it.
    type: list
    elements: str
    default: []
  group:
    description:
      - Group that the host joins if it lacks anything. The task needs C(changed_when), since a new group counts as a change.
    type: str
    default: ''
  state:
    description:
      - V(fetched) does only what the control node has to do. Run it for all hosts first, with C(any_errors_fatal), so that a wrong
        file stops everything before anything is installed anywhere.
      - V(present) does that, and brings the files to the host.
      - V(observed) only tells what there is to do. The control node's half uses it on the host where there is no fact.
    type: str
    choices: [fetched, present, observed]
    default: present
  files:
    description:
      - The files that the host should have. The control node's half sets it from O(packages).
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description:
          - Where it lies on the host.
        type: path
        required: true
      sha256:
        description:
          - What it has to be.
        type: str
        required: true
      mode:
        description:
          - Permission bits, four octal digits.
        type: str
        required: true
      size:
        description:
          - Number of bytes.
        type: int
        default: 0
      offset:
        description:
          - Where its packed content begins in O(bundle).
        type: int
      length:
        description:
          - Number of bytes of its packed content.
        type: int
      url:
        description:
          - Where the host downloads it.
        type: str
  symlinks:
    description:
      - The links that the host should have. The control node's half sets it from O(packages) and O(links).
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description:
          - Where it lies on the host.
        type: path
        required: true
      target:
        description:
          - What it leads to.
        type: path
        required: true
  bundle:
    description:
      - Path on the host of what was sent. It is removed. The control node's half sets it.
    type: path
notes:
  - Hosts with the architectures amd64 and arm64 are supported.
seealso:
  - module: quorate.kubernetes.host_facts
"""

EXAMPLES = r"""
- name: Bring etcd to the host
  quorate.kubernetes.artifacts:
    packages:
      etcd:
        files:
          etcd: {}
          etcdctl: {link: true}
    versions:
      etcd: 3.7.3
    source: directory
    directory: /srv/artifacts
    lock_file: "{{ inventory_dir }}/artifacts.lock.txt"

- name: Let the host download it
  quorate.kubernetes.artifacts:
    packages:
      etcd:
        version: 3.7.3
        files:
          etcd: {kinds: [etcd]}
    kinds: [etcd, master]
    source: mirror
    mirror: https://mirror.example.org/kubernetes
    delivery: pull
    lock_file: "{{ inventory_dir }}/artifacts.lock.txt"
"""

RETURN = r"""
plan:
  description: What was done, or is to be done, a line each.
  returned: always
  type: list
  elements: str
  sample: ["+ /opt/quorate/etcd/3.7.3/etcd (sha256 3c5e2d1f9a0b..., 24 MB)", "+ /usr/local/bin/etcdctl -> /opt/quorate/etcd/3.7.3/etcdctl"]
sent:
  description: Bytes of the bundle that was sent.
  returned: when O(state=present)
  type: int
  sample: 8123456
executions:
  description: How many times a module was executed on the host.
  returned: always
  type: int
  sample: 1
observation:
  description: What is true of the artifacts now, to be merged into the fact C(host_observation).
  returned: when the host was contacted
  type: dict
  contains:
    artifacts:
      description: SHA-256 of each file, C(link:) and target of each link, by path.
      returned: always
      type: dict
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.urls import open_url

from ansible_collections.quorate.kubernetes.plugins.module_utils import _artifact_files, _artifacts, _host, _packing

LOW_PRIORITY = 15
"""Of the nineteen steps that a process can stand back."""

ARGUMENT_SPEC: dict[str, Any] = {
    "packages": {"type": "dict", "default": {}},
    "kinds": {"type": "list", "elements": "str", "default": []},
    "versions": {"type": "dict", "default": {}},
    "architecture": {"type": "str"},
    "destination": {"type": "path", "default": "/opt/quorate"},
    "links": {"type": "str", "default": "/usr/local/bin"},
    "images": {"type": "bool", "default": False},
    "source": {"type": "str", "choices": ["official", "mirror", "directory"], "default": "official"},
    "mirror": {"type": "str"},
    "directory": {"type": "path"},
    "cache": {"type": "path", "default": "~/.cache/quorate/downloads"},
    "delivery": {"type": "str", "choices": ["push", "pull"], "default": "push"},
    "lock_file": {"type": "path"},
    "refusals": {"type": "list", "elements": "str", "default": []},
    "group": {"type": "str", "default": ""},
    "state": {"type": "str", "choices": ["fetched", "present", "observed"], "default": "present"},
    # What the control node's half hands over.
    "files": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "path": {"type": "path", "required": True},
            "sha256": {"type": "str", "required": True},
            "mode": {"type": "str", "required": True},
            "size": {"type": "int", "default": 0},
            "offset": {"type": "int"},
            "length": {"type": "int"},
            "url": {"type": "str"},
        },
    },
    "symlinks": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {"path": {"type": "path", "required": True}, "target": {"type": "path", "required": True}},
    },
    "bundle": {"type": "path"},
}


class ArtifactsOnHost:
    """The files and links of one task on this host."""

    def __init__(self, params: dict[str, Any], digests: _host.Digests) -> None:
        self._files = {file["path"]: file for file in params["files"]}
        self._links = [_artifacts.Link(**link) for link in params["symlinks"]]
        self._destination = params["destination"]
        self._bundle = params["bundle"]
        self._digests = digests
        self.modes = {path: file["mode"] for path, file in self._files.items()}
        self.modes.update({link.path: _artifact_files.LINK for link in self._links})

    def observe(self) -> dict[str, str]:
        return _artifact_files.states(self.modes, self._digests)

    def apply(self) -> bool:
        """Install what is not as it should be; whether there was anything."""
        observed = self.observe()
        files = [file for path, file in self._files.items() if observed.get(path) != file["sha256"]]
        links = _artifacts.missing_links(self._links, observed, self._destination)
        self._install(files)
        for link in links:
            _host.make_directory_of(link.path)
            _host.make_link(link.path, link.target)
        # Last: a record that names a file which never came would only be untrue.
        _artifact_files.add_to_record(self.modes)
        return bool(files or links)

    def foreign(self) -> list[str]:
        observed = self.observe()
        return [link.path for link in self._links if _artifacts.is_foreign(observed.get(link.path), self._destination)]

    def _install(self, files: list[dict[str, Any]]) -> None:
        needed = sum(file["size"] for file in files)
        short = _artifacts.shortage(path=self._destination, free=_host.free_bytes(self._destination), needed=needed)
        if files and short:
            raise _host.HostError(short)
        folders = _artifact_files.folders_of(file["path"] for file in files)
        for folder in folders:
            _host.make_directory(folder)
        try:
            # Decompression and digests leave Python's lock, so threads are parallel.
            with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as threads:
                list(threads.map(self._prepare, files))
            for file in files:
                _host.rename_file(_temporary(file["path"]), file["path"])
                self._digests.remember(file["path"], file["sha256"])
        finally:
            for file in files:
                _host.remove_file(_temporary(file["path"]))
        for folder in folders:
            _host.sync_directory(folder)

    def _prepare(self, file: dict[str, Any]) -> None:
        """Write a file to its temporary name and verify it."""
        found = _host.write_blocks(_temporary(file["path"]), self._blocks(file), mode=file["mode"])
        if found != file["sha256"]:
            source = file["url"] or "What the control node sent"
            remedy = "Put the file that is pinned on the mirror" if file["url"] else "Run again"
            raise _host.HostError(
                f"{source} for {file['path']} has SHA-256 {found}, but {file['sha256']} is expected. Nothing was installed. {remedy}."
            )

    def _blocks(self, file: dict[str, Any]) -> Iterator[bytes]:
        if file["url"]:
            return _download(file["url"])
        if self._bundle is None or file["offset"] is None:
            raise _host.HostError(f"{file['path']} is not as it was when the host was observed. Run again.")
        return _unpacked(_host.read_blocks(self._bundle, offset=file["offset"], length=file["length"]))


def _temporary(path: str) -> str:
    # A name that is always the same: a run that was killed leaves nothing that the next one does not clear.
    return os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.new")


def _unpacked(blocks: Iterator[bytes]) -> Iterator[bytes]:
    try:
        yield from _packing.unpacked(blocks)
    except _packing.PackingError as error:
        raise _host.HostError(f"Unpacking what the control node sent failed: {error}. Nothing was installed; run again.") from error


def _download(url: str) -> Iterator[bytes]:
    try:
        with open_url(url, timeout=30) as answer:
            while block := answer.read(1 << 20):
                yield block
    except Exception as error:  # open_url has no common class for what it raises
        raise _host.HostError(
            f"Downloading {url} failed: {error}. Nothing was installed. See that this host reaches the mirror, or set artifacts_delivery to push."
        ) from error


def _run(module: AnsibleModule) -> dict[str, Any]:
    params = module.params
    with _host.locked("artifacts"):
        digests = _host.Digests(_artifact_files.DIGESTS).load()
        on_host = ArtifactsOnHost(params, digests)
        changed = False
        try:
            if params["state"] == "present" and not module.check_mode:
                # Hundreds of megabytes are unpacked: what already runs on this host goes first.
                os.nice(LOW_PRIORITY)
                changed = on_host.apply()
                if params["bundle"]:
                    _artifact_files.remove_leftovers(params["bundle"])
                for path in on_host.foreign():
                    module.warn(f"{path} stays as it is, because it was not made by this collection.")
            return {"changed": changed, "observation": {"artifacts": on_host.observe()}}
        finally:
            digests.save()
            if params["bundle"]:
                _host.remove_file(params["bundle"])


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    result: dict[str, Any] = {}
    try:
        result = _run(module)
    except _host.HostError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
