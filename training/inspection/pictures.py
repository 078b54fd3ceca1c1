"""Small pictures of what a run says of an image, beside what its labels say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO

from PIL import Image, ImageDraw

from ...datasets.images import ImageProblem
from ...datasets.picture_fonts import Font, find_font, missing_letters
from ...datasets.schema import Box, Sample
from ...datasets.upright import read_upright
from ..crops import Example

Corners = tuple[float, float, float, float]

_ROOM = 2.0
"""The part of an image that is shown around a box is so many times as wide as the box's longer side."""
_LEAST_PART = 24.0
"""Pixels of the image that are shown around a box at least: with fewer, nobody knows what it is a part of."""
_MOST_READ = 4096
"""The longer side, in pixels, to which an image is read at most for the sake of a small part of it."""
_TAGGED = 12
"""With more boxes, only so many have their text."""
_LONGEST = 40
"""Letters of a file's name in a caption."""
_UNDER, _MISSING = "#000000", "#8a8a8a"


@dataclass(frozen=True, slots=True)
class Drawn:
    """A box to be drawn, in pixels of the upright image: `colour` is #rrggbb, `text` stands at its edge, "" for none."""

    box: Box
    colour: str
    dashed: bool
    text: str


def picture_of(sample: Sample, boxes: Sequence[Drawn], *, around: Box | None = None, side: int = 320) -> bytes:
    """A JPEG of the upright image, its longer side `side` pixels, with boxes drawn on it, dashed ones last.

    Text of solid boxes stands above them and that of dashed ones below, so that a label and the prediction
    on it can both be read. An image that cannot be read becomes a grey picture that says so.

    Args:
        around: show the part of the image around this box alone, twice as wide as the box.
    """
    part = (0.0, 0.0, float(sample.size[0]), float(sample.size[1])) if around is None else part_around(around, sample)
    try:
        picture = _read(sample, part, side)
    except ImageProblem as problem:
        return to_jpeg(_said(str(problem), side))
    draw_boxes(picture, boxes, part)
    return to_jpeg(picture)


def read_example(example: Example, side: int, *, enlarge: bool = True) -> Image.Image:
    """What a classifier sees of an example: the image or the part of it, upright and in RGB, its longer side `side` pixels.

    Args:
        enlarge: a smaller one is enlarged to that; else it stays as it is.

    Raises:
        ImageProblem: it cannot be read, or is smaller than the part.
    """
    if example.corners is None:
        picture = read_upright(example.sample.path, side)
        scale = side / max(picture.size)
        if not enlarge or scale == 1:
            return picture
        return picture.resize((max(1, round(picture.width * scale)), max(1, round(picture.height * scale))))
    x1, y1, x2, y2 = example.corners
    longer = max(x2 - x1, y2 - y1)
    scale = side / longer if enlarge else min(1.0, side / longer)
    whole = read_upright(example.sample.path, 1 << 14)  # all of it: the part may be small
    if x2 > whole.width or y2 > whole.height:
        raise ImageProblem("changed-image", f"image is {whole.width}x{whole.height}, the part ends at {x2:g}, {y2:g}")
    size = (max(1, round((x2 - x1) * scale)), max(1, round((y2 - y1) * scale)))
    return whole.resize(size, Image.Resampling.BICUBIC, box=example.corners)


def tag(label: str, score: float | None) -> str:
    """What stands at a box: `10` for a label, `10 .83` for a prediction."""
    if score is None:
        return label
    return f"{label} {score:.2f}".replace(" 0.", " .") if score >= 0.005 else f"{label} <.01"


def short(key: str) -> str:
    """A file's name for a caption, its middle left out where it is long."""
    name = key.rpartition("/")[2]
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST // 2 - 2]}...{name[-(_LONGEST // 2 - 1) :]}"


def part_around(box: Box, sample: Sample) -> Corners:
    """The part of the image around a box, (x1, y1, x2, y2) in its pixels: square where the image is large enough."""
    wanted = max(_LEAST_PART, _ROOM * max(box.x2 - box.x1, box.y2 - box.y1))
    ends: list[tuple[float, float]] = []
    for low, high, length in ((box.x1, box.x2, sample.size[0]), (box.y1, box.y2, sample.size[1])):
        width = min(wanted, float(length))
        start = min(max((low + high - width) / 2, 0.0), length - width)
        ends.append((start, start + width))
    return ends[0][0], ends[1][0], ends[0][1], ends[1][1]


def draw_boxes(picture: Image.Image, boxes: Sequence[Drawn], part: Corners) -> None:
    """Draw boxes on a picture that shows a part, (x1, y1, x2, y2), of their image."""
    x, y = picture.width / (part[2] - part[0]), picture.height / (part[3] - part[1])
    shown: list[tuple[Drawn, Corners]] = []
    for each in sorted(boxes, key=lambda drawn: drawn.dashed):
        x1, y1, x2, y2 = each.box.corners
        ends = ((x1 - part[0]) * x, (y1 - part[1]) * y, (x2 - part[0]) * x, (y2 - part[1]) * y)
        if ends[0] < picture.width and ends[1] < picture.height and ends[2] > 0 and ends[3] > 0:
            shown.append((each, ends))
    draw = ImageDraw.Draw(picture)
    for each, ends in shown:
        _outline(draw, ends, each.colour, each.dashed)
    taken: list[Corners] = []
    size = max(11, min(16, max(picture.size) // 24))
    for each, ends in [(each, ends) for each, ends in shown if each.text][:_TAGGED]:
        font = font_for(each.text, size)
        text = _writable(font, each.text)
        width, height = font.getbbox(text)[2] + 8.0, size + 5.0
        places = _places(ends, width, height, picture.size, below=each.dashed)
        place = next((at for at in places if not _meets(at, taken)), None)
        if place is not None:
            taken.append(place)
            draw.rectangle((place[0], place[1], place[2] - 1, place[3] - 1), each.colour)
            draw.text((place[0] + 4, place[1] + 1), text, ink_on(each.colour), font)


@lru_cache(maxsize=256)
def font_for(text: str, size: int) -> Font:
    """The font that has the letters of a text, as far as this machine has one."""
    return find_font(size, text)


def ink_on(colour: str) -> str:
    """Black or white, whichever has the higher contrast on a colour `#rrggbb`.

    Reference: WCAG 2.2, relative luminance and contrast ratio.
    """
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels)
    light = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return "#000000" if (light + 0.05) ** 2 > 0.05 * 1.05 else "#ffffff"


def to_jpeg(picture: Image.Image) -> bytes:
    """The picture as the bytes of a JPEG file."""
    file = BytesIO()
    # Colours at full size: else a line of two pixels takes on the colour of what is beside it.
    picture.save(file, "JPEG", quality=80, subsampling=0)
    return file.getvalue()


def _read(sample: Sample, part: Corners, side: int) -> Image.Image:
    """The part of the image, in RGB, its longer side `side` pixels; smaller images are enlarged."""
    longer = max(sample.size)
    wanted = max(part[2] - part[0], part[3] - part[1])
    read = read_upright(sample.path, min(longer, _MOST_READ, max(side, round(side * longer / wanted))))
    x, y = read.width / sample.size[0], read.height / sample.size[1]
    width, height = part[2] - part[0], part[3] - part[1]
    scale = side / max(width, height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    cut = (part[0] * x, part[1] * y, part[2] * x, part[3] * y)
    return read.resize(size, Image.Resampling.BICUBIC, box=cut)


def _outline(draw: ImageDraw.ImageDraw, ends: Corners, colour: str, dashed: bool) -> None:
    """Two pixels of colour on four of black, so that a line is seen on any photo."""
    x1, y1 = round(ends[0]), round(ends[1])
    x2, y2 = max(round(ends[2]), x1 + 3) - 1, max(round(ends[3]), y1 + 3) - 1
    sides = (((x1, y1), (x2, y1)), ((x2, y1), (x2, y2)), ((x2, y2), (x1, y2)), ((x1, y2), (x1, y1)))
    lines = [line for start, end in sides for line in (_dashes(start, end) if dashed else [(start, end)])]
    for width, ink in ((4, _UNDER), (2, colour)):
        for start, end in lines:
            draw.line((start, end), ink, width)


def _dashes(start: tuple[int, int], end: tuple[int, int]) -> Iterator[tuple[tuple[float, float], tuple[float, float]]]:
    """Pieces of a line, about seven pixels long and as far apart, with one at each end."""
    length = abs(end[0] - start[0]) + abs(end[1] - start[1])
    count = 2 * max(1, round(length / 14)) + 1
    for number in range(0, count, 2):
        low, high = number / count, (number + 1) / count
        yield (
            (start[0] + (end[0] - start[0]) * low, start[1] + (end[1] - start[1]) * low),
            (start[0] + (end[0] - start[0]) * high, start[1] + (end[1] - start[1]) * high),
        )


def _places(ends: Corners, width: float, height: float, size: tuple[int, int], *, below: bool) -> Iterator[Corners]:
    """Where a text may stand, the best first; wholly on the picture."""
    x1, y1, x2, y2 = ends
    above, under = (y1 - height, y1), (y2, y2 - height)
    for top in (*under, *above) if below else (*above, *under):
        for left in (x1, x2 - width):
            inside = max(0.0, min(left, size[0] - width))
            if 0 <= top <= size[1] - height:
                yield inside, top, inside + width, top + height


def _meets(place: Corners, taken: Sequence[Corners]) -> bool:
    return any(
        place[0] < other[2] and other[0] < place[2] and place[1] < other[3] and other[1] < place[3] for other in taken
    )


def _writable(font: Font, text: str) -> str:
    missing = set(missing_letters(font, text))
    return "".join("?" if letter in missing else letter for letter in text)


def _said(text: str, side: int) -> Image.Image:
    """A grey picture with a sentence on it."""
    picture = Image.new("RGB", (side, side), "#eeeeee")
    font = font_for(text, 13)
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font.getlength(longer) <= side - 24:
            lines[-1] = longer
        else:
            lines.append(word)
    ImageDraw.Draw(picture).multiline_text((12, 12), "\n".join(lines), _MISSING, font, spacing=5)
    return picture
