"""Whether two pictures show the same shot: lay one over the other, then compare what lies together.

An embedding says what is in a picture; two photos of two banknotes are as near to
each other as a photo and its crop. Here the pictures themselves are compared. Points
that look alike give the affine transform (shift, turn, scale, shear, mirror) that
lays one picture over the other, and then every small window of the overlap is compared
with the window under it. Windows, and their worst tenth, because an object that is the
same before another background agrees well on average and not at all around itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from .sketches import LOST, Gray, gray_of

SAME_FRAME = "the same frame"
"""What is said of two pictures that lie on each other as they are."""
_WINDOW = 11
"""Side of the compared windows: an eighth of the picture, smaller than what it shows."""

_CV: Any = cv2
"""OpenCV where its type stubs are wrong or silent."""

Matrix = npt.NDArray[np.float64]
"""Shape (2, 3): where a point (x, y, 1) of the first picture lies in the second."""

_MIRRORED = np.arange(128).reshape(4, 4, 8)[::-1][:, :, [0, 7, 6, 5, 4, 3, 2, 1]].reshape(-1)
"""A SIFT descriptor's entries in the order in which the mirrored picture has them.

Mirroring along the point's own direction swaps the rows of its 4 x 4 cells and
negates the directions in each; so no second pass over a mirrored picture is needed.
"""


@dataclass(frozen=True, slots=True)
class Alignment:
    """How the first picture lies over the second.

    `agreement` is the mean correlation of the compared windows, -1..1; `worst` its 10 %
    quantile; `matched` the share of the points in the overlap that were found in both
    pictures; `points` their number, 0 where the whole frame was laid over the whole
    frame; `shared_first` and `shared_second` the part of each picture in the overlap.
    """

    matrix: Matrix
    agreement: float
    worst: float
    matched: float
    points: int
    shared_first: float
    shared_second: float

    def describe(self) -> str:
        """What was done to the picture, such as `mirrored, turned by 90 degrees, 64 % shared`."""
        a, b, c, d = self.matrix[:, :2].reshape(-1)
        mirrored = a * d - b * c < 0
        angle = round(math.degrees(math.atan2(c, -a if mirrored else a)))
        shared = min(self.shared_first, self.shared_second)
        said = ["mirrored"] if mirrored else []
        said += [f"turned by {abs(angle)} degrees"] if abs(angle) >= 3 else []
        said += [f"{shared:.0%} of the picture shared"] if shared < 0.97 else []
        return ", ".join(said) or SAME_FRAME


def find_alignments(first: Any, second: Any) -> list[Alignment]:
    """The ways found to lay one picture over the other, none to two of them.

    First frame on frame, in the 8 ways to turn and mirror it: this needs no points and
    finds blurred, tiny and hardly textured copies. Then by points, unless the frames
    agree already.

    Args:
        first, second: elements of an array of dtype SKETCH.
    """
    if not first["width"] or not second["width"]:
        return []
    framed = _align_frames(first, second)
    if framed is not None and framed.worst >= 0.9:
        return [framed]
    return [found for found in (framed, _align_points(first, second)) if found is not None]


def _align_frames(first: Any, second: Any) -> Alignment | None:
    side = 24
    one, two = (
        _standard(cv2.resize(gray_of(sketch), (side, side), interpolation=cv2.INTER_AREA)) for sketch in (first, second)
    )
    turned = [np.rot90(face, quarter) for face in (one, one[:, ::-1]) for quarter in range(4)]
    scores = np.stack(turned).reshape(8, -1) @ two.reshape(-1) / side**2
    best = int(scores.argmax())
    if scores[best] < 0.7:
        return None
    width, height = int(first["width"]), int(first["height"])
    corners = np.array([[-0.5, -0.5], [width - 0.5, -0.5], [-0.5, height - 0.5]], np.float32)
    w, h = int(second["width"]) - 0.5, int(second["height"]) - 0.5
    # Where the corners top-left, top-right and bottom-left go when the picture is turned
    # counterclockwise by so many quarters.
    square = np.array([[-0.5, -0.5], [w, -0.5], [w, h], [-0.5, h]], np.float32)
    quarter = best % 4
    top_left, top_right, bottom_left = square[-quarter], square[1 - quarter], square[3 - quarter]
    if best >= 4:
        top_left, top_right, bottom_left = top_right, top_left, square[2 - quarter]
    matrix = np.asarray(cv2.getAffineTransform(corners, np.stack([top_left, top_right, bottom_left])), np.float64)
    return _compare(first, second, matrix, 0)


def _align_points(first: Any, second: Any) -> Alignment | None:
    own, other = int(first["count"]), int(second["count"])
    if min(own, other) < 4:
        return None
    one = first["descriptors"][:own].astype(np.float32)
    two = second["descriptors"][:other].astype(np.float32)
    fits: list[tuple[int, Matrix]] = []
    for mirrored in (False, True):
        pairs = _matches(one, two[:, _MIRRORED] if mirrored else two)
        if len(pairs) < 4:
            continue
        sources, targets = first["points"][pairs[:, 0]], second["points"][pairs[:, 1]].copy()
        if mirrored:
            targets[:, 0] *= -1
        found, inliers = _CV.estimateAffine2D(
            sources, targets, method=cv2.RANSAC, ransacReprojThreshold=2, maxIters=1000, confidence=0.99
        )
        if found is None:
            continue
        if mirrored:
            found[0] *= -1
        fits.append((int(inliers.sum()), found))
    if not fits:
        return None
    points, matrix = max(fits, key=lambda fit: fit[0])
    return _compare(first, second, matrix, points)


def _matches(one: npt.NDArray[np.float32], two: npt.NDArray[np.float32]) -> npt.NDArray[np.intp]:
    """Pairs of rows, shape (n, 2), that are each other's nearest, and clearly nearer than the next (Lowe 2004)."""
    # Not numpy's product: its own threads and the caller's slow each other down, measured
    # 9 ms instead of 0.2 on a busy machine.
    likeness: npt.NDArray[np.float32] = _CV.gemm(one, two, 1 / 255**2, None, 0, flags=cv2.GEMM_2_T)
    rows = np.arange(len(one))
    nearest = likeness.argmax(axis=1)
    best = likeness[rows, nearest]
    mutual = likeness.argmax(axis=0)[nearest] == rows
    likeness[rows, nearest] = -1
    clear = (1 - best) < 0.64 * (1 - likeness.max(axis=1))
    kept = np.nonzero(mutual & clear)[0]
    return np.stack([kept, nearest[kept]], axis=1)


def _compare(first: Any, second: Any, matrix: Matrix, points: int) -> Alignment | None:
    """The agreement of the windows in the overlap, or None where there is too little of it."""
    one, two = gray_of(first), gray_of(second)
    height, width = two.shape
    scale = abs(float(np.linalg.det(matrix[:, :2])))
    if not 0.08 < scale < 12:
        return None
    laid = cv2.warpAffine(one, matrix, (width, height))
    valid = cv2.warpAffine(
        np.where(one == LOST, 1, 2).astype(np.uint8), matrix, (width, height), flags=cv2.INTER_NEAREST
    )
    overlap = valid > 0
    area = int(overlap.sum())
    usable = (valid == 2) & (two < LOST)
    if usable.sum() < 0.25 * area:
        usable = overlap  # nearly all is white: then that is what the picture shows
    if area < 64:
        return None
    agreement, worst = _window_agreement(np.asarray(laid, np.uint8), two, usable)
    inside = min(_count_inside(first["points"][: int(first["count"])], matrix, two.shape),
                 _count_inside(second["points"][: int(second["count"])], cv2.invertAffineTransform(matrix), one.shape))  # fmt: skip
    return Alignment(
        matrix, agreement, worst, points / max(inside, points, 1), points,
        min(1.0, area / (scale * one.size)), area / two.size,
    )  # fmt: skip


def _window_agreement(one: Gray, two: Gray, usable: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Mean and 10 % quantile of the correlation of the windows with texture; (0, 0) where too few have any.

    The correlation of a window ignores brightness and contrast, so darker copies agree.
    """
    weight = usable.astype(np.float32)
    part: npt.NDArray[np.float32] = np.asarray(cv2.boxFilter(weight, -1, (_WINDOW, _WINDOW)), np.float32) + np.float32(
        1e-6
    )

    def mean(values: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        return np.asarray(cv2.boxFilter(values * weight, -1, (_WINDOW, _WINDOW)), np.float32) / part

    a = cv2.GaussianBlur(one, (0, 0), 0.8).astype(np.float32)
    b = cv2.GaussianBlur(two, (0, 0), 0.8).astype(np.float32)
    mean_a, mean_b = mean(a), mean(b)
    variance_a = np.maximum(mean(a * a) - mean_a**2, 1e-3)
    variance_b = np.maximum(mean(b * b) - mean_b**2, 1e-3)
    whole_a, whole_b = max(float(a[usable].var()), 1.0), max(float(b[usable].var()), 1.0)
    # Texture in either picture counts: a pattern over something plain is a difference.
    texture = np.maximum(variance_a / whole_a, variance_b / whole_b) > 0.02
    compared = texture & usable & (part > 0.5)
    if compared.sum() < 16:
        return 0.0, 0.0
    correlation = ((mean(a * b) - mean_a * mean_b) / np.sqrt(variance_a * variance_b))[compared]
    return float(correlation.mean()), float(np.quantile(correlation, 0.1))


def _count_inside(points: npt.NDArray[np.float32], matrix: Any, shape: tuple[int, ...]) -> int:
    moved = points @ matrix[:, :2].T + matrix[:, 2]
    return int(((moved >= 0) & (moved < [shape[1], shape[0]])).all(axis=1).sum())


def _standard(gray: Any) -> npt.NDArray[np.float32]:
    values = np.asarray(gray, np.float32)
    return (values - values.mean()) / max(float(values.std()), 1e-3)
