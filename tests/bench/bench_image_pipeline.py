"""How fast pictures come out of the image pipeline, beside Keras' own ways, on the same images in the same run.

    python tests/bench/bench_image_pipeline.py --images FOLDER [--side 224] [--batch 32] [--epochs 10] [--enlarge 1024]

FOLDER has a folder of images for each class. Every way makes float32 batches of all images in a
shuffled order, as a training would take them; nothing is trained. The ratio that counts is that to
ImageDataGenerator.flow_from_directory: over all epochs, the first of which decodes.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import cv2
import keras
import numpy as np
from keras._tf_keras.keras.preprocessing.image import ImageDataGenerator
from PIL import Image

from labelloop.datasets.augmentation import read_augmentation
from labelloop.datasets.augmenting import Augmenter
from labelloop.training.image_pipeline import Part, PictureStore, batches, shuffled

LIGHT = {
    "rotation_range": 5, "width_shift_range": 0.06, "height_shift_range": 0.06, "zoom_range": 0.15,
    "brightness_range": (0.85, 1.15), "horizontal_flip": True,
}  # fmt: skip
"""What ImageDataGenerator has of the preset `light`; hue and saturation it cannot change."""

Epoch = Callable[[int], Iterator[Any]]


def ours(images: list[Path], side: int, batch: int, augment: bool) -> Epoch:
    """labelloop's; the first epoch has the reading in it."""
    store = PictureStore([Part(path) for path in images], side)
    loaded: list[bool] = []
    way = Augmenter(read_augmentation("light")).image if augment else None

    def epoch(number: int) -> Iterator[Any]:
        if not loaded:
            loaded.append(not store.load())
        for pixels, _ in batches(store, shuffled(len(images), 0, number).tolist(), batch, augment=way, epoch=number):
            yield pixels.astype(np.float32)

    return epoch


def generator(folder: Path, side: int, batch: int, augment: bool, threads: int) -> Epoch:
    """ImageDataGenerator.flow_from_directory, with its batches made by so many threads."""
    made = ImageDataGenerator(rescale=1 / 255, **(LIGHT if augment else {})).flow_from_directory(
        str(folder), target_size=(side, side), batch_size=batch, class_mode="sparse", shuffle=True, seed=0
    )

    def epoch(_: int) -> Iterator[Any]:
        if threads == 1:
            for number in range(len(made)):
                yield made[number][0]
        else:
            with ThreadPoolExecutor(threads) as pool:
                for found in pool.map(made.__getitem__, range(len(made))):
                    yield found[0]
        made.on_epoch_end()

    return epoch


def dataset(folder: Path, side: int, batch: int) -> Epoch:
    """image_dataset_from_directory, which is what Keras advises today; it augments nothing."""
    made = keras.utils.image_dataset_from_directory(
        str(folder), image_size=(side, side), batch_size=batch, shuffle=True, seed=0, verbose=False
    ).prefetch(2)

    def epoch(_: int) -> Iterator[Any]:
        for pixels, _labels in made:
            yield pixels.numpy()

    return epoch


def seconds(epoch: Epoch, epochs: int, count: int) -> list[float]:
    """Seconds for each epoch, all its batches taken."""
    taken: list[float] = []
    for number in range(epochs):
        started = time.perf_counter()
        found = sum(len(pixels) for pixels in epoch(number))
        taken.append(time.perf_counter() - started)
        if found != count:
            raise SystemExit(f"{found} pictures came of {count}")
    return taken


def enlarged(folder: Path, side: int, to: Path) -> Path:
    """The same images at another size, as JPEG of quality 90: as large as a phone's or a generator's."""
    for path in sorted(folder.rglob("*.jpg")):
        target = to / path.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(path) as image:
            image.convert("RGB").resize((side, side), Image.Resampling.BICUBIC).save(target, quality=90)
    return to


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--side", type=int, default=224)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--enlarge", type=int, help="Work on copies of this side in pixels.")
    asked = parser.parse_args()
    cv2.setNumThreads(1)  # as the trainer's process has it
    with tempfile.TemporaryDirectory() as made:
        folder = enlarged(asked.images, asked.enlarge, Path(made)) if asked.enlarge else asked.images
        images = sorted(folder.rglob("*.jpg"))
        with Image.open(images[0]) as first:
            print(
                f"{len(images)} images, the first {first.width}x{first.height} px, to {asked.side} px, {os.cpu_count()} cores"
            )
        for augment in (False, True):
            ways: dict[str, Epoch] = {
                "labelloop": ours(images, asked.side, asked.batch, augment),
                "ImageDataGenerator": generator(folder, asked.side, asked.batch, augment, 1),
                "ImageDataGenerator, 2 threads": generator(folder, asked.side, asked.batch, augment, 2),
            }
            if not augment:
                ways["image_dataset_from_directory"] = dataset(folder, asked.side, asked.batch)
            taken = {name: seconds(epoch, asked.epochs, len(images)) for name, epoch in ways.items()}
            print(f"\n{'light augmentation' if augment else 'no augmentation'}: images a second")
            print(f"  {'':<32} first epoch   later   all {asked.epochs}   labelloop is faster by")
            for name, each in taken.items():
                rates = (
                    len(images) / each[0],
                    len(images) * (len(each) - 1) / sum(each[1:]),
                    len(images) * len(each) / sum(each),
                )
                ratio = sum(each) / sum(taken["labelloop"])
                print(f"  {name:<32} {rates[0]:11.0f} {rates[1]:7.0f} {rates[2]:7.0f}   {ratio:.1f} times")


if __name__ == "__main__":
    main()
