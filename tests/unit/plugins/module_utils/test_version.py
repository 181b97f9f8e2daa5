"""Which versions belong together and which may follow each other."""

from __future__ import annotations

import itertools

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils import _version
from ansible_collections.quorate.kubernetes.plugins.module_utils._version import parse


def versions(*texts: str) -> list[_version.Version]:
    return [parse(text) for text in texts]


@pytest.mark.parametrize("text", ["1.37.1", "v1.37.1", "1.37.0-rc.1", "3.5.26", "0.0.0"])
def test_parse(text: str) -> None:
    assert str(parse(text)) == text.lstrip("v")


@pytest.mark.parametrize(
    "text", ["", "1.37", "1", "1.37.x", "1.37.1 ", "1.37.1\n", "vv1.37.1", "1.037.1", "latest", "1.37.1/../x", "1.3\u0667.1"]
)
def test_what_is_no_version(text: str) -> None:
    with pytest.raises(_version.VersionError, match="is no version"):
        parse(text)


def test_order_is_by_number_and_pre_releases_come_first() -> None:
    order = ["1.9.9", "1.36.4", "1.37.0-alpha.2", "1.37.0-alpha.10", "1.37.0-rc.1", "1.37.0", "1.37.2", "1.37.10", "2.0.0"]
    for low, high in itertools.combinations(versions(*order), 2):
        assert low < high
        assert low <= high
        assert not high < low
    assert sorted(versions(*reversed(order))) == versions(*order)


@pytest.mark.parametrize("line", sorted(_version.RELEASES))
def test_each_release_is_whole_and_its_etcd_fits(line: str) -> None:
    release = _version.RELEASES[line]
    kubernetes = parse(release.kubernetes)
    assert kubernetes.line == line
    assert set(release.packages) == set(_version.PACKAGES)
    assert all(_version.PACKAGE.fullmatch(version) for version in release.packages.values())
    assert _version.etcd_problem(kubernetes=kubernetes, etcd=parse(release.etcd)) == ""


@pytest.mark.parametrize(("older", "newer"), [("1.35", "1.36"), ("1.36", "1.37")])
def test_each_release_can_be_upgraded_to_the_next(older: str, newer: str) -> None:
    old, new = _version.RELEASES[older], _version.RELEASES[newer]
    assert _version.upgrade_problem(current=parse(old.kubernetes), target=parse(new.kubernetes)) == ""
    assert _version.etcd_upgrade_problem(current=parse(old.etcd), target=parse(new.etcd)) == ""
    # etcd goes first, so the old API servers meet the new etcd.
    assert _version.etcd_problem(kubernetes=parse(old.kubernetes), etcd=parse(new.etcd)) == ""


def test_packages_are_the_tables_unless_chosen() -> None:
    found = _version.packages(parse("1.36.9"), {"runc": "1.1.5"})
    assert found["kubernetes"] == "1.36.9"
    assert found["etcd"] == _version.RELEASES["1.36"].etcd
    assert found["runc"] == "1.1.5"


def test_unknown_release_names_the_known_ones() -> None:
    with pytest.raises(_version.VersionError, match=r"1\.99 is not known; known are 1\.35, 1\.36, 1\.37"):
        _version.release(parse("1.99.0"))


@pytest.mark.parametrize(
    ("kubernetes", "etcd", "reason"),
    [
        pytest.param("1.37.1", "3.7.3", "", id="default"),
        pytest.param("1.36.4", "3.7.3", "", id="next etcd before the API servers"),
        pytest.param("1.35.4", "3.6.4", "", id="old but fit"),
        pytest.param("1.35.4", "3.5.32", "too old", id="without the options that members get"),
        pytest.param("1.35.4", "3.5.0", "lose data", id="loses data, 3.5.0"),
        pytest.param("1.35.4", "3.5.2", "lose data", id="loses data, 3.5.2"),
        pytest.param("1.35.4", "3.4.30", "not known", id="unknown, older"),
        pytest.param("1.37.1", "3.8.0", "not known", id="unknown, newer"),
    ],
)
def test_etcd_problem(kubernetes: str, etcd: str, reason: str) -> None:
    found = _version.etcd_problem(kubernetes=parse(kubernetes), etcd=parse(etcd))
    assert reason in found
    assert bool(found) == bool(reason)


@pytest.mark.parametrize(
    ("current", "target", "refused", "advised"),
    [
        pytest.param("3.6.11", "3.7.3", "", "", id="3.6 to 3.7"),
        pytest.param("3.6.16", "3.7.3", "", "", id="3.6 to 3.7, later"),
        pytest.param("3.6.10", "3.7.3", "upgrade to 3.6.11", "3.6.11", id="3.6 to 3.7, below the floor"),
        pytest.param("3.5.32", "3.6.16", "", "", id="3.5 to 3.6"),
        pytest.param("3.5.31", "3.6.16", "", "3.5.32", id="3.5 to 3.6, below what is advised"),
        pytest.param("3.5.26", "3.6.16", "", "3.5.32", id="3.5 to 3.6, at the hard floor"),
        pytest.param("3.5.25", "3.6.16", "upgrade to 3.5.32", "3.5.32", id="3.5 to 3.6, below the hard floor"),
        pytest.param("3.5.32", "3.7.3", "skips a minor version; upgrade to 3.6", "", id="3.5 to 3.7"),
        pytest.param("3.7.3", "3.6.16", "", "", id="minor down"),
        pytest.param("3.7.3", "3.6.11", "", "", id="minor down, to the floor"),
        pytest.param("3.7.3", "3.6.10", "3.6.11 is the first of 3.6", "", id="minor down, below the floor"),
        pytest.param("3.6.16", "3.5.32", "cannot go back", "", id="minor down, which etcd cannot prepare"),
        pytest.param("3.6.16", "3.6.11", "", "", id="patch down"),
        pytest.param("3.6.11", "3.6.16", "", "", id="patch up"),
        pytest.param("3.6.16", "3.6.16", "", "", id="same"),
        pytest.param("3.5.32", "3.5.1", "lose data", "", id="to a broken one"),
        pytest.param("3.7.3", "3.8.0", "not known", "", id="unknown"),
    ],
)
def test_etcd_upgrade(current: str, target: str, refused: str, advised: str) -> None:
    problem = _version.etcd_upgrade_problem(current=parse(current), target=parse(target))
    advice = _version.etcd_upgrade_advice(current=parse(current), target=parse(target))
    assert refused in problem
    assert bool(problem) == bool(refused)
    assert advised in advice
    assert bool(advice) == bool(advised)


@pytest.mark.parametrize(
    ("current", "target", "reason"),
    [
        pytest.param("1.36.4", "1.37.1", "", id="next minor"),
        pytest.param("1.37.0", "1.37.1", "", id="patch up"),
        pytest.param("1.37.1", "1.37.0", "", id="patch down"),
        pytest.param("1.37.1", "1.37.1", "", id="same"),
        pytest.param("1.35.4", "1.37.1", "skips a minor version; upgrade to 1.36", id="two minors"),
        pytest.param("1.37.1", "1.36.4", "cannot go back", id="minor down"),
        pytest.param("1.37.1", "1.38.0", "not known", id="unknown"),
    ],
)
def test_upgrade_problem(current: str, target: str, reason: str) -> None:
    found = _version.upgrade_problem(current=parse(current), target=parse(target))
    assert reason in found
    assert bool(found) == bool(reason)


@pytest.mark.parametrize(
    ("found", "fine"),
    [
        pytest.param((), True, id="none"),
        pytest.param(("1.36.4", "1.37.1", "1.36.4"), True, id="one apart"),
        pytest.param(("1.35.4", "1.37.1", "1.36.4"), False, id="two apart"),
    ],
)
def test_api_servers(found: tuple[str, ...], fine: bool) -> None:
    assert (_version.api_servers_problem(versions(*found)) == "") is fine


@pytest.mark.parametrize(
    ("kubelet", "servers", "reason"),
    [
        pytest.param("1.37.1", ("1.37.0",), "", id="newer patch"),
        pytest.param("1.34.0", ("1.37.0",), "", id="three behind"),
        pytest.param("1.33.0", ("1.37.0",), "more than 3 minor versions older", id="four behind"),
        pytest.param("1.37.0", ("1.37.0", "1.36.4"), "newer than API server 1.36.4", id="newer than one"),
        pytest.param("1.33.0", ("1.36.0", "1.37.0"), "older than API server 1.37.0", id="too old for one"),
    ],
)
def test_kubelet(kubelet: str, servers: tuple[str, ...], reason: str) -> None:
    found = _version.kubelet_problem(kubelet=parse(kubelet), api_servers=versions(*servers))
    assert reason in found
    assert bool(found) == bool(reason)


@pytest.mark.parametrize(
    ("proxy", "kubelet", "server", "fine"),
    [
        pytest.param("1.37.0", "1.37.0", "1.37.0", True, id="same"),
        pytest.param("1.37.0", "1.34.0", "1.37.0", True, id="three newer than its kubelet"),
        pytest.param("1.34.0", "1.37.0", "1.37.0", True, id="three older"),
        pytest.param("1.37.0", "1.33.0", "1.37.0", False, id="four newer than its kubelet"),
        pytest.param("1.37.0", "1.36.0", "1.36.0", False, id="newer than the API server"),
    ],
)
def test_proxy(proxy: str, kubelet: str, server: str, fine: bool) -> None:
    assert (_version.proxy_problem(proxy=parse(proxy), kubelet=parse(kubelet), api_servers=versions(server)) == "") is fine


@pytest.mark.parametrize(
    ("version", "servers", "fine"),
    [
        pytest.param("1.37.0", ("1.37.1",), True, id="same minor"),
        pytest.param("1.36.0", ("1.37.1", "1.36.4"), True, id="one behind"),
        pytest.param("1.35.0", ("1.37.1",), False, id="two behind"),
        pytest.param("1.37.0", ("1.37.1", "1.36.4"), False, id="newer than one it may reach"),
    ],
)
def test_controller(version: str, servers: tuple[str, ...], fine: bool) -> None:
    found = _version.controller_problem("kube-scheduler", version=parse(version), api_servers=versions(*servers))
    assert (found == "") is fine
    assert fine or found.startswith("kube-scheduler 1.")


def test_major_versions_are_not_compared() -> None:
    with pytest.raises(_version.VersionError, match="major version differs"):
        parse("2.0.0").minors_ahead_of(parse("1.37.0"))
