# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: what to tell of a change that failed: where, what, why, and what to run next."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any


def report(failures: Mapping[str, Mapping[str, Any]], *, command: str, restarted: Sequence[str] = ()) -> str:
    """All that failed, host by host, and what was done before.

    Args:
        failures: by host, what the task returned that failed.
        command: the command line that goes on from here.
        restarted: what the run restarted until then, a line for each component.
    """
    lines = []
    for host, result in sorted(failures.items()):
        lines += _told(host, result)
    lines += ["This run has restarted, and waited until it was ready again:", *(f"  {line}" for line in restarted)] if restarted else []
    hosts = "the host" if len(failures) == 1 else "the hosts"
    lines.append(
        f"Hosts that were not reached yet were left as they are. Mend the cause on {hosts} or in the inventory, and go on with this command, and the other -e "
        "and options that this run was given:"
    )
    return "\n".join([*lines, f"  {command}"])


def _told(host: str, result: Mapping[str, Any]) -> list[str]:
    failure = result.get("failure") or {}
    if not failure.get("component"):
        return [f"{host}: {result.get('msg') or 'it did not answer any more'}"]
    state = "it runs again with what it had before" if failure.get("put_back") else "IT IS NOT BACK: look at it first"
    lines = [f"{host}: {failure['component']} did not become ready: {failure.get('cause')}; {state}."]
    journal = str(failure.get("journal") or "").strip()
    lines += ["Its journal ended with:", *(f"  {line}" for line in journal.splitlines())] if journal else ["Its journal is empty."]
    return lines


def command(arguments: Sequence[str], *, inventories: Sequence[str], limit: str, version: str) -> str:
    """The command line that goes on with a run. Other variables that it was given may be secret, and are not repeated.

    Args:
        arguments: the playbooks of the run.
        inventories: its inventories.
        limit: its limit; empty for none.
        version: the version of Kubernetes that it was to bring.
    """
    words = ["ansible-playbook", *(word for inventory in inventories for word in ("-i", inventory))]
    words += ["--limit", limit] if limit else []
    return shlex.join([*words, *arguments, "-e", f"cluster_version={version}"])
