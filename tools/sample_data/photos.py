"""Takes the pictures of one capture: object, scene, camera, and the true box.

Everything random comes from the seed and the capture's name, so a picture does not
depend on which process draws it, or when.
"""

from dataclasses import dataclass
from io import BytesIO
from zlib import crc32

import numpy as np
import numpy.typing as npt
from PIL import Image

from . import coins, notes, raster
from .poses import Matrix, Pose, lying, rotation, scale, shift, small_move
from .raster import Array, Size
from .scenes import Scene, build_scene
from .won import COINS, Capture, Corners, Shot

_STORED_AS = {
    3: Image.Transpose.ROTATE_180,
    6: Image.Transpose.ROTATE_90,
    8: Image.Transpose.ROTATE_270,
}
"""How upright pixels are turned (anticlockwise) to be stored under an orientation."""

_ORIENTATION_TAG = 0x0112


@dataclass(frozen=True, slots=True)
class Photo:
    """A drawn picture, upright.

    `pixels` is (height, width, 3) uint8 RGB; `visible` (height, width) the part of
    each pixel that shows the object, 0 to 1; `box` its bounds in the picture's pixels.
    """

    shot: Shot
    pixels: npt.NDArray[np.uint8]
    visible: Array
    box: Corners


@dataclass(frozen=True, slots=True)
class _Look:
    """What the shots of a capture have in common."""

    light: float
    wear: float
    exposure: float
    balance: Array
    fall_off: Array
    bend: float
    blur: float


def take_photos(capture: Capture, seed: int) -> list[Photo]:
    """The capture's shots, in its order."""
    rng = np.random.default_rng([seed, crc32(capture.name.encode())])
    size = capture.jpg_size
    pose = _pose(capture, rng)
    look = _look(capture, rng)
    scene = build_scene(capture.place, pose, size, rng)
    photos: list[Photo] = []
    for shot in capture.shots:
        shot_rng = np.random.default_rng([seed, crc32(shot.key.encode())])
        seen = pose
        if pose.round:  # turned over by hand, and put back anyhow
            seen = Pose(pose.matrix @ rotation(float(shot_rng.uniform(0, 2 * np.pi))), True)
        for _ in range(50):
            camera = small_move(shot_rng, size)
            x1, y1, x2, y2 = seen.seen_by(camera).bounds()
            if x1 > 2 and y1 > 2 and x2 < size[0] - 2 and y2 < size[1] - 2:
                break
        else:
            camera = np.eye(3)
        photos.append(_expose(capture, shot, seen, camera, scene, look, shot_rng))
    return photos


def photo_bytes(photo: Photo, orientation: int) -> bytes:
    """The picture as a JPEG file, stored the way a phone in that orientation stores it."""
    image = Image.fromarray(photo.pixels)
    if orientation in _STORED_AS:
        image = image.transpose(_STORED_AS[orientation])
    file = BytesIO()
    if orientation:
        exif = Image.Exif()
        exif[_ORIENTATION_TAG] = orientation
        image.save(file, "JPEG", quality=88, exif=exif)
    else:
        image.save(file, "JPEG", quality=88)
    return file.getvalue()


def _pose(capture: Capture, rng: np.random.Generator) -> Pose:
    """Coins small and any way round, notes large and mostly readable."""
    size = capture.jpg_size
    if capture.denomination in COINS:
        share = float(rng.uniform(0.36, 0.52)) * (0.35 + 0.65 * coins.DESIGNS[capture.denomination].diameter / 26.5)
        return lying(rng, size, aspect=None, share=share, turn=0.0, tilt=float(rng.uniform(0, 0.55)))
    turn = float(rng.uniform(-0.4, 0.4))
    turn += float(rng.choice([0, 0, 0, 0, np.pi, np.pi / 2, -np.pi / 2, rng.uniform(0, 2 * np.pi)]))
    width, height = notes.note_size(capture.denomination)
    share = float(rng.uniform(0.55, 0.84))
    return lying(rng, size, aspect=width / height, share=share, turn=turn, tilt=float(rng.uniform(0, 0.6)))


def _look(capture: Capture, rng: np.random.Generator) -> _Look:
    width, height = capture.jpg_size
    x, y = raster.grid((width, height))
    angle = float(rng.uniform(0, 2 * np.pi))
    across = ((x / width - 0.5) * np.float32(np.cos(angle)) + (y / height - 0.5) * np.float32(np.sin(angle))) * 2
    corner = (x / width - 0.5) ** 2 + (y / height - 0.5) ** 2
    fall_off = 1 + across * np.float32(rng.uniform(0.0, 0.28)) - corner * np.float32(rng.uniform(0.1, 0.5))
    warmth = float(rng.normal(0, 0.06))
    return _Look(
        light=angle,
        wear=float(rng.uniform(0.05, 0.9)),
        exposure=float(rng.uniform(0.72, 1.18)),
        balance=raster.floats([1 + warmth, 1 + float(rng.normal(0, 0.015)), 1 - warmth]),
        fall_off=raster.floats(fall_off),
        bend=float(rng.uniform(-1, 1)),
        blur=float(rng.choice([0.0, 0.5, 0.8, 1.2], p=[0.35, 0.35, 0.2, 0.1])),
    )


def _expose(
    capture: Capture, shot: Shot, pose: Pose, camera: Matrix, scene: Scene, look: _Look, rng: np.random.Generator
) -> Photo:
    """One picture: the layers through one camera, then light, blur and noise."""
    size = capture.jpg_size
    seen = pose.seen_by(camera)
    through = camera @ scene.to_picture
    picture = raster.warp(scene.behind, through, size, reflect=True)
    visible = raster.polygon(size, seen.outline())
    x1, y1, x2, y2 = seen.bounds()
    left, top, right, bottom = int(x1) - 1, int(y1) - 1, int(x2) + 2, int(y2) + 2
    left, top, right, bottom = max(left, 0), max(top, 0), min(right, size[0]), min(bottom, size[1])
    inside = (slice(top, bottom), slice(left, right))
    moved = seen.seen_by(shift(-left, -top))
    raster.over(picture[inside], _surface(capture, shot, moved, look, (right - left, bottom - top)), visible[inside])
    if scene.front is not None and scene.front_mask is not None:
        cover = raster.warp(scene.front_mask, through, size)
        raster.over(picture, raster.warp(scene.front, through, size, reflect=True), cover)
        visible = visible * (1 - cover)
    picture *= look.fall_off[:, :, None]
    picture *= look.balance * np.float32(look.exposure * rng.uniform(0.97, 1.03))
    picture = raster.blur(picture, look.blur)
    picture += rng.standard_normal((size[1], size[0], 1), dtype=np.float32) * np.float32(0.010)
    # A soft shoulder, as phones have it, so that bright paper keeps its print.
    above = np.maximum(picture - np.float32(0.85), 0)
    picture -= above - above / (1 + above * np.float32(1 / 0.15))
    pixels = np.round(np.clip(picture, 0, 1) * np.float32(255)).astype(np.uint8)
    return Photo(shot, pixels, visible, (x1, y1, x2, y2))


def _surface(capture: Capture, shot: Shot, pose: Pose, look: _Look, size: Size) -> Array:
    """The object alone, on a canvas of (width, height); only its inside is of use."""
    if pose.round:
        toward = np.linalg.inv(pose.matrix) @ np.array([[np.cos(look.light)], [np.sin(look.light)], [0.0]])
        light = float(np.arctan2(toward[1, 0], toward[0, 0]))
        flat = coins.draw_coin(capture.denomination, front=shot.front, light=light, wear=look.wear)
        x1, _, x2, _ = pose.bounds()
        fit = min(1.0, 1.15 * (x2 - x1) / coins.SIDE)
        flat = raster.resize(flat, (round(fit * coins.SIDE), round(fit * coins.SIDE)))
        half = flat.shape[0] / 2
        return raster.warp(flat, pose.matrix @ scale(1 / half, 1 / half) @ shift(-half, -half), size, reflect=True)
    flat = notes.draw_note(capture.denomination, front=shot.front)
    height, width = flat.shape[:2]
    corners = pose.outline()
    fit = min(1.0, 1.15 * float(np.hypot(*(corners[1] - corners[0]))) / width)
    small = (round(width * fit), round(height * fit))
    flat = _used(raster.resize(flat, small), look)
    return raster.warp(flat, pose.matrix @ scale(1 / small[0], 1 / small[1]), size, reflect=True)


def _used(flat: Array, look: _Look) -> Array:
    """A note that has been in a purse: bent, folded, faded."""
    height, width = flat.shape[:2]
    x, y = raster.grid((width, height))
    u = x / width
    shade = 1 + np.float32(0.10 * look.bend) * np.sin(u * np.float32(4 + 3 * look.wear) + np.float32(look.light))
    for fold in (0.5, 0.25 + 0.1 * look.wear)[: 1 + round(look.wear)]:
        shade -= np.float32(0.16 * look.wear) * np.exp(-(((u - np.float32(fold)) * np.float32(160)) ** 2))
        shade += np.where(u > fold, np.float32(0.05 * look.bend), np.float32(0))
    shade += np.float32(0.03) * np.sin(y / height * np.float32(5) + np.float32(look.light))
    faded = flat + (np.float32(0.62) - flat) * np.float32(0.18 * look.wear)
    return raster.floats(faded * shade[:, :, None])
