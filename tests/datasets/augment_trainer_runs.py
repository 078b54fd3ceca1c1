"""What the tests compare with Ultralytics itself, in a process of its own; run as `python -m tests.datasets.augment_trainer_runs WHAT ...`.

Ultralytics imports torch, and TensorFlow may be in the process of the tests.
"""

from __future__ import annotations

import json
import os
import random
import sys
from pathlib import Path
from typing import Any

import numpy as np

DRAWS = 30


def say(value: object) -> None:
    sys.stdout.write(f"{json.dumps(value)}\n")


def matrices() -> None:
    """How far our matrices are from those of Ultralytics' RandomPerspective, from the same random numbers."""
    from ultralytics.data.augment import RandomPerspective

    from labelloop.datasets.trainer_augmentation import TrainerGeometry

    settings: dict[str, Any] = {"degrees": 20.0, "translate": 0.2, "scale": 0.4, "shear": 7.0, "perspective": 5e-4}
    theirs = RandomPerspective(**settings, size=(640, 640))
    ours = TrainerGeometry(**settings, side=640)
    worst = 0.0
    for seed in range(DRAWS):
        random.seed(seed)
        said = theirs.get_params({"img": np.zeros((480, 600, 3), np.uint8)})["M"]
        ours.set_random_state(np.random.default_rng(0), random.Random(seed))
        mine = ours.get_params_dependent_on_data({"shape": (480, 600, 3)}, {})["matrix"]
        worst = max(worst, float(np.abs(said - mine).max() / np.abs(said).max()))
    say(worst)


def colours() -> None:
    """How far our colours are from those of Ultralytics' RandomHSV, from the same gains, in levels of 255."""
    from unittest.mock import patch

    from ultralytics.data.augment import RandomHSV

    from labelloop.datasets.trainer_augmentation import TrainerColour

    ours, theirs = TrainerColour(0.015, 0.7, 0.4), RandomHSV(0.015, 0.7, 0.4)
    draw = np.random.default_rng(0)
    worst = 0
    for _ in range(DRAWS):
        image = draw.integers(0, 256, (40, 40, 3), dtype=np.uint8)
        gains = draw.uniform(-1, 1, 3)
        labels = {"img": np.ascontiguousarray(image[..., ::-1])}
        with patch("numpy.random.uniform", return_value=gains):
            theirs.apply_image(labels)
        mine = ours.apply(image, gains=list(gains * [0.015, 0.7, 0.4]))
        worst = max(worst, int(np.abs(labels["img"][..., ::-1].astype(int) - mine.astype(int)).max()))
    say(worst)


def dataset(folder: Path, name: str, workers: int) -> None:
    """What a training set of Ultralytics' gives for an augmentation, against the preview's way, image by image.

    Says how many boxes each had, how many differ, and the largest difference of a corner and of a pixel.
    """
    import torch
    from torch.utils.data import DataLoader
    from ultralytics.cfg import get_cfg
    from ultralytics.data.build import build_yolo_dataset

    from labelloop.datasets.augment_detector import refuse_lost_augmentation
    from labelloop.datasets.augment_library import parse_transforms
    from labelloop.datasets.augment_pipeline import Pipeline
    from labelloop.datasets.augmentation import read_augmentation
    from labelloop.datasets.augmenting import build_transforms

    augmentation = read_augmentation(name)
    given = build_transforms(augmentation)
    settings = get_cfg(overrides={**augmentation.trainer, "augmentations": given, "imgsz": 320, "task": "detect"})
    names = {0: "a", 1: "b"}
    images = str(folder / "images" / "train")
    trained = build_yolo_dataset(settings, images, 2, {"names": names, "channels": 3}, mode="train", rect=False)
    refuse_lost_augmentation(augmentation, trained.transforms)
    plain = get_cfg(
        overrides={**read_augmentation("none").trainer, "augmentations": [], "imgsz": 320, "task": "detect"}
    )
    untouched = build_yolo_dataset(plain, images, 2, {"names": names, "channels": 3}, mode="train", rect=False)
    torch.manual_seed(5)
    seed = torch.initial_seed()
    pipeline = Pipeline(parse_transforms(augmentation.transforms, name), augmentation.visibility)
    pipeline.draw_from(np.random.default_rng(seed), random.Random(seed))
    counts, corners, pixels = [], 0.0, 0
    for index in range(len(trained)):
        theirs, before = trained[index], untouched[index]
        image = np.ascontiguousarray(before["img"].numpy().transpose(1, 2, 0))  # RGB after Format
        at = before["bboxes"].numpy().astype(np.float64) * 320
        ends = np.concatenate([at[:, :2] - at[:, 2:] / 2, at[:, :2] + at[:, 2:] / 2], axis=1)
        moved = pipeline.run(image, ends)
        found = theirs["bboxes"].numpy().astype(np.float64) * 320
        found = np.concatenate([found[:, :2] - found[:, 2:] / 2, found[:, :2] + found[:, 2:] / 2], axis=1)
        assert len(found) == len(moved.corners), (len(found), len(moved.corners))
        assert theirs["cls"].flatten().tolist() == before["cls"].flatten()[moved.of].tolist()
        counts.append(len(found))
        corners = max(corners, float(np.abs(found - moved.corners).max(initial=0)))
        pixels = max(pixels, int(np.abs(theirs["img"].numpy().transpose(1, 2, 0).astype(int) - moved.image).max()))
    if workers:
        loader = DataLoader(trained, batch_size=2, num_workers=workers, collate_fn=trained.collate_fn)
        assert sum(len(batch["im_file"]) for batch in loader) == len(trained)
    say({"counts": counts, "corners": corners, "pixels": pixels})


def lost() -> None:
    """What is said when Ultralytics has dropped the augmentation, as it does where it cannot make it."""
    from ultralytics.data.augment import Albumentations, Compose

    from labelloop.datasets.augment_detector import build_transforms, refuse_lost_augmentation
    from labelloop.datasets.augment_library import A
    from labelloop.datasets.augmentation import read_augmentation
    from labelloop.datasets.errors import LabelloopError

    field = read_augmentation("field")
    (kept,) = build_transforms(field)
    saved = A.to_dict(kept)
    refuse_lost_augmentation(field, Compose([Albumentations(transforms=[saved])]))
    saved["transform"]["__class_fullname__"] = "labelloop.gone.FittedBoxes"
    try:
        refuse_lost_augmentation(field, Compose([Albumentations(transforms=[saved])]))
    except LabelloopError as error:
        say(str(error))


if __name__ == "__main__":
    os.environ.setdefault("YOLO_OFFLINE", "true")
    what, *words = sys.argv[1:]
    if what == "dataset":
        dataset(Path(words[0]), words[1], int(words[2]))
    else:
        {"matrices": matrices, "colours": colours, "lost": lost}[what]()
