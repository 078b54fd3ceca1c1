"""Where an object lies in the picture: homographies, exact bounds, camera moves.

An object has a frame of its own: the unit square for a note, the circle of radius 1
around the origin for a coin.
"""

from dataclasses import dataclass

import numpy as np

from .raster import Matrix, Points, Size
from .won import Corners


@dataclass(frozen=True, slots=True)
class Pose:
    """A homography from the object's frame into the picture, and the frame's shape."""

    matrix: Matrix
    round: bool

    def outline(self) -> Points:
        """The visible outline as a polygon, (n, 2) pixels: 4 corners, or 360 points."""
        if not self.round:
            return project(self.matrix, np.array([[0, 0], [1, 0], [1, 1], [0, 1]], dtype=np.float64))
        angle = np.linspace(0, 2 * np.pi, 360, endpoint=False)
        return project(self.matrix, np.stack([np.cos(angle), np.sin(angle)], axis=1))

    def bounds(self) -> Corners:
        """The tight box (x1, y1, x2, y2) around the outline, exact.

        A circle becomes an ellipse; a vertical line x = c touches it where
        (1, 0, -c) lies on the dual conic H diag(1, 1, -1) H^T.
        """
        if not self.round:
            low, high = self.outline().min(axis=0), self.outline().max(axis=0)
            return float(low[0]), float(low[1]), float(high[0]), float(high[1])
        dual = self.matrix @ np.diag([1.0, 1.0, -1.0]) @ self.matrix.T
        ends: list[float] = []
        for axis in (0, 1):
            middle = dual[axis, 2] / dual[2, 2]
            half = np.sqrt(middle**2 - dual[axis, axis] / dual[2, 2])
            ends.extend((float(middle - half), float(middle + half)))
        return ends[0], ends[2], ends[1], ends[3]

    def seen_by(self, camera: Matrix) -> "Pose":
        """The same object after a move of the camera."""
        return Pose(camera @ self.matrix, self.round)


def project(matrix: Matrix, points: Points) -> Points:
    """The places that a homography sends `points` to, both (n, 2)."""
    lifted = np.concatenate([points, np.ones((len(points), 1))], axis=1) @ matrix.T
    return lifted[:, :2] / lifted[:, 2:]


def shift(x: float, y: float) -> Matrix:
    """The homography that moves by (x, y)."""
    return np.array([[1, 0, x], [0, 1, y], [0, 0, 1]], dtype=np.float64)


def scale(x: float, y: float) -> Matrix:
    """The homography that stretches from the origin."""
    return np.diag([x, y, 1.0])


def rotation(angle: float) -> Matrix:
    """The homography that turns clockwise about the origin, `angle` in radians."""
    c, s = float(np.cos(angle)), float(np.sin(angle))
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]], dtype=np.float64)


def lying(
    rng: np.random.Generator, picture: Size, *, aspect: float | None, share: float, turn: float, tilt: float
) -> Pose:
    """A pose somewhere in the picture.

    Args:
        picture: (width, height) in pixels.
        aspect: width through height of a note; None for a coin.
        share: how much of the picture's width or height the object spans.
        turn: clockwise, in radians.
        tilt: how far the object leans away from the camera, in radians.
    """
    frame = np.eye(3) if aspect is None else scale(aspect, 1.0) @ shift(-0.5, -0.5)
    flat = rotation(turn) @ frame
    # Lean about an axis in the picture's plane, looked at from 3 widths away.
    axis = float(rng.uniform(0, 2 * np.pi))
    distance = 3.0 * (aspect or 2.0)
    lean = np.array(
        [[1, 0, 0], [0, np.cos(tilt), 0], [0, np.sin(tilt) / distance, 1]],
        dtype=np.float64,
    )
    pose = Pose(rotation(axis) @ lean @ rotation(-axis) @ flat, aspect is None)
    x1, y1, x2, y2 = pose.bounds()
    size = share * min(picture[0] / (x2 - x1), picture[1] / (y2 - y1))
    width, height = size * (x2 - x1), size * (y2 - y1)
    edge = 0.06
    left = rng.uniform(edge * picture[0], (1 - edge) * picture[0] - width)
    top = rng.uniform(edge * picture[1], (1 - edge) * picture[1] - height)
    return pose.seen_by(shift(float(left) - size * x1, float(top) - size * y1) @ scale(size, size))


def small_move(rng: np.random.Generator, picture: Size) -> Matrix:
    """What a hand that holds a camera does between two shots, about the middle."""
    width, height = picture
    middle = shift(width / 2, height / 2)
    lean = np.eye(3)
    lean[2, :2] = rng.uniform(-0.02, 0.02, 2) / (width, height)
    zoom = float(rng.uniform(0.975, 1.025))
    move = shift(*(float(part) for part in rng.uniform(-0.018, 0.018, 2) * (width, height)))
    turn = rotation(float(rng.uniform(-0.03, 0.03)))
    return middle @ move @ lean @ turn @ scale(zoom, zoom) @ np.linalg.inv(middle)
