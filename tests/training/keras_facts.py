"""`python -m tests.training.keras_facts FOLDER`: what Keras says of labelloop's models, as `facts.json`.

One process for all of it, since importing TensorFlow takes seconds and it cannot be in the test's own.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from labelloop.training.classifier_models import ARCHITECTURES
from labelloop.training.classifier_weights import WeightsFile
from labelloop.training.keras_models import (
    DEVIATION,
    HEAD,
    MEAN,
    application,
    build_model,
    choose_trainable,
    keras,
    norm_layers,
)
from labelloop.training.keras_weights import load_weights

SIDE = 96
PIXELS = np.random.default_rng(0).integers(0, 256, (3, SIDE, SIDE, 3)).astype(np.float32)
MODULES = {"mobilenetv2": "mobilenet_v2", "resnet50": "resnet50", "vgg16": "vgg16", "inceptionv3": "inception_v3"}


def features(model: Any) -> Any:
    """The same model, up to its global average pooling."""
    return keras.Model(model.input, model.get_layer("pool").output)


def said(model: Any, pixels: np.ndarray) -> np.ndarray:
    return np.asarray(model(pixels, training=False), np.float64)


def off(found: np.ndarray, expected: np.ndarray) -> float:
    """The largest difference, as a part of the largest value."""
    return float(np.abs(found - expected).max() / np.abs(expected).max())


def normalized(pixels: np.ndarray) -> np.ndarray:
    return (pixels / 255 - MEAN) / DEVIATION


def reference(name: str, model: Any, folder: Path) -> Callable[[np.ndarray], np.ndarray]:
    """What others' code says of pixels from 0 to 255 with the weights that `model` has now."""
    if name in MODULES:
        # Theirs gets random weights and ours theirs, through a file, as a user's would.
        theirs = application(name, SIDE)
        theirs.save_weights(folder / "theirs.weights.h5")
        load_weights(model, name, WeightsFile("keras", str(folder / "theirs.weights.h5")))
        prepare = import_module(f"keras.applications.{MODULES[name]}").preprocess_input
        return lambda pixels: said(theirs, prepare(pixels.copy())).mean((1, 2))
    if name == "efficientnetb0":
        theirs = application(name, SIDE)
        norm = next(each for each in theirs.layers if isinstance(each, keras.layers.Normalization))
        # As Keras' own file has it: deviations in the place of variances.
        norm.set_weights([np.array(MEAN), np.array(DEVIATION), np.array(0)])
        theirs.save_weights(folder / "theirs.weights.h5")
        load_weights(model, name, WeightsFile("keras", str(folder / "theirs.weights.h5")))
        norm.set_weights([np.zeros(3), np.ones(3), np.array(0)])
        norm.finalize_state()
        return lambda pixels: said(theirs, 255 * normalized(pixels).astype(np.float32)).mean((1, 2))
    # labelloop's own: everything behind the rescaling, fed with what the paper says it is to see.
    inner = keras.Model(model.get_layer("rescaling").output, model.get_layer("pool").output)
    rescale = {"efficientnet-lite0": lambda x: (x - 127) / 128, "small-cnn": lambda x: x / 255}[name]
    return lambda pixels: said(inner, rescale(pixels).astype(np.float32))


def facts_of(name: str, folder: Path) -> dict[str, Any]:
    model = build_model(name, SIDE, 3)
    expected = reference(name, model, folder)
    ours = features(model)
    before = said(model, PIXELS)
    model.save(folder / "model.keras")
    after = said(keras.models.load_model(folder / "model.keras"), PIXELS)
    return {
        "off": off(said(ours, PIXELS), expected(PIXELS)),
        "off if divided before": off(said(ours, PIXELS / 255), expected(PIXELS)),
        "same when loaded": bool((before == after).all()),
        "sums": before.sum(1).tolist(),
    }


def learning(name: str, trainable: str) -> dict[str, Any]:
    """Which variables of a model one step of training changed."""
    model = build_model(name, 64, 2, dropout=0.0)
    norms = choose_trainable(model, trainable)
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", run_eagerly=True, jit_compile=False)
    before = {weight.path: np.asarray(weight) for weight in model.weights}
    model.train_on_batch(PIXELS[:, :64, :64], np.array([0, 1, 1]))
    changed = {weight.path for weight in model.weights if not (np.asarray(weight) == before[weight.path]).all()}
    names = {layer.name for layer in norm_layers(model)}
    moving = {path for path in before if path.endswith(("moving_mean", "moving_variance"))}
    scale = {path for path in before if path.split("/")[0] in names} - moving
    head = {path for path in before if path.startswith(f"{HEAD}/")}
    parts = {"head": head, "scales": scale, "moving": moving, "filters": set(before) - head - scale - moving}
    return {
        "changed": {part: f"{len(changed & paths)} of {len(paths)}" for part, paths in parts.items()},
        "norms": [norms.batch, norms.inference],
        "layers": sorted({path.split("/")[0] for path in changed}),
    }


def main() -> None:
    folder = Path(sys.argv[1])
    keras.utils.set_random_seed(1)
    facts: dict[str, Any] = {
        "models": {name: facts_of(name, folder) for name in ARCHITECTURES},
        "learning": {
            choice: learning("efficientnet-lite0", choice) for choice in ("head", "batchnorm", "last-5", "all")
        },
        "momentum": sorted({layer.momentum for layer in norm_layers(build_model("mobilenetv2", 64, 2))}),
    }
    weights = folder / "weights.json"
    if weights.exists():
        facts["torch"] = {}
        for name, file in json.loads(weights.read_text()).items():
            model = build_model(name, SIDE, 3, layout=file["layout"])
            left = load_weights(model, name, WeightsFile(**file))
            facts["torch"][name] = {
                "left": left,
                "off": off(said(features(model), PIXELS), np.load(folder / f"{name}.npy")),
            }
    (folder / "facts.json").write_text(json.dumps(facts))


if __name__ == "__main__":
    main()
