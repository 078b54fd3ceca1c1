"""The pictures on notes and coins, as grey tones: one motif for each side.

Every function returns a (256, 256) mask, 0 for bare paper and 1 for the darkest ink
(on a coin: the highest relief). All are invented; none copies real money.
"""

from collections.abc import Callable, Mapping

import numpy as np

from . import raster
from .raster import Array

_SIDE = 256
_SIZE = (_SIDE, _SIDE)


def _paint(tone: Array, mask: Array, value: float) -> None:
    tone += (np.float32(value) - tone) * mask


def _head(hat: str) -> Array:
    """A bust under a hat: round and lit from the left, so that engraving shows form."""
    tone = np.zeros((_SIDE, _SIDE), dtype=np.float32)
    x, y = raster.grid(_SIZE)
    round_shade = np.clip(0.18 + 0.4 * (x - 92) / 90 + 0.12 * np.abs(y - 128) / 70, 0.05, 0.8)
    _paint(tone, raster.polygon(_SIZE, [(22, 256), (48, 206), (104, 186), (152, 186), (210, 206), (234, 256)]), 0.72)
    _paint(tone, raster.polygon(_SIZE, [(110, 176), (150, 176), (172, 200), (130, 252), (88, 200)]), 0.3)
    _paint(tone, raster.polygon(_SIZE, [(106, 160), (152, 160), (150, 200), (130, 214), (108, 200)]), 0.5)
    face = raster.ellipse(_SIZE, (129, 128), (47, 62))
    tone += (round_shade - tone) * face
    _paint(tone, raster.ellipse(_SIZE, (84, 130), (8, 17)), 0.4)
    _paint(tone, raster.ellipse(_SIZE, (175, 130), (8, 17)), 0.75)
    for side in (-1, 1):
        _paint(tone, raster.ellipse(_SIZE, (129 + side * 20, 120), (10, 5)), 0.9)
        _paint(tone, raster.ellipse(_SIZE, (129 + side * 20, 106), (15, 4), side * 8), 0.85)
    nose = [(131, 116), (138, 146), (124, 148)]
    _paint(tone, raster.strokes(_SIZE, [nose], 3), 0.8)
    _paint(tone, raster.ellipse(_SIZE, (130, 163), (16, 4)), 0.85)
    match hat:
        case "wide":  # a scholar's hat with a broad brim, and a thin beard
            _paint(tone, raster.ellipse(_SIZE, (129, 82), (104, 17)), 0.95)
            _paint(tone, raster.polygon(_SIZE, [(84, 80), (92, 22), (166, 22), (174, 80)]), 0.88)
            _paint(tone, raster.polygon(_SIZE, [(112, 178), (148, 178), (130, 238)]), 0.6)
        case "winged":  # a court hat with two wings, and a moustache
            _paint(tone, raster.polygon(_SIZE, [(82, 92), (88, 48), (112, 20), (148, 20), (172, 48), (178, 92)]), 0.92)
            _paint(tone, raster.ellipse(_SIZE, (42, 76), (42, 12), -12), 0.85)
            _paint(tone, raster.ellipse(_SIZE, (216, 76), (42, 12), 12), 0.85)
            _paint(tone, raster.ellipse(_SIZE, (129, 156), (28, 6)), 0.9)
        case "crown":  # a king's round cap, and a full beard
            _paint(tone, raster.ellipse(_SIZE, (129, 74), (54, 34)), 0.9)
            _paint(tone, raster.ellipse(_SIZE, (129, 36), (22, 24)), 0.9)
            _paint(tone, raster.polygon(_SIZE, [(88, 150), (172, 150), (162, 200), (130, 230), (98, 200)]), 0.7)
            _paint(tone, raster.ellipse(_SIZE, (130, 160), (18, 4)), 0.15)
        case _:  # hair parted in the middle, a bun, an earring
            _paint(tone, raster.floats(raster.ellipse(_SIZE, (129, 60), (60, 44)) * (1 - face * 0.9)), 0.95)
            _paint(tone, raster.polygon(_SIZE, [(72, 60), (88, 60), (82, 150), (74, 140)]), 0.9)
            _paint(tone, raster.polygon(_SIZE, [(186, 60), (170, 60), (177, 150), (185, 140)]), 0.9)
            _paint(tone, raster.strokes(_SIZE, [[(129, 18), (129, 66)]], 2), 0.4)
            _paint(tone, raster.ellipse(_SIZE, (178, 164), (6, 6)), 0.9)
    return tone


def _mountains() -> Array:
    """Three ridges behind each other, a sun and a pavilion."""
    tone = np.zeros((_SIDE, _SIDE), dtype=np.float32)
    _paint(tone, raster.ellipse(_SIZE, (190, 58), (28, 28)), 0.55)
    for peaks, value in (
        ([(0, 150), (50, 70), (92, 128), (140, 50), (196, 130), (230, 96), (256, 130)], 0.3),
        ([(0, 190), (30, 140), (76, 176), (120, 130), (176, 186), (222, 146), (256, 184)], 0.55),
        ([(0, 226), (70, 196), (150, 222), (256, 200)], 0.85),
    ):
        _paint(tone, raster.polygon(_SIZE, [*peaks, (256, 256), (0, 256)]), value)
    _paint(
        tone,
        raster.polygon(
            _SIZE,
            [(54, 176), (90, 152), (126, 176)],
            [(64, 176), (72, 176), (72, 210), (64, 210)],
            [(108, 176), (116, 176), (116, 210), (108, 210)],
        ),
        1.0,
    )
    return tone


def _blossom() -> Array:
    """A branch with four five-petalled flowers."""
    tone = np.zeros((_SIDE, _SIDE), dtype=np.float32)
    _paint(tone, raster.strokes(_SIZE, [[(10, 250), (70, 190), (120, 120), (240, 40)], [(120, 120), (60, 60)]], 8), 0.9)
    for cx, cy, r in ((64, 60, 36), (150, 150, 44), (200, 60, 34), (70, 190, 34)):
        for turn in range(5):
            angle = 2 * np.pi * turn / 5 - np.pi / 2
            place = (cx + 0.6 * r * float(np.cos(angle)), cy + 0.6 * r * float(np.sin(angle)))
            _paint(tone, raster.ellipse(_SIZE, place, (0.48 * r, 0.48 * r)), 0.5)
            _paint(tone, raster.strokes(_SIZE, [[(cx, cy), place]], 2.5), 0.95)
        _paint(tone, raster.ellipse(_SIZE, (cx, cy), (0.18 * r, 0.18 * r)), 1.0)
    return tone


def _gourds() -> Array:
    """Three striped round fruits with leaves."""
    tone = np.zeros((_SIDE, _SIDE), dtype=np.float32)
    x, _ = raster.grid(_SIZE)
    _paint(tone, raster.strokes(_SIZE, [[(20, 40), (90, 60), (150, 40), (236, 70)]], 6), 0.9)
    for cx, cy, r in ((82, 150, 60), (186, 130, 46), (176, 214, 34)):
        stripes = 0.45 + 0.4 * np.sin((x - cx) / r * 9) * np.sqrt(np.clip(1 - ((x - cx) / r) ** 2, 0, 1))
        tone += (stripes - tone) * raster.ellipse(_SIZE, (cx, cy), (r, r * 0.92))
        _paint(tone, raster.strokes(_SIZE, [[(cx, cy - r), (cx + 8, 52)]], 5), 0.9)
    for cx, cy, turn in ((40, 66, 30), (130, 70, -30), (222, 92, 40)):
        _paint(tone, raster.ellipse(_SIZE, (cx, cy), (32, 13), turn), 0.75)
    return tone


def _sky_globe() -> Array:
    """A ringed celestial globe on a stand, stars around it."""
    tone = np.zeros((_SIDE, _SIDE), dtype=np.float32)
    x, _ = raster.grid(_SIZE)
    globe = raster.ellipse(_SIZE, (128, 120), (78, 78))
    tone += (np.clip(0.25 + (x - 60) / 300, 0, 1) - tone) * globe
    angle = np.linspace(0, 2 * np.pi, 60)
    for rx, ry, turn in ((78, 26, -25), (78, 26, 25), (24, 78, 0), (100, 34, 0)):
        c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
        u, v = rx * np.cos(angle), ry * np.sin(angle)
        _paint(tone, raster.strokes(_SIZE, [np.stack([128 + c * u - s * v, 120 + s * u + c * v], axis=1)], 5), 0.95)
    _paint(tone, raster.polygon(_SIZE, [(118, 196), (138, 196), (150, 232), (196, 250), (60, 250), (106, 232)]), 0.85)
    for cx, cy in ((24, 40), (226, 30), (18, 150), (238, 170), (60, 14), (190, 12)):
        for turn in (0, 90):
            _paint(tone, raster.ellipse(_SIZE, (cx, cy), (12, 3), turn + 20), 0.9)
    return tone


def _bamboo_moon() -> Array:
    """Bamboo stems and leaves before a full moon."""
    tone = np.zeros((_SIDE, _SIDE), dtype=np.float32)
    _paint(tone, raster.ellipse(_SIZE, (166, 90), (70, 70)), 0.35)
    for x, lean, width in ((50, 18, 14), (96, 30, 10), (206, -26, 12)):
        for joint in range(5):
            foot, top = 256 - 54 * joint, 256 - 54 * (joint + 1) + 5
            a, b = x + lean * joint / 5, x + lean * (joint + 1) / 5
            _paint(tone, raster.polygon(_SIZE, [(a, foot), (a + width, foot), (b + width, top), (b, top)]), 0.75)
    rng = np.random.default_rng(5)
    for _ in range(26):
        cx, cy = (float(v) for v in rng.uniform((20, 10), (236, 190)))
        _paint(tone, raster.ellipse(_SIZE, (cx, cy), (24, 5), float(rng.uniform(20, 80))), 0.95)
    return tone


def _tower() -> Array:
    """A stone pagoda of five roofs."""
    tone = np.zeros((_SIDE, _SIDE), dtype=np.float32)
    for storey in range(5):
        y, half = 214 - 40 * storey, 84 - 13 * storey
        roof = [
            (128 - half, y - 22),
            (128 - half + 20, y - 36),
            (128 + half - 20, y - 36),
            (128 + half, y - 22),
            (128 + half + 6, y - 30),
            (128 + half - 6, y - 16),
            (128 - half + 6, y - 16),
            (128 - half - 6, y - 30),
        ]
        _paint(tone, raster.polygon(_SIZE, roof), 0.95)
        _paint(
            tone,
            raster.polygon(
                _SIZE,
                [
                    (128 - half + 24, y - 16),
                    (128 + half - 24, y - 16),
                    (128 + half - 24, y + 6),
                    (128 - half + 24, y + 6),
                ],
            ),
            0.55,
        )
    _paint(tone, raster.polygon(_SIZE, [(34, 220), (222, 220), (236, 244), (20, 244)]), 0.8)
    _paint(tone, raster.polygon(_SIZE, [(124, 6), (132, 6), (134, 22), (122, 22)]), 0.9)
    return tone


def _rice() -> Array:
    """Two bending ears of grain."""
    tone = np.zeros((_SIDE, _SIDE), dtype=np.float32)
    for mirror in (-1, 1):
        t = np.linspace(0, 1, 24, dtype=np.float64)
        x, y = 128 + mirror * (8 + 86 * t**1.8), 240 - 260 * t + 90 * t**2.5
        _paint(tone, raster.strokes(_SIZE, [np.stack([x, y], axis=1)], 5), 0.8)
        for step in range(9, 24, 2):
            for side in (-1, 1):
                place = (float(x[step]) + side * 11, float(y[step]) + 4)
                _paint(tone, raster.ellipse(_SIZE, place, (15, 7), side * -50), 0.95)
        leaf = [(128, 236), (128 + mirror * 50, 170), (128 + mirror * 96, 190), (128 + mirror * 50, 186)]
        _paint(tone, raster.polygon(_SIZE, leaf), 0.7)
    return tone


def _crane() -> Array:
    """A flying crane, wings spread."""
    tone = np.zeros((_SIDE, _SIDE), dtype=np.float32)
    _paint(
        tone,
        raster.polygon(_SIZE, [(120, 130), (60, 40), (14, 30), (40, 60), (30, 66), (60, 92), (54, 100), (100, 150)]),
        0.8,
    )
    _paint(
        tone,
        raster.polygon(
            _SIZE, [(130, 120), (150, 40), (206, 12), (192, 46), (204, 52), (184, 80), (192, 88), (160, 136)]
        ),
        0.95,
    )
    _paint(tone, raster.ellipse(_SIZE, (128, 138), (50, 20), 18), 0.7)
    _paint(tone, raster.strokes(_SIZE, [[(84, 124), (56, 132), (40, 156), (20, 164)]], 9), 0.85)
    _paint(tone, raster.strokes(_SIZE, [[(20, 164), (2, 172)]], 4), 1.0)
    _paint(
        tone,
        raster.strokes(_SIZE, [[(168, 150), (214, 186), (248, 196)], [(160, 156), (204, 198), (238, 214)]], 5),
        0.9,
    )
    return tone


_MOTIFS: Mapping[str, Callable[[], Array]] = {
    "scholar": lambda: _head("wide"),
    "minister": lambda: _head("winged"),
    "king": lambda: _head("crown"),
    "painter": lambda: _head("hair"),
    "mountains": _mountains,
    "blossom": _blossom,
    "gourds": _gourds,
    "sky globe": _sky_globe,
    "bamboo": _bamboo_moon,
    "tower": _tower,
    "rice": _rice,
    "crane": _crane,
}


def motif(name: str) -> Array:
    """The tones of one motif.

    Raises:
        KeyError: there is none of that name.
    """
    return raster.floats(np.clip(_MOTIFS[name](), 0, 1))
