# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Save a snapshot of the member on this host, verify it, and only then drop the oldest ones. Started by etcd-snapshot.timer.

usage: save_snapshot.py FOLDER KEEP BINARIES DATA
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import time

ENDPOINT = "https://127.0.0.1:2379"
PKI = "/etc/etcd/pki"
DIGEST_BYTES = 32
PAGE_BYTES = 512
# What has to stay free beside the snapshot, so that saving one never fills a disk that etcd needs.
SPARE_BYTES = 256 << 20
NAME = re.compile(r"\d{8}T\d{6}Z\.db")
SECONDS = 600


class SnapshotFailure(Exception):
    """No sound snapshot could be saved; the former ones are as they were."""


def verify(path: str) -> None:
    """The digest that etcdctl appended has to be that of the rest."""
    length = os.path.getsize(path) - DIGEST_BYTES
    if length <= 0 or length % PAGE_BYTES:
        raise SnapshotFailure(f"{path} has no digest at its end.")
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while length:
            block = file.read(min(length, 1 << 20))
            if not block:
                raise SnapshotFailure(f"{path} was cut off.")
            digest.update(block)
            length -= len(block)
        if file.read() != digest.digest():
            raise SnapshotFailure(f"{path} is damaged: its content does not match its digest.")


def expired(names: list[str], keep: int) -> list[str]:
    """Names of the snapshots that are older than those to keep; 0 keeps all."""
    return sorted(name for name in names if NAME.fullmatch(name))[:-keep] if keep else []


def run(*command: str) -> str:
    """What a program of etcd prints; it has to succeed."""
    environment = {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "ETCDCTL_CACERT": f"{PKI}/ca.crt",
        "ETCDCTL_CERT": f"{PKI}/operator.crt",
        "ETCDCTL_ENDPOINTS": ENDPOINT,
        "ETCDCTL_KEY": f"{PKI}/operator.key",
    }
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=SECONDS)
    if done.returncode != 0:
        raise SnapshotFailure(f"'{' '.join(command)}' failed: {(done.stderr or done.stdout).strip()[-600:]}")
    return done.stdout


def refuse_without_room(folder: str, data: str) -> None:
    """A snapshot is as large as the database of the member, of which it is a copy."""
    needed = os.path.getsize(os.path.join(data, "member", "snap", "db")) + SPARE_BYTES
    status = os.statvfs(folder)
    if status.f_bavail * status.f_frsize < needed:
        raise SnapshotFailure(f"{folder} has no room for another snapshot: {needed >> 20} MiB are needed.")


def save(folder: str, *, keep: int, binaries: str, data: str) -> str:
    """Save to a name beside, and give it its name only when it is sound."""
    os.makedirs(folder, mode=0o700, exist_ok=True)
    refuse_without_room(folder, data)
    # A name of its own: a run of the playbook may save one at the same time.
    path, new = os.path.join(folder, time.strftime("%Y%m%dT%H%M%SZ.db", time.gmtime())), os.path.join(folder, ".timer.new")
    if os.path.lexists(new):
        os.unlink(new)
    etcdctl = os.path.join(binaries, "etcdctl")
    # Through the quorum: a member that is cut off would save what is old. Not its health, for a full database is sound.
    run(etcdctl, "get", "quorate", "--count-only", "--write-out=fields")
    alarms = run(etcdctl, "alarm", "list")
    if "CORRUPT" in alarms:
        raise SnapshotFailure(f"The data of the members differ: {alarms.strip()}.")
    run(etcdctl, "snapshot", "save", new)
    verify(new)
    run(os.path.join(binaries, "etcdutl"), "snapshot", "status", new)
    descriptor = os.open(new, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)
    os.rename(new, path)
    for name in expired(os.listdir(folder), keep):
        os.unlink(os.path.join(folder, name))
    return path


def main() -> int:
    os.umask(0o077)
    folder, keep, binaries, data = sys.argv[1:]
    try:
        path = save(folder, keep=int(keep), binaries=binaries, data=data)
    except (SnapshotFailure, OSError, subprocess.TimeoutExpired) as failure:
        sys.stderr.write(f"No snapshot was saved, and none was dropped: {failure}\n")
        return 1
    sys.stdout.write(f"{path} is saved and sound.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
