# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: ask and change etcd over mutual TLS, by etcdctl and by its health endpoints.

etcdctl and not the JSON gateway: with etcd's access control a client is known by its certificate's name, which the gateway does not support.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import os
from collections.abc import Callable, Sequence
from typing import Any, Optional

from ansible_collections.quorate.kubernetes.plugins.module_utils import _etcd_log, _etcd_member, _host, _http, _quorum
from ansible_collections.quorate.kubernetes.plugins.module_utils._etcd import (
    CORRUPT,
    Alarm,
    Cluster,
    EtcdError,
    Health,
    Member,
    Status,
    cause_of,
    parse_alarms,
    parse_members,
    parse_statuses,
    passes,
)

# The options that every module of etcd has; plugins/doc_fragments/_etcd.py describes them.
ETCD_ARGUMENTS: dict[str, Any] = {
    "ca": {"type": "path", "default": "/etc/etcd/pki/ca.crt"},
    "certificate": {"type": "path", "default": "/etc/etcd/pki/operator.crt"},
    "endpoint": {"type": "str", "default": "https://127.0.0.1:2379"},
    "endpoints": {"type": "list", "elements": "str", "default": []},
    "etcdctl": {"type": "path", "default": "etcdctl"},
    "key": {"type": "path", "default": "/etc/etcd/pki/operator.key", "no_log": False},
}

# An alarm of corruption makes every member fail this check, also those whose data is right: it is looked at apart.
READY = "/readyz?exclude=data_corruption"
LIVE = "/livez"

PROBE_SECONDS = 2.5
COMMAND_SECONDS = 10.0
POLL_SECONDS = 0.25


@dataclasses.dataclass(frozen=True)
class Connection:
    """Where a cluster is, and who asks.

    Attributes:
        endpoints: client URLs to try, the preferred one first.
        ca: the CA that members are verified with.
        certificate: the certificate that members know us by.
        key: its key.
        etcdctl: the program.
    """

    endpoints: tuple[str, ...]
    ca: str
    certificate: str
    key: str
    etcdctl: str = "etcdctl"

    @staticmethod
    def of(params: dict[str, Any]) -> Connection:
        endpoints = dict.fromkeys([params["endpoint"], *params["endpoints"]])
        return Connection(
            endpoints=tuple(endpoint for endpoint in endpoints if endpoint),
            ca=params["ca"],
            certificate=params["certificate"],
            key=params["key"],
            etcdctl=params["etcdctl"],
        )


class EtcdClient:
    """One cluster of etcd."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._context: Any = None

    # --- asking ---

    def cluster(self) -> Cluster:
        """Members as the quorum knows them, each one's health as it says itself, and alarms."""
        entry = self.entry()
        known = parse_members(self.control(["member", "list"], endpoints=[entry]))
        alarms = self.alarms(entry)
        return dataclasses.replace(known, health=_without_corrupt(self._health(known.members), alarms), alarms=alarms)

    def entry(self) -> str:
        """The first of the endpoints whose read through the quorum succeeds."""
        answers = self._probe([(endpoint, READY) for endpoint in self.connection.endpoints])
        for endpoint, answer in zip(self.connection.endpoints, answers):
            if answer.status == 200:
                return endpoint
        causes = "; ".join(f"{endpoint}: {_cause(answer)}" for endpoint, answer in zip(self.connection.endpoints, answers))
        raise EtcdError(
            f"No member of etcd answers through the quorum ({causes}). Either quorum is lost, or this host cannot reach the members."
        )

    def reachable(self) -> bool:
        """Whether there is a cluster to ask at all: in check mode on fresh hosts there is none, and no certificate to ask it with."""
        try:
            self.entry()
        except (EtcdError, _host.HostError):
            return False
        return True

    def alarms(self, entry: str) -> tuple[Alarm, ...]:
        return parse_alarms(self.control(["alarm", "list"], endpoints=[entry]))

    def _health(self, members: Sequence[Member]) -> dict[int, Health]:
        asked = [(member.clients[0], LIVE if member.learner else READY) for member in members if member.clients]
        answers = dict(zip(asked, self._probe(asked)))
        # What answers but is not ready is asked again whether it is alive at all: both together cost one round more, only then.
        doubtful = [(url, LIVE) for (url, path), answer in answers.items() if path == READY and answer.status not in (0, 200)]
        answers.update(zip(doubtful, self._probe(doubtful)))
        statuses = self.statuses(sorted({url for (url, _path), answer in answers.items() if answer.status == 200}))
        return {member.identity: _health_of(member, answers, statuses) for member in members if member.clients}

    def statuses(self, endpoints: Sequence[str]) -> dict[str, Status]:
        """What members say of themselves, those that answer."""
        if not endpoints:
            return {}
        done = self._run(["endpoint", "status"], endpoints=endpoints, timeout=COMMAND_SECONDS)
        return parse_statuses(done.out) if done.out.strip() else {}

    def _probe(self, questions: Sequence[tuple[str, str]]) -> list[_http.Answer]:
        if not questions:
            return []
        if self._context is None:
            connection = self.connection
            self._context = _http.tls_context(ca=connection.ca, certificate=connection.certificate, key=connection.key)
        with concurrent.futures.ThreadPoolExecutor(max_workers=len(questions)) as pool:
            return list(
                pool.map(lambda question: _http.http_request("".join(question), context=self._context, timeout=PROBE_SECONDS), questions)
            )

    def wait_for(self, holds: Callable[[Cluster], bool], *, timeout: float) -> Optional[Cluster]:
        """Ask until it holds; the last cluster seen, or None if none answered."""
        seen: Optional[Cluster] = None

        def look() -> bool:
            nonlocal seen
            try:
                seen = self.cluster()
            except EtcdError:
                return False
            return holds(seen)

        _host.wait_until(look, timeout=timeout, poll=POLL_SECONDS)
        return seen

    # --- doing ---

    def control(self, arguments: Sequence[str], *, endpoints: Optional[Sequence[str]] = None, timeout: float = COMMAND_SECONDS) -> str:
        """Run etcdctl on some endpoints, or on one that has quorum; its output."""
        done = self._run(arguments, endpoints=endpoints or [self.entry()], timeout=timeout)
        if done.code != 0:
            raise EtcdError(f"'etcdctl {' '.join(arguments)}' failed: {cause_of(done.err)}.")
        return done.out

    def insist(
        self, arguments: Sequence[str], *, timeout: float, done: Optional[Callable[[], bool]] = None, of_leader: bool = False
    ) -> str:
        """Run etcdctl until etcd accepts: some refusals pass by themselves. With done, a lost answer is looked up before the next attempt.

        With of_leader the leader is asked, where it is known: a follower that passes something on keeps the leader's reasons for itself.
        """
        out: Optional[str] = None
        failure: Optional[EtcdError] = None

        def attempt() -> bool:
            nonlocal out, failure
            try:
                succeeded = failure is not None and done is not None and done()
                leader = self.cluster().leader if of_leader and not succeeded else None
                out = "" if succeeded else self.control(arguments, endpoints=leader.clients if leader else None)
            except EtcdError as error:
                if not passes(str(error)) and "No member of etcd answers" not in str(error):
                    raise
                failure = error
            return out is not None

        if not _host.wait_until(attempt, timeout=timeout, poll=POLL_SECONDS):
            raise EtcdError(f"{failure} It was tried for {timeout:g} s.")
        return out or ""

    def move_leader(self, heir: int, *, timeout: float) -> None:
        """Hand leadership to a member. Only the leader itself can; if it has changed meanwhile, that is looked up again."""

        def moved() -> bool:
            try:
                leader = self.cluster().leader
                if leader is None or leader.identity == heir:
                    return leader is not None
                self.control(["move-leader", f"{heir:x}"], endpoints=leader.clients)
            except EtcdError:
                return False
            return True

        if not _host.wait_until(moved, timeout=timeout, poll=POLL_SECONDS):
            raise EtcdError(f"Leadership could not be moved to the member {heir:x} in {timeout:g} s.")

    def _run(self, arguments: Sequence[str], *, endpoints: Sequence[str], timeout: float) -> _host.Completed:
        connection = self.connection
        # By the environment and not by flags: etcdctl stops when the same is set by both, and a login's environment may set some.
        environment = {
            "ETCDCTL_CACERT": connection.ca,
            "ETCDCTL_CERT": connection.certificate,
            "ETCDCTL_COMMAND_TIMEOUT": f"{timeout:g}s",
            "ETCDCTL_DIAL_TIMEOUT": f"{PROBE_SECONDS:g}s",
            "ETCDCTL_ENDPOINTS": ",".join(endpoints),
            "ETCDCTL_KEY": connection.key,
            "ETCDCTL_PASSWORD": "",
            "ETCDCTL_USER": "",
            "ETCDCTL_WRITE_OUT": "json",
        }
        return _host.run([connection.etcdctl, *arguments], environment=environment, timeout=timeout + 5, check=False)


_NONE = _http.Answer(0, "")


def _health_of(member: Member, answers: dict[tuple[str, str], _http.Answer], statuses: dict[str, Status]) -> Health:
    url = member.clients[0]
    ready, live = answers.get((url, READY), _NONE), answers.get((url, LIVE), _NONE)
    status = statuses.get(url)
    if status is not None and status.identity != member.identity:
        return Health(live=False, ready=False, cause=f"another member ({status.identity:x}) answers at {url}")
    is_ready = ready.status == 200
    cause = "" if is_ready else "it is a learner" if member.learner and live.status == 200 else _cause(live if member.learner else ready)
    return Health(live=is_ready or live.status == 200, ready=is_ready, cause=cause, status=status)


def _without_corrupt(health: dict[int, Health], alarms: Sequence[Alarm]) -> dict[int, Health]:
    """A member whose data is not that of the others is no healthy voter, although it answers."""
    corrupt = {alarm.member for alarm in alarms if alarm.kind == CORRUPT}
    cause = "its data differs from that of the others, says an alarm"
    return {
        identity: dataclasses.replace(one, ready=False, cause=cause) if identity in corrupt else one for identity, one in health.items()
    }


def _cause(answer: _http.Answer) -> str:
    words = " ".join(line for line in answer.body.split("\n") if line and "excluded" not in line and not line.startswith("[+]"))
    return words[:300] if answer.status == 0 else f"it answers {answer.status}: {words[:300]}"


def data_of(directory: str, *, log: Optional[str] = None) -> _etcd_member.Data:
    """Which member a data directory belongs to: its write-ahead log says so in its first bytes."""
    member = os.path.join(directory, "member")
    files = _etcd_log.files(log or os.path.join(member, "wal"))
    owner = _etcd_log.owner(files)
    if owner:
        return _etcd_member.Data(filled=True, member=owner[0], cluster=owner[1])
    if files:
        return _etcd_member.Data(filled=True)
    # Without a log it is no member's: a process that starts on an empty disk makes a database there before it finds out that it cannot join.
    left = os.path.isdir(member) and bool(os.listdir(member))
    return _etcd_member.Data(filled=left, logged=False)


def describe(cluster: Cluster) -> dict[str, Any]:
    """The cluster as data, as etcd_info returns it."""
    leader = cluster.leader
    voters = [peer for peer in _etcd_member.peers_of(cluster) if not peer.learner]
    healthy = sum(peer.healthy for peer in voters)
    return {
        "alarms": [{"alarm": alarm.kind, "member": f"{alarm.member:x}"} for alarm in cluster.alarms],
        "cluster_id": f"{cluster.identity:x}",
        "leader": leader.name if leader else None,
        "members": [_describe_member(cluster, member, leader) for member in cluster.members],
        "quorum": {
            "voters": len(voters),
            "healthy": healthy,
            "learners": len(cluster.members) - len(voters),
            "quorum": _quorum.quorum(len(voters)),
            "spare": healthy - _quorum.quorum(len(voters)),
        },
    }


def _describe_member(cluster: Cluster, member: Member, leader: Optional[Member]) -> dict[str, Any]:
    health = cluster.of(member)
    status = health.status
    return {
        "cause": health.cause,
        "client_urls": list(member.clients),
        "database_size": status.size if status else None,
        "database_used": status.used if status else None,
        "database_quota": status.quota if status else None,
        "healthy": cluster.is_healthy(member),
        "id": f"{member.identity:x}",
        "leader": leader is not None and leader.identity == member.identity,
        "learner": member.learner,
        "live": health.live,
        "name": member.name,
        "peer_urls": list(member.peers),
        "raft_index": status.index if status else None,
        "storage_version": status.storage if status else None,
        "term": status.term if status else None,
        "version": status.version if status else None,
    }
