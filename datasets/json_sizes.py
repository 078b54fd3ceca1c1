"""Where jsons state the size of the image that their boxes are for."""

from __future__ import annotations

from collections.abc import Sequence

from .geometry import same_shape
from .json_fields import Steps, format_path, to_number
from .json_names import says_height, says_width
from .json_readings import leaves
from .schema import Json, Size


def find_size_lines(documents: Sequence[Json], images: Sequence[Size]) -> tuple[list[Size] | None, dict[str, str], str]:
    """The frames that the documents state, the lines that say where, and a sentence."""
    table: dict[Steps, list[int | None]] = {}
    for number, document in enumerate(documents):
        for steps, leaf in leaves(document, 4):
            value = _whole(leaf)
            if value is not None and value >= 8 and (steps in table or len(table) < 40):
                table.setdefault(steps, [None] * len(documents))[number] = value
    paths = [path for path, values in table.items() if all(value is not None for value in values)]
    upright = _choices(paths, table, images, images)
    # EXIF orientation turns a photo; labels may be for the photo as it was stored.
    turned = [] if upright else _choices(paths, table, images, [Size(image[1], image[0]) for image in images])
    choices = upright or [choice for choice in turned if choice[1] <= -2]
    if not choices:
        return None, {}, ""
    fitting, _, width, height = min(choices)
    frames = [Size(w or 1, h or 1) for w, h in zip(table[width], table[height], strict=True)]
    equal = sum(frame == image for frame, image in zip(frames, images, strict=True))
    lines = {"width": format_path(width), "height": format_path(height)}
    names = f"`{lines['width']}` x `{lines['height']}`"
    if equal == len(documents):
        return frames, lines, f"{names} is the image's size in all {equal} jsons"
    return (
        frames,
        lines,
        f"{names} has the image's shape in {-fitting} of {len(documents)} jsons, its very size in {equal}",
    )


def _choices(
    paths: list[Steps], table: dict[Steps, list[int | None]], images: Sequence[Size], others: Sequence[Size]
) -> list[tuple[int, int, Steps, Steps]]:
    """The pairs of paths that nine of ten images have the shape of: minus how many, minus what names say, the paths."""
    choices: list[tuple[int, int, Steps, Steps]] = []
    square = all(image[0] == image[1] for image in images)
    for width in paths:
        for height in paths:
            if width == height:
                continue
            hint = says_width(width) + says_height(height) - says_height(width) - says_width(height)
            fitting = sum(
                same_shape(Size(w or 0, h or 0), image) or same_shape(Size(w or 0, h or 0), other)
                for w, h, image, other in zip(table[width], table[height], images, others, strict=True)
            )
            # Any two equal numbers have the shape of a square image; only names tell sizes among them.
            if fitting >= 0.9 * len(images) and (hint == 2 or not square):
                choices.append((-fitting, -hint, width, height))
    return choices


def _whole(value: Json) -> int | None:
    try:
        number = to_number(value, "size")
    except ValueError:
        return None
    return int(number) if number % 1 == 0 and 0 < number < 1e6 else None
