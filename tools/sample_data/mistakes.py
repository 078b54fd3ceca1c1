"""Wrong labels made on purpose: which images get one, and what it looks like."""

import math
import random
from collections.abc import Sequence
from typing import Literal, TypeAlias

from .won import Corners, all_labels

Kind: TypeAlias = Literal["class_swapped", "box_shifted", "box_missing", "box_extra"]

KINDS: tuple[Kind, ...] = ("class_swapped", "box_shifted", "box_missing", "box_extra")


def plan_mistakes(keys: Sequence[str], share: float, seed: int, kinds: Sequence[Kind] = KINDS) -> dict[str, Kind]:
    """The kind of mistake of each image that gets one, by key.

    Args:
        keys: all images; their order does not matter.
        share: of the images, 0 to 1, rounded to whole images.
        kinds: dealt out in turn, so that each gets the same number, give or take one.
    """
    rng = random.Random(f"mistakes {seed}")
    chosen = rng.sample(sorted(keys), round(share * len(keys)))
    return {key: kinds[turn % len(kinds)] for turn, key in enumerate(chosen)}


def spoil(
    kind: Kind, label: str, box: Corners, photo_size: tuple[int, int], rng: random.Random
) -> list[tuple[str, Corners]]:
    """The boxes that a careless annotator would have left instead of the true one.

    Args:
        box: the truth, in pixels of the photo, inside it.
        photo_size: (width, height) of the photo.
    """
    match kind:
        case "class_swapped":
            return [(_other_label(label, rng), box)]
        case "box_shifted":
            return [(label, _shifted(box, photo_size, rng))]
        case "box_missing":
            return []
        case "box_extra":
            return [(label, box), (rng.choice(all_labels()), _beside(box, photo_size, rng))]


def intersection_over_union(a: Corners, b: Corners) -> float:
    """The IoU of two boxes, 0 (apart) to 1 (the same)."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


def _other_label(label: str, rng: random.Random) -> str:
    """Another denomination's label three times out of four, else the other side's."""
    word, _, side = label.rpartition("_")
    if rng.random() < 0.25:
        return f"{word}_{'back' if side == 'front' else 'front'}"
    return rng.choice([other for other in all_labels() if not other.startswith(f"{word}_")])


def _shifted(box: Corners, photo_size: tuple[int, int], rng: random.Random) -> Corners:
    """The box moved to an IoU between .35 and .65 with itself, still in the photo."""
    x1, y1, x2, y2 = box
    width, height = photo_size
    wanted = rng.uniform(0.35, 0.65)
    for _ in range(64):
        angle = rng.uniform(0, 2 * math.pi)
        near, far = 0.0, 1.0
        moved = box
        for _ in range(40):  # IoU falls steadily along the way: halve
            middle = (near + far) / 2
            dx, dy = middle * math.cos(angle) * (x2 - x1), middle * math.sin(angle) * (y2 - y1)
            moved = (x1 + dx, y1 + dy, x2 + dx, y2 + dy)
            if intersection_over_union(box, moved) > wanted:
                near = middle
            else:
                far = middle
        if moved[0] >= 0 and moved[1] >= 0 and moved[2] <= width and moved[3] <= height:
            return moved
    # No room to move: drawn too small, from one corner. Its IoU is its share of the area.
    side = math.sqrt(wanted)
    return (x1, y1, x1 + side * (x2 - x1), y1 + side * (y2 - y1))


def _beside(box: Corners, photo_size: tuple[int, int], rng: random.Random) -> Corners:
    """A box on the background, in the widest of the four strips around `box`."""
    x1, y1, x2, y2 = box
    width, height = photo_size
    strips: list[Corners] = [
        (0, 0, x1, height),
        (x2, 0, width, height),
        (0, 0, width, y1),
        (0, y2, width, height),
    ]
    left, top, right, bottom = max(strips, key=lambda strip: min(strip[2] - strip[0], strip[3] - strip[1]))
    box_width = min(rng.uniform(0.5, 0.9) * (right - left), 0.4 * width)
    box_height = min(rng.uniform(0.5, 0.9) * (bottom - top), 0.4 * height)
    x = left + rng.uniform(0.05, 0.95) * (right - left - box_width)
    y = top + rng.uniform(0.05, 0.95) * (bottom - top - box_height)
    return (x, y, x + box_width, y + box_height)
