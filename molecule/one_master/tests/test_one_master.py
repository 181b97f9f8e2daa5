"""The only master is away: what runs goes on, and all of it is one cluster again when it comes back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from testinfra.host import Host

from tests.cluster.api import Api
from tests.cluster.hosts import said
from tests.cluster.playbook import fine, play, unchanged
from tests.cluster.switch import press
from tests.cluster.wait import settled, until
from tests.cluster.workload import Workload


def test_pods_go_on_without_the_master(inventory: Path, api: Api, hosts: Mapping[str, Host], workload: Workload) -> None:
    workload.wait(within=60)
    address = next(pod.address for pod in workload.pods() if pod.node == "w2")
    name = said(hosts["w1"], "curl --silent --fail http://%s:8080/hostname", address)
    press("kill", "m1")
    try:
        assert said(hosts["w1"], "curl --silent --fail http://%s:8080/hostname", address) == name
    finally:
        press("start", "m1")
    until("an API server that is ready", lambda: api.ask("/readyz").status == 200, within=120)
    settled("pods that reach each other", workload.unreached, within=120)
    unchanged(fine(play("site", inventory=inventory)))
