"""What of flannel's network can change while pods run."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils import _flannel

STORED = {"Network": "10.244.0.0/16", "Backend": {"Type": "vxlan", "VNI": 1}}


@pytest.mark.parametrize(
    ("wanted", "changes"),
    [
        pytest.param(STORED, [], id="same"),
        pytest.param({**STORED, "Backend": {"Type": "vxlan", "VNI": 1, "DirectRouting": True}}, [], id="option of the backend"),
        pytest.param({**STORED, "Network": "10.0.0.0/16"}, ['Network from "10.244.0.0/16" to "10.0.0.0/16"'], id="network"),
        pytest.param({**STORED, "Backend": {"Type": "host-gw"}}, ['Backend.Type from "vxlan" to "host-gw"'], id="backend"),
        pytest.param({**STORED, "EnableIPv6": True}, ["EnableIPv6 from null to true"], id="dual stack"),
        pytest.param({"Network": "10.244.0.0/16"}, ['Backend.Type from "vxlan" to null'], id="no backend"),
    ],
)
def test_differences(wanted: dict[str, Any], changes: list[str]) -> None:
    assert _flannel.differences(wanted, STORED) == changes


def test_refuse_says_what_and_what_to_do() -> None:
    _flannel.refuse([], "/k")
    with pytest.raises(_flannel.FlannelError, match=r"/k would change Network from 1 to 2.*down time.*force"):
        _flannel.refuse(["Network from 1 to 2"], "/k")


def test_parse() -> None:
    assert _flannel.parse(None) is None
    assert _flannel.parse(b'{"Network": "10.244.0.0/16"}') == {"Network": "10.244.0.0/16"}
    assert _flannel.parse(b"[", damaged_too=True) is None
    for damaged in (b"", b"[]", b"{"):
        with pytest.raises(_flannel.FlannelError, match="no JSON object"):
            _flannel.parse(damaged)


def test_printed_is_stable() -> None:
    assert _flannel.printed({"b": 1, "a": {"c": True}}) == '{"a":{"c":true},"b":1}'
