"""The event source of Event-Driven Ansible: looks by a program, events in a queue."""

from __future__ import annotations

import asyncio
import importlib.util
import json
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import yaml

SOURCE = Path(__file__).resolve().parents[3] / "extensions/eda/plugins/event_source/etcd_health.py"


@pytest.fixture(scope="module")
def source() -> ModuleType:
    # As ansible-rulebook does, which runs the file by its path.
    spec = importlib.util.spec_from_file_location("etcd_health", SOURCE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    folder = tmp_path / "inventory"
    folder.mkdir()
    return folder


def program(folder: Path, *actions: str) -> Path:
    """Something in the place of ansible-playbook: each time it is called it comes to the next of these decisions, and stays with the last."""
    path = folder / "ansible-playbook"
    decisions = [
        json.dumps({"looked": 1, "decision": {"action": action, "reason": "because", "members": [] if action == "nothing" else ["e2"]}})
        for action in actions
    ]
    lines = ["#!/bin/sh", f'echo "$@" >> {folder}/calls', f"n=$(wc -l < {folder}/calls)"]
    for number, decision in enumerate(decisions, start=1):
        test = f'[ "$n" -eq {number} ]' if number < len(decisions) else f'[ "$n" -ge {number} ]'
        lines.append(
            f"{test} && {'exit 3' if 'failed' in decision else f'echo {quoted(decision)} > {folder}/inventory/.quorate-watch.json'}"
        )
    path.write_text("\n".join([*lines, "exit 0", ""]), encoding="utf-8")
    path.chmod(0o700)
    return path


def quoted(text: str) -> str:
    return f"'{text}'"


def events(source: ModuleType, count: int, **args: Any) -> list[dict[str, Any]]:
    async def collect() -> list[dict[str, Any]]:
        queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        task = asyncio.create_task(source.main(queue, {"every": 0.01, **args}))
        try:
            return [await asyncio.wait_for(queue.get(), timeout=20) for _number in range(count)]
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    return asyncio.run(collect())


def test_news_only_but_each_time_that_something_is_to_be_done(source: ModuleType, tmp_path: Path, inventory: Path) -> None:
    fake = program(tmp_path, "nothing", "nothing", "wait", "wait", "heal", "heal", "forget", "forget", "nothing")
    found = events(source, 7, inventory=str(inventory), ansible_playbook=str(fake))
    assert [event["action"] for event in found] == ["nothing", "wait", "heal", "heal", "forget", "forget", "nothing"]
    assert found[2] == {"action": "heal", "reason": "because", "members": ["e2"], "inventory": str(inventory)}


def test_each_action_has_one_rule_and_what_is_to_be_done_runs_the_playbook(source: ModuleType) -> None:
    (rulebook,) = yaml.safe_load((SOURCE.parents[2] / "rulebooks/heal_etcd.yml").read_text(encoding="utf-8"))
    for action in ("nothing", "wait", "heal", "forget", "refuse", "failed"):
        event = SimpleNamespace(action=action)
        fitting = [rule for rule in rulebook["rules"] if eval(rule["condition"], {"event": event})]  # noqa: S307 - our own file
        assert ["run_playbook" in rule["action"] for rule in fitting] == [action in source.TO_DO]


def test_it_only_looks(source: ModuleType, tmp_path: Path, inventory: Path) -> None:
    fake = program(tmp_path, "nothing")
    events(source, 1, inventory=str(inventory), ansible_playbook=str(fake), arguments=["--vault-password-file=x"])
    expected = f"--inventory={inventory} --extra-vars=heal_mode=look --vault-password-file=x quorate.kubernetes.heal"
    assert (tmp_path / "calls").read_text(encoding="utf-8").splitlines()[0] == expected


def test_a_look_that_fails_is_an_event_too(source: ModuleType, tmp_path: Path, inventory: Path) -> None:
    (inventory / ".quorate-watch.json").write_text('{"looked": 1, "decision": {"action": "heal"}}', encoding="utf-8")
    found = events(source, 2, inventory=str(inventory), ansible_playbook=str(program(tmp_path, "failed", "nothing")))
    assert [event["action"] for event in found] == ["failed", "nothing"]
    assert "ended with 3" in found[0]["reason"]


def test_a_look_that_hangs_is_ended(source: ModuleType, tmp_path: Path, inventory: Path) -> None:
    fake = tmp_path / "hangs"
    fake.write_text("#!/bin/sh\nexec sleep 60\n", encoding="ascii")
    fake.chmod(0o700)
    found = events(source, 1, inventory=str(inventory), ansible_playbook=str(fake), timeout=0.2)
    assert found[0]["action"] == "failed"


def test_without_an_inventory_it_says_so(source: ModuleType) -> None:
    with pytest.raises(ValueError, match="needs the argument inventory"):
        asyncio.run(source.main(asyncio.Queue(), {}))


def test_the_memory_of_an_inventory_that_is_a_file_lies_beside_it(source: ModuleType, inventory: Path) -> None:
    file = inventory / "hosts.yml"
    file.touch()
    assert source.memory_path(str(file)) == source.memory_path(str(inventory)) == inventory / ".quorate-watch.json"
