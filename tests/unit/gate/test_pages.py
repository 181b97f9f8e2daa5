from __future__ import annotations

from typing import Any

import pytest

from tests.gate import pages

SPECS: dict[str, Any] = {
    "main": {
        "short_description": "Run the member",
        "description": ["Runs a member.", "More."],
        "options": {
            "etcd_flags": {"type": "dict", "default": {}, "description": "Flags. See O(etcd_port) and V(a|b)."},
            "etcd_name": {"type": "str", "required": True, "description": ["The name."]},
            "etcd_mode": {"type": "list", "elements": "str", "default": ["x"], "choices": ["x", "y"], "description": "Modes."},
        },
    },
    "plan": {"short_description": "Compare"},
}
DEFAULTS: dict[str, Any] = {"etcd_flags": {}, "etcd_mode": ["x"]}


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("| `etcd_flags` | dict | `{}` | Flags. See `etcd_port` and `a\\|b`. |", id="markup"),
        pytest.param("| `etcd_name` | str | required | The name. |", id="required"),
        pytest.param("| `etcd_mode` | list of str | `[x]` | Modes. One of `x`, `y`. |", id="choices"),
        pytest.param("- `plan`: Compare", id="entry point"),
    ],
)
def test_variables(line: str) -> None:
    assert line in pages.variables(SPECS, defaults=DEFAULTS).splitlines()


@pytest.mark.parametrize(
    ("text", "start"),
    [
        pytest.param("", "# quorate.kubernetes.etcd\n\nRuns a member. More.\n\n## Variables\n", id="new"),
        pytest.param(
            f"# Mine\n\nKept.\n\n## Variables\n\nToo.\n\n{pages.TABLE}\nold",
            f"# Mine\n\nKept.\n\n## Variables\n\nToo.\n\n{pages.TABLE}\n",
            id="kept",
        ),
        pytest.param(f"# Mine\n\n## Variables\n\n{pages.NONE}\n", f"# Mine\n\n## Variables\n\n{pages.TABLE}\n", id="the first variable"),
    ],
)
def test_page_keeps_what_was_written_by_hand(text: str, start: str) -> None:
    made = pages.page(text, role="etcd", specs=SPECS, defaults=DEFAULTS)
    assert made.startswith(start)
    assert pages.page(made, role="etcd", specs=SPECS, defaults=DEFAULTS) == made
    assert "old" not in made
