"""What the modules that ask etcd say in check mode on hosts that have no etcd yet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils import _host
from ansible_collections.quorate.kubernetes.plugins.module_utils._etcd import EtcdError
from ansible_collections.quorate.kubernetes.plugins.modules import etcd_access, flannel_network


@pytest.fixture
def connection(tmp_path: Path) -> dict[str, Any]:
    """No certificates, and nothing listens there."""
    paths = {name: str(tmp_path / name) for name in ("ca", "certificate", "key")}
    return {**paths, "endpoint": "https://127.0.0.1:1", "endpoints": [], "etcdctl": "etcdctl"}


def access(connection: dict[str, Any], *, check_mode: bool) -> etcd_access.EtcdAccess:
    roles = [{"name": "flannel", "permissions": [{"prefix": "/net/", "key": None, "access": "readwrite"}]}]
    users = [{"name": "root", "roles": ["root"]}, {"name": "flannel", "roles": ["flannel"]}]
    return etcd_access.EtcdAccess({**connection, "roles": roles, "users": users, "enabled": True}, check_mode=check_mode)


def network(connection: dict[str, Any], *, check_mode: bool) -> flannel_network.FlannelNetwork:
    return flannel_network.FlannelNetwork(
        {**connection, "config": {"Network": "10.0.0.0/8"}, "prefix": "/net", "force": False}, check_mode=check_mode
    )


def test_all_is_new(connection: dict[str, Any]) -> None:
    words = [str(step) for step in access(connection, check_mode=True).steps]
    assert words[-1] == "Switch access control on."
    assert len(words) > 3
    assert network(connection, check_mode=True).differs


@pytest.mark.parametrize("module", [access, network])
def test_real_run_needs_the_cluster(connection: dict[str, Any], module: Any) -> None:
    with pytest.raises((EtcdError, _host.HostError)):
        module(connection, check_mode=False)
