"""Files of the control node are moved aside, and nothing is lost."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from ansible_collections.quorate.kubernetes.plugins.action import local_aside

NOW = 1_790_000_000.0
STAMP = "20260921T141320Z"


def run(paths: list[str], *, check_mode: bool = False) -> dict[str, Any]:
    task = mock.MagicMock(check_mode=check_mode, async_val=0, diff=False)
    task.args = {"paths": paths}
    plugin = local_aside.ActionModule(task, mock.MagicMock(), mock.MagicMock(), None, None, None)
    result: dict[str, Any] = plugin.run(None, {})
    return result


@pytest.mark.parametrize(
    ("there", "asked", "moves"),
    [
        pytest.param(["pki/ca.key"], ["pki"], {"pki": f"pki.aside-{STAMP}.bak"}, id="a directory"),
        pytest.param(["a"], ["a", "b"], {"a": f"a.aside-{STAMP}.bak"}, id="what is not there"),
        pytest.param(["pki/admin"], ["pki/admin", "pki"], {"pki": f"pki.aside-{STAMP}.bak"}, id="one inside another"),
        pytest.param(["a", f"a.aside-{STAMP}.bak"], ["a"], {"a": f"a.aside-{STAMP}-1.bak"}, id="a name that is taken"),
        pytest.param([], [], {}, id="nothing"),
    ],
)
def test_names_aside(tmp_path: Path, there: list[str], asked: list[str], moves: dict[str, str]) -> None:
    for name in there:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = local_aside.names_aside([str(tmp_path / name) for name in asked], now=NOW)
    assert found == {str(tmp_path / path): str(tmp_path / target) for path, target in moves.items()}


def test_moved_once(tmp_path: Path) -> None:
    key = tmp_path / "pki" / "ca.key"
    key.parent.mkdir()
    key.write_text("secret")
    told = run([str(key.parent)], check_mode=True)
    assert (told["changed"], told["moved_aside"], key.exists()) == (True, {}, True)
    done = run([str(key.parent)])
    (target,) = done["moved_aside"].values()
    assert Path(target, "ca.key").read_text() == "secret"
    assert run([str(key.parent)])["changed"] is False


def test_failure_tells_what_is_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").touch()
    monkeypatch.setattr(os, "rename", mock.Mock(side_effect=PermissionError(1, "Operation not permitted")))
    result = run([str(tmp_path / "a")])
    assert result["failed"]
    assert "a aside on the control node failed: Operation not permitted. It is where it was." in result["msg"]
