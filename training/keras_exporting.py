"""`python -m labelloop.training.keras_exporting RUN_FOLDER FORMAT FOLDER`: a classifier for phones, and how it compares.

A process of its own, since TensorFlow and torchvision do not get along in one.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ..datasets.errors import LabelloopError
from ..datasets.schema import Json
from .crops import find_examples
from .image_pipeline import Part, PictureStore
from .keras_models import keras
from .phone_comparison import Scores, compare_scores
from .phone_export import FILES, spread
from .runs import Run
from .trainer_files import write_json

Says = Callable[[NDArray[np.float32]], Scores]
"""From pixels, (n, side, side, 3), 0 to 255, to the scores of the classes, (n, classes)."""

_KERAS_NAMES = {"onnx": "onnx", "tflite": "litert", "saved-model": "tf_saved_model"}
_TOGETHER = 16


def main() -> None:
    """Export, and compare; exit status 1 with a sentence where it fails."""
    run, format, folder = Run(Path(sys.argv[1])), sys.argv[2], Path(sys.argv[3])
    warnings.simplefilter("ignore")  # of TensorFlow's interpreter, which moves to a package of its own one day
    try:
        said = _export(run, format, folder)
    except Exception as error:  # whatever Keras and its converters raise
        sys.exit(f"{type(error).__name__}: {' '.join(str(error).split())[:500]}")
    write_json(folder / "compared.json", said)


def _export(run: Run, format: str, folder: Path) -> dict[str, Json]:
    model = keras.models.load_model(run.weights / "model.keras", compile=False)
    side = int(str(run.plan.settings["imgsz"]))
    model(np.zeros((1, side, side, 3), np.float32))  # the way to ONNX asks for a model that has been called
    made = folder / FILES[format]
    model.export(made, format=_KERAS_NAMES[format], verbose=False)
    reading = {"onnx": _read_onnx, "tflite": _read_tflite, "saved-model": _read_saved_model}[format](made)
    pixels = _pictures(run)

    def original(batch: NDArray[np.float32]) -> Scores:
        return np.asarray(model.predict_on_batch(batch), np.float64)

    return {
        "input": {
            "shape": [None, side, side, 3], "type": "float32", "values": "RGB, 0 to 255; the model rescales them itself",
            "resize": run.plan.settings["resize"],
        },
        "output": "the score of each class, which sum to 1",
        "compared": compare_scores(_all(original, pixels), _all(reading, pixels)),
    }  # fmt: skip


def _pictures(run: Run) -> NDArray[np.float32]:
    """Images of the split that the run was judged on, else of train, as the model takes them.

    Raises:
        LabelloopError: none can be read any more.
    """
    origin = "boxes" if run.plan.settings["from"] == "boxes" else "labels"
    examples = find_examples(run.samples(), origin, run.plan.classes).found
    judged = (run.result() or {}).get("split") or "train"
    examples = [each for each in examples if each.sample.split == judged]
    parts = [Part(examples[index].sample.path, examples[index].corners) for index in spread(len(examples))]
    store = PictureStore(parts, int(str(run.plan.settings["imgsz"])))
    problems = dict(store.load())
    found = [store.picture(index) for index in range(len(parts)) if index not in problems]
    if not found:
        raise LabelloopError(f"no image of {judged} can be read: {next(iter(problems.values()), 'there is none')}")
    return np.stack(found).astype(np.float32)


def _all(says: Says, pixels: NDArray[np.float32]) -> Scores:
    return np.concatenate([says(pixels[start : start + _TOGETHER]) for start in range(0, len(pixels), _TOGETHER)])


def _read_onnx(path: Path) -> Says:
    library: Any = import_module("onnxruntime")
    session = library.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda batch: np.asarray(session.run(None, {name: batch})[0], np.float64)


def _read_tflite(path: Path) -> Says:
    interpreter: Any = import_module("tensorflow").lite.Interpreter(str(path))
    interpreter.allocate_tensors()
    put, get = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]

    def one(picture: NDArray[np.float32]) -> Scores:
        interpreter.set_tensor(put, picture[None])
        interpreter.invoke()
        return cast(Scores, interpreter.get_tensor(get)[0].astype(np.float64))

    return lambda batch: np.stack([one(picture) for picture in batch])


def _read_saved_model(path: Path) -> Says:
    tf: Any = import_module("tensorflow")
    loaded: Any = tf.saved_model.load(str(path))
    return lambda batch: np.asarray(loaded.serve(batch), np.float64)


if __name__ == "__main__":
    main()
