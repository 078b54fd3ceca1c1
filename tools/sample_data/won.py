"""What a won data set looks like on disk: folders, names, labels, LabelMe files.

Everything here is a plan; nothing is drawn. The layout is that of the banknote
project that labelloop grew out of, with its traps: coordinates of a photo four or
five times larger than the jpg, 16 labels for 8 classes, two sides of one coin in
two files, bursts of nearly the same shot, EXIF orientations, corners listed
bottom-right first.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

Corners: TypeAlias = tuple[float, float, float, float]
Place: TypeAlias = Literal["DESK", "HAND", "STUFF"]

WORDS: Mapping[int, str] = {
    10: "Ten",
    50: "Fifty",
    100: "Hundred",
    500: "Five_Hundred",
    1000: "Thousand",
    5000: "Five_Thousand",
    10000: "Ten_Thousand",
    50000: "Fifty_Thousand",
}
"""The first half of a label, by denomination, in won order."""

SHARES: Mapping[int, int] = {
    10: 436,
    50: 440,
    100: 440,
    500: 440,
    1000: 858,
    5000: 867,
    10000: 867,
    50000: 870,
}
"""Images of each denomination in the real data set, 5,218 in all."""

COINS = (10, 50, 100, 500)
NOTES = (1000, 5000, 10000, 50000)
PLACES: tuple[Place, ...] = ("DESK", "HAND", "STUFF")
PHOTO_SIZES = ((3024, 3024), (3024, 3024), (3024, 3024), (3024, 4032), (4032, 3024))
"""(width, height) of the photos before they were shrunk; squares are the rule."""


@dataclass(frozen=True, slots=True)
class Shot:
    """One jpg of a capture.

    `front` says which side shows. `reversed_points` lists the box's bottom-right
    corner first.
    """

    key: str
    front: bool
    reversed_points: bool


@dataclass(frozen=True, slots=True)
class Capture:
    """Shots of one object in one place: a coin's two sides, or a burst of a note.

    `photo_size` is (width, height) of the upright photo, `shrink` how many times
    smaller the jpg is, `orientation` the EXIF value that the jpg carries, 0 for none.
    """

    name: str
    denomination: int
    place: Place
    photo_size: tuple[int, int]
    shrink: int
    orientation: int
    shots: tuple[Shot, ...]

    @property
    def jpg_size(self) -> tuple[int, int]:
        """(width, height) of the upright jpg: a fifth of 3024 is rounded to 605."""
        width, height = self.photo_size
        return round(width / self.shrink), round(height / self.shrink)


def all_labels() -> tuple[str, ...]:
    """The 16 labels, in won order, front before back."""
    return tuple(f"{word}_{side}" for word in WORDS.values() for side in ("front", "back"))


def label_of(denomination: int, *, front: bool) -> str:
    """The label of one side, such as `Five_Hundred_back`."""
    return f"{WORDS[denomination]}_{'front' if front else 'back'}"


def plan_won(count: int, seed: int) -> list[Capture]:
    """The captures of a data set of `count` images, in won order.

    Shares are those of the real data set; coins come in pairs, so the notes take up
    what does not divide. From 16 images on, every label occurs.
    """
    rng = random.Random(f"won plan {seed}")
    numbers = _share_out(count)
    drafts: list[tuple[str, int, Place, tuple[Shot, ...]]] = []
    for denomination in COINS:
        for number in range(1, numbers[denomination] // 2 + 1):
            shots = tuple(
                Shot(f"{denomination}/{denomination}_{number}_{side}.jpg", side == 1, False) for side in (1, 9)
            )
            drafts.append((f"{denomination}_{number}", denomination, rng.choice(PLACES), shots))
    for denomination in NOTES:
        drafts.extend(_note_bursts(denomination, numbers[denomination], rng))

    # Dealt out in a shuffled round, not drawn one by one, so that every orientation
    # occurs even in a small data set. 1 is what most phones write.
    orientations = [(6, 1, 0, 8, 1, 0, 3, 1, 0, 1)[turn % 10] for turn in range(len(drafts))]
    rng.shuffle(orientations)
    return [
        Capture(
            name=name,
            denomination=denomination,
            place=place,
            photo_size=rng.choice(PHOTO_SIZES),
            shrink=rng.choice((4, 4, 5)),
            orientation=orientation,
            shots=shots,
        )
        for (name, denomination, place, shots), orientation in zip(drafts, orientations, strict=True)
    ]


def labelme_document(capture: Capture, shot: Shot, boxes: Sequence[tuple[str, Corners]]) -> dict[str, object]:
    """The content of the json beside a shot's jpg, as LabelMe 4.5.7 writes it.

    Args:
        boxes: label and corners (x1, y1, x2, y2) in pixels of the photo.
    """
    width, height = capture.photo_size
    shapes: list[dict[str, object]] = []
    for label, (x1, y1, x2, y2) in boxes:
        points = [[x1, y1], [x2, y2]]
        if shot.reversed_points:
            points.reverse()
        shapes.append(
            {
                "line_color": None,
                "fill_color": None,
                "label": label,
                "points": points,
                "group_id": None,
                "shape_type": "rectangle",
                "flags": {},
            }
        )
    return {
        "version": "4.5.7",
        "flags": {},
        "shapes": shapes,
        "imagePath": shot.key.rpartition("/")[2],
        "imageData": None,
        "imageHeight": height,
        "imageWidth": width,
        "lineColor": [0, 255, 0, 128],
        "fillColor": [255, 0, 0, 128],
    }


def _note_bursts(denomination: int, count: int, rng: random.Random) -> list[tuple[str, int, Place, tuple[Shot, ...]]]:
    """A note's bursts of two or three neighbours, over both sides and all places."""
    series: list[tuple[Place, str]] = [(place, side) for place in PLACES for side in "FB"]
    lengths = [count // 6 + (turn < count % 6) for turn in range(6)]
    bursts: list[tuple[str, int, Place, tuple[Shot, ...]]] = []
    for (place, side), length in zip(series, lengths, strict=True):
        first = 1
        while first <= length:
            last = min(first + rng.choice((1, 1, 2)), length)
            stem = f"{denomination}_{side}_{place}_0"
            shots = tuple(
                Shot(f"{denomination}/{stem}_{number}.jpg", side == "F", rng.random() < 0.12)
                for number in range(first, last + 1)
            )
            bursts.append((f"{stem}_{first}", denomination, place, shots))
            first = last + 1
    return bursts


def _share_out(count: int) -> dict[int, int]:
    """How many of `count` images each denomination gets; coins get even numbers."""
    total = sum(SHARES.values())
    least = 1 if count >= 16 else 0
    numbers = {coin: 2 * max(least, round(count * SHARES[coin] / total / 2)) for coin in COINS}
    rest = count - sum(numbers.values())
    for coin in reversed(COINS):  # only tiny counts round up to more than there are
        while rest < 0 and numbers[coin]:
            numbers[coin] -= 2
            rest += 2
    notes_total = sum(SHARES[note] for note in NOTES)
    exact = {note: rest * SHARES[note] / notes_total for note in NOTES}
    numbers |= {note: int(exact[note]) for note in NOTES}
    by_remainder = sorted(NOTES, key=lambda note: (numbers[note] - exact[note], -note))
    for note in by_remainder[: rest - sum(int(share) for share in exact.values())]:
        numbers[note] += 1
    return numbers
