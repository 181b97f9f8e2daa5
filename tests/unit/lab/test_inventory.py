# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.quorate.kubernetes.lab.inventory import Host, locked_out, parse
from ansible_collections.quorate.kubernetes.lab.process import LabError


def listing(**hosts: dict[str, Any]) -> dict[str, Any]:
    return {"_meta": {"hostvars": hosts}, "all": {"children": ["ungrouped", "masters"]}, "masters": {"hosts": list(hosts)}}


def test_hosts_are_sorted_and_know_their_network() -> None:
    hosts = parse(listing(w1={"ansible_host": "192.168.77.21"}, m1={"ansible_host": "10.1.2.11"}))
    assert hosts == [Host(name="m1", address="10.1.2.11"), Host(name="w1", address="192.168.77.21")]
    assert [(host.network, host.subnet) for host in hosts] == [
        ("quorate-10-1-2", "10.1.2.0/24"),
        ("quorate-192-168-77", "192.168.77.0/24"),
    ]


def test_the_control_node_is_no_host() -> None:
    hosts = parse(listing(m1={"ansible_host": "192.168.77.11"}, localhost={"ansible_connection": "local"}))
    assert [host.name for host in hosts] == ["m1"]


@pytest.mark.parametrize(
    ("hosts", "message"),
    [
        pytest.param({}, "no host", id="empty"),
        pytest.param({"m1": {}}, "ansible_host of m1 is ''", id="no address"),
        pytest.param({"m1": {"ansible_host": "m1.example.com"}}, "plain IPv4", id="a name"),
        pytest.param({"m1": {"ansible_host": "fd00::1"}}, "plain IPv4", id="IPv6"),
        pytest.param({"m1": {"ansible_host": "8.8.8.8"}}, "private networks", id="public"),
        pytest.param({"m1": {"ansible_host": "127.0.0.1"}}, "private networks", id="loopback"),
        pytest.param({"m1": {"ansible_host": "192.168.77.1"}}, "the network's own", id="gateway"),
        pytest.param({"m_1": {"ansible_host": "192.168.77.11"}}, "RFC 1123", id="underscore"),
        pytest.param({"--rm": {"ansible_host": "192.168.77.11"}}, "RFC 1123", id="an option"),
        pytest.param(
            {"m1": {"ansible_host": "192.168.77.11"}, "m2": {"ansible_host": "192.168.77.11"}}, "m1 and m2 have the same", id="twice"
        ),
    ],
)
def test_what_cannot_be_made_is_refused(hosts: dict[str, Any], message: str) -> None:
    with pytest.raises(LabError, match=message):
        parse(listing(**hosts))


def test_everything_wrong_is_told_at_once() -> None:
    with pytest.raises(LabError) as caught:
        parse(listing(m1={}, m2={"ansible_host": "8.8.8.8"}))
    assert "m1" in str(caught.value)
    assert "m2" in str(caught.value)


def test_a_host_without_variables_is_seen() -> None:
    with pytest.raises(LabError, match="ansible_host of w9"):
        parse({"_meta": {"hostvars": {}}, "workers": {"hosts": ["w9"]}})


def test_hosts_without_a_key_are_told() -> None:
    found = listing(a={"ansible_host": "192.168.77.11"}, b={"ansible_ssh_private_key_file": "key"}, c={"ansible_connection": "local"})
    assert locked_out(found) == ["a"]
