"""Both halves of the module certificates together, the host's half in this process with the real openssl."""

from __future__ import annotations

import getpass
import grp
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Optional
from unittest import mock

import pytest

from ansible_collections.quorate.kubernetes.plugins.action import certificates as action
from ansible_collections.quorate.kubernetes.plugins.module_utils import _certificate_files, _certificate_plan, _host, _http
from ansible_collections.quorate.kubernetes.plugins.modules import certificates as module
from ansible_collections.quorate.kubernetes.plugins.plugin_utils import _authority, _authority_maker

OWNER, GROUP = getpass.getuser(), grp.getgrgid(os.getgid()).gr_name


class Host:
    """A host, and a control node that observed it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.asked: list[str] = []
        self.certificates: list[dict[str, Any]] = [
            self._certificate("server", dns=["m1"], addresses=["192.0.2.1"], usages=["server", "client"]),
            self._certificate("client", usages=["client"], organizations=["g"]),
        ]
        self.trust: list[dict[str, Any]] = [{"path": str(root / "etc/ca.crt"), "authorities": ["etcd"], "owner": OWNER, "group": GROUP}]
        self.authorities(root / "pki")

    def path(self, name: str) -> Path:
        return self.root / "etc" / name

    def authorities(self, directory: Path) -> None:
        store = _authority.AuthorityStore(str(directory))
        settings = _authority_maker.Settings(passphrase="", days=3650, key_type="ecdsa-p256")
        _authority_maker.AuthorityMaker(store, settings).carry_out()

    def run(self, *, check: bool = False, observed: bool = True, **arguments: Any) -> dict[str, Any]:
        task = mock.MagicMock(check_mode=check, async_val=0, diff=False)
        task.args = {
            "certificates": self.certificates,
            "trust": self.trust,
            "pki_directory": str(self.root / "pki"),
            **arguments,
        }
        plugin = action.ActionModule(task, mock.MagicMock(), mock.MagicMock(), None, None, None)
        plugin._execute_module = self._execute
        self.asked = []
        task_vars: dict[str, Any] = {"inventory_hostname": "m1", "cluster_topology": {"run": "x"}}
        if observed:
            task_vars["ansible_facts"] = {"host_observation": {"run": "x", **_certificate_files.observe()}}
        return plugin.run(None, task_vars)

    def _certificate(self, name: str, **fields: Any) -> dict[str, Any]:
        return {
            "path": str(self.path(f"{name}.crt")),
            "authority": "etcd",
            "common_name": name,
            "owner": OWNER,
            "group": GROUP,
            **fields,
        }

    def _execute(self, _name: str, module_args: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        assert task_vars
        self.asked.append(module_args["state"])
        params = {"certificates": [], "trust": [], **module_args}
        defaults = {"rekey": False, "content": None, "public_key": None}
        params["certificates"] = [{**defaults, **entry} for entry in params["certificates"]]
        params["trust"] = [{"content": None, **entry} for entry in params["trust"]]
        host = module.CertificatesOnHost(params)
        result: dict[str, Any] = {}
        try:
            if params["state"] != "observed":
                result = host.requested() if params["state"] == "requested" else host.present()
        except _host.HostError as error:
            return {"failed": True, "msg": str(error)}
        return {**result, "observation": _certificate_files.observe()}


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    monkeypatch.setattr(_certificate_files, "RECORD", str(tmp_path / "state" / "certificates.json"))
    # Only root may give directories and records to root.
    monkeypatch.setattr(_host.write_file, "__kwdefaults__", {**(_host.write_file.__kwdefaults__ or {}), "owner": OWNER, "group": GROUP})
    monkeypatch.setattr(_host.make_directory, "__kwdefaults__", {"mode": "0755", "owner": OWNER, "group": GROUP})
    return Host(tmp_path)


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def verified(host: Host, name: str) -> bool:
    arguments = ["openssl", "verify", "-CAfile", str(host.path("ca.crt")), str(host.path(f"{name}.crt"))]
    return subprocess.run(arguments, capture_output=True, check=False).returncode == 0


def test_fresh_host(host: Host) -> None:
    planned = host.run(check=True)
    assert (planned["changed"], planned["executions"], host.asked) == (True, 0, [])
    assert not host.path("").exists()
    done = host.run()
    assert done["plan"] == planned["plan"]
    assert len(done["plan"]) == 3
    assert done["diff"] == planned["diff"]
    assert (done["executions"], host.asked) == (2, ["requested", "present"])
    assert set(done["signed"]) == {entry["path"] for entry in host.certificates}
    assert verified(host, "server")
    assert verified(host, "client")
    assert done["ansible_facts"]["host_observation"]["certificates"] == _certificate_files.observe_certificates()
    assert "PRIVATE" not in str(done)


def test_nothing_to_do_asks_the_host_nothing(host: Host) -> None:
    host.run()
    again = host.run()
    assert (again["changed"], again["executions"], host.asked) == (False, 0, [])


def test_a_host_that_was_not_observed_is_asked(host: Host) -> None:
    host.run()
    again = host.run(observed=False)
    assert (again["changed"], again["executions"], host.asked) == (False, 1, ["observed"])


def alter(host: Host, name: str, **changes: Any) -> None:
    next(entry for entry in host.certificates if entry["common_name"] == name).update(changes)


def new_authority(host: Host) -> None:
    """As in the second stage of a rotation: both are trusted, the new one signs."""
    former = (host.root / "pki/etcd/trusted.crt").read_text()
    for name in ("ca.crt", "ca.key", "trusted.crt"):
        (host.root / "pki/etcd" / name).unlink()
    host.authorities(host.root / "pki")
    with (host.root / "pki/etcd/trusted.crt").open("a") as file:
        file.write(former)


def swap(host: Host) -> None:
    """The whole pair of another certificate, which is valid too."""
    for ending in ("crt", "key"):
        host.path(f"server.{ending}").write_bytes(host.path(f"client.{ending}").read_bytes())


CHANGES: list[Any] = [
    pytest.param(lambda h: h.path("server.crt").unlink(), ["make", "it is missing"], False, id="certificate removed"),
    pytest.param(lambda h: h.path("server.key").unlink(), ["renew", "its key is missing"], True, id="key removed"),
    pytest.param(lambda h: h.path("server.key").write_bytes(b"x"), ["renew", "its key is not the one"], True, id="key altered"),
    pytest.param(lambda h: h.path("server.crt").write_bytes(b"-----BEGIN"), ["renew", "cannot be read"], False, id="truncated"),
    pytest.param(lambda h: h.path("server.crt").write_bytes(h.path("client.crt").read_bytes()), ["renew", "differs"], True, id="other"),
    pytest.param(swap, ["renew", "its key is not the one", "common name differs (client, wanted server)"], True, id="other pair"),
    pytest.param(lambda h: alter(h, "server", addresses=["192.0.2.1", "192.0.2.2"]), ["renew", "(+192.0.2.2)"], False, id="name added"),
    pytest.param(lambda h: alter(h, "server", dns=["m2"]), ["renew", "(+m2, -m1)"], True, id="name replaced"),
    pytest.param(lambda h: alter(h, "server", key_type="ecdsa-p384"), ["renew", "key type differs"], True, id="key type"),
    pytest.param(lambda h: alter(h, "server", organizations=["x"]), ["renew", "organizations differ (+x)"], False, id="organization"),
    pytest.param(lambda h: h.path("server.key").chmod(0o644), ["set owner and mode", "key: mode is 0644"], False, id="open key"),
    pytest.param(lambda h: h.path("ca.crt").write_bytes(b""), ["write", "trusted authorities differ"], False, id="bundle emptied"),
    pytest.param(lambda h: h.path("ca.crt").unlink(), ["write", "it is missing"], False, id="bundle removed"),
    pytest.param(new_authority, ["renew", "issuer differs", "trusted authorities differ"], False, id="rotated"),
]


@pytest.mark.parametrize(("change", "words", "rekeyed"), CHANGES)
def test_what_differs_is_put_right(host: Host, change: Callable[[Host], None], words: list[str], rekeyed: bool) -> None:
    host.run()
    key = host.path("server.key").read_bytes()
    change(host)
    before = tree(host.root / "etc")
    planned = host.run(check=True)
    assert tree(host.root / "etc") == before
    done = host.run()
    assert done["plan"] == planned["plan"]
    assert [word for word in words if word not in " ".join(done["plan"])] == []
    assert (host.path("server.key").read_bytes() != key) is rekeyed
    assert verified(host, "server")
    assert verified(host, "client")
    _http.tls_context(certificate=str(host.path("server.crt")), key=str(host.path("server.key")))
    assert host.run()["changed"] is False


@pytest.mark.parametrize("left", [pytest.param(60, id="near the end"), pytest.param(-5, id="expired")])
def test_renewal_keeps_key_and_bundle(host: Host, monkeypatch: pytest.MonkeyPatch, left: int) -> None:
    host.run()
    before = tree(host.root / "etc")
    later = time.time() + (365 - left) * _certificate_plan.DAY
    monkeypatch.setattr(time, "time", lambda: later)
    done = host.run(renew_before_days=61)
    assert len(done["plan"]) == 2
    assert {path for path, text in tree(host.root / "etc").items() if before[path] != text} == {e["path"] for e in host.certificates}


def test_only_the_bundle_takes_one_execution(host: Host) -> None:
    host.run()
    host.path("ca.crt").unlink()
    foretold = host.run(check=True)["ansible_facts"]["host_observation"]["files"]
    done = host.run()
    assert host.asked == ["present"]
    # So the plans that follow in check mode know whose programs would be restarted for it.
    digests = [files[str(host.path("ca.crt"))]["digest"] for files in (foretold, done["ansible_facts"]["host_observation"]["files"])]
    assert digests[0] == digests[1]


def test_killed_between_both_executions(host: Host) -> None:
    host.run()
    before = tree(host.root / "etc")
    alter(host, "server", key_type="ecdsa-p384")
    with mock.patch.object(module.CertificatesOnHost, "present", side_effect=_host.HostError("killed")):
        assert host.run()["failed"]
    # A new key waits; certificate and key in use are those of before.
    assert {path: text for path, text in tree(host.root / "etc").items() if not path.endswith(".new")} == before
    assert host.run()["changed"]
    assert not list(host.path("").glob("*.new"))
    assert host.run()["changed"] is False


@pytest.mark.parametrize(("verb", "at"), [pytest.param("rename_file", number, id=f"rename {number}") for number in range(4)])
def test_killed_while_putting_in_place(host: Host, monkeypatch: pytest.MonkeyPatch, verb: str, at: int) -> None:
    calls = iter(range(100))
    real = getattr(_host, verb)

    def killed(*arguments: Any) -> None:
        if next(calls) == at:
            raise SystemExit
        real(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(_host, verb, killed)
        patched.setattr(_certificate_files, "note", lambda *_: None)
        with pytest.raises(SystemExit):
            host.run()
    assert host.run()["changed"]
    assert verified(host, "server")
    assert verified(host, "client")
    assert host.run()["changed"] is False


def test_names_of_a_request_do_not_count(host: Host) -> None:
    evil = b"[req]\ndistinguished_name = n\nprompt = no\nreq_extensions = e\n[n]\nO = system:masters\nCN = evil\n[e]\nsubjectAltName = DNS:evil\n"
    with mock.patch.object(_certificate_files, "_REQUEST_CONFIGURATION", evil):
        host.run()
    arguments = ["openssl", "x509", "-noout", "-text", "-in", str(host.path("server.crt"))]
    text = subprocess.run(arguments, capture_output=True, text=True, check=True).stdout
    assert "CN = server" in text
    assert "evil" not in text
    assert "system:masters" not in text


@pytest.mark.parametrize(
    ("prepare", "arguments", "message"),
    [
        pytest.param(lambda h: h.certificates.append(h.certificates[0]), {}, "is named twice", id="twice"),
        pytest.param(lambda h: (h.root / "pki/etcd/ca.key").unlink(), {}, "a certificate but no key", id="authority without key"),
        pytest.param(lambda _host: None, {"pki_directory": "/nonexistent"}, "There is no authority etcd", id="no authority"),
    ],
)
def test_refusal_before_the_host_is_asked(
    host: Host, prepare: Callable[[Host], Optional[Any]], arguments: dict[str, Any], message: str
) -> None:
    prepare(host)
    result = host.run(**arguments)
    assert result["failed"]
    assert message in result["msg"]
    assert host.asked == []


def test_an_authority_without_a_key_does_while_nothing_has_to_be_signed(host: Host) -> None:
    host.run()
    (host.root / "pki/etcd/ca.key").unlink()
    assert host.run()["changed"] is False


def test_another_authority_stops(host: Host) -> None:
    host.run()
    before = tree(host.root / "etc")
    host.authorities(host.root / "other")
    result = host.run(pki_directory=str(host.root / "other"))
    assert "signed certificates on m1" in result["msg"]
    assert tree(host.root / "etc") == before
