"""Whether a cluster can spare one of its API servers."""

from __future__ import annotations

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils import _api_servers


@pytest.mark.parametrize(
    "causes",
    [
        pytest.param({}, id="the only one"),
        pytest.param({"m2": "", "m3": ""}, id="the others are ready"),
    ],
)
def test_it_is_spared(causes: dict[str, str]) -> None:
    assert _api_servers.why_not_spared(causes) == ""


@pytest.mark.parametrize(
    ("causes", "words"),
    [
        pytest.param({"m2": "refused"}, "1 of the 1 other API servers is not ready (m2: refused), so only 0 would", id="the only other"),
        pytest.param(
            {"m2": "refused", "m3": ""}, "1 of the 2 other API servers is not ready (m2: refused), so only 1 would", id="one of two"
        ),
        pytest.param({"m3": "late", "m2": "refused"}, "2 of the 2 other API servers are not ready (m2: refused; m3: late)", id="both"),
    ],
)
def test_it_is_not_spared(causes: dict[str, str], words: str) -> None:
    assert words in _api_servers.why_not_spared(causes)


@pytest.mark.parametrize(
    ("versions", "words"),
    [
        pytest.param({}, "", id="nobody answers"),
        pytest.param({"m1": "v1.37.0", "m2": "v1.37.1"}, "", id="the same minor version"),
        pytest.param({"m1": "v1.38.0"}, "", id="newer"),
        pytest.param({"m1": "v1.37.1", "m2": "v1.36.4"}, "(m2 has 1.36.4)", id="one is older"),
        pytest.param({"m2": "v1.36.4", "m1": "v1.35.0"}, "(m1 has 1.35.0, m2 has 1.36.4)", id="all are older"),
    ],
)
def test_nodes_are_not_newer_than_api_servers(versions: dict[str, str], words: str) -> None:
    reason = _api_servers.why_too_old(versions, wanted="1.37.1")
    assert bool(reason) is bool(words)
    assert words in reason
