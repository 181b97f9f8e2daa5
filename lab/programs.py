# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How each program is built from its Go modules: data and text only, binaries.py runs Go."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from .process import LabError
from .versions import IMAGES_FROM_KUBERNETES, minor

GO = "1.26.0"
OWN_MODULE = "quorate.kubernetes/lab"


@dataclass(frozen=True)
class Recipe:
    """What one package is built from."""

    package: str
    version: str
    tools: Mapping[str, str]  # file -> Go package
    modules: Mapping[str, str]  # Go module -> its version
    variables: Mapping[str, str] = field(default_factory=dict)  # Go variable -> value; what --version prints
    static_cgo: bool = False  # whether amd64 has parts in C

    @property
    def linker(self) -> str:
        """The linker's flags: no symbol tables, and the version that the program reports."""
        return " ".join(["-s", "-w", *(f"-X {name}={value}" for name, value in self.variables.items())])


def _kubernetes(version: str) -> Recipe:
    component = "k8s.io/component-base/version"
    names = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "kubectl")
    return Recipe(
        package="kubernetes",
        version=version,
        tools={name: f"k8s.io/kubernetes/cmd/{name}" for name in names},
        modules={"k8s.io/kubernetes": f"v{version}"},
        variables={
            f"{component}.gitVersion": f"v{version}",
            f"{component}.gitMajor": version.split(".")[0],
            f"{component}.gitMinor": version.split(".")[1],
        },
    )


def _agnhost(version: str) -> Recipe:
    return Recipe(
        package="agnhost",
        version=version,
        tools={"agnhost": "k8s.io/kubernetes/test/images/agnhost"},
        modules={"k8s.io/kubernetes": f"v{IMAGES_FROM_KUBERNETES}"},
    )


def _etcd(version: str) -> Recipe:
    modules = {"etcd": "go.etcd.io/etcd/server/v3", "etcdctl": "go.etcd.io/etcd/etcdctl/v3", "etcdutl": "go.etcd.io/etcd/etcdutl/v3"}
    return Recipe(package="etcd", version=version, tools=modules, modules=dict.fromkeys(modules.values(), f"v{version}"))


def _containerd(version: str) -> Recipe:
    module = "github.com/containerd/containerd/v2"
    return Recipe(
        package="containerd",
        version=version,
        tools={name: f"{module}/cmd/{name}" for name in ("containerd", "containerd-shim-runc-v2", "ctr")},
        modules={module: f"v{version}"},
        variables={f"{module}/version.Version": f"v{version}"},
    )


def _cni_plugins(version: str) -> Recipe:
    module = "github.com/containernetworking/plugins"
    places = ("main/bridge", "main/loopback", "ipam/host-local", "meta/portmap", "meta/firewall")
    return Recipe(
        package="cni_plugins",
        version=version,
        tools={place.split("/")[1]: f"{module}/plugins/{place}" for place in places},
        modules={module: f"v{version}"},
        variables={f"{module}/pkg/utils/buildversion.BuildVersion": f"v{version}"},
    )


def _flannel_cni(version: str) -> Recipe:
    # The plugin left this repository after v0.9.1, and its new home is no Go module that can be built by name.
    module = "github.com/containernetworking/plugins"
    return Recipe(
        package="flannel_cni",
        version=version,
        tools={"flannel": f"{module}/plugins/meta/flannel"},
        modules={module: f"v{version}"},
        variables={f"{module}/pkg/utils/buildversion.BuildVersion": f"v{version}"},
    )


def _flannel(version: str) -> Recipe:
    module = "github.com/flannel-io/flannel"
    return Recipe(
        package="flannel",
        version=version,
        tools={"flanneld": module},
        # flannel 0.28 asks for a version of the second one that the module proxies do not have.
        modules={module: f"v{version}", "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common": "v1.3.103"},
        variables={f"{module}/pkg/version.Version": f"v{version}"},
        static_cgo=True,
    )


COREDNS = "github.com/coredns/coredns"
# These plugins bring the development kits of clouds and tracers with them, a third of all that there is to compile.
COREDNS_LEFT_OUT = frozenset({"azure", "clouddns", "dnssec", "etcd", "geoip", "nomad", "route53", "sign", "trace"})


def _coredns(version: str) -> Recipe:
    return Recipe(package="coredns", version=version, tools={"coredns": f"{OWN_MODULE}/coredns"}, modules={COREDNS: f"v{version}"})


def coredns_main(plugins: str) -> str:
    """CoreDNS's main program with fewer plugins, given its own list of them (core/plugin/zplugin.go)."""
    paths = re.findall(r'^\s*_ "(\S+)"$', plugins, re.MULTILINE)
    kept = [path for path in paths if path.removeprefix(f"{COREDNS}/plugin/") not in COREDNS_LEFT_OUT]
    if len(kept) == len(paths):
        raise LabError("CoreDNS has none of the plugins that the lab leaves out: look at core/plugin/zplugin.go of this version")
    imports = "".join(f'\t_ "{path}"\n' for path in sorted(kept))
    return (
        "// CoreDNS without the plugins that need the development kits of clouds.\npackage main\n\n"
        f'import (\n\t"{COREDNS}/coremain"\n{imports})\n\nfunc main() {{\n\tcoremain.Run()\n}}\n'
    )


_RECIPES = {
    "kubernetes": _kubernetes,
    "etcd": _etcd,
    "containerd": _containerd,
    "cni_plugins": _cni_plugins,
    "flannel": _flannel,
    "flannel_cni": _flannel_cni,
    "coredns": _coredns,
    "agnhost": _agnhost,
}
GO_PACKAGES = tuple(_RECIPES)


def recipe(package: str, version: str) -> Recipe:
    """How to build a package from Go modules."""
    if not re.fullmatch(r"\d+\.\d+\.\d+(-[0-9a-z.]+)?", version):
        raise LabError(f"{version!r} is no version of {package}; versions look like 1.37.1, without a v")
    return _RECIPES[package](version)


def lock(made: Recipe) -> tuple[str, str]:
    """The package and version whose go.mod and go.sum pin what is built: agnhost is a part of Kubernetes."""
    if "k8s.io/kubernetes" in made.modules:
        return "kubernetes", made.modules["k8s.io/kubernetes"].removeprefix("v")
    return made.package, made.version


def go_mod(made: Recipe, *, staging: tuple[str, ...] = ()) -> str:
    """A go.mod of our own for one program; go mod tidy fills in the rest."""
    tools = {tool for tool in made.tools.values() if not tool.startswith(OWN_MODULE)}
    if made.package == "kubernetes":
        tools |= set(_agnhost("0.0.0").tools.values())
    lines = [f"module {OWN_MODULE}/{made.package}", "", f"go {GO}", ""]
    lines += [f"tool {tool}" for tool in sorted(tools)]
    lines += [f"require {module} {version}" for module, version in sorted(made.modules.items())]
    lines += [f"replace {module} => {module} v0.{made.version.split('.', 1)[1]}" for module in sorted(staging)]
    return "\n".join(lines) + "\n"


def staging_modules(text: str) -> tuple[str, ...]:
    """The modules that Kubernetes keeps in its own tree: its go.mod asks for them as v0.0.0 and nothing else."""
    return tuple(sorted(set(re.findall(r"^\s*(k8s\.io/[a-z0-9-]+) v0\.0\.0$", text, re.MULTILINE))))


IMAGE_NAMES: Mapping[str, str] = {
    "pause": "registry.k8s.io/pause:{version}",
    "coredns": "registry.k8s.io/coredns/coredns:v{version}",
    "agnhost": "registry.k8s.io/e2e-test-images/agnhost:{version}",
}


def files(package: str, version: str) -> tuple[str, ...]:
    """The files of a package in its folder."""
    if package in IMAGE_NAMES:
        return (f"{package}.tar",)
    return ("runc",) if package == "runc" else tuple(recipe(package, version).tools)


def is_newer_go(reported: str) -> bool:
    """Whether a Go toolchain, as go env GOVERSION reports it, can build the programs."""
    found = re.match(r"go(\d+)\.(\d+)", reported)
    return found is not None and (int(found[1]), int(found[2])) >= tuple(int(part) for part in minor(GO).split("."))
