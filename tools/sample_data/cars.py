"""What a car-damage data set looks like on disk: two folders, names, repeats.

Pictures are named `car<number>_<n>.jpg`, such as `car012_3.jpg`: several crops of one
car share its paint and its light, so a split that keeps cars together groups by the
name up to the underscore. As in sets of generated images, some pictures repeat
themselves: a near-twin of a crop lies there under the number of another car, and only
a look at the pixels finds it. Nothing is drawn here.
"""

import random
from dataclasses import dataclass
from typing import Literal, TypeAlias

Label: TypeAlias = Literal["normal", "abnormal"]
Part: TypeAlias = Literal["door", "wheel", "lamp", "bonnet", "bumper"]

PARTS: tuple[Part, ...] = ("door", "wheel", "lamp", "bonnet", "bumper")


@dataclass(frozen=True, slots=True)
class View:
    """One picture of a car.

    `scene` names the car that it shows; a repeat's `name` carries another number.
    `shot` numbers the car's crops; a repeat has its original's.
    """

    name: str
    scene: str
    label: Label
    part: Part
    shot: int
    repeat: bool


@dataclass(frozen=True, slots=True)
class Car:
    """A car and all pictures of it, repeats included."""

    name: str
    views: tuple[View, ...]


def plan_cars(count: int, seed: int) -> list[Car]:
    """The cars of a data set of `count` pictures, two to five crops each.

    Half of the pictures, rounded down, are normal; about 6 % are repeats.
    """
    rng = random.Random(f"cars plan {seed}")
    repeats = round(0.06 * count)
    normal = count // 2 - repeats // 2
    labels = _labels(normal, count - repeats - normal)
    rng.shuffle(labels)
    cars: list[list[View]] = []
    while labels:
        scene = f"car{len(cars) + 1:03d}"
        length = min(rng.randint(2, 5), len(labels))
        parts = rng.sample(PARTS, length)
        cars.append(
            [
                View(f"{scene}_{shot}.jpg", scene, labels.pop(), part, shot, repeat=False)
                for shot, part in enumerate(parts)
            ]
        )
    wanted = _labels(repeats // 2, repeats - repeats // 2)
    originals = [view for views in cars for view in views]
    for turn, label in enumerate(wanted):
        view = rng.choice([view for view in originals if view.label == label])
        originals.remove(view)  # at most one repeat each
        number = len(cars) + 1 + turn // 2
        name = f"car{number:03d}_{turn % 2}.jpg"
        home = next(views for views in cars if views[0].scene == view.scene)
        home.append(View(name, view.scene, label, view.part, view.shot, repeat=True))
    return [Car(views[0].scene, tuple(views)) for views in cars]


def _labels(normal: int, abnormal: int) -> list[Label]:
    """So many of each, normal first."""
    return ["normal" if turn < normal else "abnormal" for turn in range(normal + abnormal)]
