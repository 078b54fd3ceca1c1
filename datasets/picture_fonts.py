"""A font that can write a text into a picture: Pillow's own where that is enough, else one of this machine's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TypeAlias

from PIL import Image, ImageDraw, ImageFont

Font: TypeAlias = "ImageFont.FreeTypeFont | ImageFont.ImageFont"

_FOLDERS = (
    "~/.local/share/fonts", "~/.fonts", "/usr/local/share/fonts", "/usr/share/fonts", "/Library/Fonts",
    "/System/Library/Fonts", "/mnt/c/Windows/Fonts",
)  # fmt: skip
_FIRST = (
    "NanumGothic.ttf", "NanumBarunGothic.ttf", "NotoSansKR-Regular.otf", "NotoSansCJK-Regular.ttc", "malgun.ttf",
    "AppleSDGothicNeo.ttc", "UnDotum.ttf", "DroidSansFallbackFull.ttf", "wqy-zenhei.ttc", "DejaVuSans.ttf",
)  # fmt: skip
"""Looked at first: plain upright fonts, those with Hangul before others."""
_LOOKED_AT = 300
"""Of the other fonts so many are tried; opening one takes a millisecond."""
_NO_LETTER = "\U0010ffff"


def find_font(size: int, text: str) -> Font:
    """The first font that has every letter of a text; Pillow's own where none has.

    Args:
        size: of the letters, in pixels.
    """
    plain = ImageFont.load_default(size)
    if not missing_letters(plain, text):
        return plain
    path = find_font_file(text)
    return ImageFont.truetype(path, size) if path else plain


def find_font_file(text: str) -> str:
    """The file of the first of this machine's fonts that has every letter of a text; "" where none has."""
    wanted = "".join(sorted({letter for letter in text if not letter.isspace()}))
    for path in _font_files():
        try:
            if not missing_letters(ImageFont.truetype(path, 16), wanted):
                return path
        except (OSError, ValueError):
            continue
    return ""


def missing_letters(font: Font, text: str) -> str:
    """The letters of a text that a font shows as an empty frame, each once, in order."""
    frame = _drawn(font, _NO_LETTER)
    letters = [letter for letter in dict.fromkeys(text) if not letter.isspace()]
    return "".join(letter for letter in letters if not letter.isprintable() or _drawn(font, letter) == frame)


def _drawn(font: Font, letter: str) -> bytes:
    picture = Image.new("L", (48, 48))
    ImageDraw.Draw(picture).text((4, 4), letter, 255, font)
    return picture.tobytes()


@lru_cache(maxsize=1)
def _font_files() -> tuple[str, ...]:
    found: dict[str, str] = {}
    for folder in (*map(os.path.expanduser, _FOLDERS), *_packaged()):
        for here, _, names in sorted(os.walk(folder)):
            for name in sorted(names):
                if name.lower().endswith((".ttf", ".otf", ".ttc")):
                    found.setdefault(name, os.path.join(here, name))
    others = sorted(found.keys() - set(_FIRST), key=lambda name: ("Regular" not in name, len(name), name))
    return tuple(found[name] for name in (*_FIRST, *others[:_LOOKED_AT]) if name in found)


def _packaged() -> Iterator[str]:
    """The fonts that come with koreanize-matplotlib, for machines on which nothing can be installed but packages."""
    spec = find_spec("koreanize_matplotlib")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        yield str(Path(folder) / "fonts")
