"""Inventories as a user changes them: a copy beside links to what runs have written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml


def changed(inventory: Path, folder: Path, groups: Mapping[str, list[str]]) -> Path:
    """A copy of an inventory with other hosts in some of its groups, in a folder that is made for it."""
    written: dict[str, Any] = yaml.safe_load((inventory / "hosts.yml").read_text(encoding="utf-8"))
    variables = {name: values for group in written.values() for name, values in group["hosts"].items() if values}
    chosen = {**{name: list(group["hosts"]) for name, group in written.items()}, **groups}
    folder.mkdir()
    for path in inventory.iterdir():
        # The lock is of the inventory that a run was given.
        if path.name not in ("hosts.yml", ".quorate-run"):
            (folder / path.name).symlink_to(path.resolve())
    hosts = {group: {"hosts": {name: variables.get(name) for name in names}} for group, names in chosen.items()}
    (folder / "hosts.yml").write_text(yaml.safe_dump(hosts), encoding="utf-8")
    return folder
