# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: packing of what is sent, by zstd where its library is there, and it is wherever systemd is.

Programs of Go are unpacked five times as fast as from zlib, and are smaller. Python has a module for it since 3.14 only.
"""

from __future__ import annotations

import ctypes
import functools
import itertools
import zlib
from collections.abc import Iterable, Iterator
from typing import Any

ZSTD, ZLIB = "zstd", "zlib"
# Level 3 takes half of zlib's fastest, and is smaller than its best.
_LEVELS = {ZSTD: 3, ZLIB: 1}
_MAGIC = b"\x28\xb5\x2f\xfd"
_BUFFER = 1 << 20
_SET_LEVEL = 100
_CONTINUE, _END = 0, 2


class PackingError(Exception):
    """Something that was packed cannot be unpacked."""


def known() -> list[str]:
    """The packings that this machine can make and unpack, the best first."""
    return [ZSTD, ZLIB] if _library() else [ZLIB]


def packed(blocks: Iterable[bytes], packing: str) -> Iterator[bytes]:
    """The blocks, packed."""
    if packing == ZSTD:
        yield from _zstd_packed(blocks)
        return
    stream = zlib.compressobj(_LEVELS[ZLIB])
    for block in blocks:
        yield stream.compress(block)
    yield stream.flush()


def unpacked(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The blocks as they were before, however they were packed: it shows in the first bytes."""
    rest = iter(blocks)
    first = next(rest, b"")
    whole = itertools.chain([first], rest)
    yield from _zstd_unpacked(whole) if first.startswith(_MAGIC) else _zlib_unpacked(whole)


def _zlib_unpacked(blocks: Iterable[bytes]) -> Iterator[bytes]:
    stream = zlib.decompressobj()
    try:
        for block in blocks:
            yield stream.decompress(block)
        yield stream.flush()
    except zlib.error as error:
        raise PackingError(str(error)) from error
    if not stream.eof:
        raise PackingError("it is cut off")


# --- zstd, by its library ----------------------------------------------------------------------------------------------


class _Input(ctypes.Structure):
    _fields_ = [("source", ctypes.c_char_p), ("size", ctypes.c_size_t), ("position", ctypes.c_size_t)]


class _Output(ctypes.Structure):
    _fields_ = [("target", ctypes.c_void_p), ("size", ctypes.c_size_t), ("position", ctypes.c_size_t)]


@functools.lru_cache  # not cache, which Python 3.8 lacks: such a host has to come as far as being told that it is too old
def _library() -> Any:
    """libzstd 1.4 or later, whose interface is stable; None if it is not there."""
    try:
        library = ctypes.CDLL("libzstd.so.1")
        for name in ("ZSTD_createCCtx", "ZSTD_createDCtx"):
            getattr(library, name).restype = ctypes.c_void_p
        library.ZSTD_getErrorName.restype = ctypes.c_char_p
        library.ZSTD_getErrorName.argtypes = [ctypes.c_size_t]
        library.ZSTD_isError.argtypes = [ctypes.c_size_t]
        for name in ("ZSTD_freeCCtx", "ZSTD_freeDCtx"):
            getattr(library, name).argtypes = [ctypes.c_void_p]
        library.ZSTD_CCtx_setParameter.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_int]
        streams: list[Any] = [ctypes.c_void_p, ctypes.POINTER(_Output), ctypes.POINTER(_Input)]
        library.ZSTD_compressStream2.argtypes = [*streams, ctypes.c_int]
        library.ZSTD_decompressStream.argtypes = streams
        for name in ("ZSTD_CCtx_setParameter", "ZSTD_compressStream2", "ZSTD_decompressStream"):
            getattr(library, name).restype = ctypes.c_size_t
    except (OSError, AttributeError):
        return None
    return library


def _zstd_packed(blocks: Iterable[bytes]) -> Iterator[bytes]:
    library = _library()
    context = library.ZSTD_createCCtx()
    buffer = ctypes.create_string_buffer(_BUFFER)
    try:
        _checked(library, library.ZSTD_CCtx_setParameter(context, _SET_LEVEL, _LEVELS[ZSTD]))
        for block, end in itertools.chain(((block, _CONTINUE) for block in blocks), [(b"", _END)]):
            source = _Input(block, len(block), 0)
            while True:
                target = _Output(ctypes.addressof(buffer), len(buffer), 0)
                left = _checked(library, library.ZSTD_compressStream2(context, target, source, end))
                yield ctypes.string_at(buffer, target.position)
                if source.position == source.size and (end == _CONTINUE or not left):
                    break
    finally:
        library.ZSTD_freeCCtx(context)


def _zstd_unpacked(blocks: Iterable[bytes]) -> Iterator[bytes]:
    library = _library()
    if library is None:
        raise PackingError("it is packed by zstd, whose library is not there")
    context = library.ZSTD_createDCtx()
    buffer = ctypes.create_string_buffer(_BUFFER)
    left = 0
    try:
        for block in blocks:
            source = _Input(block, len(block), 0)
            full = False
            # A buffer that came back full may have more behind it, even if all of the block was read, unless it was the end.
            while source.position < source.size or (full and left):
                target = _Output(ctypes.addressof(buffer), len(buffer), 0)
                left = _checked(library, library.ZSTD_decompressStream(context, target, source))
                full = target.position == target.size
                yield ctypes.string_at(buffer, target.position)
    finally:
        library.ZSTD_freeDCtx(context)
    if left:
        raise PackingError("it is cut off")


def _checked(library: Any, code: int) -> int:
    if library.ZSTD_isError(code):
        raise PackingError(library.ZSTD_getErrorName(code).decode())
    return code
