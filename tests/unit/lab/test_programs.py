# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.quorate.kubernetes.lab import programs
from ansible_collections.quorate.kubernetes.lab.process import LabError
from ansible_collections.quorate.kubernetes.lab.versions import DEFAULT, ETCD, FITTING, PACKAGES, chosen
from ansible_collections.quorate.kubernetes.plugins.module_utils import _version

LOCKS = Path(programs.__file__).parent / "go"


@pytest.mark.parametrize(
    ("package", "expected"),
    [
        (
            "kubernetes",
            ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "kubectl"),
        ),
        ("etcd", ("etcd", "etcdctl", "etcdutl")),
        ("containerd", ("containerd", "containerd-shim-runc-v2", "ctr")),
        ("cni_plugins", ("bridge", "loopback", "host-local", "portmap", "firewall")),
        ("flannel", ("flanneld",)),
        ("flannel_cni", ("flannel",)),
        ("runc", ("runc",)),
        ("coredns", ("coredns.tar",)),
        ("pause", ("pause.tar",)),
        ("agnhost", ("agnhost.tar",)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_files_of_a_package(package: str, expected: tuple[str, ...]) -> None:
    assert programs.files(package, "1.2.3") == expected


def test_programs_of_kubernetes_report_their_version() -> None:
    linker = programs.recipe("kubernetes", "1.36.4").linker
    assert linker == (
        "-s -w -X k8s.io/component-base/version.gitVersion=v1.36.4 "
        "-X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=36"
    )


@pytest.mark.parametrize("version", ["v1.37.1", "1.37", "latest", "1.37.1 -toolexec=x", "../1.37.1", ""])
def test_what_is_no_version_is_refused(version: str) -> None:
    with pytest.raises(LabError, match="is no version of kubernetes"):
        programs.recipe("kubernetes", version)


def test_go_mod_of_kubernetes() -> None:
    text = programs.go_mod(programs.recipe("kubernetes", "1.37.1"), staging=("k8s.io/api", "k8s.io/client-go"))
    lines = text.splitlines()
    assert "tool k8s.io/kubernetes/cmd/kubelet" in lines
    assert "tool k8s.io/kubernetes/test/images/agnhost" in lines
    assert "require k8s.io/kubernetes v1.37.1" in lines
    assert "replace k8s.io/client-go => k8s.io/client-go v0.37.1" in lines


def test_coredns_is_built_without_clouds() -> None:
    plugins = 'package plugin\n\nimport (\n\t// Include all plugins.\n\t_ "github.com/coredns/caddy/onevent"\n'
    plugins += "".join(f'\t_ "github.com/coredns/coredns/plugin/{name}"\n' for name in ("kubernetes", "azure", "forward", "trace")) + ")\n"
    text = programs.coredns_main(plugins)
    assert [line.strip() for line in text.splitlines() if line.startswith("\t")] == [
        '"github.com/coredns/coredns/coremain"',
        '_ "github.com/coredns/caddy/onevent"',
        '_ "github.com/coredns/coredns/plugin/forward"',
        '_ "github.com/coredns/coredns/plugin/kubernetes"',
        "coremain.Run()",
    ]
    with pytest.raises(LabError, match="none of the plugins"):
        programs.coredns_main("package plugin\n")


def test_staging_modules() -> None:
    text = (
        "require (\n\tk8s.io/api v0.0.0\n\tk8s.io/client-go v0.0.0\n\tk8s.io/klog/v2 v2.130.1\n"
        "\tk8s.io/kube-openapi v0.0.0-20260304202019-5b3e3fdb0acf\n\tsigs.k8s.io/json v0.0.0-20250730193827-2d320260d730\n)\n"
    )
    assert programs.staging_modules(text) == ("k8s.io/api", "k8s.io/client-go")


def test_agnhost_is_pinned_with_kubernetes() -> None:
    assert programs.lock(programs.recipe("agnhost", "2.66.1")) == ("kubernetes", "1.37.1")
    assert programs.lock(programs.recipe("etcd", "3.7.3")) == ("etcd", "3.7.3")


@pytest.mark.parametrize(
    ("reported", "expected"),
    [("go1.26.8", True), ("go1.26", True), ("go1.27rc1", True), ("go2.0", True), ("go1.25.9", False), ("devel", False), ("", False)],
)
def test_go_is_new_enough(reported: str, expected: bool) -> None:
    assert programs.is_newer_go(reported) is expected


@pytest.mark.parametrize(
    ("package", "version"),
    [(package, version) for package, version in chosen({"kubernetes": ["1.37.1", "1.36.4"]}) if package in programs.GO_PACKAGES],
)
def test_the_checksums_of_the_tested_versions_are_in_the_repository(package: str, version: str) -> None:
    made = programs.recipe(package, version)
    folder = LOCKS.joinpath(*programs.lock(made))
    text = (folder / "go.mod").read_text(encoding="utf-8")
    for module, wanted in made.modules.items():
        assert f"{module} {wanted}" in text
    for tool in made.tools.values():
        assert tool.removeprefix("quorate.kubernetes/") in text
    assert (folder / "go.sum").stat().st_size > 0


@pytest.mark.parametrize(
    ("asked", "kubernetes", "etcd"),
    [
        pytest.param({}, [DEFAULT["kubernetes"]], [ETCD["1.37"]], id="default"),
        pytest.param({"kubernetes": ["1.36.4"]}, ["1.36.4"], ["3.6.16"], id="the etcd that fits"),
        pytest.param({"kubernetes": ["1.37.1", "1.36.4"]}, ["1.37.1", "1.36.4"], ["3.7.3", "3.6.16"], id="two"),
        pytest.param({"kubernetes": ["1.36.3", "1.36.4"]}, ["1.36.3", "1.36.4"], ["3.6.16"], id="one etcd for two"),
        pytest.param({"kubernetes": ["1.99.0"], "etcd": ["4.0.0"], "coredns": ["2.0.0"]}, ["1.99.0"], ["4.0.0"], id="said"),
    ],
)
def test_chosen_versions(asked: dict[str, list[str]], kubernetes: list[str], etcd: list[str]) -> None:
    made = chosen(asked)
    assert [version for package, version in made if package == "kubernetes"] == kubernetes
    assert [version for package, version in made if package == "etcd"] == etcd
    assert {package for package, _version in made} == set(PACKAGES)


@pytest.mark.parametrize("name", FITTING)
def test_an_unknown_kubernetes_needs_what_fits_said(name: str) -> None:
    said = {other: ["1.0.0"] for other in FITTING if other != name}
    with pytest.raises(LabError, match=f"--{name}"):
        chosen({"kubernetes": ["1.99.0"], **said})


@pytest.mark.parametrize("name", FITTING)
def test_the_lab_builds_what_the_collection_installs(name: str) -> None:
    assert FITTING[name] == {line: _version.RELEASES[line].packages[name] for line in FITTING[name]}
