"""A contact sheet: small pictures in rows and columns, with their boxes in the colours of their classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from .palette import class_colour
from .picture_fonts import Font, find_font, missing_letters
from .schema import Box

CELL = 256
"""The side of a picture's place, in pixels."""
_MARGIN, _GUTTER, _LINE = 20, 10, 18
_INK, _FAINT, _ALARM, _PAPER = "#1a1a1a", "#6a6a6a", "#b3261e", "#ffffff"
_TAGGED = 6
"""With more boxes on a picture, their colours alone say the class."""

Corners = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Tile:
    """One picture, (height, width, 3) RGB of 8 bits, with boxes in its pixels and a line below; `alarm` makes it red."""

    image: NDArray[np.uint8]
    boxes: Sequence[Box]
    caption: str
    alarm: bool = False


class ContactSheet:
    """A sheet that is filled picture by picture, so that no more than one besides it is in memory.

    Args:
        columns: what stands above each column.
        rows: how many.
        title: the first line; `subtitle` is a smaller one below it.
        classes: the class names in their order, for the colours.
        letters: all text that will be written, to choose a font by.
    """

    def __init__(
        self, columns: Sequence[str], rows: int, title: str, subtitle: str, classes: Sequence[str], letters: str
    ) -> None:
        everything = "".join([title, subtitle, *columns, *classes, letters])
        self._title_font, self._font, self._small = (find_font(size, everything) for size in (20, 14, 12))
        self.unwritable = missing_letters(self._font, everything)
        self._place = {name: number for number, name in enumerate(classes)}
        self._columns = len(columns)
        self._top = _MARGIN + 30 + 2 * _LINE + 8
        width = 2 * _MARGIN + self._columns * CELL + (self._columns - 1) * _GUTTER
        self.sheet = Image.new("RGB", (width, self._top + rows * (CELL + _LINE + _GUTTER)), _PAPER)
        draw = ImageDraw.Draw(self.sheet)
        draw.text(
            (_MARGIN, _MARGIN), self._fitted(title, self._title_font, width - 2 * _MARGIN), _INK, self._title_font
        )
        draw.text((_MARGIN, _MARGIN + 30), self._fitted(subtitle, self._font, width - 2 * _MARGIN), _FAINT, self._font)
        for number, column in enumerate(columns):
            draw.text((self._left(number), self._top - _LINE - 2), column, _FAINT, self._small)

    def add(self, row: int, column: int, tile: Tile) -> None:
        """Put a picture into its place, as large as it fits, its boxes and caption drawn."""
        left, top = self._left(column), self._top + row * (CELL + _LINE + _GUTTER)
        draw = ImageDraw.Draw(self.sheet)
        draw.rectangle((left, top, left + CELL - 1, top + CELL - 1), "#eeeeee")
        picture = Image.fromarray(tile.image)
        scale = CELL / max(picture.size)
        size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        picture = picture.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
        ends = [(box.label, _scaled(box.corners, scale, size)) for box in tile.boxes]
        self._draw_boxes(picture, ends)
        self.sheet.paste(picture, (left + (CELL - size[0]) // 2, top + (CELL - size[1]) // 2))
        caption = self._fitted(tile.caption, self._small, CELL)
        draw.text((left, top + CELL + 2), caption, _ALARM if tile.alarm else _INK, self._small)

    def finish(self, legend: Mapping[str, int], notes: Sequence[str]) -> Image.Image:
        """The whole sheet, with what the colours mean and some sentences below.

        Args:
            legend: classes that occur, and how often.
        """
        lines = [line for note in notes for line in self._wrapped(note)]
        swatches = self._swatches(legend)
        rows = 1 + max((row for _, row, _, _ in swatches), default=-1)
        height = self.sheet.height + (8 + rows * (_LINE + 4) if rows else 0) + len(lines) * (_LINE + 2) + _MARGIN
        whole = Image.new("RGB", (self.sheet.width, height), _PAPER)
        whole.paste(self.sheet, (0, 0))
        draw = ImageDraw.Draw(whole)
        top = self.sheet.height
        for left, row, colour, text in swatches:
            y = top + row * (_LINE + 4)
            draw.rectangle((left, y + 3, left + 12, y + 15), colour, "#444444")
            draw.text((left + 18, y), text, _INK, self._font)
        top += 8 + rows * (_LINE + 4) if rows else 0
        for number, (text, first) in enumerate(lines):
            y = top + number * (_LINE + 2)
            if first:
                draw.ellipse((_MARGIN + 1, y + 6, _MARGIN + 6, y + 11), _FAINT)
            draw.text((_MARGIN + 14, y), text, _INK, self._font)
        return whole

    def _draw_boxes(self, picture: Image.Image, ends: Sequence[tuple[str, Corners]]) -> None:
        draw = ImageDraw.Draw(picture)
        for label, (x1, y1, x2, y2) in ends:
            draw.rectangle((x1, y1, x2 - 1, y2 - 1), outline="#000000", width=4)
            draw.rectangle((x1 + 1, y1 + 1, x2 - 2, y2 - 2) if x2 - x1 > 4 and y2 - y1 > 4 else (x1, y1, x2 - 1, y2 - 1),
                           outline=self._colour(label), width=2)  # fmt: skip
        if len(ends) > _TAGGED:
            return
        taken: list[Corners] = []
        for label, corners in ends:
            text = self._fitted(label, self._small, 120)
            width, height = self._small.getbbox(text)[2] + 8, 16.0
            place = next((at for at in _places(corners, width, height, picture.size) if not _meets(at, taken)), None)
            if place is not None:
                taken.append(place)
                colour = self._colour(label)
                draw.rectangle((place[0], place[1], place[2] - 1, place[3] - 1), colour)
                draw.text((place[0] + 4, place[1] + 1), text, _on(colour), self._small)

    def _swatches(self, legend: Mapping[str, int]) -> list[tuple[int, int, str, str]]:
        """Left edge, row, colour and text of each class."""
        placed: list[tuple[int, int, str, str]] = []
        left, row = _MARGIN, 0
        for label in sorted(legend, key=lambda name: self._place.get(name, len(self._place))):
            text = f"{self._fitted(label, self._font, 300)}  {legend[label]}"
            width = 18 + round(self._font.getlength(text)) + 24
            if left > _MARGIN and left + width > self.sheet.width - _MARGIN:
                left, row = _MARGIN, row + 1
            placed.append((left, row, self._colour(label), text))
            left += width
        return placed

    def _wrapped(self, note: str) -> list[tuple[str, bool]]:
        """The lines of a sentence, and whether each is the first."""
        room = self.sheet.width - 2 * _MARGIN - 14
        lines: list[str] = []
        for word in note.split():
            longer = f"{lines[-1]} {word}" if lines else word
            if lines and self._font.getlength(longer) <= room:
                lines[-1] = longer
            else:
                lines.append(self._fitted(word, self._font, room))
        return [(line, number == 0) for number, line in enumerate(lines)]

    def _fitted(self, text: str, font: Font, room: float) -> str:
        """The text on one line that is no wider than there is room, its middle left out where it must."""
        missing = set(missing_letters(font, text))
        text = "".join("?" if letter in missing else letter for letter in text)
        if font.getlength(text) <= room:
            return text
        low, high = 1, len(text)
        while low < high:  # the most letters that fit
            middle = (low + high + 1) // 2
            low, high = (middle, high) if font.getlength(_elided(text, middle)) <= room else (low, middle - 1)
        return _elided(text, low)

    def _colour(self, label: str) -> str:
        return class_colour(self._place.get(label, len(self._place)))

    def _left(self, column: int) -> int:
        return _MARGIN + column * (CELL + _GUTTER)


def _elided(text: str, letters: int) -> str:
    """So many letters of a text: mostly its end, which tells file names apart."""
    head = letters // 3
    return f"{text[:head]}...{text[len(text) - (letters - head) :]}"


def _scaled(corners: Corners, scale: float, size: tuple[int, int]) -> Corners:
    """The corners on the small picture, at least 3 pixels apart and inside it."""
    x1, y1, x2, y2 = (round(each * scale) for each in corners)
    x1, y1 = min(x1, size[0] - 3), min(y1, size[1] - 3)
    return (max(x1, 0), max(y1, 0), min(max(x2, x1 + 3), size[0]), min(max(y2, y1 + 3), size[1]))


def _places(corners: Corners, width: float, height: float, size: tuple[int, int]) -> list[Corners]:
    """Where a tag may stand, the best first: above the box, below it, then inside it; wholly on the picture."""
    x1, y1, x2, y2 = corners
    tops = (y1 - height, y2, y1, y2 - height)
    return [
        (left, top, left + width, top + height)
        for top in tops
        for left in (max(0.0, min(x1, size[0] - width)), max(0.0, min(x2, size[0]) - width))
        if 0 <= top <= size[1] - height
    ]


def _meets(place: Corners, taken: Sequence[Corners]) -> bool:
    return any(
        place[0] < other[2] and other[0] < place[2] and place[1] < other[3] and other[1] < place[3] for other in taken
    )


def _on(colour: str) -> str:
    """Black or white, whichever is read better on a colour."""
    red, green, blue = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    return "#000000" if 0.299 * red + 0.587 * green + 0.114 * blue > 130 else "#ffffff"
