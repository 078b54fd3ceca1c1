"""PNG files as strict readers take them: Pillow shows a picture of broken ones where OpenCV, and so Ultralytics, has none.

Pillow does not compare the checksum of the picture's data, does not miss its end, and fills
up rows that are not there.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from math import ceil
from typing import Any

SIGNATURE = b"\x89PNG\r\n\x1a\n"

_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_STEP = 1 << 20
_CRITICAL = (b"IHDR", b"PLTE", b"IDAT", b"IEND")
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""Of each pass of an interlaced picture: the first column and row, and the steps between them."""


def find_png_problem(data: bytes) -> str:
    """Why a strict reader has no picture of a PNG file, as a sentence without a subject; "" where it has one.

    Args:
        data: the whole file, whose header Pillow could read.

    Reference: https://www.w3.org/TR/png-3/
    """
    inflate: Any = zlib.decompressobj()
    needed = length = 0
    try:
        for kind, content, whole in _chunks(data):
            if not whole:
                return f"the checksum of its {kind.decode('ascii', 'replace')} data is wrong"
            if kind == b"IHDR":
                needed = _bytes_needed(content)
            elif kind == b"IDAT":
                length += _inflated(inflate, content)
            elif kind == b"IEND":
                if length < needed:
                    return f"{needed - length} of {needed} bytes of its picture are missing"
                return "" if inflate.eof else "its picture's data has no end"
    except (zlib.error, KeyError, IndexError, ValueError) as error:
        return f"its data cannot be read: {error}"
    return "it has no end"


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes, bool]]:
    """The kind and content of each critical chunk, and whether its checksum is right, in the order of the file."""
    at = len(SIGNATURE)
    while at + 12 <= len(data):
        length, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        end = at + 8 + length
        if kind in _CRITICAL:
            content = data[at + 8 : end]
            yield kind, content, int.from_bytes(data[end : end + 4], "big") == zlib.crc32(kind + content)
        at = end + 4


def _inflated(inflate: Any, content: bytes) -> int:
    """How many bytes a part of the picture's data becomes; a megabyte of them is held at a time."""
    count = 0
    while content and not inflate.eof:
        count += len(inflate.decompress(content, _STEP))
        content = inflate.unconsumed_tail
    return count


def _bytes_needed(header: bytes) -> int:
    """How many bytes the rows of the picture are, each with the byte that says its filter."""
    width, height = int.from_bytes(header[:4], "big"), int.from_bytes(header[4:8], "big")
    bits = header[8] * _CHANNELS[header[9]]
    passes = _ADAM7 if header[12] else ((0, 0, 1, 1),)
    total = 0
    for column, row, across, down in passes:
        columns, rows = ceil((width - column) / across), ceil((height - row) / down)
        if columns > 0 and rows > 0:
            total += rows * (1 + ceil(columns * bits / 8))
    return total
