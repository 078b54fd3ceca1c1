"""Writes whole data sets: plans them, has processes draw, keeps the truth apart."""

import json
import random
import warnings
from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar, cast

from ...datasets.errors import LabelloopError
from ...datasets.passes import each
from .cars import Car, Label, plan_cars
from .mistakes import Kind, plan_mistakes, spoil
from .staging import staged, truth_file_of
from .won import WORDS, Capture, Corners, all_labels, label_of, labelme_document, plan_won

Progress = Callable[[int, int], None]
"""Called with the number of images written and the number there will be."""

_OTHER_FOLDER: Mapping[Label, Label] = {"normal": "abnormal", "abnormal": "normal"}

_DRAWS_WITH: Mapping[str, str] = {
    "numpy": "numpy",
    "cv2": "opencv-python-headless",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
}
"""The modules that drawing needs, with the packages that bring them."""

_Plan = TypeVar("_Plan")
_Drawn = TypeVar("_Drawn")


@dataclass(frozen=True, slots=True)
class SampleDataSummary:
    """What was written.

    `boxes` counts the boxes of each label in the files, mistakes included (for cars:
    the images in each folder). `mistakes` counts images by kind of mistake. `truth` is
    the file with the true labels; None if there are no mistakes, since then the data
    set itself is the truth.
    """

    folder: Path
    images: int
    boxes: Mapping[str, int]
    mistakes: Mapping[str, int]
    truth: Path | None


def write_won(
    target: Path,
    *,
    count: int = 300,
    seed: int = 0,
    mistakes: float = 0.0,
    jobs: int = 2,
    progress: Progress | None = None,
) -> SampleDataSummary:
    """What was written: a new folder of notes and coins, each jpg with a LabelMe json.

    The same arguments give the same bytes, whatever `jobs` is, and the same pictures
    whatever `mistakes` is.

    Args:
        target: a folder that does not exist yet, or is empty.
        count: how many images.
        seed: another number, another data set.
        mistakes: share of images that get one wrong label each, 0 to 1.
        jobs: processes that draw.

    Raises:
        LabelloopError: `target` is taken, or a package that drawing needs is missing.
        ValueError: a number is out of its range.
    """
    _check(count, seed, mistakes, jobs)
    plan = plan_won(count, seed)
    kinds = plan_mistakes([shot.key for capture in plan for shot in capture.shots], mistakes, seed)
    with staged(target) as stage:
        for denomination in WORDS:
            (stage.folder / str(denomination)).mkdir()
        boxes: Counter[str] = Counter()
        truths: dict[str, object] = {}
        with _drawn(_draw_capture, plan, seed, jobs) as drawn:
            for capture, photos in zip(plan, drawn, strict=True):
                for shot, (jpg, corners) in zip(capture.shots, photos, strict=True):
                    label = label_of(capture.denomination, front=shot.front)
                    kind = kinds.get(shot.key)
                    rng = random.Random(f"mistake {seed} {shot.key}")
                    left = [(label, corners)] if kind is None else spoil(kind, label, corners, capture.photo_size, rng)
                    file = stage.folder / shot.key
                    file.write_bytes(jpg)
                    file.with_suffix(".json").write_text(
                        json.dumps(labelme_document(capture, shot, left), indent=2), encoding="utf-8"
                    )
                    boxes.update(name for name, _ in left)
                    truths[shot.key] = {
                        "size": list(capture.photo_size),
                        "boxes": [{"label": label, "corners": list(corners)}],
                        "scene": capture.name,
                        "mistake": kind,
                    }
                _report(progress, len(truths), count)
        if kinds:
            _write_truth(stage.truth, seed, kinds, truths)
    ordered = {label: boxes[label] for label in all_labels()}
    return SampleDataSummary(
        target.absolute(), count, ordered, _by_kind(kinds), truth_file_of(target) if kinds else None
    )


def write_cars(
    target: Path,
    *,
    count: int = 300,
    seed: int = 0,
    mistakes: float = 0.0,
    jobs: int = 2,
    progress: Progress | None = None,
) -> SampleDataSummary:
    """What was written: a new folder of car bodywork, `normal/` and `abnormal/`.

    Arguments, guarantees and errors are those of `write_won`. A mistake is a picture
    in the other folder.
    """
    _check(count, seed, mistakes, jobs)
    plan = plan_cars(count, seed)
    names = [view.name for car in plan for view in car.views]
    kinds = plan_mistakes(names, mistakes, seed, kinds=("class_swapped",))
    with staged(target) as stage:
        for label in _OTHER_FOLDER:
            (stage.folder / label).mkdir()
        boxes: Counter[str] = Counter(dict.fromkeys(_OTHER_FOLDER, 0))
        truths: dict[str, object] = {}
        with _drawn(_draw_car, plan, seed, jobs) as drawn:
            for car, pictures in zip(plan, drawn, strict=True):
                for view, picture in zip(car.views, pictures, strict=True):
                    kind = kinds.get(view.name)
                    folder = view.label if kind is None else _OTHER_FOLDER[view.label]
                    (stage.folder / folder / view.name).write_bytes(picture)
                    boxes[folder] += 1
                    truths[f"{folder}/{view.name}"] = {"label": view.label, "scene": view.scene, "mistake": kind}
                _report(progress, boxes.total(), count)
        if kinds:
            _write_truth(stage.truth, seed, kinds, truths)
    return SampleDataSummary(
        target.absolute(), count, dict(boxes), _by_kind(kinds), truth_file_of(target) if kinds else None
    )


def _draw_capture(capture: Capture, seed: int) -> list[tuple[bytes, Corners]]:
    """Each shot's jpg, and the box in pixels of the photo. Runs in a process of its own."""
    from .photos import photo_bytes, take_photos

    jpg_width, jpg_height = capture.jpg_size
    across, down = capture.photo_size[0] / jpg_width, capture.photo_size[1] / jpg_height
    shots: list[tuple[bytes, Corners]] = []
    for photo in take_photos(capture, seed):
        x1, y1, x2, y2 = photo.box
        corners = (x1 * across, y1 * down, x2 * across, y2 * down)
        shots.append((photo_bytes(photo, capture.orientation), corners))
    return shots


def _draw_car(car: Car, seed: int) -> list[bytes]:
    """Each view's jpg. Runs in a process of its own."""
    from .bodywork import draw_car

    return draw_car(car, seed)


def _call(drawing: Callable[[], _Drawn]) -> _Drawn:
    return drawing()


@contextmanager
def _drawn(
    draw: Callable[[_Plan, int], _Drawn], plan: Sequence[_Plan], seed: int, jobs: int
) -> Generator[Generator[_Drawn, None, None], None, None]:
    """What `draw` makes of each part of the plan, in order, while the rest is drawn.

    The files are written by the caller, so that a process that is still busy when the
    block is left cannot write into a folder that is being removed.
    """
    calls = [partial(draw, part, seed) for part in plan]
    drawn = cast("Generator[_Drawn, None, None]", each(_call, calls, jobs=jobs, processes=True))
    try:
        yield drawn
    finally:
        with warnings.catch_warnings():  # joblib's, about work that nobody will look at
            warnings.simplefilter("ignore", UserWarning)
            drawn.close()


def _check(count: int, seed: int, mistakes: float, jobs: int) -> None:
    """Nothing, if every number is in its range and every package is there."""
    if count < 1:
        raise ValueError(f"count must be at least 1, received {count}")
    if seed < 0:
        raise ValueError(f"seed must not be negative, received {seed}")
    if not 0 <= mistakes <= 1:
        raise ValueError(f"mistakes must be a share from 0 to 1, received {mistakes}")
    if jobs < 1:
        raise ValueError(f"jobs must be at least 1, received {jobs}")
    missing = [name for module, name in _DRAWS_WITH.items() if find_spec(module) is None]
    if missing:
        raise LabelloopError(
            f"sample data is drawn with packages that are not installed: pip install {' '.join(missing)}"
        )


def _report(progress: Progress | None, done: int, count: int) -> None:
    if progress is not None:
        progress(done, count)


def _by_kind(kinds: Mapping[str, Kind]) -> dict[str, int]:
    """How many mistakes there are of each kind, in order of the kinds' names."""
    return dict(sorted(Counter(kinds.values()).items()))


def _write_truth(file: Path, seed: int, kinds: Mapping[str, Kind], truths: Mapping[str, object]) -> None:
    """Write the true labels: one entry an image, by key, sorted."""
    document = {
        "about": "True labels of the sample data in the folder beside; corners in pixels of the upright photo.",
        "seed": seed,
        "mistakes": _by_kind(kinds),
        "images": dict(sorted(truths.items())),
    }
    file.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
