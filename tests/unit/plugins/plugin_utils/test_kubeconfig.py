"""Kubeconfig files: what is written is read as wanted, and each difference is told."""

from __future__ import annotations

import base64
import dataclasses
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.quorate.kubernetes.plugins.plugin_utils import _authority, _authority_maker, _kubeconfig

DAYS = 365


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> _authority.AuthorityStore:
    found = _authority.AuthorityStore(str(tmp_path_factory.mktemp("pki")))
    settings = _authority_maker.Settings(passphrase="", days=3650, key_type="ecdsa-p256")
    _authority_maker.AuthorityMaker(found, settings).carry_out()
    return found


@pytest.fixture(scope="module")
def wanted(store: _authority.AuthorityStore) -> _kubeconfig.Kubeconfig:
    return _kubeconfig.Kubeconfig(
        cluster="kubernetes",
        server="https://192.0.2.1:6443",
        others=(("m1", "https://192.0.2.1:6443"), ("m2", "https://192.0.2.2:6443")),
        common_name="admin",
        organizations=("quorate:admins",),
        trusted=store.trusted("kubernetes"),
    )


def written(store: _authority.AuthorityStore, wanted: _kubeconfig.Kubeconfig, *, days: int = DAYS) -> str:
    pair = store.issue(authority="kubernetes", common_name=wanted.common_name, organizations=wanted.organizations, minutes=days * 1440)
    return _kubeconfig.render(wanted, certificate=pair.certificate, key=pair.key)


def reasons(store: _authority.AuthorityStore, wanted: _kubeconfig.Kubeconfig, text: bytes | None) -> list[str]:
    return _kubeconfig.reasons(
        wanted,
        text,
        issuer=store.issuer("kubernetes"),
        authorities=store.known("kubernetes"),
        days=DAYS,
        renew_before_days=60,
        now=time.time(),
    )


def test_what_is_written_is_as_wanted(store: _authority.AuthorityStore, wanted: _kubeconfig.Kubeconfig) -> None:
    assert reasons(store, wanted, written(store, wanted).encode()) == []


def test_openssl_finds_who_it_is_for(store: _authority.AuthorityStore, wanted: _kubeconfig.Kubeconfig, tmp_path: Path) -> None:
    parsed = yaml.safe_load(written(store, wanted))
    assert parsed["current-context"] == parsed["contexts"][0]["name"] == "admin@kubernetes"
    servers = {entry["name"]: entry["cluster"]["server"] for entry in parsed["clusters"]}
    chosen = {entry["name"]: servers[entry["context"]["cluster"]] for entry in parsed["contexts"]}
    assert chosen["admin@kubernetes-m2"] == "https://192.0.2.2:6443"
    user, cluster = parsed["users"][0]["user"], parsed["clusters"][0]["cluster"]
    (tmp_path / "crt").write_bytes(base64.b64decode(user["client-certificate-data"]))
    (tmp_path / "ca").write_bytes(base64.b64decode(cluster["certificate-authority-data"]))
    arguments = ["openssl", "verify", "-purpose", "sslclient", "-CAfile", str(tmp_path / "ca"), str(tmp_path / "crt")]
    assert subprocess.run(arguments, check=False).returncode == 0
    shown = subprocess.run(["openssl", "x509", "-noout", "-subject", "-in", str(tmp_path / "crt")], capture_output=True, check=True)
    assert b"O = quorate:admins, CN = admin" in shown.stdout


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"cluster": "other"}, "cluster differs (other, wanted kubernetes)", id="cluster"),
        pytest.param({"server": "https://x"}, "server differs (https://x, wanted https://192.0.2.1:6443)", id="server"),
        pytest.param({"others": (("m1", "https://192.0.2.1:6443"),)}, "the servers to choose from differ", id="a master less"),
        pytest.param({"others": ()}, "the servers to choose from differ", id="one server"),
        pytest.param({"common_name": "eve"}, "user differs (eve, wanted admin)", id="user"),
        pytest.param({"organizations": ("a",)}, "groups differ (a, wanted quorate:admins)", id="groups"),
        pytest.param({"trusted": "x"}, "the trusted authorities differ", id="bundle"),
    ],
)
def test_each_difference_is_told(
    store: _authority.AuthorityStore, wanted: _kubeconfig.Kubeconfig, changes: dict[str, Any], reason: str
) -> None:
    text = written(store, dataclasses.replace(wanted, **changes)).encode()
    assert reasons(store, wanted, text) == [reason]


def test_the_end_of_the_certificate_is_told(store: _authority.AuthorityStore, wanted: _kubeconfig.Kubeconfig) -> None:
    (reason,) = reasons(store, wanted, written(store, wanted, days=10).encode())
    assert reason.startswith("its certificate ends on ")


def test_another_authority_is_told(store: _authority.AuthorityStore, wanted: _kubeconfig.Kubeconfig, tmp_path: Path) -> None:
    other = _authority.AuthorityStore(str(tmp_path / "pki"))
    settings = _authority_maker.Settings(passphrase="", days=3650, key_type="ecdsa-p256")
    _authority_maker.AuthorityMaker(other, settings).carry_out()
    assert reasons(store, wanted, written(other, wanted).encode()) == ["issuer differs"]


def _with_another_key(parsed: dict[str, Any], other: dict[str, Any]) -> None:
    parsed["users"][0]["user"]["client-key-data"] = other["users"][0]["user"]["client-key-data"]


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        pytest.param(lambda parsed, _other: parsed.clear(), "it cannot be read", id="empty"),
        pytest.param(lambda parsed, _other: parsed.update(users=[]), "it cannot be read", id="no user"),
        pytest.param(lambda parsed, _other: parsed["users"][0].update(user={"token": "x"}), "it cannot be read", id="other user"),
        pytest.param(_with_another_key, "its certificate and key do not fit", id="another key"),
    ],
)
def test_damage_is_told(
    store: _authority.AuthorityStore, wanted: _kubeconfig.Kubeconfig, damage: Callable[[Any, Any], None], reason: str
) -> None:
    parsed = yaml.safe_load(written(store, wanted))
    damage(parsed, yaml.safe_load(written(store, wanted)))
    assert reasons(store, wanted, yaml.safe_dump(parsed).encode()) == [reason]


@pytest.mark.parametrize("text", [b"", b"\xff\xfe", b"a: b: c", b"- x", b"hello"])
def test_what_is_no_kubeconfig_is_told(store: _authority.AuthorityStore, wanted: _kubeconfig.Kubeconfig, text: bytes) -> None:
    assert reasons(store, wanted, text) == ["it cannot be read"]


def test_missing_file(store: _authority.AuthorityStore, wanted: _kubeconfig.Kubeconfig) -> None:
    assert reasons(store, wanted, None) == ["it is missing"]
