# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.quorate.kubernetes.lab import image

DEBIAN = """# http://snapshot.example.org/archive
Types: deb
URIs: http://mirror.example.org/debian
Suites: bookworm bookworm-updates
Components: main
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(DEBIAN, True, id="deb822"),
        pytest.param("Types: deb\nSuites: bookworm-security\nComponents: main\n", True, id="security"),
        pytest.param("deb http://mirror.example.org/debian bookworm main contrib\n", True, id="one line"),
        pytest.param("deb https://packages.example.com/apt cloud-sdk-bookworm main\n", False, id="vendor's suite"),
        pytest.param("deb [arch=amd64] https://download.example.com/debian bookworm stable\n", False, id="vendor's component"),
        pytest.param("deb http://mirror.example.org/debian trixie main\n", False, id="another Debian"),
    ],
)
def test_sources_of_debian(text: str, expected: bool) -> None:
    assert image.is_debian_source(text) is expected


def test_sources_are_the_machines_own(tmp_path: Path) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list").write_text("# deb http://mirror.example.org/debian bookworm main\n")
    (tmp_path / "sources.list.d" / "debian.sources").write_text(DEBIAN)
    (tmp_path / "sources.list.d" / "vendor.list.disabled").write_text("deb http://mirror.example.org/debian bookworm main\n")
    assert image.sources(tmp_path) == [tmp_path / "sources.list.d" / "debian.sources"]


def test_proxies() -> None:
    dump = 'APT "";\nAcquire::http::Proxy "http://proxy.example.org:3128";\nAcquire::https::Proxy::mirror.example.org "DIRECT";\nAcquire::http::Proxy "";\n'
    assert image.proxies(dump) == [
        'Acquire::http::Proxy "http://proxy.example.org:3128";',
        'Acquire::https::Proxy::mirror.example.org "DIRECT";',
    ]


def test_the_name_follows_the_recipe(monkeypatch: pytest.MonkeyPatch) -> None:
    name = image.tag(public_key="one", architecture="amd64")
    assert name == image.tag(public_key="one", architecture="amd64")
    assert name.startswith("localhost/quorate-host:")
    others = {image.tag(public_key="two", architecture="amd64"), image.tag(public_key="one", architecture="arm64")}
    monkeypatch.setattr(image, "PACKAGES", (*image.PACKAGES, "vim"))
    others.add(image.tag(public_key="one", architecture="amd64"))
    assert len(others - {name}) == 3
