"""The security baseline, seen on the running hosts: what listens, who runs, who may read, who is let in."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from testinfra.host import Host

from tests.cluster import openssl, tls
from tests.cluster.api import Api, decoded, load
from tests.cluster.hosts import look, said, together
from tests.cluster.ssh import forwarded
from tests.cluster.wait import until

LOOPBACK = ("127.0.0.1", "[::1]")
# What may speak plain HTTP, to its own host only: health, metrics, and containerd's streams, which kubelet hands on.
PLAIN = {
    ("kubelet", 10248),
    ("kube-proxy", 10249),
    ("kube-proxy", 10256),
    ("flanneld", 8471),
    ("containerd", None),
}
OWN_USERS = {
    "etcd": "etcd",
    "kube-apiserver": "kube-apiserver",
    "kube-controller-manager": "kube-controller-manager",
    "kube-scheduler": "kube-scheduler",
    "haproxy": "haproxy",
}


# --- what listens --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def listeners(hosts: Mapping[str, Host]) -> Mapping[str, list[Mapping[str, Any]]]:
    """What listens on each host, and what it says to somebody without a certificate."""
    return together(lambda name: look(hosts[name], "listeners", "/metrics"), hosts)


def odd(listeners: Mapping[str, list[Mapping[str, Any]]], fine: Callable[[Mapping[str, Any]], bool]) -> list[tuple[Any, ...]]:
    """The listeners that are not fine, in a form that can be read."""
    return [(name, *it.values()) for name, found in listeners.items() for it in found if not fine(it)]


def test_plain_http_stays_on_its_host(listeners: Mapping[str, list[Mapping[str, Any]]]) -> None:
    def fine(it: Mapping[str, Any]) -> bool:
        known = (it["process"], it["port"]) in PLAIN or (it["process"], None) in PLAIN
        return it["plain"] != "http" or (it["address"] in LOOPBACK and known)

    assert odd(listeners, fine) == []


def test_nobody_without_a_certificate_reads_metrics(listeners: Mapping[str, list[Mapping[str, Any]]]) -> None:
    assert odd(listeners, lambda it: it["tls"] != "200") == []


def test_every_listener_of_etcd_asks_for_a_certificate(
    listeners: Mapping[str, list[Mapping[str, Any]]], members: Callable[[str], list[str]], addresses: Mapping[str, str]
) -> None:
    found = {name: {(it["address"], it["port"]) for it in its if it["process"] == "etcd"} for name, its in listeners.items()}
    wanted = {
        name: {("127.0.0.1", 2379), ("127.0.0.1", 2381), (addresses[name], 2379), (addresses[name], 2380)} for name in members("etcd")
    }
    assert {name: ports for name, ports in found.items() if ports} == wanted
    assert odd(listeners, lambda it: it["process"] != "etcd" or "CERTIFICATE" in it["tls"]) == []


def test_nothing_speaks_an_old_tls(listeners: Mapping[str, list[Mapping[str, Any]]]) -> None:
    assert odd(listeners, lambda it: it["old tls"] == "no tls" or "PROTOCOL_VERSION" in it["old tls"]) == []


def test_controllers_listen_on_loopback_only(listeners: Mapping[str, list[Mapping[str, Any]]]) -> None:
    local = ("kube-scheduler", "kube-controller", "flanneld", "haproxy", "containerd")
    assert odd(listeners, lambda it: it["process"] not in local or it["address"] in LOOPBACK) == []


@pytest.mark.parametrize("path", ["/pods", "/metrics", "/configz", "/logs/", "/run/kube-system/x/y", "/healthz"])
def test_kubelets_answer_nobody_unknown(addresses: Mapping[str, str], node_names: list[str], path: str) -> None:
    assert {name: tls.status(addresses[name], port=10250, path=path) for name in node_names} == dict.fromkeys(node_names, "401")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        pytest.param("/livez", "200", id="livez"),
        pytest.param("/readyz", "200", id="readyz"),
        pytest.param("/healthz", "200", id="healthz"),
        pytest.param("/readyz/etcd", "401", id="details of health"),
        pytest.param("/version", "401", id="version"),
        pytest.param("/api", "401", id="api"),
        pytest.param("/api/v1/namespaces/kube-public/configmaps", "401", id="public objects"),
        pytest.param("/metrics", "401", id="metrics"),
        pytest.param("/openid/v1/jwks", "401", id="keys of tokens"),
    ],
)
def test_api_servers_tell_strangers_their_health_only(
    addresses: Mapping[str, str], members: Callable[[str], list[str]], api: Api, path: str, status: str
) -> None:
    found = {name: tls.status(addresses[name], port=api.port, path=path) for name in members("masters")}
    assert found == dict.fromkeys(members("masters"), status)


# --- who runs ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def processes(hosts: Mapping[str, Host]) -> Mapping[str, list[Mapping[str, Any]]]:
    """The processes of each host."""
    return together(lambda name: look(hosts[name], "processes"), hosts)


def test_programs_run_without_privileges(processes: Mapping[str, list[Mapping[str, Any]]], members: Callable[[str], list[str]]) -> None:
    wrong = []
    seen: dict[str, set[str]] = {name: set() for name in processes}
    for name, found in processes.items():
        for it in found:
            if it["program"] not in OWN_USERS:
                continue
            seen[name].add(it["program"])
            if (it["user"], it["no_new_privileges"], it["capabilities"], it["umask"]) != (OWN_USERS[it["program"]], True, 0, "0077"):
                wrong.append((name, it))
    assert wrong == []
    control_plane = {"kube-apiserver", "kube-controller-manager", "kube-scheduler"}
    missing = {name: control_plane - seen[name] for name in members("masters")} | {name: {"etcd"} - seen[name] for name in members("etcd")}
    assert {name: programs for name, programs in missing.items() if programs} == {}


CONTROL_PLANE = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
ON_NODES = ("api-load-balancer", "containerd", "flanneld", "kube-proxy", "kubelet")


def shown(host: Host, unit: str, names: Iterable[str]) -> dict[str, str]:
    """What systemd says of a unit."""
    text = said(host, f"systemctl show --property={','.join(names)} {unit}.service")
    return dict(line.split("=", 1) for line in text.splitlines())


@pytest.mark.parametrize("unit", [*CONTROL_PLANE, "api-load-balancer"])
def test_units_are_walled_in(hosts: Mapping[str, Host], members: Callable[[str], list[str]], node_names: list[str], unit: str) -> None:
    where = {"etcd": members("etcd"), "api-load-balancer": node_names}.get(unit, members("masters"))
    wanted = {
        "NoNewPrivileges": "yes",
        "ProtectSystem": "strict",
        "ProtectHome": "yes",
        "PrivateTmp": "yes",
        "PrivateDevices": "yes",
        "ProtectKernelTunables": "yes",
        "ProtectKernelModules": "yes",
        "ProtectControlGroups": "yes",
        "RestrictSUIDSGID": "yes",
        "CapabilityBoundingSet": "",
        "UMask": "0077",
    }
    found = together(lambda name: shown(hosts[name], unit, wanted), where)
    assert found == dict.fromkeys(where, wanted)


@pytest.mark.parametrize("unit", [*CONTROL_PLANE, *ON_NODES])
def test_units_are_started_again_but_not_for_ever(
    hosts: Mapping[str, Host], members: Callable[[str], list[str]], node_names: list[str], unit: str
) -> None:
    where = members("etcd") if unit == "etcd" else node_names if unit in ON_NODES else members("masters")
    found = together(lambda name: shown(hosts[name], unit, ("Restart", "StartLimitBurst", "StartLimitIntervalUSec")), where)
    assert {it["Restart"] for it in found.values()} == {"always"}
    # With either of them 0 there is no limit.
    assert [it for it in found.values() if "0" in (it["StartLimitBurst"], it["StartLimitIntervalUSec"])] == []


FLAGS = {
    "kube-apiserver": {
        "authorization-mode": "Node,RBAC",
        "enable-admission-plugins": "NodeRestriction",
        "profiling": "false",
        "service-account-lookup": "true",
        "service-account-extend-token-expiration": "false",
        "audit-log-maxage": "30",
        "audit-log-maxbackup": "10",
        "audit-log-maxsize": "100",
        "tls-min-version": "VersionTLS12",
        "kubelet-certificate-authority": "/etc/kubernetes/pki/ca.crt",
        "etcd-cafile": "/etc/kubernetes/pki/etcd-ca.crt",
    },
    "kube-controller-manager": {"profiling": "false", "bind-address": "127.0.0.1", "use-service-account-credentials": "true"},
    # Whether it serves profiles its configuration file says, and the flag does not count.
    "kube-scheduler": {"profiling": "false", "bind-address": "127.0.0.1"},
    "etcd": {"client-cert-auth": "true", "peer-client-cert-auth": "true", "tls-min-version": "TLS1.2"},
}
# All that TLS 1.2 has with forward secrecy and authenticated encryption.
STRONG = {
    f"TLS_ECDHE_{key}_WITH_{cipher}"
    for key in ("ECDSA", "RSA")
    for cipher in ("AES_128_GCM_SHA256", "AES_256_GCM_SHA384", "CHACHA20_POLY1305_SHA256")
}
NEVER = {"token-auth-file", "basic-auth-file", "insecure-port", "insecure-bind-address", "auto-tls", "peer-auto-tls", "kubelet-https"}


@pytest.mark.parametrize("program", sorted(FLAGS))
def test_programs_were_started_with(processes: Mapping[str, list[Mapping[str, Any]]], program: str) -> None:
    running = [(name, it["arguments"]) for name, found in processes.items() for it in found if it["program"] == program]
    assert running
    for name, arguments in running:
        flags = dict(word.removeprefix("--").partition("=")[::2] for word in arguments)
        assert {flag: flags.get(flag) for flag in FLAGS[program]} == FLAGS[program], name
        assert NEVER & set(flags) == set()
        suites = flags.get("cipher-suites" if program == "etcd" else "tls-cipher-suites", "")
        assert set(suites.split(",")) <= STRONG, f"{program} of {name}: {suites}"
        assert "AlwaysAdmit" not in flags.get("enable-admission-plugins", "")


def test_kubelets_run_with(api: Api, node_names: list[str]) -> None:
    def strict(name: str) -> dict[str, Any]:
        config = api.get(f"/api/v1/nodes/{name}/proxy/configz")["kubeletconfig"]
        return {
            "anonymous": config["authentication"]["anonymous"]["enabled"],
            "webhook": config["authentication"]["webhook"]["enabled"],
            "authorization": config["authorization"]["mode"],
            "read-only port": config.get("readOnlyPort", 0),
            "iptables": config["makeIPTablesUtilChains"],
            "seccomp": config["seccompDefault"],
            "limits processes": 0 < config["podPidsLimit"] <= 32768,
            "tls": config["tlsMinVersion"],
            "ciphers": bool(config.get("tlsCipherSuites")) and set(config["tlsCipherSuites"]) <= STRONG,
        }

    wanted = {
        "anonymous": False,
        "webhook": True,
        "authorization": "Webhook",
        "read-only port": 0,
        "iptables": True,
        "seccomp": True,
        "limits processes": True,
        "tls": "VersionTLS12",
        "ciphers": True,
    }
    assert together(strict, node_names) == dict.fromkeys(node_names, wanted)


def test_profiles_are_off(api: Api, addresses: Mapping[str, str], members: Callable[[str], list[str]]) -> None:
    servers = [api.at(f"https://{addresses[name]}:{api.port}") for name in members("masters")]
    assert {server.host: server.ask("/debug/pprof/").status for server in servers} == {server.host: 404 for server in servers}


@pytest.mark.parametrize("port", [pytest.param(10257, id="controller manager"), pytest.param(10259, id="scheduler")])
def test_profiles_of_controllers_are_off(api: Api, addresses: Mapping[str, str], members: Callable[[str], list[str]], port: int) -> None:
    def ask(name: str) -> tuple[int, int]:
        with forwarded(addresses[name], port=port) as local:
            controller = api.at(f"https://127.0.0.1:{local}")
            return controller.ask("/metrics").status, controller.ask("/debug/pprof/").status

    # Who sees the metrics would see profiles too.
    assert together(ask, members("masters")) == dict.fromkeys(members("masters"), (200, 404))


# --- who may read --------------------------------------------------------------------------------------------------------


def too_open(files: Mapping[str, Mapping[str, Any]], *, public: Iterable[str]) -> dict[str, str]:
    """Files that others than their owner may read, unless they are public; and all that others may change."""
    wrong = {}
    for path, it in files.items():
        mode = int(it["mode"], 8)
        if it["kind"] == "file" and mode & 0o077 and not (path.endswith(tuple(public)) and not mode & 0o022):
            wrong[path] = it["mode"]
        if it["kind"] == "folder" and mode & 0o022:
            wrong[path] = it["mode"]
    return wrong


CONFIGURATION = ("/etc/etcd", "/etc/kubernetes", "/etc/cni", "/etc/containerd", "/var/lib/quorate")
# Whose all else is root's.
OWN_FOLDERS = {
    "/etc/etcd": "etcd",
    "/etc/kubernetes/kube-apiserver": "kube-apiserver",
    "/etc/kubernetes/kube-controller-manager": "kube-controller-manager",
    "/etc/kubernetes/kube-scheduler": "kube-scheduler",
    "/etc/kubernetes/load-balancer": "haproxy",
}


def test_configuration_is_closed(hosts: Mapping[str, Host]) -> None:
    found = together(lambda name: too_open(look(hosts[name], "files", *CONFIGURATION), public=(".crt", ".pub")), hosts)
    assert found == {name: {} for name in hosts}


def test_configuration_is_roots_or_that_of_its_program(hosts: Mapping[str, Host]) -> None:
    """Kubeconfigs, keys, and the configuration of kubelet, kube-proxy and CNI among it."""

    def wrong(name: str) -> dict[str, str]:
        found = {path: f"{it['owner']}:{it['group']}" for path, it in look(hosts[name], "files", *CONFIGURATION).items()}
        assert [path for path in found if path.endswith((".key", "/kubeconfig"))], name
        users = {path: next((user for folder, user in OWN_FOLDERS.items() if path.startswith(folder)), "root") for path in found}
        return {path: owner for path, owner in found.items() if owner not in ("root:root", f"{users[path]}:{users[path]}")}

    assert together(wrong, hosts) == {name: {} for name in hosts}


def test_units_are_roots(hosts: Mapping[str, Host]) -> None:
    ours = ("etcd", "kube", "containerd.", "container-images.", "flanneld.", "api-load-balancer.")

    def wrong(name: str) -> dict[str, Mapping[str, Any]]:
        files = look(hosts[name], "files", "/etc/systemd/system")
        chosen = {path: it for path, it in files.items() if path.split("/")[4:5] and path.split("/")[4].startswith(ours)}
        assert [path for path in chosen if path.endswith(".service")], name
        return {
            path: it
            for path, it in chosen.items()
            if it["kind"] == "file" and (it["mode"], it["owner"], it["group"]) != ("0600", "root", "root")
        }

    assert together(wrong, hosts) == {name: {} for name in hosts}


def test_programs_are_roots(hosts: Mapping[str, Host]) -> None:
    """Who could replace a program of root would be root."""

    def wrong(name: str) -> list[str]:
        files = look(hosts[name], "files", "/opt/quorate")
        assert len(files) > 3, name
        return [path for path, it in files.items() if it["owner"] != "root" or int(it["mode"], 8) & 0o022]

    assert together(wrong, hosts) == {name: [] for name in hosts}


def test_data_is_closed(hosts: Mapping[str, Host], members: Callable[[str], list[str]]) -> None:
    def owned(name: str, path: str) -> tuple[str, str]:
        folder = hosts[name].file(path)
        return f"{folder.mode:04o}", str(folder.user)

    assert {name: owned(name, "/var/lib/etcd") for name in members("etcd")} == dict.fromkeys(members("etcd"), ("0700", "etcd"))
    logs = "/var/log/kubernetes/kube-apiserver"
    assert {name: owned(name, logs) for name in members("masters")} == dict.fromkeys(members("masters"), ("0700", "kube-apiserver"))


# --- who is let in -------------------------------------------------------------------------------------------------------


def test_what_is_done_is_written_down(
    kubectl: Callable[..., str], api: Api, hosts: Mapping[str, Host], members: Callable[[str], list[str]]
) -> None:
    name, value = "quorate-test-audited", "this-is-not-for-the-log"
    kubectl("delete", "secret", name, "--ignore-not-found")
    kubectl("create", "secret", "generic", name, f"--from-literal=word={value}")
    kubectl("delete", "secret", name)

    def lines() -> list[dict[str, Any]]:
        texts = together(
            lambda master: said(hosts[master], f"grep -h -F '{name}' /var/log/kubernetes/kube-apiserver/audit.log; true"), masters
        )
        return [json.loads(line) for text in texts.values() for line in text.splitlines()]

    def both() -> list[dict[str, Any]]:
        found = lines()
        return found if {it["verb"] for it in found} >= {"create", "delete"} else []

    masters = members("masters")
    written = until("creation and deletion in an audit log", both, within=20)
    created = next(it for it in written if it["verb"] == "create")
    assert (created["user"]["username"], created["user"]["groups"][0]) == ("admin", "quorate:admins")
    assert value not in json.dumps(written)
    assert {it["level"] for it in written} == {"Metadata"}
    assert api.ask("/api/v1/namespaces/default/secrets/" + name).status == 404


def test_the_administrator_is_a_group_that_can_be_revoked(inventory: Path, kubectl: Callable[..., str], api: Api) -> None:
    kubeconfig = inventory / "admin.kubeconfig"
    certificate = openssl.read(decoded(load(kubeconfig)["user"], "client-certificate-data"))
    assert certificate.subject == "CN=admin,O=quorate:admins"
    assert oct(os.stat(kubeconfig).st_mode & 0o777) == "0o600"
    user = json.loads(kubectl("auth", "whoami", "--output=json"))["status"]["userInfo"]
    assert sorted(user["groups"]) == ["quorate:admins", "system:authenticated"]
    bound = [
        binding["metadata"]["name"]
        for binding in api.get("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings")["items"]
        for subject in binding.get("subjects") or []
        if (subject["kind"], subject["name"]) == ("Group", "quorate:admins")
    ]
    assert bound == ["quorate:admins"]


@pytest.mark.parametrize(
    ("user", "path", "status"),
    [
        pytest.param("kubelet", "/api/v1/nodes/{name}", "200", id="kubelet, its node"),
        pytest.param("kubelet", "/api/v1/secrets", "403", id="kubelet, all secrets"),
        pytest.param("kubelet", "/api/v1/namespaces/kube-system/secrets/x", "403", id="kubelet, the secret of no pod of its own"),
        pytest.param("kube-proxy", "/api/v1/services", "200", id="kube-proxy, services"),
        pytest.param("kube-proxy", "/api/v1/secrets", "403", id="kube-proxy, secrets"),
        pytest.param("flanneld", "/api/v1/nodes", "200", id="flannel, nodes"),
        pytest.param("flanneld", "/api/v1/pods", "403", id="flannel, pods"),
        pytest.param("flanneld", "/api/v1/secrets", "403", id="flannel, secrets"),
    ],
)
def test_a_node_may_do_its_work_only(
    hosts: Mapping[str, Host], node_names: list[str], variables: Mapping[str, Mapping[str, Any]], user: str, path: str, status: str
) -> None:
    chosen = [name for name in node_names if user != "flanneld" or variables[name].get("flannel_store", "kubernetes") == "kubernetes"]

    def ask(name: str) -> str:
        folder = f"/etc/kubernetes/{user}"
        words = f"--cacert /etc/kubernetes/pki/ca.crt --cert {folder}/client.crt --key {folder}/client.key --output /dev/null"
        return said(hosts[name], f"curl --silent --show-error --max-time 30 --write-out '%%{{http_code}}' {words} %s", url(name))

    def url(name: str) -> str:
        # Through the load balancer of the host, as the programs themselves.
        return f"https://127.0.0.1:7443{path.format(name=name)}"

    assert together(ask, chosen) == dict.fromkeys(chosen, status)


def test_a_node_may_not_change_another(hosts: Mapping[str, Host], node_names: list[str]) -> None:
    """NodeRestriction: not even its own roles."""

    def patch(name: str, other: str, label: str) -> str:
        folder = "/etc/kubernetes/kubelet"
        words = (
            f"--cacert /etc/kubernetes/pki/ca.crt --cert {folder}/client.crt --key {folder}/client.key --output /dev/null --request PATCH"
        )
        body = json.dumps({"metadata": {"labels": {label: "x"}}})
        command = f"curl --silent --max-time 30 --write-out '%%{{http_code}}' {words} --header %s --data %s %s"
        where = f"https://127.0.0.1:7443/api/v1/nodes/{other}?dryRun=All"
        return said(hosts[name], command, "Content-Type: application/merge-patch+json", body, where)

    name = node_names[-1]
    assert patch(name, name, "quorate.test/own") == "200"
    assert patch(name, name, "node-restriction.kubernetes.io/own") == "403"
    for other in node_names[:-1]:
        assert patch(name, other, "quorate.test/foreign") == "403"
