"""How Ultralytics gets exactly the augmentation that the preview shows.

Its `augmentations` argument takes transforms of albumentations. Given those of a file as they
are, it applies them to BGR images, cuts boxes off at each step, keeps slivers of a pixel, and
gives each transform the same random numbers. So it gets one transform, which does what
`augment_pipeline` does.

Whoever lets Ultralytics read its `augmentations` back (a resumed training, a process of DDP) must
have imported this module before: it catches the error of an unknown transform, and trains on
without any. `refuse_lost_augmentation` looks.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from .augment_library import A, parse_transforms
from .augment_pipeline import Pipeline, Pixels
from .augmentation import Augmentation
from .errors import LabelloopError
from .schema import Json


class FittedBoxes(A.DualTransform):
    """An augmentation's transforms as one, for BGR images and boxes as albumentations holds them within a Compose.

    Args:
        serialised: the `transforms` of an Augmentation.
        visibility: as there.
        name: for what an error says.
        p: how often, always in use here.
    """

    def __init__(
        self, serialised: Mapping[str, Json], visibility: float, name: str = "augmentation", p: float = 1.0
    ) -> None:
        self.serialised = dict(serialised)
        self.visibility = visibility
        self.name = name
        self.pipeline = Pipeline(parse_transforms(serialised, name), visibility, name)
        super().__init__(p=p)

    def set_random_seed(self, seed: int | None) -> None:
        """Begin the random choices anew."""
        super().set_random_seed(seed)
        self.pipeline.draw_from(self.random_generator, self.py_random)

    def set_random_state(self, random_generator: np.random.Generator, py_random: random.Random) -> None:
        """Take random numbers from these two from now on."""
        super().set_random_state(random_generator, py_random)
        self.pipeline.draw_from(random_generator, py_random)

    def get_params_dependent_on_data(self, params: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
        """The whole of the work: the image, and the boxes that are left, as fractions of its sides.

        Raises:
            LabelloopError: the image comes out in another size, of which no batch can be made.
        """
        image = cast(Pixels, data["image"])
        height, width = image.shape[:2]
        given = np.asarray(data.get("bboxes", np.zeros((0, 4))), np.float64)
        sides = np.array([width, height, width, height], np.float64)
        moved = self.pipeline.run(np.ascontiguousarray(image[..., ::-1]), given[:, :4] * sides)
        if moved.image.shape != image.shape:
            raise LabelloopError(
                f"{self.name}: transforms must keep the size of an image, {width}x{height}, for a detector,"
                f" received {moved.image.shape[1]}x{moved.image.shape[0]}"
            )
        boxes = np.concatenate([moved.corners / sides, given[moved.of, 4:]], axis=1).astype(np.float32)
        return {"done": np.ascontiguousarray(moved.image[..., ::-1]), "boxes": boxes}

    def apply(self, img: Pixels, *args: Any, **params: Any) -> Pixels:
        """The augmented image."""
        return cast(Pixels, params["done"])

    def apply_to_bboxes(self, bboxes: NDArray[np.float32], *args: Any, **params: Any) -> NDArray[np.float32]:
        """The boxes that are left, with whatever else stood in their rows."""
        return cast("NDArray[np.float32]", params["boxes"])

    def apply_to_keypoints(self, keypoints: NDArray[np.float32], *args: Any, **params: Any) -> NDArray[np.float32]:
        """No points.

        Raises:
            LabelloopError: there are some; outlines and key points do not travel along.
        """
        if len(keypoints):
            raise LabelloopError(f"{self.name}: only boxes are augmented, received {len(keypoints)} points of outlines")
        return keypoints


def build_transforms(augmentation: Augmentation) -> list[A.BasicTransform | A.BaseCompose]:
    """What Ultralytics' `augmentations` argument is to be given for this augmentation, beside its `trainer` settings.

    The preset `trainer` gives the transforms that Ultralytics takes by itself, as they are, so
    that all of it is as without labelloop. An empty list is for no transforms; None would be for
    its own.

    Raises:
        LabelloopError: albumentations cannot make these transforms.
    """
    if augmentation.name == "trainer" or not augmentation.transforms:
        return list(parse_transforms(augmentation.transforms, augmentation.name))
    return [FittedBoxes(augmentation.transforms, augmentation.visibility, augmentation.name)]


def refuse_lost_augmentation(augmentation: Augmentation, transforms: Any) -> None:
    """Return when a training set's transforms (Ultralytics' `dataset.transforms`) hold the augmentation.

    Raises:
        LabelloopError: they do not; Ultralytics says so in its log only, and trains on without.
    """
    wanted = [type(each).__name__ for each in build_transforms(augmentation)]
    steps = cast("list[Any]", transforms.transforms)
    held = next((each.transform for each in steps if type(each).__name__ == "Albumentations"), None)
    found = [type(each).__name__ for each in (cast("list[object]", held.transforms) if held is not None else [])]
    if found != wanted:
        raise LabelloopError(
            f"{augmentation.name}: Ultralytics would train with the transforms {found} in place of {wanted}:"
            " this augmentation was lost"
        )
