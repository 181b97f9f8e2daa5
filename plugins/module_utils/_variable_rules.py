# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: what the value of a variable has to be beyond its type, which is all that an argument specification tells.

A wrong one would be noticed on the first host only, by a program that does not start, or by nobody.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from typing import Any, Callable

from ansible_collections.quorate.kubernetes.plugins.module_utils._certificates import LONGEST_DAYS, SHORTEST_AUTHORITY_DAYS
from ansible_collections.quorate.kubernetes.plugins.module_utils._names import is_path
from ansible_collections.quorate.kubernetes.plugins.module_utils._problem import show
from ansible_collections.quorate.kubernetes.plugins.module_utils._timer import is_calendar

# Paths on hosts: they become parts of others, and stand in units as they are.
HOST_PATHS = (
    "cluster_binaries_directory",
    "container_runtime_archives",
    "etcd_data_directory",
    "etcd_log_directory",
    "etcd_restore_path",
    "etcd_snapshot_directory",
    "masters_audit_directory",
    "reset_runtime_directories",
    "restore_path",
    "workers_network_ready_path",
)
MAY_BE_EMPTY = ("etcd_log_directory", "workers_network_ready_path")

_LARGEST = 2**63 - 1
_WEEK = 7 * 24 * 3600
_DURATION = re.compile(r"0|((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))+", re.ASCII)
_SHARE = re.compile(r"[1-9]\d*|(?:[1-9]\d?|100)%", re.ASCII)
_KERNEL_MODULE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")
# Names of network interfaces are part of some, and may hold nearly anything.
_SYSCTL = re.compile(r"[A-Za-z0-9_*][^\s=]*")
_SUBJECT = re.compile(r"[^\x00-\x1f\x7f]{1,64}")
_UNIT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]*")
_LINE = re.compile(r".*\S.*")


@dataclasses.dataclass(frozen=True)
class Rule:
    """What a value has to be beyond its type.

    Attributes:
        words: what is needed.
        fits: whether a value is that.
        each: of a list it holds for each item, of a mapping for each name with its value.
    """

    words: str
    fits: Callable[[Any], bool]
    each: bool = True


def _numbers(words: str, least: float, most: float = _LARGEST) -> Rule:
    # No number at all, which YAML has too, is not between any two.
    return Rule(f"{words} from {least} {'on' if most == _LARGEST else f'to {most}'}", lambda value: least <= value <= most)


def _texts(words: str, pattern: re.Pattern[str]) -> Rule:
    return Rule(words, lambda value: pattern.fullmatch(value) is not None)


def _is_share(value: Any) -> bool:
    return not isinstance(value, bool) and _SHARE.fullmatch(str(value).strip()) is not None


def _is_sysctl(item: Mapping[str, Any]) -> bool:
    """Whether a name and its value make one line of sysctl.d; without a value there is none."""
    [(name, value)] = item.items()
    return _SYSCTL.fullmatch(name) is not None and (value is None or _is_line(value))


def _is_line(value: Any) -> bool:
    return isinstance(value, (int, float, str)) and not isinstance(value, bool) and _LINE.fullmatch(str(value)) is not None


_WAIT = _numbers("a number of seconds", 1, _WEEK)
_SECONDS = _numbers("a number of seconds", 0)
_KEPT = _numbers("a number (0 keeps all)", 0)
_BYTES = _numbers("a number of bytes", 0)
_DAYS = _numbers("a number of days", 1, LONGEST_DAYS)
# Ansible would take 0 for all hosts at once.
_BATCH = Rule("a number of hosts from 1 on, or a percentage from 1% to 100%,", _is_share, each=False)

RULES: Mapping[str, Rule] = {
    "addons_coredns_replicas": _numbers("a number of pods", 1),
    "addons_ready_timeout": _WAIT,
    "etcd_defragment_minimum": _BYTES,
    "etcd_defragment_threshold": _numbers("a percentage", 1, 100),
    "etcd_ready_timeout": _WAIT,
    "etcd_snapshot_destination_keep": _KEPT,
    "etcd_snapshot_keep": _KEPT,
    "etcd_snapshot_schedule": Rule(
        "a time as OnCalendar of systemd takes it, such as daily or *-*-* 02:00,", lambda value: value == "" or is_calendar(value)
    ),
    "etcd_snapshot_spread": _SECONDS,
    "flannel_etcd_prefix": Rule("a path of plain names, such as /coreos.com/network,", is_path),
    "heal_after": _SECONDS,
    "heal_every": _numbers("a number of seconds", 1),
    "heal_pause": _SECONDS,
    "heal_per_day": _numbers("a number (0 is any)", 0),
    "heal_watcher_unit": _texts("a name of a unit, such as quorate-watch,", _UNIT),
    "load_balancer_check_interval": _numbers("a number of milliseconds", 1, 60000),
    "masters_ready_timeout": _WAIT,
    "masters_shutdown_delay": _texts("a duration, such as 3s or 1m30s,", _DURATION),
    "node_clock_skew": _numbers("a number of seconds", 0.1),
    "node_free_space": _BYTES,
    "node_modules": _texts("a name of a kernel module, such as br_netfilter,", _KERNEL_MODULE),
    "node_sysctls": Rule("a name of a kernel setting and a text or a number on one line", _is_sysctl),
    "pki_admin_groups": _texts("a text of 1 to 64 characters", _SUBJECT),
    "pki_admin_name": _texts("a text of 1 to 64 characters", _SUBJECT),
    "pki_archive_keep": _KEPT,
    "pki_authority_days": _numbers("a number of days", SHORTEST_AUTHORITY_DAYS, LONGEST_DAYS),
    "pki_certificate_days": _DAYS,
    "pki_renew_before_days": _DAYS,
    "remove_drain_timeout": _WAIT,
    "reset_grace_period": _numbers("a number of seconds", 0, _WEEK),
    "upgrade_batch": _BATCH,
    "upgrade_max_failures": _numbers("a number of nodes", 0),
    "workers_batch": _BATCH,
    "workers_drain_timeout": _WAIT,
    "workers_ready_timeout": _WAIT,
}


def reasons(name: str, value: Any, *, default: Any = None) -> Iterator[str]:
    """Why a value is not what is needed, each part of it by itself; `default` is an example of a path."""
    rule = RULES.get(name)
    if rule is None and name in HOST_PATHS and value is not None and not (value == "" and name in MAY_BE_EMPTY):
        example = default if isinstance(default, str) and default else "/srv/data"
        rule = Rule(f"an absolute path of plain names, such as {example},", is_path)
    if rule is not None:
        # Nothing that has a rule can do without a value.
        parts = _parts(value) if rule.each else [(" is", value)]
        yield from (f"{place} {show(part)}, but {rule.words} is needed" for place, part in parts if part is None or not rule.fits(part))


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, list):
        yield from ((f"[{number}] is", item) for number, item in enumerate(value))
    elif isinstance(value, Mapping):
        yield from ((" has", {name: item}) for name, item in value.items())
    else:
        yield " is", value
