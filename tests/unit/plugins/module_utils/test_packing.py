"""What is packed is the same when it is unpacked, and damage is noticed."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils import _packing


def noise(size: int) -> bytes:
    """Bytes that cannot be packed, always the same."""
    return b"".join(hashlib.sha256(str(number).encode()).digest() for number in range(size // 32 + 1))[:size]


CONTENTS = [
    pytest.param(b"", id="empty"),
    pytest.param(b"short", id="short"),
    # More than the buffer, in and out, at edges of blocks and of the buffer.
    pytest.param(b"\0" * (3 << 20), id="zeros"),
    pytest.param(noise((2 << 20) + 7), id="random"),
    pytest.param(noise(5000) * 700, id="repeated"),
]


def blocks(content: bytes, size: int) -> Iterator[bytes]:
    return (content[start : start + size] for start in range(0, len(content), size))


@pytest.mark.parametrize("packing", _packing.known())
@pytest.mark.parametrize("content", CONTENTS)
@pytest.mark.parametrize("size", [1 << 20, 65_537])
def test_unpacked_is_what_was_packed(content: bytes, packing: str, size: int) -> None:
    packed = b"".join(_packing.packed(blocks(content, size), packing))
    assert b"".join(_packing.unpacked(blocks(packed, size))) == content


@pytest.mark.parametrize("packing", _packing.known())
@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda packed: packed[:-9], id="cut off"),
        pytest.param(lambda packed: packed[:40] + b"\xff" * 40 + packed[80:], id="altered"),
    ],
)
def test_damage_is_noticed_here_or_by_the_digest(packing: str, damage: object) -> None:
    content = noise(100_000)
    packed = b"".join(_packing.packed([content], packing))
    assert callable(damage)
    try:
        found = b"".join(_packing.unpacked([damage(packed)]))
    except _packing.PackingError:
        found = b""
    assert found != content


@pytest.mark.parametrize("packing", _packing.known())
def test_what_is_cut_off_is_an_error(packing: str) -> None:
    packed = b"".join(_packing.packed([noise(100_000)], packing))
    with pytest.raises(_packing.PackingError, match=r"cut off|incomplete"):
        list(_packing.unpacked([packed[: len(packed) // 2]]))


def test_without_the_library_there_is_zlib(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = b"".join(_packing.packed([b"x" * 1000], _packing.known()[0]))
    monkeypatch.setattr(_packing, "_library", lambda: None)
    assert _packing.known() == ["zlib"]
    assert b"".join(_packing.unpacked([zlib.compress(b"y")])) == b"y"
    if sent.startswith(b"\x28\xb5\x2f\xfd"):
        with pytest.raises(_packing.PackingError, match="library is not there"):
            list(_packing.unpacked([sent]))
