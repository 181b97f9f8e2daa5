# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: empties nodes through the API, as C(_drain) decides."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Optional

from ansible_collections.quorate.kubernetes.plugins.module_utils import _drain, _kubernetes, _readiness

POLL_SECONDS, SLOW_POLL_SECONDS = 0.25, 1.0

DAEMON_SETS = _kubernetes.Resource("/apis/apps/v1", "daemonsets", namespaced=True)


@dataclasses.dataclass(frozen=True)
class _Attempts:
    """Evictions of one pod that were refused so far, when to try again, and what the API said."""

    count: int = 0
    due: float = 0.0
    cause: str = ""


class Draining:
    """The pods of nodes that are to be emptied together."""

    def __init__(self, client: _kubernetes.Client, *, options: _drain.Options, grace_period: Optional[int]) -> None:
        self._client = client
        self._options = options
        self._grace_period = grace_period
        self._attempts: dict[str, _Attempts] = {}
        self._accepted: dict[str, str] = {}
        self._daemon_sets: Optional[frozenset[tuple[str, str]]] = None

    @property
    def evicted(self) -> list[str]:
        """Pods whose eviction was accepted."""
        return sorted(self._accepted.values())

    def survey(self, nodes: Sequence[Mapping[str, Any]]) -> list[_drain.Decision]:
        """What becomes of each pod on the nodes."""
        if self._daemon_sets is None:
            self._daemon_sets = frozenset(_key(entry) for entry in self._client.collection(DAEMON_SETS.path()))
        return [_drain.decide(pod, options=self._options, daemon_sets=self._daemon_sets) for pod in self._pods(nodes)]

    def stayers(self, nodes: Sequence[Mapping[str, Any]]) -> list[str]:
        """Pods that stay on the nodes and are ready."""
        return _drain.ready_stayers(self._pods(nodes))

    def drain(self, nodes: Sequence[Mapping[str, Any]], *, timeout: float) -> list[_drain.Decision]:
        """Evict until nothing is left or the time is over; what is left.

        A node that is not ready cannot tell that a pod has ended: there, a pod that was evicted is waited for no longer.
        """
        silent = {name for name, node in _by_name(nodes).items() if not _readiness.readiness({**node, "kind": "Node"}).ready}
        end = time.monotonic() + timeout
        pause = POLL_SECONDS
        while True:
            remaining = [decision for decision in self.survey(nodes) if self._remains(decision, silent)]
            if not remaining or time.monotonic() >= end:
                return remaining
            time.sleep(pause)
            # What takes long is asked for less often: others of the batch ask too.
            pause = min(pause * 1.5, SLOW_POLL_SECONDS)

    def blocked(self, nodes: Sequence[Mapping[str, Any]], remaining: Sequence[_drain.Decision]) -> list[str]:
        """Why pods are still there, a line each, with the disruption budgets that hold them."""
        if not remaining:
            return []
        pods = {_key(pod): pod for pod in self._pods(nodes)}
        budgets = self._client.collection(_kubernetes.BUDGETS.path())
        causes: dict[str, list[str]] = {}
        for decision in remaining:
            pod = pods.get((decision.namespace, decision.name))
            said = self._attempts.get(decision.uid, _Attempts()).cause
            held = _drain.blocking_budgets(pod, budgets) if pod else []
            causes[decision.pod] = held or [text for text in (decision.reason, said) if text]
        return _drain.left_over(remaining, causes)

    def _remains(self, decision: _drain.Decision, silent: set[str]) -> bool:
        if decision.action == _drain.LEAVE:
            return False
        if decision.action == _drain.AWAIT:
            return decision.node not in silent
        if decision.action == _drain.EVICT and decision.uid not in self._accepted:
            return self._evict(decision) != _drain.GONE
        return True

    def _evict(self, decision: _drain.Decision) -> str:
        """Try once, unless an attempt failed a moment ago; what came of it."""
        attempts = self._attempts.get(decision.uid, _Attempts())
        if time.monotonic() < attempts.due:
            return _drain.RETRY
        path = _kubernetes.PODS.path(name=decision.name, namespace=decision.namespace) + "/eviction"
        try:
            self._client.request("POST", path, body=_drain.eviction(decision, grace_period=self._grace_period))
        except _kubernetes.KubernetesError as error:
            meaning = _drain.after_refusal(error.status, error.details, str(error))
            if meaning == _drain.FAILED:
                raise _kubernetes.KubernetesError(f"Evicting the pod {decision.pod} failed: {error}", status=error.status) from error
            due = time.monotonic() + _drain.backoff(attempts.count)
            self._attempts[decision.uid] = _Attempts(attempts.count + 1, due, str(error))
            return meaning
        self._accepted[decision.uid] = decision.pod
        return _drain.ACCEPTED

    def _pods(self, nodes: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        return pods_on(self._client, _by_name(nodes))


def pods_on(client: _kubernetes.Client, names: Iterable[str]) -> list[dict[str, Any]]:
    """The pods of some nodes."""
    pods: list[dict[str, Any]] = []
    for name in names:
        pods += client.collection(_kubernetes.PODS.path(), query={"fieldSelector": f"spec.nodeName={name}"})
    return pods


def _key(thing: Mapping[str, Any]) -> tuple[str, str]:
    return thing["metadata"]["namespace"], thing["metadata"]["name"]


def _by_name(nodes: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    return {node["metadata"]["name"]: node for node in nodes}
