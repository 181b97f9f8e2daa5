# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: the flags of etcd by minor version. An unknown one is fatal at its start, so it is refused before."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, Optional

# From the sources of 3.6 and 3.7; a test asks the programs.
_COMMON = frozenset(
    """
    advertise-client-urls auth-token auth-token-ttl auto-compaction-mode auto-compaction-retention auto-tls
    backend-batch-interval backend-batch-limit backend-bbolt-freelist-type bcrypt-cost bootstrap-defrag-threshold-megabytes
    cert-file cipher-suites client-cert-allowed-hostname client-cert-auth client-cert-file client-crl-file client-key-file
    compact-hash-check-time compaction-batch-limit compaction-sleep-interval config-file corrupt-check-time cors data-dir
    discovery-cacert discovery-cert discovery-dial-timeout discovery-endpoints discovery-fallback
    discovery-insecure-skip-tls-verify discovery-insecure-transport discovery-keepalive-time discovery-keepalive-timeout
    discovery-key discovery-password discovery-request-timeout discovery-srv discovery-srv-name discovery-token discovery-user
    distributed-tracing-address distributed-tracing-instance-id distributed-tracing-sampling-rate
    distributed-tracing-service-name downgrade-check-time election-timeout enable-distributed-tracing enable-grpc-gateway
    enable-log-rotation enable-pprof feature-gates force-new-cluster grpc-keepalive-interval grpc-keepalive-min-time
    grpc-keepalive-timeout heartbeat-interval host-whitelist initial-advertise-peer-urls initial-cluster initial-cluster-state
    initial-cluster-token initial-election-tick-advance key-file listen-client-http-urls listen-client-urls
    listen-metrics-urls listen-peer-urls log-format log-level log-outputs log-rotation-config-json logger
    max-concurrent-streams max-learners max-request-bytes max-snapshots max-txn-ops max-wals memory-mlock metrics name
    peer-auto-tls peer-cert-allowed-cn peer-cert-allowed-hostname peer-cert-file peer-client-cert-auth peer-client-cert-file
    peer-client-key-file peer-crl-file peer-key-file peer-skip-client-san-verification peer-trusted-ca-file pre-vote
    quota-backend-bytes raft-read-timeout raft-write-timeout self-signed-cert-validity snapshot-catchup-entries snapshot-count
    socket-reuse-address socket-reuse-port strict-reconfig-check tls-max-version tls-min-version trusted-ca-file
    unsafe-no-fsync v2-deprecation version wal-dir warning-apply-duration warning-unary-request-duration
    watch-progress-notify-interval
    """.split()  # noqa: SIM905 - a list would be a line each
)
_REMOVED_IN_3_7 = frozenset(
    """
    discovery discovery-proxy experimental-bootstrap-defrag-threshold-megabytes experimental-compact-hash-check-enabled
    experimental-compact-hash-check-time experimental-compaction-batch-limit experimental-compaction-sleep-interval
    experimental-corrupt-check-time experimental-distributed-tracing-address experimental-distributed-tracing-instance-id
    experimental-distributed-tracing-sampling-rate experimental-distributed-tracing-service-name
    experimental-downgrade-check-time experimental-enable-distributed-tracing experimental-enable-lease-checkpoint
    experimental-enable-lease-checkpoint-persist experimental-initial-corrupt-check experimental-memory-mlock
    experimental-peer-skip-client-san-verification experimental-snapshot-catchup-entries
    experimental-stop-grpc-service-on-defrag experimental-txn-mode-write-with-shared-buffer
    experimental-warning-apply-duration experimental-warning-unary-request-duration
    experimental-watch-progress-notify-interval
    """.split()  # noqa: SIM905 - a list would be a line each
)
FLAGS: Mapping[tuple[int, int], frozenset[str]] = {(3, 6): _COMMON | _REMOVED_IN_3_7, (3, 7): _COMMON}

# What became of flags that were only taken off trial.
_GATES = {
    "experimental-compact-hash-check-enabled": "CompactHashCheck",
    "experimental-enable-lease-checkpoint": "LeaseCheckpoint",
    "experimental-enable-lease-checkpoint-persist": "LeaseCheckpointPersist",
    "experimental-initial-corrupt-check": "InitialCorruptCheck",
    "experimental-stop-grpc-service-on-defrag": "StopGRPCServiceOnDefrag",
    "experimental-txn-mode-write-with-shared-buffer": "TxnModeWriteWithSharedBuffer",
}

LARGEST_QUOTA = 8 << 30

# Settings that lose data or quorum sooner or later; none has a use in a running cluster.
_FORBIDDEN = {
    "force-new-cluster": "it throws away all other members at each start; restore a snapshot instead",
    "unsafe-no-fsync": "acknowledged writes are lost when a host loses its power",
}

# What the collection itself has to know, or decides.
_VARIABLES = {"data-dir": "etcd_data_directory", "wal-dir": "etcd_log_directory"}


def problems(flags: Mapping[str, Any], minor: tuple[int, int]) -> list[str]:
    """What is wrong with these flags for etcd of a minor version; flags set to None are taken away and not looked at."""
    given = {name: value for name, value in flags.items() if value is not None}
    known = FLAGS.get(minor)
    found = [_unknown(name, known, minor) for name in sorted(given) if known is not None and name not in known]
    found += [f"--{name} is refused: {why}." for name, why in sorted(_FORBIDDEN.items()) if _is_on(given.get(name))]
    if "strict-reconfig-check" in given and not _is_on(given["strict-reconfig-check"]):
        found.append("--strict-reconfig-check stays on: without it etcd takes changes of its members that lose quorum.")
    found += [
        f"--{name} is refused: set the variable {variable} instead." for name, variable in sorted(_VARIABLES.items()) if name in given
    ]
    if reason := quota_problem(given.get("quota-backend-bytes", 0)):
        found.append(f"--quota-backend-bytes {reason}.")
    return found


def quota_problem(quota: Any) -> str:
    """Why the database may not grow to that many bytes; empty if it may."""
    if str(quota).isdigit() and int(quota) <= LARGEST_QUOTA:
        return ""
    return f"is {quota}, but must be a number of bytes up to {LARGEST_QUOTA} (8 GiB); 0 is etcd's default of 2 GiB"


def _unknown(name: str, known: frozenset[str], minor: tuple[int, int]) -> str:
    version = f"etcd {minor[0]}.{minor[1]}"
    if name in _GATES:
        return f"--{name} is not known to {version}: set {_GATES[name]} in feature-gates instead."
    plain = name[len("experimental-") :] if name.startswith("experimental-") else ""
    if plain in known:
        return f"--{name} is not known to {version}: it is called --{plain} now."
    near = _nearest(name, known)
    return f"--{name} is not known to {version}{f': did you mean --{near}?' if near else '.'}"


def _nearest(name: str, known: frozenset[str]) -> Optional[str]:
    return next(iter(difflib.get_close_matches(name, sorted(known), n=1)), None)


def _is_on(value: Any) -> bool:
    return str(value).lower() in ("true", "1", "t", "yes", "on")
