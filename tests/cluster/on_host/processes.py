"""Print the processes of this host by the name of their program: user, command line, privileges."""

from __future__ import annotations

import json
import os
import pwd
import sys


def described(number: str) -> dict[str, object]:
    with open(f"/proc/{number}/status", encoding="utf-8") as file:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    with open(f"/proc/{number}/cmdline", encoding="utf-8") as file:
        words = file.read().rstrip("\0").split("\0")
    return {
        # Another file may have taken the place of the one that it was started from.
        "program": os.path.basename(os.readlink(f"/proc/{number}/exe")).removesuffix(" (deleted)"),
        "arguments": words[1:],
        "user": pwd.getpwuid(int(status["Uid"].split()[1])).pw_name,
        "groups": status["Groups"].split(),
        "no_new_privileges": status["NoNewPrivs"].strip() == "1",
        "capabilities": int(status["CapBnd"], 16),
        "umask": status["Umask"].strip(),
    }


def all_of(numbers: list[str]) -> list[dict[str, object]]:
    found = []
    for number in numbers:
        try:
            found.append(described(number))
        except (OSError, KeyError, ValueError):  # a process that ended, one of the kernel's, or a user of a container
            continue
    return found


json.dump(all_of([name for name in os.listdir("/proc") if name.isdigit()]), sys.stdout)
