# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the programs that are missing and puts them where the artifacts role looks: <package>/<version>/<architecture>/."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from . import golang, platform
from .archive import Image, docker_archive
from .paths import Cache
from .process import LabError, as_root, locked, run, run_long, say
from .programs import COREDNS, GO_PACKAGES, IMAGE_NAMES, Recipe, coredns_main, files, go_mod, lock, recipe, staging_modules
from .versions import IMAGES_FROM_KUBERNETES

LOCKS = Path(__file__).parent / "go"
COMPILERS = {"amd64": "x86_64-linux-gnu-gcc", "arm64": "aarch64-linux-gnu-gcc"}


class Builder:
    """Builds into one cache."""

    def __init__(self, cache: Cache) -> None:
        self.cache = cache

    def ensure(self, packages: Sequence[tuple[str, str]], *, architectures: Sequence[str]) -> None:
        """Build what is missing; seconds when nothing is."""
        started = time.monotonic()
        wanted = [(package, version, arch) for arch in architectures for package, version in packages]
        missing = [item for item in wanted if not self._complete(*item)]
        built = 0
        for number, (package, version, architecture) in enumerate(missing, start=1):
            # A lock of each: who needs only some need not wait for all that another process builds.
            with locked(self.cache.build / f"{package}-{version}-{architecture}.lock", purpose=f"building {package} {version}"):
                if not self._complete(package, version, architecture):
                    say(f"[{number}/{len(missing)}] {package} {version} ({architecture})")
                    self._build(package, version, architecture)
                    built += 1
        seconds = time.monotonic() - started
        say(f"Programs: {built} of {len(wanted)} packages built in {seconds:.0f} s; all are in {self.cache.artifacts}")

    def write_locks(self, packages: Sequence[tuple[str, str]]) -> None:
        """Resolve the modules of the programs and keep go.mod and go.sum in the repository."""
        for package, version in packages:
            if package in GO_PACKAGES and lock(made := recipe(package, version)) == (package, version):
                with tempfile.TemporaryDirectory() as folder:
                    self._resolve(made, Path(folder))
                    target = LOCKS / package / version
                    shutil.copytree(folder, target, dirs_exist_ok=True)
                say(f"{target}: written")

    def _complete(self, package: str, version: str, architecture: str) -> bool:
        folder = self.cache.artifact(package=package, version=version, architecture=architecture)
        return all((folder / name).is_file() for name in files(package, version))

    def _build(self, package: str, version: str, architecture: str) -> None:
        self.cache.build.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.cache.build, prefix=f"{package}-") as name:
            folder = Path(name)
            if package == "runc":
                programs = [_runc(folder, version=version, architecture=architecture)]
            elif package == "pause":
                programs = [self._pause(folder, version=version, architecture=architecture)]
            else:
                programs = self._go(recipe(package, version), folder, architecture=architecture)
            if package in IMAGE_NAMES:
                programs = [_image(package, version=version, architecture=architecture, program=programs[0])]
            target = self.cache.artifact(package=package, version=version, architecture=architecture)
            target.mkdir(parents=True, exist_ok=True)
            for program in programs:
                program.chmod(0o755 if program.suffix != ".tar" else 0o644)
                os.replace(program, target / program.name)

    def _go(self, made: Recipe, folder: Path, *, architecture: str) -> list[Path]:
        package, version = lock(made)
        pinned = LOCKS / package / version
        if pinned.is_dir():
            shutil.copytree(pinned, folder, dirs_exist_ok=True)
        else:
            self._resolve(recipe(package, version), folder)
        out = folder / "bin"
        cgo = made.static_cgo and architecture == "amd64"
        linker = made.linker + (" -linkmode external -extldflags -static" if cgo else "")
        command = [golang.toolchain(self.cache), "build", "-mod=readonly", "-buildvcs=false", "-trimpath", "-ldflags", linker]
        # The linker leaves out what debuggers need, so the compiler need not make it: with the environment a quarter less work.
        command += ["-gcflags", "all=-dwarf=false"]
        command += ["-tags", "netgo,osusergo"] if cgo else []
        run_long(
            [*command, "-o", f"{out}/", *made.tools.values()],
            label=f"{made.package} {made.version}",
            log=self.cache.build / f"{made.package}-{made.version}-{architecture}.log",
            env=golang.environment(architecture=architecture, cgo=cgo),
            cwd=folder,
        )
        return [_renamed(out, package=tool, name=name) for name, tool in made.tools.items()]

    def _resolve(self, made: Recipe, folder: Path) -> None:
        """Write a go.mod and let Go find the versions of everything below; the checksum database vouches for them."""
        go = golang.toolchain(self.cache)
        env = golang.environment(architecture=platform.architecture(), cgo=False)
        staging: tuple[str, ...] = ()
        if "k8s.io/kubernetes" in made.modules:
            staging = staging_modules(Path(self._download("k8s.io/kubernetes", made.version)["GoMod"]).read_text(encoding="utf-8"))
        if COREDNS in made.modules:
            plugins = Path(self._download(COREDNS, made.version)["Dir"]) / "core/plugin/zplugin.go"
            (folder / "main.go").write_text(coredns_main(plugins.read_text(encoding="utf-8")), encoding="utf-8")
        (folder / "go.mod").write_text(go_mod(made, staging=staging), encoding="utf-8")
        label = f"modules of {made.package} {made.version}"
        run_long([go, "mod", "tidy"], label=label, log=self.cache.build / f"{made.package}-{made.version}-modules.log", env=env, cwd=folder)

    def _download(self, module: str, version: str) -> dict[str, str]:
        """Where Go keeps the sources of a module."""
        env = golang.environment(architecture=platform.architecture(), cgo=False)
        done = run(
            [golang.toolchain(self.cache), "mod", "download", "-json", f"{module}@v{version}"],
            env=env,
            timeout=900,
            cwd=self.cache.build,
        )
        found: dict[str, str] = json.loads(done.stdout)
        return found

    def _pause(self, folder: Path, *, version: str, architecture: str) -> Path:
        """Kubernetes' own pause.c, as its Makefile compiles it."""
        source = Path(self._download("k8s.io/kubernetes", IMAGES_FROM_KUBERNETES)["Dir"]) / "build/pause/linux/pause.c"
        compiler = "gcc" if architecture == platform.architecture() else COMPILERS[architecture]
        program = folder / "pause"
        flags = ["-Os", "-Wall", "-Werror", "-static", f"-DVERSION=v{version}", "-s"]
        run([compiler, *flags, "-o", str(program), str(source)], timeout=120)
        return program


def _renamed(folder: Path, *, package: str, name: str) -> Path:
    """Go names a program after its package (without /v3); etcd's is called server."""
    made = folder / re.sub(r"/v\d+$", "", package).rsplit("/", 1)[1]
    return made if made.name == name else made.rename(folder / name)


def _image(package: str, *, version: str, architecture: str, program: Path) -> Path:
    image = Image(
        name=IMAGE_NAMES[package].format(version=version),
        program=package,
        architecture=architecture,
        command=("pause",) if package == "agnhost" else (),
        # Tests bind any port with agnhost and look at a pod from inside as root.
        user="0:0" if package == "agnhost" else "65532:65532",
    )
    made = program.with_name(f"{package}.tar")
    made.write_bytes(docker_archive(image, program.read_bytes()))
    return made


def _runc(folder: Path, *, version: str, architecture: str) -> Path:
    """Debian's runc: it is C and Go, and no Go module by itself."""
    program = folder / "runc"
    if architecture == platform.architecture():
        installed = shutil.which("runc", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
        if installed is None:
            raise LabError("cannot copy Debian's runc: it is not installed; run 'python3 -m lab setup' first")
        shutil.copy(installed, program)
        _check_runc(run([str(program), "--version"]).stdout, version=version)
        return program
    root = folder / "root"
    command = ["mmdebstrap", "--variant=extract", f"--architectures={architecture}", "--include=runc", "bookworm", str(root)]
    run(as_root(command), timeout=900)
    shutil.copy(root / "usr/sbin/runc", program)
    run(as_root(["rm", "-rf", str(root)]))
    return program


def _check_runc(reported: str, *, version: str) -> None:
    found = re.search(r"version (\d+\.\d+\.\d+)", reported)
    if found is None or found[1] != version:
        raise LabError(f"Debian's runc says {reported.splitlines()[0]!r}, which is not {version}; ask for its version with --runc")
