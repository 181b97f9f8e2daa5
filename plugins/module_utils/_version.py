# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: versions, which belong together, and which may follow each other."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping

PATTERN = re.compile(r"(?P<major>0|[1-9][0-9]*)\.(?P<minor>0|[1-9][0-9]*)\.(?P<patch>0|[1-9][0-9]*)(-(?P<pre>[0-9A-Za-z.-]+))?")
# Packages of distributions carry more after the number, such as 1.1.5+ds1.
PACKAGE = re.compile(r"[0-9]+(\.[0-9]+){1,3}([-+~.][0-9A-Za-z.+~-]+)?")

KUBELET_MINORS_BEHIND = 3


class VersionError(Exception):
    """A text is no version, or a version is not known."""


@dataclasses.dataclass(frozen=True)
class Version:
    """A semantic version. What comes before a release, such as 1.37.0-rc.1, sorts before it."""

    major: int
    minor: int
    patch: int
    pre: str = ""

    @property
    def line(self) -> str:
        """Major and minor, such as 1.37."""
        return f"{self.major}.{self.minor}"

    @property
    def _key(self) -> tuple[int, int, int, bool, list[tuple[bool, int, str]]]:
        parts = self.pre.split(".") if self.pre else []
        order = [(not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts]
        return (self.major, self.minor, self.patch, not self.pre, order)

    def __lt__(self, other: Version) -> bool:
        return self._key < other._key

    def __le__(self, other: Version) -> bool:
        return self._key <= other._key

    def __str__(self) -> str:
        return f"{self.line}.{self.patch}" + (f"-{self.pre}" if self.pre else "")

    def minors_ahead_of(self, other: Version) -> int:
        """How many minor versions newer this one is; negative if it is older."""
        if self.major != other.major:
            raise VersionError(f"cannot count the minor versions between {other} and {self}: the major version differs")
        return self.minor - other.minor


def parse(text: str) -> Version:
    """The version that a text is; a leading v is allowed."""
    match = PATTERN.fullmatch(text[1:] if text.startswith("v") else text)
    if match is None:
        raise VersionError(f"{text!r} is no version (MAJOR.MINOR.PATCH, such as 1.37.1)")
    return Version(int(match["major"]), int(match["minor"]), int(match["patch"]), match["pre"] or "")


@dataclasses.dataclass(frozen=True)
class Release:
    """What is installed with a minor version of Kubernetes unless the user chooses otherwise."""

    kubernetes: str
    etcd: str
    coredns: str
    containerd: str = "2.4.2"
    runc: str = "1.3.4"
    cni_plugins: str = "1.9.1"
    flannel: str = "0.28.4"
    flannel_cni: str = "1.9.1-flannel1"
    pause: str = "3.10"

    @property
    def packages(self) -> dict[str, str]:
        return dataclasses.asdict(self)


RELEASES: Mapping[str, Release] = {
    "1.35": Release(kubernetes="1.35.4", etcd="3.6.16", coredns="1.13.1"),
    "1.36": Release(kubernetes="1.36.4", etcd="3.6.16", coredns="1.14.7"),
    "1.37": Release(kubernetes="1.37.1", etcd="3.7.3", coredns="1.15.0"),
}
NEWEST = RELEASES["1.37"]
PACKAGES = tuple(NEWEST.packages)
IMAGES = ("coredns", "pause")  # run as containers: there is no binary of them on a host

ETCD_LINES = ("3.5", "3.6", "3.7")
# Members get options that older ones do not have; and a newer minor version can prepare its data for these.
ETCD_SET_UP = ("3.6", "3.7")
# These lose data: https://groups.google.com/a/kubernetes.io/g/dev/c/B7gJs88XtQc
ETCD_BROKEN = ("3.5.0", "3.5.1", "3.5.2")


@dataclasses.dataclass(frozen=True)
class Floor:
    """The first version of the minor before whose members work beside those of a minor version of etcd, and the first that is advised."""

    hard: str
    advised: str


ETCD_FLOORS: Mapping[str, Floor] = {
    "3.6": Floor(hard="3.5.26", advised="3.5.32"),
    "3.7": Floor(hard="3.6.11", advised="3.6.11"),
}


def release(kubernetes: Version) -> Release:
    """The row of the table for a version of Kubernetes."""
    try:
        return RELEASES[kubernetes.line]
    except KeyError:
        raise VersionError(f"Kubernetes {kubernetes.line} is not known; known are {', '.join(RELEASES)}") from None


def packages(kubernetes: Version, overrides: Mapping[str, str]) -> dict[str, str]:
    """A version for each package: the user's, or what the table says."""
    return {**release(kubernetes).packages, **overrides, "kubernetes": str(kubernetes)}


def etcd_problem(*, kubernetes: Version, etcd: Version) -> str:
    """Why a version of etcd cannot serve a version of Kubernetes; empty if it can."""
    if str(etcd) in ETCD_BROKEN:
        return f"etcd {etcd} can lose data ({ETCD_BROKEN[0]} to {ETCD_BROKEN[-1]} do)"
    if etcd.line not in ETCD_LINES:
        return f"etcd {etcd.line} is not known; known are {', '.join(ETCD_LINES)}"
    if etcd.line not in ETCD_SET_UP:
        return f"etcd {etcd} is too old for Kubernetes {kubernetes.line} as it is set up here, which takes etcd {ETCD_SET_UP[0]} or later"
    return ""


def etcd_upgrade_problem(*, current: Version, target: Version) -> str:
    """Why members cannot be taken from one version of etcd to another; empty if they can."""
    if str(target) in ETCD_BROKEN:
        return f"etcd {target} can lose data ({ETCD_BROKEN[0]} to {ETCD_BROKEN[-1]} do)"
    if target.line not in ETCD_LINES:
        return f"etcd {target.line} is not known; known are {', '.join(ETCD_LINES)}"
    step = target.minors_ahead_of(current)
    if step < 0 and target.line not in ETCD_SET_UP:
        return f"etcd {current} cannot go back to {target}; {ETCD_SET_UP[0]} is the oldest that can be gone back to. Restore a snapshot instead"
    if step < -1:
        return f"etcd {current} to {target} skips a minor version; go back to {current.major}.{current.minor - 1} first"
    if step > 1:
        return f"etcd {current} to {target} skips a minor version; upgrade to {current.major}.{current.minor + 1} first"
    floor = ETCD_FLOORS.get(target.line)
    if step == 1 and floor and current < parse(floor.hard):
        return f"etcd {current} is too old to go to {target.line}; upgrade to {floor.advised} or later first"
    # On the way back members of both work together as well.
    floor = ETCD_FLOORS.get(current.line)
    if step == -1 and floor and target < parse(floor.hard):
        return f"etcd {current} cannot go back to {target}; {floor.hard} is the first of {target.line} that works beside {current.line}"
    return ""


def etcd_upgrade_advice(*, current: Version, target: Version) -> str:
    """What should be done before an upgrade that is allowed; empty if nothing."""
    floor = ETCD_FLOORS.get(target.line)
    if floor and target.minors_ahead_of(current) == 1 and current < parse(floor.advised):
        return f"etcd {current} should be upgraded to {floor.advised} or later before it goes to {target.line}"
    return ""


def upgrade_problem(*, current: Version, target: Version) -> str:
    """Why Kubernetes cannot be taken from one version to another; empty if it can."""
    if target.line not in RELEASES:
        return f"Kubernetes {target.line} is not known; known are {', '.join(RELEASES)}"
    step = target.minors_ahead_of(current)
    if step < 0:
        return f"Kubernetes {current} cannot go back to {target}: API servers do not support an older minor version"
    if step > 1:
        return f"Kubernetes {current} to {target} skips a minor version; upgrade to {current.major}.{current.minor + 1} first"
    return ""


def api_servers_problem(versions: Iterable[Version]) -> str:
    """Why API servers cannot run beside each other; empty if they can."""
    known = sorted(versions)
    if known and known[-1].minors_ahead_of(known[0]) > 1:
        return f"API servers {known[0]} and {known[-1]} are more than one minor version apart"
    return ""


def kubelet_problem(*, kubelet: Version, api_servers: Iterable[Version]) -> str:
    """Why a kubelet cannot talk to the API servers; empty if it can."""
    return _behind("kubelet", version=kubelet, api_servers=api_servers, allowed=KUBELET_MINORS_BEHIND)


def proxy_problem(*, proxy: Version, kubelet: Version, api_servers: Iterable[Version]) -> str:
    """Why a kube-proxy cannot run beside its kubelet and with the API servers; empty if it can."""
    if abs(proxy.minors_ahead_of(kubelet)) > KUBELET_MINORS_BEHIND:
        return f"kube-proxy {proxy} is more than {KUBELET_MINORS_BEHIND} minor versions from its kubelet {kubelet}"
    return _behind("kube-proxy", version=proxy, api_servers=api_servers, allowed=KUBELET_MINORS_BEHIND)


def controller_problem(name: str, *, version: Version, api_servers: Iterable[Version]) -> str:
    """Why a controller manager or scheduler cannot talk to the API servers that it may reach; empty if it can."""
    return _behind(name, version=version, api_servers=api_servers, allowed=1)


def _behind(name: str, *, version: Version, api_servers: Iterable[Version], allowed: int) -> str:
    for server in api_servers:
        ahead = version.minors_ahead_of(server)
        if ahead > 0:
            return f"{name} {version} is newer than API server {server}"
        if -ahead > allowed:
            minors = "one minor version" if allowed == 1 else f"{allowed} minor versions"
            return f"{name} {version} is more than {minors} older than API server {server}"
    return ""
