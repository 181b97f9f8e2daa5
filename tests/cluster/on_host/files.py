"""Print the files below the folders that are given: kind, mode, owner, group, size and time of change of each."""

from __future__ import annotations

import contextlib
import grp
import json
import os
import pwd
import stat
import sys


def user(number: int) -> str:
    """Containers have users that the host does not know."""
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def described(path: str) -> dict[str, object]:
    status = os.lstat(path)
    kinds = {stat.S_IFDIR: "folder", stat.S_IFREG: "file", stat.S_IFLNK: "link"}
    return {
        "kind": kinds.get(stat.S_IFMT(status.st_mode), "other"),
        "mode": f"{stat.S_IMODE(status.st_mode):04o}",
        "owner": user(status.st_uid),
        "group": group(status.st_gid),
        "size": status.st_size,
        "changed": status.st_mtime_ns,
    }


found = {}
for top in sys.argv[1:]:
    for folder, _folders, names in os.walk(top):
        for path in [folder, *(os.path.join(folder, name) for name in names)]:
            # What runs removes files meanwhile.
            with contextlib.suppress(FileNotFoundError):
                found[path] = described(path)
print(json.dumps(found))
