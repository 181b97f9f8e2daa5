# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: groups that hosts join while a run finds out what is to be done.

A play of a group without hosts costs nothing, while a task that is skipped costs each host as much as one that runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def joining(task_vars: Mapping[str, Any], groups: Iterable[str]) -> dict[str, Any]:
    """The part of a task's result that lets the task's host join groups until the end of the run. Empty names are left out."""
    names = [name for name in groups if name]
    if not names:
        return {}
    # As the action of ansible.builtin.add_host asks for it; that of group_by can only ask for one group.
    return {"add_host": {"host_name": str(task_vars["inventory_hostname"]), "groups": names, "host_vars": {}}}
