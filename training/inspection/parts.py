"""Parts of a split that a run is judged on by themselves: folders and words of names, brightness, sharpness, crowding, groups."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from ...datasets.schema import Sample
from ..classification_metrics import wilson_interval
from ..slices import MOST_VALUES, image_slices

FIFTH = 5
"""The darkest, brightest, most blurred and sharpest fifths of the images are parts."""
_LEAST = 3
_WIDE = 0.3
"""Wider than this, the 95 % interval of a recall or an accuracy says next to nothing: it is 22 boxes at a recall of .5."""
_RARE = 0.05
"""Words on fewer of the images are no parts: names are full of syllables by chance."""
_BETWEEN = re.compile(r"[\s_.,()+-]+")
_STEM = 3
"""Letters that a piece of a name must have to be a word without its number: `DESK1` is one, `a7` is none."""
_ANGLES = ("angle", "rotation")
"""Attributes of boxes that say how far an object is turned, in degrees."""
_STEP = 30


def find_parts(samples: Sequence[Sample], quality: Mapping[str, tuple[float, ...]]) -> dict[str, list[str]]:
    """The keys of the images in each part, by the part's name, in a fixed order.

    Besides what `image_slices` has: `in=DESK` are images with a folder of that name, or with it in the
    file's name between underscores, spaces and the like; `brightness=`, `sharpness=`
    those fifths, `angle=30-60` those whose first box is turned so far, and `group=` the groups of the split.
    A part of fewer than three images, or of all but so many, is left out.

    Args:
        quality: brightness, contrast and sharpness by SHA-256, of the images that were measured.
    """
    found = {name: keys for name, keys in image_slices(samples).items() if not name.startswith("folder=")}
    named = {**_words(samples), **_fifths(samples, quality), **found, **_angles(samples), **_groups(samples)}
    return {name: keys for name, keys in named.items() if _LEAST <= len(keys) <= len(samples) - _LEAST}


def is_uncertain(right: int, count: int, all_right: int, all_count: int) -> bool:
    """Whether a part, or all that is not in it, has so few that its rate may as well be far better or worse.

    Args:
        right, count: how many of the part are right, and how many it has; the other two, those of everything.
    """
    sides = ((right, count), (all_right - right, all_count - count))
    ends = [wilson_interval(*side) for side in sides]
    return any(end is None or end[1] - end[0] > _WIDE for end in ends)


def _words(samples: Sequence[Sample]) -> dict[str, list[str]]:
    """By folder at any depth, and by word of a file's name."""
    found: dict[str, list[str]] = {}
    for sample in samples:
        *folders, name = sample.key.split("/")
        for word in sorted({*folders, *_pieces(name.rpartition(".")[0])}):
            found.setdefault(word, []).append(sample.key)
    counts = Counter({word: len(keys) for word, keys in found.items() if len(keys) >= len(samples) * _RARE})
    common = counts.most_common(MOST_VALUES)
    return {f"in={word}": found[word] for word in sorted(word for word, _ in common)}


def _pieces(stem: str) -> set[str]:
    """The pieces of a name that stand between underscores and the like and have no digit inside: `F`, `DESK`."""
    found: set[str] = set()
    for piece in _BETWEEN.split(stem):
        bare = piece.strip("0123456789")
        if bare and (bare == piece or len(bare) >= _STEM) and not any(map(str.isdigit, bare)):
            found.add(bare)
    return found


def _fifths(samples: Sequence[Sample], quality: Mapping[str, tuple[float, ...]]) -> dict[str, list[str]]:
    known = [(quality[sample.sha256], sample.key) for sample in samples if sample.sha256 in quality]
    many = len(known) // FIFTH
    found: dict[str, list[str]] = {}
    for name, at, least, most in (("brightness", 0, "dark", "bright"), ("sharpness", 2, "blurred", "sharp")):
        ordered = [key for _, key in sorted((values[at], key) for values, key in known)]
        found[f"{name}={least}"], found[f"{name}={most}"] = ordered[:many], ordered[len(ordered) - many :]
    return {name: sorted(keys) for name, keys in found.items()}


def _angles(samples: Sequence[Sample]) -> dict[str, list[str]]:
    found: dict[int, list[str]] = {}
    for sample in samples:
        said = [box.attributes.get(name) for box in sample.boxes[:1] for name in _ANGLES]
        angle = next((each for each in said if isinstance(each, int | float) and not isinstance(each, bool)), None)
        if angle is not None:
            # A turn of 200 degrees looks as far from upright as one of 160.
            away = abs((angle + 180) % 360 - 180)
            found.setdefault(min(int(away // _STEP), 180 // _STEP - 1), []).append(sample.key)
    return {f"angle={_STEP * at}-{_STEP * at + _STEP}": keys for at, keys in sorted(found.items())}


def _groups(samples: Sequence[Sample]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for sample in samples:
        if sample.group:
            found.setdefault(sample.group, []).append(sample.key)
    return {f"group={name}": found[name] for name in sorted(found)} if len(found) <= MOST_VALUES else {}
