"""Inventories as a user changes them: a copy beside links to what runs have written."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import yaml


def linked(inventory: Path, folder: Path, *, apart: Collection[str] = ()) -> Path:
    """A folder that is made for links to all of an inventory but some files, and but the lock, which is of the inventory that a run was given."""
    folder.mkdir()
    for path in inventory.iterdir():
        if path.name not in (".quorate-run", *apart):
            (folder / path.name).symlink_to(path.resolve())
    return folder


def changed(inventory: Path, folder: Path, groups: Mapping[str, list[str]]) -> Path:
    """A copy of an inventory with other hosts in some of its groups, in a folder that is made for it."""
    written: dict[str, Any] = yaml.safe_load((inventory / "hosts.yml").read_text(encoding="utf-8"))
    variables = {name: values for group in written.values() for name, values in group["hosts"].items() if values}
    chosen = {**{name: list(group["hosts"]) for name, group in written.items()}, **groups}
    linked(inventory, folder, apart=["hosts.yml"])
    hosts = {group: {"hosts": {name: variables.get(name) for name in names}} for group, names in chosen.items()}
    (folder / "hosts.yml").write_text(yaml.safe_dump(hosts), encoding="utf-8")
    return folder


def secrets(inventory: Path) -> set[str]:
    """Everything beside an inventory that must not be seen: lines of private keys, and keys of the encryption at rest."""
    words = set()
    for path in inventory.glob("pki/**/*"):
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        if "PRIVATE KEY" in text:
            words |= {line for line in text.splitlines() if line and not line.startswith("-----")}
        if path.suffix == ".json":
            words |= set(re.findall(r'"([A-Za-z0-9+/]{43}=)"', text))
    assert len(words) > 4
    return words
