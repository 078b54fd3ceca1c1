"""What a classifier's run says of pictures, whoever they are: images that nobody has labelled, or changed ones."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import orjson

from ..datasets.errors import LabelloopError
from ..datasets.reading import Progress
from .crops import Example, Origin, find_examples
from .image_process import TENSORFLOW, ask_process
from .runs import Run, result_of


def origin_of(run: Run) -> Origin:
    """Whether a classifier's run has learned images' labels, or boxes cut out of them."""
    return "boxes" if run.plan.settings["from"] == "boxes" else "labels"


def examples_of(run: Run, split: str) -> list[Example]:
    """What a classifier's run was judged on in a split: whole images, or boxes cut out of them."""
    found = find_examples(run.samples(), origin_of(run), run.plan.classes).found
    return [each for each in found if each.sample.split == split]


def model_of(run: Run) -> Path:
    """The file of the run's model.

    Raises:
        LabelloopError: the run is no classifier's, is not done, or its model is gone.
    """
    result_of(run, "classifier")
    model = run.weights / "model.keras"
    if not model.is_file():
        raise LabelloopError(f"{run.id} has no model any more: {model} is gone")
    return model.resolve()


def classify(
    run: Run, examples: Sequence[Example], *, progress: Progress | None = None
) -> dict[str, tuple[float, ...]]:
    """The score of every class, in the order of the run's classes, by the example's key.

    Pictures are read and resized as in the training. One that cannot be read is not in it.

    Raises:
        LabelloopError: the run is no classifier's, has learned nothing yet, or the process failed.
    """
    model = model_of(run)
    if not examples:
        return {}
    with tempfile.TemporaryDirectory(prefix="labelloop-") as name:
        folder = Path(name)
        wanted = {
            "model": str(model), "side": run.plan.settings["imgsz"],
            "images": [[str(each.sample.path.absolute()), each.corners] for each in examples],
        }  # fmt: skip
        (folder / "wanted.json").write_bytes(orjson.dumps(wanted))
        ask_process(
            "keras_classifying", folder, TENSORFLOW, total=len(examples), progress=progress,
            failed=f"the classifier {run.id} stopped",
        )  # fmt: skip
        with np.load(folder / "scores.npz") as said:
            scores, read = said["scores"].tolist(), said["read"].tolist()
    found = zip(examples, scores, read, strict=True)
    return {each.sample.key: tuple(row) for each, row, readable in found if readable}
