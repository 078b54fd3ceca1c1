"""Where jsons of an unknown schema keep boxes, labels and the image's size: found by trying what fits the images.

Every list of objects is looked at, and every way to read its numbers as boxes is
tried on all sampled files: the one whose boxes lie inside their images wins. Where
two fit alike, a fixed order decides, and the reasons say so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from .json_fields import Steps, find_objects, format_path
from .json_names import LABEL_NAMES, UNLIKELY_LABELS, plain
from .json_readings import (
    ALMOST_ALL,
    ENOUGH,
    Container,
    Reading,
    fields_of,
    fits_image_as_well,
    is_sound,
    judge,
    leaves,
    readings_of,
    why,
)
from .json_sizes import find_size_lines
from .schema import Json, Size

DEEP = 8
"""Objects nested deeper than this are not looked into."""

_MANY = 20_000
_OF_CONTAINER = 400


@dataclass(frozen=True, slots=True)
class Found:
    """What the search found: a recipe's `fields`, sentences that say why, and how many boxes fit (0 to 1)."""

    fields: dict[str, str]
    reasons: tuple[str, ...]
    fit: float


def search(documents: Sequence[Json], images: Sequence[Size]) -> Found | None:
    """The fields that fit these documents and the sizes of their upright images; None where nothing does."""
    frames, size_lines, size_reason = find_size_lines(documents, images)
    readings: list[Reading] = []
    labels: dict[Steps, tuple[str, str] | None] = {}
    counts: dict[Steps, Container] = {}
    for container in _containers(documents):
        label = _find_label(container, documents)
        tried = [judge(reading, frames, images) for reading in readings_of(container)]
        if label is not None and tried:
            labels[container.path], counts[container.path] = label, container
            readings.extend(reading for each in tried for reading in each)
    fitting = [reading for reading in readings if reading.fit >= ENOUGH]
    if not fitting:
        return None
    most = max(len(reading.corners) for reading in fitting)
    best = min(
        fitting, key=lambda one: (-round(one.fit * min(1.0, 2 * len(one.corners) / most), 2), one.rank, one.container)
    )
    label = labels[best.container]
    if label is None:
        return None
    container = counts[best.container]
    place = (
        f"`{format_path(best.container)}` is the list of objects"
        if best.container
        else "a json is itself the list of objects"
    )
    if not best.container and isinstance(documents[0], dict):
        place = "each json is itself one object"
    reasons = [
        f"boxes: {place} in {container.files} of {len(documents)} jsons looked at ({len(container.objects)} objects)"
    ]
    reasons += [f"label: {label[1]}", *why(best, [each for each in readings if each.container == best.container])]
    lines = {"boxes": format_path(best.container), "label": label[0], **best.lines}
    if best.units != "pixels":
        lines["units"] = best.units
    elif size_lines:
        if fits_image_as_well(best, frames, images):
            reasons.append(
                f"width and height are left out: {size_reason}, but every box also lies inside the much smaller image"
                " itself, so the boxes are taken to be for the image"
            )
        else:
            lines.update(size_lines)
            reasons.append(f"width, height: {size_reason}")
    else:
        reasons.append(
            "width, height: no numbers in the jsons follow the images' sizes; boxes are taken to be for the image"
        )
    return Found(lines, tuple(reasons), best.fit)


def _containers(documents: Sequence[Json]) -> list[Container]:
    """The paths with objects, those that are in nine of ten documents, in the order of their paths."""
    paths: Counter[Steps] = Counter()
    for document in documents:
        paths.update(set(_container_paths(document)))
    found: list[Container] = []
    for path, count in sorted(paths.items()):
        if count < 0.1 * len(documents):
            continue
        container = Container(path)
        for number, document in enumerate(documents):
            try:
                objects = [each for _, each in find_objects(document, path)]
            except ValueError:
                continue
            container.files += 1
            container.objects.extend((number, each) for each in objects[:_OF_CONTAINER])
        if container.objects and container.files >= 0.9 * len(documents):
            found.append(container)
    return found


def _container_paths(document: Json) -> list[Steps]:
    found: list[Steps] = []
    pending: list[tuple[Steps, Json]] = [((), document)]
    seen = 0
    while pending and seen < _MANY:
        path, value = pending.pop()
        seen += 1
        if isinstance(value, dict):
            found.append(path)
            if len(path) < DEEP:
                pending.extend(((*path, key), each) for key, each in fields_of(value) if isinstance(each, dict | list))
        elif isinstance(value, list) and value and isinstance(value[0], dict | list):
            found.append(path)
            if len(path) < DEEP:
                pending.extend(((*path, "*", key), each) for item in value[:20] if isinstance(item, dict)
                               for key, each in fields_of(item) if isinstance(each, dict | list))  # fmt: skip
    return found


def _find_label(container: Container, documents: Sequence[Json]) -> tuple[str, str] | None:
    """The path of the label, and a sentence about it."""
    values: dict[Steps, list[str]] = {}
    for _, each in container.objects:
        for steps, leaf in leaves(each):
            if isinstance(leaf, str | int) and not isinstance(leaf, bool) and leaf != "" and is_sound(str(leaf)):
                values.setdefault(steps, []).append(str(leaf))
    found = _best_label(values, len(container.objects))
    if found is not None:
        return found
    of_document: dict[Steps, list[str]] = {}
    for document in documents:
        for steps, leaf in leaves(document):
            if isinstance(leaf, str) and leaf and is_sound(leaf):
                of_document.setdefault(steps, []).append(leaf)
    found = _best_label(of_document, len(documents))
    return (f"/{found[0]}", f"{found[1]}, one for the whole file") if found else None


def _best_label(values: dict[Steps, list[str]], count: int) -> tuple[str, str] | None:
    choices: list[tuple[int, int, int, Steps]] = []
    for steps, texts in values.items():
        # A path that starts with a slash means the document.
        if len(texts) < ALMOST_ALL * count or not steps or steps[0].startswith("/"):
            continue
        name = plain(steps[-2] if steps and steps[-1].isdecimal() and len(steps) > 1 else steps[-1] if steps else "")
        distinct = len(set(texts))
        numeric = all(text.lstrip("-").replace(".", "", 1).isdecimal() for text in texts)
        known = name in LABEL_NAMES
        unlikely = name in UNLIKELY_LABELS or name.endswith("id") or max(map(len, texts)) > 100
        if (unlikely and not name.startswith(("class", "category", "label"))) or (
            numeric and not known and not name.startswith("c")
        ):
            continue
        if not known and distinct > max(3, count // 2):
            continue
        weight = (0 if known else 2) + (4 if numeric else 0) + (1 if distinct == 1 and count > 3 else 0)
        choices.append((weight, LABEL_NAMES.index(name) if known else 99, len(steps), steps))
    if not choices:
        return None
    steps = min(choices)[3]
    names = list(dict.fromkeys(values[steps]))
    shown = ", ".join(name[:40] for name in names[:6]) + (", ..." if len(names) > 6 else "")
    others = [format_path(other) for *_, other in sorted(choices)[1:4]]
    also = f"; {', '.join(f'`{other}`' for other in others)} could be it too" if others else ""
    return format_path(steps), f"`{format_path(steps)}` is text with {len(names)} different values ({shown}){also}"
