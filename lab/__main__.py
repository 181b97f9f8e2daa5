# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's commands: python3 -m lab --help."""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from pathlib import Path

from . import image, inventory, paths, platform, setup
from .binaries import Builder
from .podman import Lab
from .process import LabError, locked, say
from .versions import PACKAGES, chosen


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python3 -m lab", description="Hosts and programs to try a cluster on one machine.")
    commands = top.add_subparsers(dest="command", required=True)
    commands.add_parser("setup", help="install the Debian packages that the lab needs, and load kernel modules")
    for verb, text in {
        "binaries": "build the programs that are missing",
        "lock": "write go.mod and go.sum of the versions into lab/go",
    }.items():
        build = commands.add_parser(verb, help=text)
        for package in PACKAGES:
            build.add_argument(f"--{package.replace('_', '-')}", nargs="+", action="extend", metavar="VERSION", help="versions to build")
        build.add_argument("--only", nargs="+", action="extend", metavar="PACKAGE", choices=PACKAGES, help="no other packages")
        build.add_argument("--architecture", nargs="+", action="extend", choices=sorted(platform.ARCHITECTURES.values()))
    commands.add_parser("image", help="make the image of the hosts, if it is missing")
    hosts = commands.add_parser("hosts", help="make a container for each host of an inventory")
    hosts.add_argument("--inventory", type=Path, required=True, help="an inventory file or folder")
    hosts.add_argument("--fresh", action="store_true", help="make the containers anew, also those that run")
    destroy = commands.add_parser("destroy", help="remove the containers and all that belongs to them")
    destroy.add_argument("--inventory", type=Path, help="only the containers of this inventory")
    destroy.add_argument("--cache", action="store_true", help="remove the image, the keys and the built programs too")
    verbs = {
        "restart": "reboot a host",
        "kill": "switch a host off, without warning",
        "start": "switch a host on",
        "replace": "put an empty host of the same name and address in the place of a host",
    }
    for verb, text in verbs.items():
        commands.add_parser(verb, help=text).add_argument("names", nargs="+", metavar="NAME")
    return top


def changing_hosts(cache: paths.Cache) -> contextlib.AbstractContextManager[None]:
    return locked(cache.lab / "hosts.lock", purpose="changing the lab's hosts")


def act(options: argparse.Namespace) -> None:
    cache = paths.cache()
    lab = Lab(cache=cache, architecture=platform.architecture())
    started = time.monotonic()
    if options.command == "setup":
        setup.setup(cache)
    elif options.command in ("binaries", "lock"):
        packages = chosen({package: getattr(options, package) for package in PACKAGES})
        packages = [item for item in packages if not options.only or item[0] in options.only]
        if options.command == "lock":
            Builder(cache).write_locks(packages)
        else:
            Builder(cache).ensure(packages, architectures=options.architecture or [platform.architecture()])
    elif options.command == "image":
        with changing_hosts(cache):
            say(f"Image of the hosts: {image.ensure(cache=cache, architecture=platform.architecture())}")
    elif options.command == "hosts":
        wanted = inventory.read(options.inventory)
        with changing_hosts(cache):
            lab.make(wanted, inventory=options.inventory.resolve(), fresh=options.fresh)
        say(f"{len(wanted)} hosts are reachable after {time.monotonic() - started:.1f} s")
    elif options.command == "destroy":
        lab.destroy(inventory=options.inventory and options.inventory.resolve(), everything=options.cache)
    else:
        for name in options.names:
            getattr(lab, options.command)(name)


def main() -> int:
    try:
        act(parser().parse_args())
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("lab: stopped", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
