"""Print what a node of a cluster leaves on a host apart from files: users, units, links, routes, mounts, rules, tables, programs, listeners."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
import sys

# Whoever calls iptables on nftables leaves these, with nothing but chains that are built in.
OF_IPTABLES = {f"table {family} {name}" for family in ("ip", "ip6") for name in ("filter", "mangle", "nat", "raw", "security")}


def lines(*command: str) -> list[str]:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def programs() -> list[str]:
    found = set()
    for number in filter(str.isdigit, os.listdir("/proc")):
        try:
            found.add(os.path.basename(os.readlink(f"/proc/{number}/exe")))
        except OSError:  # it has ended, or it is the kernel's
            continue
    return sorted(found)


def units() -> list[str]:
    listed = lines("systemctl", "list-units", "--all", "--plain", "--no-legend", "--type=service")
    return sorted({line.split()[0] for line in listed if line.split()[1] != "not-found"})


with open("/proc/mounts", encoding="utf-8") as file:
    mounts = [line.split()[1] for line in file]
saved = lines("iptables-save") + lines("ip6tables-save")

json.dump(
    {
        "users": sorted(entry.pw_name for entry in pwd.getpwall()),
        "units": units(),
        "links": sorted(os.listdir("/sys/class/net")),
        "routes": sorted(lines("ip", "-4", "route", "show")),
        "mounts": sorted(mounts),
        # Rules, and chains that are not built in.
        "rules": [line for line in saved if line.startswith("-A") or (line.startswith(":") and line.split()[1] == "-")],
        "tables": sorted({line for line in lines("nft", "list", "tables") if line.startswith("table ")} - OF_IPTABLES),
        "programs": programs(),
        "listeners": sorted(line.split()[3] for line in lines("ss", "-Hltn")),
    },
    sys.stdout,
)
