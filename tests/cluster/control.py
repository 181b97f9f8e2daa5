"""A host of the lab as a control node: Ansible in an environment of its own, and the collection installed as its users install it."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement

from lab import paths

from .ssh import command, send
from .switch import ROOT

ADDRESS = "192.168.77.51"
ENVIRONMENT = "/opt/ansible"
INVENTORY = "/srv/inventory"
HOSTS = "control.yml"
COLLECTIONS = "/usr/share/ansible/collections/ansible_collections"
VERSION = "{}.{}".format(*sys.version_info)
# What pip would write.
PROGRAM = f"#!{ENVIRONMENT}/bin/python\nfrom ansible.cli.playbook import main\nmain()\n"


def make(folder: Path, *, inventory: Path, programs: list[str]) -> None:
    """Make the host anew, with an inventory and with the programs of some packages. The folder is for what is made on the way."""
    hosts = folder / HOSTS
    hosts.write_text(f"all: {{hosts: {{control: {{ansible_host: {ADDRESS}}}}}}}\n", encoding="utf-8")
    _lab("hosts", f"--inventory={hosts}", "--fresh")
    # The packages that the tests run with are used there.
    assert f"Python {VERSION}." in said("python3 --version")
    said(f"python3 -m venv --without-pip {ENVIRONMENT}")
    program = folder / "ansible-playbook"
    program.write_text(PROGRAM, encoding="utf-8")
    program.chmod(0o755)
    archive = folder / "control.tar"
    with tarfile.open(archive, "w", dereference=True) as tar:
        tar.add(program, f"{ENVIRONMENT}/bin/ansible-playbook")
        for name in needed("ansible-core", "cryptography"):
            for file in distribution(name).files or []:
                if ".." not in file.parts and file.suffix != ".pyc":
                    tar.add(file.locate(), f"{ENVIRONMENT}/lib/python{VERSION}/site-packages/{file}")
        tar.add(installed_collection(folder), COLLECTIONS)
        tar.add(inventory, INVENTORY)
        cache = paths.cache()
        for path in (cache.key, *(cache.artifacts / name for name in programs)):
            tar.add(path, f"/root/{path.relative_to(Path.home())}")
    send(ADDRESS, file=archive, to="tar -xf - -C /")


def remove(folder: Path) -> None:
    """Remove the host that was made with that folder."""
    _lab("destroy", f"--inventory={folder / HOSTS}")


def _lab(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "lab", *words], cwd=ROOT, check=True, capture_output=True)


def needed(*names: str) -> set[str]:
    """Python packages, and all that they need."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            requirements = [Requirement(text) for text in distribution(name).requires or []]
            waiting += [each.name for each in requirements if each.marker is None or each.marker.evaluate({"extra": ""})]
    return found


def installed_collection(folder: Path) -> Path:
    """The collection, built and installed below a folder."""
    galaxy = [str(Path(sys.executable).with_name("ansible-galaxy")), "collection"]
    subprocess.run([*galaxy, "build", "--output-path", str(folder)], cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.tar.gz")
    subprocess.run(
        [*galaxy, "install", "--force", "--offline", "--collections-path", str(folder), str(built)], check=True, capture_output=True
    )
    return folder / "ansible_collections"


def said(text: str) -> str:
    """What a command on the control node prints; it has to succeed."""
    done = subprocess.run([*command(ADDRESS), text], capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, f"{text}: {done.stdout}{done.stderr}"
    return done.stdout
