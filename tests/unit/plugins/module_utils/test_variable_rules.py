"""What the values of variables have to be beyond their types."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils import _variable_rules

WEEK = 604800
WAITS = (
    "addons_ready_timeout",
    "etcd_ready_timeout",
    "masters_ready_timeout",
    "remove_drain_timeout",
    "workers_drain_timeout",
    "workers_ready_timeout",
)
KEPT = ("etcd_snapshot_destination_keep", "etcd_snapshot_keep", "pki_archive_keep")
FROM_ZERO = (
    "etcd_defragment_minimum",
    "etcd_snapshot_spread",
    "heal_after",
    "heal_pause",
    "heal_per_day",
    "node_free_space",
    "upgrade_max_failures",
)
BATCHES = ("upgrade_batch", "workers_batch")

# By name: values that fit, and values that do not.
CASES: dict[str, tuple[list[Any], list[Any]]] = {
    **dict.fromkeys(WAITS, ([1, 90, WEEK], [-5, 0, WEEK + 1])),
    **dict.fromkeys([*KEPT, *FROM_ZERO], ([0, 7, 2**40], [-1, 2**63])),
    **dict.fromkeys(BATCHES, ([1, "3", "25%", "100%"], [0, -1, "0%", "101%", "two", True, None, [1, 2]])),
    "addons_coredns_replicas": ([1, 10], [0, -2, None]),
    "etcd_defragment_threshold": ([1, 45, 100], [0, 101, -45]),
    "etcd_snapshot_schedule": (["", "daily", "*-*-* 02:00"], ["nightly", "daily\nOnBootSec=1", "0 2 * * *"]),
    "flannel_etcd_prefix": (["/coreos.com/network", "/a"], ["", "coreos.com/network", "/a/", "/a b"]),
    "heal_every": ([1, 30], [0, -30]),
    "heal_watcher_unit": (["quorate-watch", "watch@a"], ["", "a b", "a/b", "-a"]),
    "load_balancer_check_interval": ([1, 1000, 60000], [0, -1, 60001, None]),
    "masters_shutdown_delay": (["3s", "1m30s", "1.5s", ".5s", "0", "250ms", "90µs"], ["soon", "", "3", "-3s", "3 s", "3s\n", "3d", None]),
    "node_clock_skew": ([0.1, 5.0], [0.0, -1.0, float("nan"), float("inf")]),
    "node_modules": ([["overlay", "br_netfilter"], []], [["a b"], ["a\nb"], [""]]),
    "node_sysctls": (
        [
            {},
            {"net.ipv4.ip_forward": 1, "net.ipv4.tcp_rmem": "4096 131072 6291456"},
            {"vm.swappiness": None},
            {"net/ipv4/conf/eth0.1/rp_filter": 0},
        ],
        [
            {"net.ipv4 x": 1},
            {"a\nb": 1},
            {"a=b": 1},
            {"-a": 1},
            {"": 1},
            {"a": "1\nb = 2"},
            {"a": ""},
            {"a": True},
            {"a": [1]},
            {"a b": None},
        ],
    ),
    "pki_admin_groups": ([["quorate:admins", "Jürgen"], []], [[""], ["a" * 65]]),
    "pki_admin_name": (["admin", "Jane Doe", "a" * 64], ["", "a" * 65, "a\nb"]),
    "pki_authority_days": ([2, 3650, 36500], [-1, 0, 1, 36501]),
    "pki_certificate_days": ([1, 365, 36500], [-1, 0, 36501]),
    "pki_renew_before_days": ([1, 60], [-1, 0, 36501]),
    "reset_grace_period": ([0, 10, WEEK], [-1, WEEK + 1]),
}


def reasons(name: str, value: Any) -> list[str]:
    return list(_variable_rules.reasons(name, value))


def test_each_rule_has_cases() -> None:
    assert sorted(CASES) == sorted(_variable_rules.RULES)


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, (fitting, _wrong) in CASES.items() for value in fitting])
def test_what_fits(name: str, value: Any) -> None:
    assert reasons(name, value) == []


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, (_fitting, wrong) in CASES.items() for value in wrong])
def test_what_does_not_fit(name: str, value: Any) -> None:
    [reason] = reasons(name, value)
    assert reason.endswith(f", but {_variable_rules.RULES[name].words} is needed")


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("etcd_ready_timeout", -5, [" is -5, but a number of seconds from 1 to 604800 is needed"]),
        ("etcd_snapshot_keep", -1, [" is -1, but a number (0 keeps all) from 0 on is needed"]),
        ("masters_shutdown_delay", "soon", [' is "soon", but a duration, such as 3s or 1m30s, is needed']),
        (
            "node_sysctls",
            {"a b": 1, "vm.swappiness": 1, "c": ""},
            [
                ' has {"a b": 1}, but a name of a kernel setting and a text or a number on one line is needed',
                ' has {"c": ""}, but a name of a kernel setting and a text or a number on one line is needed',
            ],
        ),
        ("node_modules", ["a b", "c"], ['[0] is "a b", but a name of a kernel module, such as br_netfilter, is needed']),
    ],
)
def test_words(name: str, value: Any, expected: list[str]) -> None:
    assert reasons(name, value) == expected


def test_what_has_no_rule_may_be_anything() -> None:
    assert reasons("cluster_name", -1) == []
