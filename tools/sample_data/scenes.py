"""Builds the place where an object lies: desk, hand or clutter, in layers.

A scene is drawn on a canvas a tenth larger than the picture on every side, so that
the camera can move over it.
"""

from dataclasses import dataclass

import numpy as np

from . import backgrounds, clutter, hands, raster
from .poses import Pose, shift
from .raster import Array, Matrix, Size
from .won import Corners, Place


@dataclass(frozen=True, slots=True)
class Scene:
    """What is behind the object and what is in front of it.

    `behind` is a canvas (height, width, 3). `front` and `front_mask` hold what covers
    part of the object; None where nothing does. `to_picture` leads from the canvas to
    the picture.
    """

    behind: Array
    front: Array | None
    front_mask: Array | None
    to_picture: Matrix


def build_scene(place: Place, pose: Pose, picture: Size, rng: np.random.Generator) -> Scene:
    """The surroundings of an object that lies as `pose` says in a picture."""
    margin = round(0.1 * max(picture))
    size = (picture[0] + 2 * margin, picture[1] + 2 * margin)
    on_canvas = pose.seen_by(shift(margin, margin))
    front, front_mask = None, None
    match place:
        case "DESK":
            canvas = backgrounds.desk(rng, size)
            if rng.random() < 0.35:
                clutter.scatter(canvas, _with_room(on_canvas), 1, rng)
            _shadow(canvas, on_canvas, rng, 0.010)
        case "STUFF":
            canvas = backgrounds.ground(rng, size) if rng.random() < 0.6 else backgrounds.desk(rng, size)
            clutter.scatter(canvas, _with_room(on_canvas), int(rng.integers(4, 9)), rng)
            _shadow(canvas, on_canvas, rng, 0.010)
        case "HAND":
            canvas = backgrounds.room(rng, size)
            tone = hands.skin(rng)
            if pose.round:
                _palm_under(canvas, on_canvas, tone, rng)
                _shadow(canvas, on_canvas, rng, 0.012)
            else:
                grip = _grip(on_canvas, rng)
                hands.draw_behind(canvas, grip, tone, rng)
                _shadow(canvas, on_canvas, rng, 0.02)
                front = canvas.copy()
                front_mask = hands.draw_thumb(front, grip, tone, rng)
    return Scene(canvas, front, front_mask, shift(-margin, -margin))


def _with_room(pose: Pose) -> Corners:
    """The bounds of an object, a little wider: a moving camera must not close the gap."""
    x1, y1, x2, y2 = pose.bounds()
    room = 0.03 * max(x2 - x1, y2 - y1)
    return x1 - room, y1 - room, x2 + room, y2 + room


def _shadow(canvas: Array, pose: Pose, rng: np.random.Generator, reach: float) -> None:
    """Darken where the object keeps the light away."""
    size = (canvas.shape[1], canvas.shape[0])
    angle = float(rng.uniform(0, 2 * np.pi))
    distance = reach * min(size) * float(rng.uniform(0.4, 1.2))
    moved = pose.seen_by(shift(distance * float(np.cos(angle)), distance * float(np.sin(angle))))
    soft = raster.blur(raster.polygon(size, moved.outline()), reach * 0.7 * min(size))
    raster.over(canvas, (0.0, 0.0, 0.0), soft * float(rng.uniform(0.35, 0.7)))


def _palm_under(canvas: Array, pose: Pose, tone: tuple[float, float, float], rng: np.random.Generator) -> None:
    """An open hand whose palm the coin lies on, at a believable size."""
    x1, y1, x2, y2 = pose.bounds()
    unit = (x2 - x1) * float(rng.uniform(0.34, 0.42))
    middle = np.array([(x1 + x2) / 2, (y1 + y2) / 2])
    offset = rng.uniform(-0.5, 0.5, 2) * unit
    hands.draw_palm(canvas, middle + offset, unit, float(rng.uniform(-0.6, 0.6)), tone, rng)


def _grip(pose: Pose, rng: np.random.Generator) -> hands.Grip:
    """A place near the middle of an edge that a hand from below or beside can reach.

    Never at a corner: the corners are what the box is drawn around.
    """
    corners = pose.outline()
    choices: list[hands.Grip] = []
    shortest = min(float(np.hypot(*(corners[i] - corners[i - 1]))) for i in range(4))
    for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        way = end - start
        length = float(np.hypot(*way))
        along = way / length
        outward = np.array([along[1], -along[0]])
        if outward[1] > -0.35:  # hands do not come from above
            place = start + way * float(rng.uniform(0.38, 0.62))
            choices.append(hands.Grip(place, outward, along, shortest * 0.19))
    return choices[rng.integers(len(choices))]
