"""Pods that reach each other, to see whether a cluster's network is whole."""

from __future__ import annotations

import datetime
import json
import tarfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testinfra.host import Host

from .api import Api
from .hosts import together
from .ssh import send
from .wait import settled, until

NAMESPACE = "quorate-test"
DEFINITION = Path(__file__).with_name("workload.yml")
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
LABEL = {"labelSelector": "app=answer"}
PORTS = {"http": 8080, "udp": 8081}
SERVICE_PORTS = {"http": 80, "udp": 81}


@dataclass(frozen=True)
class Pod:
    """A pod of the workload."""

    name: str
    node: str
    address: str
    started: datetime.datetime


def image_of(archive: Path) -> str:
    """The name of the image in an archive."""
    with tarfile.open(archive) as opened:
        manifest = opened.extractfile("manifest.json")
        assert manifest
        return str(json.load(manifest)[0]["RepoTags"][0])


def ready(pod: Mapping[str, Any]) -> bool:
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in pod["status"].get("conditions", []))


def described(pod: Mapping[str, Any]) -> Pod:
    started = pod["status"]["containerStatuses"][0]["state"]["running"]["startedAt"]
    return Pod(
        name=pod["metadata"]["name"],
        node=pod["spec"]["nodeName"],
        address=pod["status"]["podIP"],
        started=datetime.datetime.fromisoformat(started.replace("Z", "+00:00")),
    )


class Workload:
    """A pod on every node and Services before them; see workload.yml."""

    def __init__(
        self, *, api: Api, kubectl: Callable[..., str], hosts: Mapping[str, Host], addresses: Mapping[str, str], archive: Path
    ) -> None:
        self._api = api
        self._kubectl = kubectl
        self._hosts = hosts
        self._addresses = addresses
        self._archive = archive

    @property
    def image(self) -> str:
        """What its pods run."""
        return image_of(self._archive)

    def start(self) -> None:
        together(self._import, self._hosts)
        until("the end of an earlier workload", lambda: self._api.ask(f"/api/v1/namespaces/{NAMESPACE}").status == 404, within=120)
        self._kubectl("apply", "--filename=-", stdin=DEFINITION.read_text(encoding="utf-8").replace("IMAGE", self.image))
        self.wait(within=120)

    def remove(self) -> None:
        self._kubectl("delete", "namespace", NAMESPACE, "--wait=false")

    def wait(self, *, within: float) -> None:
        """Until the pod of each node is ready."""
        settled("a ready pod on every node", lambda: sorted(set(self._hosts) - {pod.node for pod in self.pods()}), within=within)

    def pods(self) -> list[Pod]:
        """The pods that are ready. A test may run others beside them."""
        return [described(pod) for pod in self._api.get(PODS, query=LABEL)["items"] if ready(pod)]

    def dial(self, pod: Pod, *, to: str, port: int, protocol: str, tries: int = 1) -> list[str]:
        """Let a pod ask who answers somewhere; the names that answered. What fails is a failure of the test."""
        query = {"host": to, "port": str(port), "request": "hostname", "protocol": protocol, "tries": str(tries)}
        answer = self._api.get(f"{PODS}/{pod.name}:8080/proxy/dial", query=query)
        assert not answer.get("errors"), f"{pod.node} to {to}:{port} by {protocol}: {answer['errors']}"
        # agnhost answers nothing, and tells no error, where a connection ended before the whole answer had come.
        assert all(answer["responses"]), f"{pod.node} to {to}:{port} by {protocol}: an answer was cut off: {answer}"
        return list(answer["responses"])

    def unreached(self, *, only: Iterable[str] | None = None, since: datetime.datetime | None = None) -> list[str]:
        """Pods that another pod does not reach by TCP or UDP; only those to and from some nodes, and started since, if said."""
        chosen = set(only if only is not None else self._hosts)
        pods = [pod for pod in self.pods() if since is None or pod.node not in chosen or pod.started >= since]
        pairs = [
            (source, target, protocol)
            for source in pods
            for target in pods
            for protocol in PORTS
            if source.node in chosen or target.node in chosen
        ]

        def problem(pair: tuple[Pod, Pod, str]) -> str:
            source, target, protocol = pair
            try:
                answers = self.dial(source, to=target.address, port=PORTS[protocol], protocol=protocol)
            except (AssertionError, OSError) as error:
                return f"{source.node} to {target.node} by {protocol}: {error}"
            return "" if answers == [target.name] else f"{source.node} to {target.node} by {protocol}: {answers}"

        missing = [f"{node}: no ready pod" for node in sorted(set(self._hosts) - {pod.node for pod in pods})]
        return missing + [text for text in together(problem, pairs).values() if text]

    def _import(self, name: str) -> None:
        """Give a node the image, unless it has it; no registry is asked."""
        host = self._hosts[name]
        if self.image in host.check_output("ctr --namespace=k8s.io images list --quiet").split():
            return
        send(self._addresses[name], file=self._archive, to="ctr --namespace=k8s.io images import -")
