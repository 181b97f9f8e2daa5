"""Write the page of each role from its argument specs: python -m tests.gate.pages (make docs).

A page is written by hand down to the table of variables; the table and what follows come from meta/argument_specs.yml.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

HEADING = "## Variables"
TABLE = "| variable | type | default | meaning |"
NONE = "None: the role takes what other roles define."
MAIN = "main"


def sentences(value: str | Sequence[str] | None) -> str:
    """A description, which is a text or a list of them, without Ansible's markup for options and values."""
    text = " ".join([value] if isinstance(value, str) else value or [])
    for mark in "OVEICBM":
        text = text.replace(f"{mark}(", "`(")
    pieces = text.split("`(")
    closed = [piece.replace(")", "`", 1) for piece in pieces[1:]]
    return "`".join([pieces[0], *closed]).replace("|", "\\|").replace("\n", " ").strip()


def shown(value: Any) -> str:
    """A default as it would be written in an inventory, on one line."""
    return yaml.safe_dump(value, default_flow_style=True, width=10_000).removesuffix("\n...\n").strip()


def rows(options: Mapping[str, Mapping[str, Any]], *, defaults: Mapping[str, Any]) -> Iterator[str]:
    """A table row for each variable."""
    for name, option in sorted(options.items()):
        kind = option.get("type", "str") + (f" of {option['elements']}" if "elements" in option else "")
        default = f"`{shown(defaults[name])}`".replace("|", "\\|") if name in defaults else "required"
        choices = f" One of {', '.join(f'`{choice}`' for choice in option['choices'])}." if "choices" in option else ""
        yield f"| `{name}` | {kind} | {default} | {sentences(option.get('description'))}{choices} |"


def variables(specs: Mapping[str, Any], *, defaults: Mapping[str, Any]) -> str:
    """The part of a page that is made from the argument specs."""
    options = {name: option for entry in specs.values() for name, option in (entry.get("options") or {}).items()}
    lines = [TABLE, "| --- | --- | --- | --- |", *rows(options, defaults=defaults)] if options else [NONE]
    lines += ["", "## Entry points", ""]
    lines += [f"- `{name}`: {sentences(entry.get('short_description'))}" for name, entry in sorted(specs.items())]
    return "\n".join(lines) + "\n"


def page(text: str, *, role: str, specs: Mapping[str, Any], defaults: Mapping[str, Any]) -> str:
    """A page with its part on variables made anew."""
    by_hand = text.split(TABLE)[0].split(NONE)[0].strip()
    if not by_hand:
        description = sentences(specs[MAIN].get("description") or specs[MAIN].get("short_description"))
        by_hand = f"# quorate.kubernetes.{role}\n\n{description}\n\n{HEADING}"
    return f"{by_hand}\n\n{variables(specs, defaults=defaults)}"


def rendered(role: Path) -> str:
    """What the page of a role ought to be."""
    specs = yaml.safe_load((role / "meta/argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"]
    defaults_file = role / "defaults/main.yml"
    defaults = yaml.safe_load(defaults_file.read_text(encoding="utf-8")) if defaults_file.exists() else None
    readme = role / "README.md"
    text = readme.read_text(encoding="utf-8") if readme.exists() else ""
    return page(text, role=role.name, specs=specs, defaults=defaults or {})


def main() -> None:
    roots = Path(__file__).resolve().parents[2] / "roles"
    for role in sorted(path.parent.parent for path in roots.glob("*/meta/argument_specs.yml")):
        (role / "README.md").write_text(rendered(role), encoding="utf-8")


if __name__ == "__main__":
    main()
