"""Pods reach each other, Services and names from every node; people reach pods."""

from __future__ import annotations

import ipaddress
import socket
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from testinfra.host import Host

from tests.cluster.api import Api
from tests.cluster.hosts import said, together
from tests.cluster.wait import settled, until
from tests.cluster.workload import NAMESPACE, SERVICE_PORTS, Pod, Workload


def test_every_node_has_a_network_of_its_own(
    workload: Workload, api: Api, hosts: Mapping[str, Host], node_names: list[str], variables: Mapping[str, Mapping[str, Any]]
) -> None:
    texts = together(lambda name: said(hosts[name], "cat /run/flannel/subnet.env"), node_names)
    leases = {name: dict(line.split("=", 1) for line in text.splitlines()) for name, text in texts.items()}
    networks = {name: ipaddress.IPv4Interface(lease["FLANNEL_SUBNET"]).network for name, lease in leases.items()}
    assert len(set(networks.values())) == len(node_names)
    assert {name for name, network in networks.items() if not network.subnet_of(ipaddress.IPv4Network("10.244.0.0/16"))} == set()
    pods = {pod.node: ipaddress.IPv4Address(pod.address) for pod in workload.pods()}
    assert {name for name in node_names if pods[name] not in networks[name]} == set()
    if all(variables[name].get("flannel_store", "kubernetes") == "kubernetes" for name in node_names):
        told = {node["metadata"]["name"]: node["spec"]["podCIDR"] for node in api.get("/api/v1/nodes")["items"]}
        assert told == {name: str(network) for name, network in networks.items()}


def test_every_pod_reaches_every_pod(workload: Workload) -> None:
    settled("every pod reaches every pod by TCP and UDP", workload.unreached, within=30)


@pytest.mark.parametrize("protocol", ["http", "udp"])
@pytest.mark.parametrize("target", ["its address", "its name", "its short name"])
def test_services_answer_on_every_node(workload: Workload, api: Api, protocol: str, target: str) -> None:
    address = api.get(f"/api/v1/namespaces/{NAMESPACE}/services/answer")["spec"]["clusterIP"]
    host = {"its address": address, "its name": f"answer.{NAMESPACE}.svc.cluster.local", "its short name": "answer"}[target]
    pods = workload.pods()

    def ask(pod: Pod) -> list[str]:
        def answers() -> list[str]:
            return workload.dial(pod, to=host, port=SERVICE_PORTS[protocol], protocol=protocol, tries=6)

        return until(f"answers in {pod.node}", answers, within=20)

    found = together(ask, pods)
    assert {pod.node: len(answers) for pod, answers in found.items()} == {pod.node: 6 for pod in pods}
    # Any of the pods may answer, and one that runs elsewhere does so sooner or later.
    answering = {name for answers in found.values() for name in answers}
    assert answering <= {pod.name for pod in pods}
    assert len(answering) > 1 or len(pods) == 1


def test_the_api_has_a_name_in_every_pod(workload: Workload, kubectl: Callable[..., str]) -> None:
    words = ("/agnhost", "connect", "--timeout=10s", "kubernetes.default.svc.cluster.local:443")
    together(lambda pod: kubectl("exec", f"--namespace={NAMESPACE}", pod.name, "--", *words), workload.pods())


def answer_by_udp(address: str) -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        client.sendto(b"hostname", (address, 30081))
        return client.recv(1024).decode()


def answer_by_http(address: str) -> str:
    with urllib.request.urlopen(f"http://{address}:30080/hostname", timeout=10) as response:
        return str(response.read().decode())


@pytest.mark.parametrize("ask", [pytest.param(answer_by_http, id="tcp"), pytest.param(answer_by_udp, id="udp")])
def test_every_node_opens_the_port_of_a_service(
    workload: Workload, addresses: Mapping[str, str], node_names: list[str], ask: Callable[[str], str]
) -> None:
    names = {pod.name for pod in workload.pods()}
    found = together(lambda node: until(f"an answer of {node}", lambda: ask(addresses[node]), within=20), node_names)
    assert {node: answer in names for node, answer in found.items()} == dict.fromkeys(node_names, True)


def test_logs_of_every_node_can_be_read(workload: Workload, kubectl: Callable[..., str]) -> None:
    logs = together(lambda pod: kubectl("logs", f"--namespace={NAMESPACE}", pod.name), workload.pods())
    assert {pod.node for pod, text in logs.items() if "8080" not in text} == set()


def test_commands_run_in_pods_of_every_node(workload: Workload, kubectl: Callable[..., str]) -> None:
    def run(pod: Pod) -> str:
        return kubectl("exec", f"--namespace={NAMESPACE}", pod.name, "--", "/agnhost", "entrypoint-tester", f"in-{pod.node}")

    outputs = together(run, workload.pods())
    assert {pod.node for pod, text in outputs.items() if f"in-{pod.node}" not in text} == set()
