"""Headers read by hand say what Pillow says: the upright size, for every way to write an orientation."""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageOps

from labelloop.datasets.images import Header, ImageProblem, read_header
from labelloop.datasets.schema import Size

SIZE = (40, 30)


def encoded(kind: str = "JPEG", mode: str = "RGB", **more: Any) -> bytes:
    target = BytesIO()
    Image.new(mode, SIZE).save(target, kind, **more)
    return target.getvalue()


def tiff(value: int = 6, order: str = "II", kind: int = 3, count: int = 1, magic: int = 42) -> bytes:
    """A TIFF block with one entry, the orientation."""
    sign = "<" if order == "II" else ">"
    said = struct.pack(f"{sign}HH", value, 0) if kind == 3 else struct.pack(f"{sign}I", value)
    entry = struct.pack(f"{sign}HHI", 0x0112, kind, count) + said
    return order.encode() + struct.pack(f"{sign}HIH", magic, 8, 1) + entry + bytes(4)


def segment(marker: int, data: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data


def exif(block: bytes) -> bytes:
    return segment(0xE1, b"Exif\0\0" + block)


def jpeg(*segments: bytes) -> bytes:
    data = encoded()
    return data[:2] + b"".join(segments) + data[2:]


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(*chunks: bytes, before: bytes = b"IDAT") -> bytes:
    data = encoded("PNG")
    at = data.index(before) - 4
    return data[:at] + b"".join(chunks) + data[at:]


def in_exif(kind: str, value: int) -> bytes:
    if kind == "TIFF":
        return encoded("TIFF", tiffinfo={0x0112: value})
    block = Image.Exif()
    block[0x0112] = value
    return encoded(kind, exif=block)


FILES: dict[str, Callable[[], bytes]] = {
    **{f"{order} {value}": lambda o=order, v=value: jpeg(exif(tiff(v, o))) for order in ("II", "MM") for value in (*range(10), 255)},
    **{f"{order} type {kind}": lambda o=order, k=kind: jpeg(exif(tiff(6, o, k))) for order in ("II", "MM") for kind in (1, 2, 4, 5, 7, 9)},
    **{f"{kind} {value}": lambda k=kind, v=value: in_exif(k, v) for kind in ("TIFF", "WEBP", "PNG") for value in range(1, 9)},
    "count 0": lambda: jpeg(exif(tiff(count=0))),
    "count 2": lambda: jpeg(exif(tiff(count=2))),
    "big tiff": lambda: jpeg(exif(tiff(magic=43))),
    "no byte order": lambda: jpeg(exif(b"XX" + tiff()[2:])),
    "block cut off": lambda: jpeg(exif(tiff()[:-8])),
    "first of two, turned": lambda: jpeg(exif(tiff(6)), exif(tiff(1))),
    "first of two, upright": lambda: jpeg(exif(tiff(1)), exif(tiff(6))),
    "behind 300 kB": lambda: jpeg(*[segment(0xE2, bytes(60_000))] * 5, exif(tiff(6))),
    "restart marker": lambda: jpeg(b"\xff\xd0"),
    "filling": lambda: jpeg(b"\xff\xff\xff"),
    "progressive": lambda: encoded(progressive=True),
    "cmyk": lambda: encoded(mode="CMYK"),
    "padded": lambda: encoded() + bytes(5000),
    "mpo": lambda: encoded("MPO", save_all=True, append_images=[Image.new("RGB", SIZE)]),
    "png exif": lambda: png(chunk(b"eXIf", tiff(6))),
    "png exif at the end": lambda: png(chunk(b"eXIf", tiff(6)), before=b"IEND"),
    "png words in a text": lambda: png(chunk(b"tEXt", b"k\0IDAT"), chunk(b"eXIf", tiff(6))),
    "png behind a long text": lambda: png(chunk(b"tEXt", b"k\0" + bytes(9000)), chunk(b"eXIf", tiff(6))),
    "png padded": lambda: encoded("PNG") + bytes(9000),
    **{f"png {mode}": lambda m=mode: encoded("PNG", m) for mode in ("1", "L", "LA", "P", "RGBA", "I;16")},
}  # fmt: skip


def read(path: Path, data: bytes) -> Header:
    path.write_bytes(data)
    return read_header(path)


@pytest.mark.parametrize("name", FILES)
def test_the_upright_size_is_that_of_pillow(tmp_path: Path, name: str) -> None:
    data = FILES[name]()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's, of blocks that are cut off; ours must not let them through
        with Image.open(BytesIO(data)) as image:
            expected = ImageOps.exif_transpose(image).size
    assert read(tmp_path / "a.jpg", data).size == expected


def test_what_only_xmp_says_is_not_how_a_browser_shows_it(tmp_path: Path) -> None:
    said = b'<x tiff:Orientation="6"/>'
    for data in (
        jpeg(segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + said)),
        png(chunk(b"iTXt", b"XML:com.adobe.xmp" + bytes(5) + said), chunk(b"acTL", bytes(8))),
        encoded("WEBP", xmp=said),
    ):
        assert read(tmp_path / "a", data).size == Size(*SIZE)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_file_that_ends_early_is_found_wherever_it_ends(tmp_path: Path, kind: str) -> None:
    data = encoded(kind)
    for length in range(0, len(data) - 8, 3):
        with pytest.raises(ImageProblem, match="image") as caught:
            read(tmp_path / "a.jpg", data[:length])
        assert caught.value.kind in ("truncated-image", "unreadable-image")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda: encoded().replace(b"\xff\xc0\x00\x11\x08", b"\xff\xc0\x00\x11\x0c"),
        lambda: jpeg(segment(0xDE, bytes(2))),
        lambda: encoded("PNG")[:29] + bytes(4) + encoded("PNG")[33:],
        lambda: encoded("PNG")[:16] + bytes(4) + encoded("PNG")[20:],
    ],
    ids=["12 bits", "hierarchical", "checksum", "no width"],
)
def test_what_pillow_does_not_open_is_not_taken_for_sound(tmp_path: Path, spoil: Callable[[], bytes]) -> None:
    with pytest.raises(ImageProblem, match=r"not an image that can be read|cannot be read"):
        read(tmp_path / "a.jpg", spoil())
