# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
short_description: Tell when a member of etcd is dead for good
description:
  - Looks at etcd again and again, and sends an event whenever the decision changes, and each time that something is to be done.
  - A look is a run of the playbook C(quorate.kubernetes.heal) with C(heal_mode=look), which asks every member on its own host over SSH, decides by the
    same rules as the watcher of the playbook C(watch_etcd), and changes nothing. How patient it is, is up to the inventory (C(heal_after) and others).
  - An event has C(action), C(reason), C(members) and C(inventory). The action is V(nothing), V(wait), V(refuse), V(failed), or one of those for
    which the playbook heal has to run, V(heal) and V(forget), which is that a member answers again that was to be replaced.
options:
  ansible_playbook:
    description:
      - The program.
    type: str
    default: ansible-playbook
  arguments:
    description:
      - Further arguments for it, such as C(--vault-password-file=/etc/quorate/vault).
    type: list
    elements: str
    default: []
  every:
    description:
      - Seconds between two looks.
    type: float
    default: 30
  inventory:
    description:
      - The inventory, a file or a folder. What was seen is kept beside it.
    type: str
    required: true
  playbook:
    description:
      - The playbook that looks.
    type: str
    default: quorate.kubernetes.heal
  timeout:
    description:
      - Seconds that a look may take.
    type: float
    default: 300
"""

EXAMPLES = r"""
- name: Heal etcd
  hosts: all
  sources:
    - quorate.kubernetes.etcd_health:
        inventory: /srv/inventories/production
  rules:
    - name: Let a spare take the place of a dead member
      condition: event.action == "heal" or event.action == "forget"
      action:
        run_playbook:
          name: quorate.kubernetes.heal_by_event
          extra_vars:
            heal_inventory: "{{ event.inventory }}"
"""

import asyncio
import contextlib
import json
import os
from pathlib import Path
from typing import Any

# What the playbook keeps beside the inventory; see the action plugin etcd_healing.
MEMORY = ".quorate-watch.json"

# For these decisions a look does nothing, and the playbook something.
TO_DO = ("heal", "forget")


def memory_path(inventory: str) -> Path:
    """Where the playbook keeps what it saw: in the folder of the inventory."""
    path = Path(inventory).resolve()
    return (path if path.is_dir() else path.parent) / MEMORY


def command(args: dict[str, Any]) -> list[str]:
    program = str(args.get("ansible_playbook", "ansible-playbook"))
    further = [str(word) for word in args.get("arguments", [])]
    return [
        program,
        f"--inventory={args['inventory']}",
        "--extra-vars=heal_mode=look",
        *further,
        str(args.get("playbook", "quorate.kubernetes.heal")),
    ]


def read(path: Path) -> dict[str, Any]:
    """The last decision and when it was made; nothing if there is none."""
    try:
        memory = json.loads(path.read_text(encoding="utf-8"))
        return {"looked": memory["looked"], **memory["decision"]}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def event_of(decision: dict[str, Any], *, code: int, output: str, inventory: str) -> dict[str, Any]:
    """The event of a look."""
    if code != 0 or "action" not in decision:
        reason = output.strip()[-2000:] or f"ansible-playbook ended with {code} and said nothing."
        return {"action": "failed", "reason": reason, "members": [], "inventory": inventory}
    return {name: decision[name] for name in ("action", "reason", "members")} | {"inventory": inventory}


def is_news(event: dict[str, Any], former: dict[str, Any]) -> bool:
    """Whether to send it: always if something is to be done, otherwise when it is another decision than before."""
    return event["action"] in TO_DO or (event["action"], event["members"]) != (former.get("action"), former.get("members"))


async def look(args: dict[str, Any]) -> dict[str, Any]:
    """Run the playbook once; a look that hangs is ended."""
    process = await asyncio.create_subprocess_exec(
        *command(args),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "ANSIBLE_NOCOLOR": "1"},
    )
    try:
        output, _none = await asyncio.wait_for(process.communicate(), timeout=float(args.get("timeout", 300)))
    except (asyncio.TimeoutError, asyncio.CancelledError) as error:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        if isinstance(error, asyncio.CancelledError):
            raise
        output = b"The look did not end in time."
    inventory = str(args["inventory"])
    decision = read(memory_path(inventory))
    return event_of(decision, code=process.returncode or 0, output=output.decode("utf-8", "replace"), inventory=inventory)


async def main(queue: asyncio.Queue[dict[str, Any]], args: dict[str, Any]) -> None:
    """Called by ansible-rulebook."""
    if not args.get("inventory"):
        raise ValueError("The event source etcd_health needs the argument inventory: the file or folder of the cluster's inventory.")
    former: dict[str, Any] = {}
    while True:
        event = await look(args)
        if is_news(event, former):
            await queue.put(event)
        former = event
        await asyncio.sleep(float(args.get("every", 30)))
