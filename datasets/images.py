"""Image files: their header, and whether their picture is whole.

JPEG and PNG headers are read here, by hand: Pillow's `Image.open` takes 32 microseconds
a file, which alone is more than half of what `check` may take, and `imagesize` does
not know the EXIF orientation. All other formats, and every decoding, are Pillow's.
"""

from __future__ import annotations

import builtins
import os
import warnings
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal
from zlib import crc32

from .geometry import TRANSPOSED, upright_size
from .schema import Size

if TYPE_CHECKING:
    from PIL import Image

SUFFIXES: dict[str, str] = {
    ".jpg": "JPEG", ".jpeg": "JPEG", ".jpe": "JPEG", ".jfif": "JPEG", ".png": "PNG", ".bmp": "BMP", ".webp": "WEBP",
    ".tif": "TIFF", ".tiff": "TIFF", ".gif": "GIF",
}  # fmt: skip
"""Suffixes of image files, in lower case, and the format that each promises."""

MAX_PIXELS = 250_000_000
"""Images with more pixels than this are not opened: 16k x 16k, about 750 MB once decoded."""

_HEAD = 4096
_ORDER_OF_TIFF: dict[bytes, Literal["little", "big"]] = {b"II*\0": "little", b"MM\0*": "big"}
_ENDING = 16
_MODE_OF_CHANNELS = {1: "L", 3: "RGB", 4: "CMYK"}
_FRAMES_OF_JPEG = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_SEGMENTS_OF_JPEG = frozenset({0xC4, 0xCC, 0xDB, 0xDD, 0xFE, *range(0xE0, 0xF0)})
"""The markers of segments that are passed over on the way to the frame; a file with another goes to Pillow."""


class ImageProblem(Exception):
    """An image that cannot be used; `kind` is one of the finding kinds for images."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Header:
    """What the first bytes of an image say.

    `raw` is the stored size; `orientation` the EXIF value 1..8; `format` Pillow's name
    of the file's real format; `mode` Pillow's name of the pixel's layout; `frames` is
    more than 1 for an animation; `bytes` the file's length; `ending` its last bytes where
    they had to be read anyway, else empty.
    """

    raw: Size
    orientation: int
    format: str
    mode: str
    frames: int = 1
    bytes: int = 0
    ending: builtins.bytes = b""

    @property
    def size(self) -> Size:
        """The size of the upright image."""
        return self.raw if self.orientation == 1 else upright_size(self.raw, self.orientation)


def is_image_name(name: str) -> bool:
    """Whether a file's suffix is an image's, in upper or lower case."""
    return name[name.rfind(".") :].lower() in SUFFIXES if "." in name else False


def read_header(path: Path | str, max_pixels: int = MAX_PIXELS) -> Header:
    """The header of an image file, without decoding the picture.

    Raises:
        ImageProblem: no file, no bytes, no image, a file that ends early, or too many pixels.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError as error:
        raise ImageProblem("unreadable-image", f"image cannot be opened: {error.strerror}") from error
    try:
        size = os.fstat(descriptor).st_size
        head = os.read(descriptor, _HEAD)
        if not head:
            raise ImageProblem("unreadable-image", "image is empty (0 bytes)")
        header = None
        if head[:2] == b"\xff\xd8":
            # As cheap as the two bytes of the marker, and enough to tell most files apart.
            ending = os.pread(descriptor, _ENDING, max(0, size - _ENDING))
            header, frame_at = _jpeg_header(head, descriptor, size, ending)
            if ending[-2:] != b"\xff\xd9":
                _refuse_open_end(descriptor, frame_at)
        elif head[:8] == b"\x89PNG\r\n\x1a\n":
            ending = os.pread(descriptor, 64, max(0, size - 64))
            header = _png_header(head, size) if b"eXIf" not in ending else None
            if b"IEND" not in ending:
                _refuse_open_end(descriptor, 8, b"IEND\xaeB`\x82")
    except OSError as error:
        raise ImageProblem("unreadable-image", f"image cannot be read: {error.strerror}") from error
    finally:
        os.close(descriptor)
    if header is None:
        with open(path, "rb") as file:
            return _pillow_header(file, max_pixels, size)
    return _within_limit(header, max_pixels)


def read_embedded_header(data: bytes, max_pixels: int = MAX_PIXELS) -> Header:
    """The header of an image that is held in memory; raises as `read_header` does."""
    if not data:
        raise ImageProblem("unreadable-image", "image is empty (0 bytes)")
    return _pillow_header(BytesIO(data), max_pixels, len(data))


def embedded_suffix(data: bytes) -> str:
    """The suffix that suits an image's bytes; `.jpg` where they are none that is known."""
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return ".png"
    if data[:2] == b"BM":
        return ".bmp"
    return ".webp" if data[8:12] == b"WEBP" else ".jpg"


def find_decoding_problem(source: Path | bytes, max_pixels: int = MAX_PIXELS) -> ImageProblem | None:
    """What goes wrong when the whole picture is decoded, or None.

    JPEGs are decoded at an eighth of their size, which still reads every byte.
    """
    try:
        with open_image(BytesIO(source) if isinstance(source, bytes) else source, max_pixels) as image:
            if image.format == "JPEG":
                image.draft(None, (max(1, image.width // 8), max(1, image.height // 8)))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                image.load()
    except ImageProblem as problem:
        return problem
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError, IndexError, TypeError) as error:
        cut = "truncated" in str(error).lower() or isinstance(error, EOFError)
        return ImageProblem("truncated-image" if cut else "unreadable-image", f"image cannot be decoded: {error}")
    return None


def open_image(source: Path | IO[bytes], max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Pillow's image, header read and pixels not yet, refused above the limit of pixels.

    Raises:
        ImageProblem: no image, or too many pixels.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            # Pillow warns from 89 million pixels on; the limit here is labelloop's own.
            warnings.simplefilter("ignore")
            image = Image.open(source)
    except (UnidentifiedImageError, ImportError) as error:
        # ImportError: Ultralytics, once imported, makes Pillow look for a HEIF reader that may not be there.
        raise ImageProblem("unreadable-image", "file is not an image that can be read") from error
    except Image.DecompressionBombError as error:
        raise ImageProblem("image-too-large", f"image has too many pixels: {error}") from error
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError, IndexError, TypeError) as error:
        raise ImageProblem("unreadable-image", f"image cannot be read: {error}") from error
    if image.width * image.height > max_pixels:
        image.close()
        raise _too_large(Size(image.width, image.height), max_pixels)
    return image


def find_header_notes(name: str, header: Header) -> list[tuple[str, str]]:
    """What is unusual about an image, as (finding kind, message) pairs."""
    notes: list[tuple[str, str]] = []
    kind = header.format
    promised = SUFFIXES.get(name[name.rfind(".") :].lower(), "")
    if promised != kind and not (promised == "JPEG" and kind == "MPO"):
        notes.append(("wrong-suffix", f"image is {kind}, its name says {promised or 'no image'}"))
    if header.mode not in ("RGB", "L"):
        notes.append(("unusual-mode", f"image has the pixel mode {header.mode}"))
    if header.frames > 1 and kind != "MPO":
        notes.append(("animated-image", f"image has {header.frames} frames; the first is meant"))
    return notes


def _within_limit(header: Header, max_pixels: int) -> Header:
    if header.raw[0] * header.raw[1] > max_pixels:
        raise _too_large(header.raw, max_pixels)
    return header


def _too_large(size: Size, max_pixels: int) -> ImageProblem:
    return ImageProblem(
        "image-too-large", f"image is {size} px, more than the limit of {max_pixels / 1e6:g} million pixels"
    )


def _refuse_open_end(descriptor: int, start: int, mark: bytes = b"\xff\xd9") -> None:
    # Cameras pad files with zeros or append a second picture, so the marker may stand
    # anywhere behind the frame's header; before it only a thumbnail has one.
    before = b""
    while chunk := os.pread(descriptor, 1 << 20, start):
        if mark in before + chunk:
            return
        start, before = start + len(chunk), (before + chunk)[1 - len(mark) :]
    raise ImageProblem("truncated-image", "image ends before its picture does (no end marker)")


def _jpeg_header(head: bytes, descriptor: int, size: int, ending: bytes) -> tuple[Header | None, int]:
    """The header, None where Pillow should have a look, and where the frame's header stands."""
    at, origin, orientation = 2, 0, 0
    while True:
        if at - origin + 10 > len(head):
            head, origin = os.pread(descriptor, _HEAD, at), at
            if len(head) < 10:
                if at + 10 > size:
                    raise ImageProblem("truncated-image", "image ends inside its header")
                return None, at
        here = at - origin
        if head[here] != 0xFF:
            return None, at
        marker = head[here + 1]
        if marker == 0xFF:
            at += 1
            continue
        length = head[here + 2] << 8 | head[here + 3]
        if marker in _FRAMES_OF_JPEG and head[here + 4] == 8:
            height, width = head[here + 5] << 8 | head[here + 6], head[here + 7] << 8 | head[here + 8]
            mode = _MODE_OF_CHANNELS.get(head[here + 9])
            if mode is None or not width or not height:
                return None, at
            return Header(Size(width, height), orientation or 1, "JPEG", mode, 1, size, ending), at
        if marker not in _SEGMENTS_OF_JPEG or length < 2:
            return None, at
        if marker == 0xE1:
            segment = os.pread(descriptor, length - 2, at + 4)
            if segment[:6] == b"Exif\0\0":
                orientation = _exif_orientation(segment[6:]) if not orientation else 0
                if not orientation:
                    return None, at
        elif marker == 0xE2 and head[here + 4 : here + 8] == b"MPF\0":
            return None, at
        at += 2 + length


def _exif_orientation(tiff: bytes) -> int:
    """The orientation 1..8 that a TIFF block says, 1 where it says none, and 0 where Pillow should have a look.

    Reference: TIFF 6.0, section 2; Exif 2.3, tag 0x0112, which is one SHORT.
    """
    order = _ORDER_OF_TIFF.get(tiff[:4])
    if order is None:
        return 0
    start = int.from_bytes(tiff[4:8], order)
    entries = int.from_bytes(tiff[start : start + 2], order)
    if start + 2 + 12 * entries > len(tiff):
        return 0
    for entry in range(start + 2, start + 2 + 12 * entries, 12):
        if int.from_bytes(tiff[entry : entry + 2], order) == 0x0112:
            kind, count = tiff[entry + 2 : entry + 4], tiff[entry + 4 : entry + 8]
            if int.from_bytes(kind, order) != 3 or int.from_bytes(count, order) != 1:
                return 0
            value = int.from_bytes(tiff[entry + 8 : entry + 10], order)
            return value if 1 <= value <= 8 else 1
    return 1


def _png_header(head: bytes, length: int) -> Header | None:
    """The header of a PNG of 8 bits without animation or EXIF, or None where Pillow should have a look."""
    at = 8
    while (kind := head[at + 4 : at + 8]) != b"IDAT":
        if len(kind) < 4 or kind in (b"acTL", b"eXIf"):
            return None
        at += 12 + int.from_bytes(head[at : at + 4], "big")
    if head[12:16] != b"IHDR" or head[24] != 8 or crc32(head[12:29]) != int.from_bytes(head[29:33], "big"):
        return None
    mode = {0: "L", 2: "RGB", 6: "RGBA", 4: "LA", 3: "P"}.get(head[25])
    size = Size(int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big"))
    return Header(size, 1, "PNG", mode, 1, length) if mode and size[0] and size[1] else None


def exif_orientation(image: Image.Image) -> int:
    """The EXIF orientation 1..8 of Pillow's image, 1 where it has none.

    What only XMP says is left out: Pillow takes it, browsers and OpenCV, which show and train, do not.
    """
    for name in ("xmp", "XML:com.adobe.xmp"):
        image.info.pop(name, None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of a block that is cut off, and reads what is there
        found = image.getexif().get(0x0112, 1)
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


def _pillow_header(source: IO[bytes], max_pixels: int, length: int) -> Header:
    with open_image(source, max_pixels) as image:
        try:
            orientation = exif_orientation(image)
            frames = int(getattr(image, "n_frames", 1))
        except (OSError, ValueError, SyntaxError, EOFError, TypeError, IndexError) as error:
            raise ImageProblem("unreadable-image", f"image header cannot be read: {error}") from error
        raw = Size(image.width, image.height)
        if image.format == "TIFF" and orientation in TRANSPOSED:
            raw = Size(raw.height, raw.width)  # Pillow says the upright size of TIFF, and the stored one of all others
        return Header(raw, orientation, image.format or "", image.mode, frames, length)
