"""What fits its declaration, and would stop a run on its way all the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils._variables import Declared
from ansible_collections.quorate.kubernetes.plugins.plugin_utils import _preflight

KNOWN = Declared(
    specs={
        "artifacts_source": {"default": "official"},
        "artifacts_mirror": {"default": ""},
        "artifacts_directory": {"default": ""},
        "artifacts_delivery": {"default": "push"},
        "flannel_backend": {"default": {"Type": "vxlan"}},
        "flannel_flags": {"default": {}},
        "flannel_network": {"default": {}},
        "flannel_store": {"default": "kubernetes"},
        "masters_encrypted_resources": {"default": ["secrets"]},
        "etcd_unit_template": {"default": "etcd.service.j2"},
        "node_sysctl_template": {"default": "sysctl.conf.j2"},
    },
    roles=("artifacts", "etcd", "flannel", "node"),
)
THERE = ("mine.j2", "/srv/mine.j2")


def problems(hosts: dict[str, dict[str, Any]], *, later: str = "", installs: bool = True) -> list[str]:
    """What is wrong with the variables of hosts; `later` is one of each host that cannot be computed yet."""
    given = {host: {*values, *([later] if later else [])} for host, values in hosts.items()}
    settings = _preflight.Settings(values=hosts, given=given, known=KNOWN)
    found = list(_preflight.problems(settings, pods="10.244.0.0/16", installs=installs, has_template=THERE.__contains__))
    assert all(problem.remedy and len(problem.hosts) == 1 for problem in found)
    return [f"{problem.hosts[0]}: {problem.what}" for problem in found]


@pytest.mark.parametrize(
    ("values", "wrong"),
    [
        pytest.param({}, [], id="nothing set"),
        pytest.param({"etcd_unit_template": "mine.j2"}, [], id="template"),
        pytest.param({"etcd_unit_template": "/srv/mine.j2"}, [], id="template with its path"),
        pytest.param(
            {"etcd_unit_template": "your.j2", "node_sysctl_template": "/srv/your.j2"},
            ['etcd_unit_template is "your.j2", but there is no such', 'node_sysctl_template is "/srv/your.j2", but there is no such'],
            id="no template",
        ),
        pytest.param({"flannel_backend": {"Type": "host-gw"}}, [], id="backend"),
        pytest.param({"flannel_backend": {"VNI": 1}}, ["with flannel_backend, the Type of flannel's Backend is null"], id="no type"),
        pytest.param({"flannel_backend": {"VNI": 1}, "flannel_network": {"Backend": {"Type": "vxlan"}}}, [], id="type beside it"),
        pytest.param({"flannel_network": {"SubnetLen": 31}}, [], id="subnets of Kubernetes"),
        pytest.param(
            {"flannel_network": {"SubnetLen": 31}, "flannel_store": "etcd"}, ["the subnets of nodes would be /31"], id="subnets of flannel"
        ),
        pytest.param({"flannel_flags": {"etcd-keyfile": None}}, [], id="flannel asks Kubernetes"),
        pytest.param(
            {"flannel_flags": {"etcd-keyfile": None}, "flannel_store": "etcd"}, ["flannel_flags takes etcd-keyfile away"], id="no TLS"
        ),
        pytest.param({"masters_encrypted_resources": ["secrets", "bears.example.com", "*.apps", "*.", "*.*"]}, [], id="encrypted"),
        pytest.param({"masters_encrypted_resources": []}, ["masters_encrypted_resources is empty"], id="nothing encrypted"),
        pytest.param(
            {"masters_encrypted_resources": ["secrets", "*", "Secret"]},
            ['masters_encrypted_resources names "*", "Secret", which is no resource'],
            id="encrypted by another name",
        ),
        pytest.param({"artifacts_mirror": "", "artifacts_delivery": "push"}, [], id="defaults"),
        pytest.param({"artifacts_source": "mirror", "artifacts_mirror": "https://a", "artifacts_delivery": "pull"}, [], id="mirror"),
        pytest.param({"artifacts_source": "mirror"}, ["artifacts_mirror (not set) is no URL"], id="no mirror"),
        pytest.param({"artifacts_delivery": "pull"}, ["artifacts_delivery pull needs artifacts_source mirror"], id="pull from upstream"),
        pytest.param({"artifacts_source": "directory"}, ["artifacts_directory (not set) is no folder"], id="no folder"),
        pytest.param(
            {"artifacts_source": "directory", "artifacts_directory": "/nonexistent", "artifacts_delivery": "pull"},
            ['artifacts_directory "/nonexistent" is no folder', "artifacts_delivery pull needs artifacts_source mirror"],
            id="a folder that is not there, and pull",
        ),
    ],
)
def test_problems(values: dict[str, Any], wrong: list[str]) -> None:
    found = problems({"m1": values, "m2": {}})
    assert len(found) == len(wrong), found
    assert all(text.startswith(f"m1: {start}") for text, start in zip(found, wrong))


@pytest.mark.parametrize(
    ("values", "later"),
    [
        pytest.param({"artifacts_source": "mirror"}, "artifacts_mirror", id="mirror"),
        pytest.param({"artifacts_delivery": "pull"}, "artifacts_source", id="source"),
        pytest.param({"flannel_backend": {"VNI": 1}}, "flannel_network", id="flannel"),
        pytest.param({"flannel_flags": {"etcd-keyfile": None}}, "flannel_store", id="flags of flannel"),
        pytest.param({}, "etcd_unit_template", id="template"),
    ],
)
def test_what_is_wrong_or_computed_later_is_not_judged(values: dict[str, Any], later: str) -> None:
    assert problems({"m1": values}, later=later) == []


def test_a_folder_that_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert problems({"m1": {"artifacts_source": "directory", "artifacts_directory": "~"}}) == []


@pytest.mark.parametrize(
    ("directory", "count"), [pytest.param("/nonexistent", 0, id="of no matter"), pytest.param("", 1, id="never right")]
)
def test_who_installs_nothing_needs_no_folder(directory: str, count: int) -> None:
    """A backup, or a cluster that is brought back, must not wait for a disk with programs."""
    values = {"artifacts_source": "directory", "artifacts_directory": directory}
    assert len(problems({"m1": values}, installs=False)) == count
