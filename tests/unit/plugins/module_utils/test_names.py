"""What may be a name, an address, a label; and which name was meant."""

from __future__ import annotations

from typing import Optional

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils import _names


@pytest.mark.parametrize("name", ["m1", "m1.example.com", "0", "a-b", "a" * 49])
def test_host_name_that_can_be_one(name: str) -> None:
    assert _names.host_name_problem(name) == ""


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        pytest.param("", "is no host name", id="empty"),
        pytest.param("M1", "is no host name", id="upper case"),
        pytest.param("m_1", "is no host name", id="underscore"),
        pytest.param("-m1", "is no host name", id="dash first"),
        pytest.param("m1-", "is no host name", id="dash last"),
        pytest.param("m1.", "is no host name", id="dot last"),
        pytest.param("m..1", "is no host name", id="two dots"),
        pytest.param("../m1", "is no host name", id="path"),
        pytest.param("..", "is no host name", id="parent"),
        pytest.param("m1\n", "is no host name", id="newline last"),
        pytest.param("m1\nm2", "is no host name", id="newline"),
        pytest.param("m1;reboot", "is no host name", id="shell, semicolon"),
        pytest.param("$(reboot)", "is no host name", id="shell, substitution"),
        pytest.param("m1 m2", "is no host name", id="space"),
        pytest.param("m\u00fc", "is no host name", id="not ASCII"),
        pytest.param("m\u0661", "is no host name", id="a digit, but not ASCII"),
        pytest.param("192.0.2.1", "is an address", id="address"),
        pytest.param("a" * 50, "has 50 characters", id="too long"),
        pytest.param(".".join(["a" * 40] * 2), "has 81 characters", id="too long for a label's value"),
    ],
)
def test_host_name_that_cannot_be_one(name: str, reason: str) -> None:
    assert _names.host_name_problem(name).startswith(reason)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("192.0.2.1", "", id="fine"),
        pytest.param("", "is no IPv4 address", id="empty"),
        pytest.param("m1", "is no IPv4 address", id="name"),
        pytest.param("192.0.2.256", "is no IPv4 address", id="out of range"),
        pytest.param("192.0.2.01", "is no IPv4 address", id="leading zero"),
        pytest.param("192.0.2.1/24", "is no IPv4 address", id="network"),
        pytest.param("2001:db8::1", "is no IPv4 address", id="IPv6"),
        pytest.param(3221225985, "is no IPv4 address", id="number"),
        pytest.param("127.0.0.1", "cannot be reached", id="loopback"),
        pytest.param("0.0.0.0", "cannot be reached", id="unspecified"),  # noqa: S104 - a value, no listener
        pytest.param("224.0.0.1", "cannot be reached", id="multicast"),
        pytest.param("255.255.255.255", "cannot be reached", id="broadcast"),
    ],
)
def test_address_problem(text: object, reason: str) -> None:
    found = _names.address_problem(text)
    assert found.startswith(reason)
    assert bool(found) == bool(reason)


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        pytest.param("kube.example.com:6443", ("kube.example.com", 6443), id="name"),
        pytest.param("192.0.2.1:443", ("192.0.2.1", 443), id="address"),
        pytest.param("kube.example.com", None, id="no port"),
        pytest.param("https://kube.example.com:6443", None, id="scheme"),
        pytest.param("kube.example.com:0", None, id="port 0"),
        pytest.param("kube.example.com:65536", None, id="port too high"),
        pytest.param("kube example:1", None, id="space"),
        pytest.param("a;b:1", None, id="shell"),
    ],
)
def test_endpoint(text: str, parsed: Optional[tuple[str, int]]) -> None:
    assert _names.endpoint(text) == parsed


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        pytest.param("10.0.0.0/8", True, id="fine"),
        pytest.param("10.0.0.1/8", False, id="host bits"),
        pytest.param("10.0.0.0", False, id="no prefix"),
        pytest.param("fd00::/64", False, id="IPv6"),
        pytest.param("pods", False, id="word"),
    ],
)
def test_network(text: str, valid: bool) -> None:
    assert (_names.network(text) is not None) is valid


@pytest.mark.parametrize(
    ("path", "valid"),
    [
        pytest.param("/opt/quorate", True, id="fine"),
        pytest.param("/", False, id="root"),
        pytest.param("opt", False, id="relative"),
        pytest.param("/opt/../etc", False, id="parent"),
        pytest.param("/opt/.x", False, id="hidden"),
        pytest.param("/opt/", False, id="slash last"),
        pytest.param("/opt/a b", False, id="space"),
        pytest.param("/opt\n", False, id="newline"),
    ],
)
def test_is_path(path: str, valid: bool) -> None:
    assert _names.is_path(path) is valid


@pytest.mark.parametrize(
    ("taint", "valid"),
    [
        pytest.param("gpu=yes:NoSchedule", True, id="value"),
        pytest.param("example.com/gpu:NoExecute", True, id="no value"),
        pytest.param("gpu", False, id="no effect"),
        pytest.param("gpu:Never", False, id="unknown effect"),
        pytest.param("a b:NoSchedule", False, id="space"),
        pytest.param("gpu=-x:NoSchedule", False, id="value"),
    ],
)
def test_taint(taint: str, valid: bool) -> None:
    assert (_names.taint_problem(taint) == "") is valid


@pytest.mark.parametrize(
    ("key", "value", "valid"),
    [
        pytest.param("disk", "ssd", True, id="fine"),
        pytest.param("example.com/disk", "", True, id="prefix, empty value"),
        pytest.param("/disk", "ssd", False, id="empty prefix"),
        pytest.param("Example.com/disk", "ssd", False, id="upper case prefix"),
        pytest.param("disk", "a b", False, id="space in value"),
        pytest.param("d" * 64, "ssd", False, id="long key"),
    ],
)
def test_label(key: str, value: str, valid: bool) -> None:
    assert (_names.label_key_problem(key) + _names.label_value_problem(value) == "") is valid


@pytest.mark.parametrize(
    ("one", "other", "steps"),
    [
        pytest.param("etcd", "etcd", 0, id="same"),
        pytest.param("ectd", "etcd", 1, id="swapped"),
        pytest.param("worker", "workers", 1, id="added"),
        pytest.param("maasters", "masters", 1, id="dropped"),
        pytest.param("nasters", "masters", 1, id="replaced"),
        pytest.param("", "abc", 3, id="empty"),
    ],
)
def test_distance(one: str, other: str, steps: int) -> None:
    assert {_names.distance(*pair) for pair in ((one, other), (other, one))} == {steps}


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        pytest.param("master", "masters", id="singular"),
        pytest.param("wrokers", "workers", id="swapped"),
        pytest.param("ectd", "etcd", id="short"),
        pytest.param("etc", "etcd", id="short, a letter missing"),
        pytest.param("web", "", id="something else"),
        pytest.param("workers_gpu", "", id="a part of ours"),
    ],
)
def test_closest(name: str, meant: str) -> None:
    assert _names.closest(name, ("masters", "workers", "etcd")) == meant
