"""When a component counts as ready, and what is shown of a plan; the rest is tested on a host."""

from __future__ import annotations

import itertools
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils import _applying, _component, _component_files, _host


def waiting(monkeypatch: pytest.MonkeyPatch, *, answers: list[str], states: list[tuple[str, bool]]) -> _applying.ComponentOnHost:
    """A component that was told to restart; what it and systemd say from then on, the last of each for ever."""

    def last_for_ever(values: list[Any]) -> Any:
        said = itertools.chain(values, itertools.repeat(values[-1]))
        return lambda *_arguments, **_options: next(said)

    one: Any = _applying.ComponentOnHost.__new__(_applying.ComponentOnHost)
    one._component = SimpleNamespace(name="it", ready=SimpleNamespace(timeout=0.5), service="it.service")
    one._why_not_running = last_for_ever(states)
    one.told, one.facts, one.restarted = 0.0, SimpleNamespace(unit=SimpleNamespace(process=0)), {}
    monkeypatch.setattr(_applying, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(_component_files, "why_not_ready", last_for_ever(answers))
    monkeypatch.setattr(_host, "journal_tail", lambda _unit: "")
    return one


def test_the_last_answer_of_the_former_process_is_not_that_of_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    one = waiting(monkeypatch, answers=["", "nobody answers"], states=[("", False), ("systemd calls it failed", True)])
    with pytest.raises(_applying.NotReadyError, match=r"nobody answers|systemd calls it failed"):
        one._wait_ready()


def test_an_answer_of_the_process_that_was_started_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting(monkeypatch, answers=["nobody answers", ""], states=[("its former process still runs", False), ("", False)])._wait_ready()


@pytest.mark.parametrize(
    ("present", "content", "secret", "shown"),
    [
        pytest.param(None, "a\n", False, {"before": "", "after": "a\n"}, id="new"),
        pytest.param("a\n", "b\n", False, {"before": "a\n", "after": "b\n"}, id="other content"),
        pytest.param(None, "hush\n", True, {"before": "", "after": "(secret)\n"}, id="secret"),
        pytest.param(None, "", False, {"prepared": "write PATH (absent)\n"}, id="nothing in it yet"),
    ],
)
def test_each_file_of_a_plan_is_named(tmp_path: Path, present: str | None, content: str, secret: bool, shown: dict[str, str]) -> None:
    path = tmp_path / "file"
    if present is not None:
        path.write_text(present, encoding="utf-8")
    one: Any = _applying.ComponentOnHost.__new__(_applying.ComponentOnHost)
    one._component = SimpleNamespace(written=lambda: (_component.File(str(path), content, secret=secret),))
    one.steps = [_component.Step("write", str(path), "absent")]
    [diff] = one.diffs()
    assert {name: text.replace(str(path), "PATH") for name, text in diff.items() if name in shown} == shown
    assert str(path) in (diff.get("prepared") or diff["after_header"])
