"""How long a new voter is waited for before anything else may be changed; the changes themselves are tested on real members."""

from __future__ import annotations

import itertools
import time
from typing import Any

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils import _etcd_client
from ansible_collections.quorate.kubernetes.plugins.module_utils._etcd import Cluster, EtcdError, Health, Member, Status
from ansible_collections.quorate.kubernetes.plugins.modules import etcd_member

MEMBERS = tuple(Member(number, f"m{number}", (f"p{number}",), (f"c{number}",)) for number in (1, 2))
STATUS = Status(identity=1, version="3.7.3", storage="", leader=1, term=2, index=1, size=1, used=1, quota=1, learner=False)
WELL = Health(live=True, ready=True, status=STATUS)
ILL = Health(live=False, ready=False, cause="connection refused")


class Client:
    """A cluster whose second member answers like this, one look after the other."""

    def __init__(self, *looks: Health | None) -> None:
        self._looks = itertools.cycle(looks)
        self.asked: list[tuple[float, bool]] = []

    def cluster(self) -> Cluster:
        look = next(self._looks)
        self.asked.append((time.monotonic(), look is WELL))
        if look is None:
            raise EtcdError("No member of etcd answers through the quorum.")
        return Cluster(1, MEMBERS, {1: WELL, 2: look})


def member(client: Client, monkeypatch: pytest.MonkeyPatch, *, timeout: float) -> etcd_member.EtcdMember:
    monkeypatch.setattr(_etcd_client, "POLL_SECONDS", 0.005)
    connection = dict.fromkeys(("endpoint", "ca", "certificate", "key", "etcdctl"), "")
    params: dict[str, Any] = {**connection, "endpoints": [], "timeout": timeout}
    made = etcd_member.EtcdMember(params)
    made._client = client  # type: ignore[assignment]
    return made


def test_a_new_voter_is_ready_without_a_break(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client(WELL, WELL, ILL, WELL, None, *[WELL] * 50)
    member(client, monkeypatch, timeout=5)._settle("m2", 0.1)
    last_break = max(at for at, well in client.asked if not well)
    assert client.asked[-1][0] - last_break >= 0.1
    assert len(client.asked) > 6


def test_a_last_voter_is_ready_once(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client(ILL, WELL)
    member(client, monkeypatch, timeout=5)._settle("m2", 0)
    assert len(client.asked) == 2


@pytest.mark.parametrize(
    ("looks", "seconds", "words"),
    [
        pytest.param([ILL], 0.0, r"within 0\.05 s it was not ready\. Seen last: m2 has not come back.*connection refused", id="never"),
        pytest.param([WELL, ILL], 0.05, r"not ready for 0\.05 s without a break\. Seen last:.*connection refused", id="again and again"),
        pytest.param([WELL, None], 0.05, r"Seen last: No member of etcd answers", id="without quorum"),
    ],
)
def test_one_that_does_not_stay_ready_is_an_error(
    monkeypatch: pytest.MonkeyPatch, looks: list[Health | None], seconds: float, words: str
) -> None:
    with pytest.raises(EtcdError, match=f"m2 has its vote, but.*{words}"):
        member(Client(*looks), monkeypatch, timeout=0.05)._settle("m2", seconds)
