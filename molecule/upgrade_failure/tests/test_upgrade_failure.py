"""An upgrade that must not begin does not; one that fails leaves a cluster that serves, says why, and is gone on with. In this order."""

from __future__ import annotations

import contextlib
import functools
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from testinfra.host import Host

from lab import paths, platform
from lab import versions as lab_versions
from tests.cluster import tls
from tests.cluster.api import Api
from tests.cluster.applications import LEAST_AVAILABLE, Applications, available
from tests.cluster.etcd import leader, status
from tests.cluster.hosts import said, together, units
from tests.cluster.inventory import linked
from tests.cluster.playbook import Run, fine, play, play_until, play_until_seen, unchanged
from tests.cluster.probe import is_without_leader
from tests.cluster.sampler import Sampler
from tests.cluster.switch import press
from tests.cluster.use import probed
from tests.cluster.wait import settled, until
from tests.cluster.workload import NAMESPACE, Workload

OLD, NEW, OLDER = "1.36.4", "1.37.1", "1.35.4"
OLD_ETCD, NEW_ETCD = lab_versions.ETCD["1.36"], lab_versions.ETCD["1.37"]
API_SERVER = "kube-apiserver.service"
MASTERS, WORKERS = ["m1", "m2", "m3"], ["w1", "w2", "w3"]

Versions = Callable[[], Mapping[str, str]]
Upgrade = Callable[..., Run]


@pytest.fixture
def upgrade(inventory: Path, tmp_path: Path) -> Upgrade:
    """Run the upgrade with variables of some hosts that the inventory does not have."""

    def run(*arguments: str, version: str = NEW, **variables: Mapping[str, Any]) -> Run:
        copy = linked(inventory, tmp_path / "inventory")
        (copy / "host_vars").mkdir()
        for host, values in variables.items():
            (copy / "host_vars" / f"{host}.yml").write_text(yaml.safe_dump(dict(values)), encoding="utf-8")
        # What a run writes lies beside the real inventory.
        names = {"pki_directory": "pki", "artifacts_lock_file": "artifacts.lock.txt", "etcd_snapshot_destination": "snapshots"}
        own = {name: str(inventory / value) for name, value in names.items()}
        if any("artifacts_lock_file" in values for values in variables.values()):
            del own["artifacts_lock_file"]
        extra = json.dumps({**own, "cluster_version": version, "pki_admin_kubeconfig": str(inventory / "admin.kubeconfig")})
        return play("upgrade", f"--extra-vars={extra}", *arguments, inventory=copy)

    return run


@pytest.fixture
def versions(api: Api, addresses: Mapping[str, str], members: Callable[[str], list[str]]) -> Versions:
    """The version of each API server, which has to be ready."""

    def of(name: str) -> str:
        assert tls.status(addresses[name], port=api.port, path="/readyz") == "200", name
        return str(api.at(f"https://{addresses[name]}:{api.port}").get("/version")["gitVersion"]).lstrip("v")

    return lambda: together(of, members("masters"))


@pytest.fixture
def started(hosts: Mapping[str, Host]) -> Callable[[], Mapping[str, Any]]:
    """When each unit of each host was started."""
    return lambda: together(lambda name: units(hosts[name]), hosts)


@contextlib.contextmanager
def unnoticed(api: Api, addresses: Mapping[str, str], name: str) -> Iterator[None]:
    """Nothing fails for those who read and write through a host's load balancer meanwhile."""
    with probed(api, addresses, [name], timeout=10) as probes:
        yield
    seen = probes[name].seen
    # A write on its way while leadership of etcd is handed over is dropped, and told; whoever wrote writes again.
    assert [problem for problem in seen.once if not is_without_leader(problem)] == []
    assert (seen.failed, seen.lost) == ([], [])


def assert_refused(run: Run, *words: str) -> None:
    assert run.code != 0, run.output
    assert [word for word in words if word not in run.flat] == [], run.end
    unchanged(run)


def test_an_older_minor_version_is_refused(upgrade: Upgrade, started: Callable[[], Mapping[str, Any]]) -> None:
    before = started()
    assert_refused(upgrade(version=OLDER), f"Kubernetes {OLD} cannot go back to {OLDER}", "(on m1, m2, m3)")
    assert started() == before


@pytest.fixture
def oldest(hosts: Mapping[str, Host]) -> Iterator[str]:
    """A master whose API server passes for one of the minor version before."""
    name, unit = "m3", f"/etc/systemd/system/{API_SERVER}"
    folder = "/opt/quorate/kubernetes"
    restart = f"systemctl daemon-reload && systemctl restart {API_SERVER}"
    said(hosts[name], f"cp -a {folder}/{OLD} {folder}/{OLDER} && sed -i s,/{OLD}/,/{OLDER}/, {unit} && {restart}")
    yield name
    said(hosts[name], f"sed -i s,/{OLDER}/,/{OLD}/, {unit} && {restart} && rm -r {folder}/{OLDER}")


def test_two_minor_versions_at_once_and_mixed_masters_are_refused(upgrade: Upgrade, oldest: str) -> None:
    assert_refused(upgrade(), f"Kubernetes {OLDER} to {NEW} skips a minor version", f"(on {oldest})")


def broken(folder: Path, *, package: str, version: str, program: str) -> dict[str, str]:
    """Variables of a host that gets a program which does not run."""
    artifacts, built = folder / "artifacts", paths.cache().artifacts
    changed = artifacts / package / version / platform.architecture()
    changed.mkdir(parents=True)
    for path in built.iterdir():
        if path.name != package:
            (artifacts / path.name).symlink_to(path)
    for path in (built / package / version / platform.architecture()).iterdir():
        if path.name != program:
            (changed / path.name).symlink_to(path)
    (changed / program).write_text("#!/bin/sh\necho broken by a test >&2\nexit 1\n", encoding="utf-8")
    (changed / program).chmod(0o755)
    return {"artifacts_directory": str(artifacts), "artifacts_lock_file": str(folder / "lock.txt")}


def test_a_member_of_etcd_with_a_broken_program_is_put_back(
    api: Api, addresses: Mapping[str, str], upgrade: Upgrade, versions: Versions, etcdctl: Callable[..., str], tmp_path: Path
) -> None:
    until("all API servers", versions, within=60)
    with unnoticed(api, addresses, "w1"):
        run = upgrade(m2=broken(tmp_path, package="etcd", version=NEW_ETCD, program="etcd"))
    assert run.code != 0, run.output
    words = ["m2: etcd did not become ready", "it runs again", "broken by a test", "go on with"]
    assert [word for word in words if word not in run.flat] == [], run.end
    assert set(versions().values()) == {OLD}
    assert status(etcdctl, "m2")["version"] == OLD_ETCD
    healthy = {name: json.loads(etcdctl(name, "endpoint", "health", "-w", "json"))[0]["health"] for name in MASTERS}
    assert healthy == dict.fromkeys(MASTERS, True)


def test_a_bad_flag_is_put_back(
    api: Api, addresses: Mapping[str, str], upgrade: Upgrade, versions: Versions, started: Callable[[], Mapping[str, Any]]
) -> None:
    until("all API servers", versions, within=60)
    before = started()
    with unnoticed(api, addresses, "w1"):
        run = upgrade(m2={"masters_api_server_flags": {"no-such-flag": "1"}})
    assert run.code != 0, run.output
    words = [
        "m2: kube-apiserver did not become ready",
        "it runs again",
        "unknown flag: --no-such-flag",
        "kube-apiserver: restarted on m1; away for",
        "go on with",
        f"cluster_version={NEW}",
    ]
    assert [word for word in words if word not in run.flat] == [], run.end
    assert versions() == {"m1": NEW, "m2": OLD, "m3": OLD}
    after = started()
    assert {name: after[name][API_SERVER] == before[name][API_SERVER] for name in ("m1", "m3")} == {"m1": False, "m3": True}


def test_half_an_upgrade_does_not_go_back(upgrade: Upgrade) -> None:
    assert_refused(upgrade(version=OLD), f"Kubernetes {NEW} cannot go back to {OLD}", "(on m1)")


def test_a_broken_program_is_put_back(
    api: Api,
    addresses: Mapping[str, str],
    upgrade: Upgrade,
    versions: Versions,
    started: Callable[[], Mapping[str, Any]],
    tmp_path: Path,
) -> None:
    before = started()
    with unnoticed(api, addresses, "w2"):
        run = upgrade(m2=broken(tmp_path, package="kubernetes", version=NEW, program="kube-apiserver"))
    assert run.code != 0, run.output
    words = ["m2: kube-apiserver did not become ready", "it runs again", "broken by a test", "go on with"]
    assert [word for word in words if word not in run.flat] == [], run.end
    assert versions() == {"m1": NEW, "m2": OLD, "m3": OLD}
    after = started()
    assert {name: after[name][API_SERVER] == before[name][API_SERVER] for name in ("m1", "m3")} == {"m1": True, "m3": True}


def test_killed_in_the_middle_and_mended_before_another_one_is_touched(
    inventory: Path, hosts: Mapping[str, Host], addresses: Mapping[str, str], api: Api, versions: Versions
) -> None:
    """The control node dies while the API server of the second master leaves, and with it what it had sent there: nobody starts the new one."""
    play_until_seen("upgrade", inventory=inventory, seen=lambda: units(hosts["m2"])[API_SERVER]["ActiveState"] == "deactivating")
    said(hosts["m2"], f"pkill -KILL -x python3; systemctl stop {API_SERVER}")
    with pytest.raises(ConnectionRefusedError):
        tls.status(addresses["m2"], port=api.port, path="/readyz")
    # The next run comes to the third master, and dies before it changes that one.
    play_until("upgrade", inventory=inventory, task="Ask whether the cluster can spare this API server", line=r"ok: \[m3\]")
    found = until("all API servers", versions, within=90)
    assert {name: found[name] for name in ("m1", "m2")} == {"m1": NEW, "m2": NEW}


@pytest.fixture
def crashing(hosts: Mapping[str, Host]) -> None:
    """A master that comes after others, whose API server ends as soon as it is started."""
    name, unit = "m3", f"/etc/systemd/system/{API_SERVER}"
    said(
        hosts[name],
        f"sed -i 's,^ExecStart=.*/kube-apiserver,& --no-such-flag,' {unit} && systemctl daemon-reload && systemctl restart --no-block {API_SERVER}",
    )
    until("the API server ends again and again", lambda: units(hosts[name])[API_SERVER]["ActiveState"] != "active", within=30)


@pytest.fixture
def held(api: Api, kubectl: Callable[..., str], workload: Workload) -> Iterator[str]:
    """A disruption budget that lets no pod of an application go."""
    applications = Applications(api=api, kubectl=kubectl, image=workload.image)
    applications.start()
    patch = json.dumps({"spec": {"minAvailable": 3}})
    kubectl("patch", "poddisruptionbudget", "web", f"--namespace={NAMESPACE}", "--type=merge", f"--patch={patch}")
    yield f"{NAMESPACE}/web"
    patch = json.dumps({"spec": {"minAvailable": 2}})
    kubectl("patch", "poddisruptionbudget", "web", f"--namespace={NAMESPACE}", "--type=merge", f"--patch={patch}")


def closed(api: Api) -> list[str]:
    """Nodes that take no pods."""
    return sorted(node["metadata"]["name"] for node in api.get("/api/v1/nodes")["items"] if node["spec"].get("unschedulable"))


def not_ready(api: Api) -> list[str]:
    """Nodes that are not ready."""
    return sorted(
        node["metadata"]["name"]
        for node in api.get("/api/v1/nodes")["items"]
        if not any(entry["type"] == "Ready" and entry["status"] == "True" for entry in node["status"]["conditions"])
    )


def old_nodes(api: Api) -> set[str]:
    """Nodes whose kubelet has the old version."""
    return {
        node["metadata"]["name"] for node in api.get("/api/v1/nodes")["items"] if node["status"]["nodeInfo"]["kubeletVersion"] == f"v{OLD}"
    }


@pytest.mark.usefixtures("crashing")
def test_gone_on_with_until_a_disruption_budget_holds_more_nodes_than_may_fail(
    api: Api, upgrade: Upgrade, versions: Versions, held: str
) -> None:
    """What does not run is mended first: the others could not be spared before."""
    # Long enough for CoreDNS, which has a budget too and ends slowly, to leave the masters.
    run = upgrade("--extra-vars=workers_drain_timeout=30", "--extra-vars=upgrade_batch=1", "--extra-vars=upgrade_max_failures=1")
    assert run.code != 0, run.output
    pod = rf"{re.escape(held)}-\S+"
    told = rf"Pod {pod} on \w+ would not be let go now: PodDisruptionBudget {re.escape(held)} allows no disruption"
    assert re.search(told, run.flat), run.output
    assert re.search(rf"pod {pod}: PodDisruptionBudget {re.escape(held)} allows no disruption", run.flat), run.end
    assert [name for name in WORKERS if f"{name}: The nodes could not be drained" in run.flat] == ["w1", "w2"], run.end
    assert set(versions().values()) == {NEW}
    assert old_nodes(api) == set(WORKERS)
    assert closed(api) == []


@pytest.mark.parametrize(
    ("opened", "left", "flags", "cause"),
    [
        pytest.param("false", ["w1"], {"no-such-flag": "1"}, "unknown flag: --no-such-flag", id="it does not start"),
        # With the identity of another program it lives, and may not tell of its node.
        pytest.param(
            "true", [], {"kubeconfig": "/etc/kubernetes/kube-proxy/kubeconfig"}, "Node w1 has not said anything since", id="it falls silent"
        ),
    ],
)
def test_a_worker_that_fails_is_put_back_and_stays_closed_or_takes_pods_again_as_asked(
    opened: str, left: list[str], flags: dict[str, str], cause: str, api: Api, upgrade: Upgrade
) -> None:
    asked = [f"--extra-vars=upgrade_uncordon_failed={opened}", "--extra-vars=workers_ready_timeout=30"]
    run = upgrade(*asked, w1={"workers_kubelet_flags": flags})
    assert run.code != 0, run.output
    words = ["w1: kubelet did not become ready", "it runs again", cause, "go on with"]
    assert [word for word in words if word not in run.flat] == [], run.end
    assert old_nodes(api) == set(WORKERS)
    assert closed(api) == left
    assert not_ready(api) == []


def test_a_worker_that_dies_while_it_is_emptied_is_reported(inventory: Path, api: Api) -> None:
    def dies() -> None:
        until("a node that is emptied", lambda: closed(api) == ["w1"], within=180)
        press("kill", "w1")

    death = threading.Thread(target=dies)
    death.start()
    run = play("upgrade", inventory=inventory)
    death.join()
    press("start", "w1")
    assert run.code != 0, run.output
    assert "w1: w1 did not answer" in run.flat, run.end
    assert "go on with" in run.flat, run.end
    assert old_nodes(api) == set(WORKERS)
    settled("a node that is ready", lambda: not_ready(api), within=120)


def test_killed_before_pods_are_let_in_again_and_gone_on_with_on_that_worker_alone(inventory: Path, api: Api) -> None:
    play_until("upgrade", "--limit=w1", inventory=inventory, task="Let pods in again", line="TASK")
    settled("a node that is new and ready", lambda: [*(old_nodes(api) - {"w2", "w3"}), *not_ready(api)], within=60)
    assert closed(api) == ["w1"]
    fine(play("upgrade", "--limit=w1", inventory=inventory))
    assert old_nodes(api) == {"w2", "w3"}
    assert closed(api) == []


def test_gone_on_with_to_the_end(inventory: Path, api: Api, versions: Versions) -> None:
    fine(play("upgrade", inventory=inventory))
    assert set(versions().values()) == {NEW}
    assert old_nodes(api) == set()
    settled("nodes that take pods", lambda: closed(api), within=30)
    unchanged(fine(play("upgrade", inventory=inventory)))


def test_workers_change_in_batches_after_the_first_alone(api: Api, upgrade: Upgrade, inventory: Path) -> None:
    """A change of settings goes the same way as a new version. Nodes that are emptied at once share the disruption budget."""
    lab = yaml.safe_load((inventory / "group_vars/all/lab.yml").read_text(encoding="utf-8"))
    config = {"workers_kubelet_config": {**lab["workers_kubelet_config"], "maxPods": 90}}
    nodes = Sampler({name: functools.partial(lambda name: name not in closed(api), name) for name in WORKERS}, every=0.5)
    web = Sampler({"web": lambda: available(api) >= LEAST_AVAILABLE}, every=0.5)
    with nodes, web:
        fine(upgrade("--extra-vars=upgrade_batch=2", **dict.fromkeys(WORKERS, config)))
    assert nodes.worst == ["w2", "w3"]
    assert (web.absences, web.worst) == ([], [])
    capacities = {node["metadata"]["name"]: node["status"]["capacity"]["pods"] for node in api.get("/api/v1/nodes")["items"]}
    assert {name: capacities[name] for name in WORKERS} == dict.fromkeys(WORKERS, "90")
    assert closed(api) == []


def test_the_order_of_a_change_of_settings_has_the_leader_last_too(upgrade: Upgrade, tmp_path: Path, etcdctl: Callable[..., str]) -> None:
    path = tmp_path / "plan.json"
    flags = {"etcd_flags": {"max-txn-ops": 256}, "masters_scheduler_flags": {"v": 1}}
    fine(upgrade("--check", f"--extra-vars=upgrade_plan_file={path}", **dict.fromkeys(MASTERS, flags)))
    steps = json.loads(path.read_text(encoding="utf-8"))
    leads = leader(etcdctl, MASTERS)
    assert [step["host"] for step in steps if "etcd" in step["restarts"]] == [*(name for name in MASTERS if name != leads), leads]
    assert len([step for step in steps if "kube-scheduler" in step["restarts"]]) == len(MASTERS)
