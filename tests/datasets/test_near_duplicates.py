"""Tests of `datasets.near_duplicates`: planted copies are found, other pictures stay apart."""

from __future__ import annotations

from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

pytest.importorskip("cv2", reason="opencv-python-headless is not installed")
from labelloop.datasets import embedding_models
from labelloop.datasets.alignment import find_alignments
from labelloop.datasets.embeddings import Embedder, load_embedder
from labelloop.datasets.groups import find_groups
from labelloop.datasets.near_duplicates import NearDuplicates, Thresholds, find_near_duplicates
from labelloop.datasets.sketches import make_sketch

needs_weights = pytest.mark.skipif(
    any(find_spec(name) is None for name in ("torch", "torchvision", embedding_models.PACKAGE)),
    reason=f"torch, torchvision or the weights are not installed ({embedding_models.INSTALL_WEIGHTS})",
)


def _photos() -> dict[str, Image.Image]:
    """Real photos that come inside packages, by name."""
    found: dict[str, Image.Image] = {}
    for package, folder, names in (
        ("skimage", "data", ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg", "motorcycle_left.png")),
        ("sklearn", "datasets/images", ("china.jpg", "flower.jpg")),
    ):
        spec = find_spec(package)
        for root in (spec.submodule_search_locations or []) if spec is not None else []:
            for name in names:
                if (path := Path(root) / folder / name).is_file():
                    found[name] = Image.open(path).convert("RGB")
    return found


PHOTOS = _photos()
needs_photos = pytest.mark.skipif(len(PHOTOS) < 5, reason="scikit-image and scikit-learn bring the photos of this test")


def _recompressed(photo: Image.Image) -> Image.Image:
    buffer = BytesIO()
    photo.resize((photo.width // 2, photo.height // 2)).save(buffer, "JPEG", quality=25)
    return Image.open(BytesIO(buffer.getvalue())).convert("RGB")


def _cropped(photo: Image.Image) -> Image.Image:
    return photo.crop((photo.width // 4, photo.height // 10, photo.width, photo.height * 9 // 10))


COPIES = {
    "turned 90": lambda photo: photo.transpose(Image.Transpose.ROTATE_90),
    "turned 15": lambda photo: photo.rotate(15, Image.Resampling.BILINEAR),
    "cropped": _cropped,
    "flipped": ImageOps.mirror,
    "darkened": lambda photo: ImageEnhance.Brightness(photo).enhance(0.45),
    "brighter": lambda photo: ImageEnhance.Brightness(photo).enhance(1.5),
    "recompressed": _recompressed,
    "all at once": lambda photo: ImageEnhance.Brightness(
        ImageOps.mirror(_cropped(photo)).rotate(90, expand=True)
    ).enhance(0.6),
}


def noise(seed: int, size: tuple[int, int] = (240, 180)) -> Image.Image:
    """A picture of colored blots, like no other seed's."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 255, (18, 24, 3), dtype=np.uint8))
    return coarse.resize(size, Image.Resampling.BICUBIC)


def alike(_: np.ndarray) -> np.ndarray:
    """An embedding to which all pictures are one: the pixels alone decide."""
    return np.ones((len(_), 4), np.float32)


ALIKE = Embedder("alike", 16, alike)


def save(folder: Path, pictures: dict[str, Image.Image]) -> list[Path]:
    paths: list[Path] = []
    for name, picture in pictures.items():
        paths.append(folder / f"{name}.png")
        picture.save(paths[-1])
    return paths


def joined(result: NearDuplicates) -> set[tuple[int, int]]:
    return {(pair.first, pair.second) for pair in result.pairs}


@needs_weights
@needs_photos
def test_planted_copies_are_found_and_different_photos_stay_apart(tmp_path: Path) -> None:
    named: dict[str, Image.Image] = {}
    for photo_name, photo in PHOTOS.items():
        named[photo_name] = photo
        named.update({f"{photo_name} {kind}": copy(photo) for kind, copy in COPIES.items()})
    result = find_near_duplicates(save(tmp_path, named), embedder=load_embedder())
    size = len(COPIES) + 1
    assert result.groups == tuple(tuple(range(at * size, (at + 1) * size)) for at in range(len(PHOTOS)))
    assert result.problems == ()
    assert all(pair.first < pair.second and 0 < pair.similarity <= 1 for pair in result.pairs)


@needs_weights
def test_the_same_files_give_the_same_answer(tmp_path: Path) -> None:
    pictures = {str(seed): noise(seed) for seed in range(6)}
    pictures["copy"] = pictures["3"].rotate(10)
    paths = save(tmp_path, pictures)
    seen: list[tuple[int, int]] = []
    result = find_near_duplicates(
        paths, embedder=load_embedder(), progress=lambda done, total: seen.append((done, total))
    )
    assert result == find_near_duplicates(paths, embedder=load_embedder(cache=tmp_path / "cache"))
    assert result == find_near_duplicates(paths, embedder=load_embedder(cache=tmp_path / "cache"))
    assert result.groups == ((3, 6),)
    assert seen == sorted(seen)
    assert seen[-1] == (14, 14)


@pytest.mark.parametrize("kind", COPIES)
def test_the_pixels_alone_tell_a_copy_from_other_pictures(tmp_path: Path, kind: str) -> None:
    pictures = {str(seed): noise(seed) for seed in range(4)}
    pictures["copy"] = COPIES[kind](pictures["1"])
    assert joined(find_near_duplicates(save(tmp_path, pictures), embedder=ALIKE)) == {(1, 4)}


def test_the_reason_says_what_was_done(tmp_path: Path) -> None:
    whole = noise(1)
    paths = save(tmp_path, {"whole": whole, "turned": ImageOps.mirror(_cropped(whole)).rotate(90, expand=True)})
    (pair,) = find_near_duplicates(paths, embedder=ALIKE).pairs
    assert pair.reason == "mirrored, turned by 90 degrees, 60% of the picture shared"
    assert find_near_duplicates([paths[0], paths[0]], embedder=ALIKE).pairs[0].reason == "the same frame"


def test_one_thing_before_two_backgrounds_is_two_shots(tmp_path: Path) -> None:
    note = noise(7, (110, 60))
    scenes = {name: noise(seed) for name, seed in (("desk", 8), ("hand", 9))}
    for scene, place in zip(scenes.values(), ((20, 30), (90, 80)), strict=True):
        scene.paste(note, place)
    assert find_near_duplicates(save(tmp_path, scenes), embedder=ALIKE).pairs == ()


def test_two_things_on_one_desk_are_two_shots(tmp_path: Path) -> None:
    scenes = {str(seed): noise(8) for seed in (1, 2)}
    for seed, scene in scenes.items():
        scene.paste(noise(int(seed), (140, 110)), (40, 30))
    assert find_near_duplicates(save(tmp_path, scenes), embedder=ALIKE).pairs == ()


def test_the_same_shot_moved_a_little_is_one(tmp_path: Path) -> None:
    scene = noise(8, (300, 220))
    shots = {"one": scene.crop((0, 0, 260, 200)), "two": scene.crop((25, 15, 290, 218)).rotate(3)}
    assert joined(find_near_duplicates(save(tmp_path, shots), embedder=ALIKE)) == {(0, 1)}


def test_tiny_long_and_plain_pictures_are_no_trouble(tmp_path: Path) -> None:
    tiny = noise(1, (5, 4))
    pictures = {
        "white": Image.new("RGB", (50, 40), "white"),
        "white too": Image.new("RGB", (60, 40), "white"),
        "black": Image.new("L", (40, 40)),
        "pixel": Image.new("RGB", (1, 1), "red"),
        "long": noise(3, (2000, 3)),
        "tiny": tiny,
        "tiny again": tiny.transpose(Image.Transpose.ROTATE_180),
    }
    result = find_near_duplicates(save(tmp_path, pictures), embedder=ALIKE)
    assert joined(result) == {(5, 6)}
    assert result.problems == ()


def test_an_unreadable_image_is_named_and_in_no_pair(tmp_path: Path) -> None:
    paths = save(tmp_path, {"one": noise(1), "broken": noise(2), "two": noise(1).rotate(180)})
    paths[1].write_bytes(b"no picture")
    result = find_near_duplicates(paths, embedder=ALIKE)
    assert [index for index, _ in result.problems] == [1]
    assert result.problems[0][1]
    assert result.groups == ((0, 2),)


def test_none_and_one_image_have_no_pairs(tmp_path: Path) -> None:
    empty = NearDuplicates((), (), ())
    assert find_near_duplicates([], embedder=ALIKE) == empty
    assert find_near_duplicates(save(tmp_path, {"one": noise(1)}), embedder=ALIKE) == empty


def test_a_turned_photo_equals_its_upright_copy(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    photo = noise(1)
    photo.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "turned.jpg", exif=exif, quality=95)
    photo.save(tmp_path / "upright.jpg", quality=95)
    (pair,) = find_near_duplicates([tmp_path / "turned.jpg", tmp_path / "upright.jpg"], embedder=ALIKE).pairs
    assert pair.reason == "the same frame"


def test_groups_are_what_pairs_connect() -> None:
    assert find_groups([(4, 7), (1, 2), (2, 9), (7, 5)]) == ((1, 2, 9), (4, 5, 7))
    assert find_groups([]) == ()


def test_pictures_of_one_color_lie_on_nothing() -> None:
    plain, blots = make_sketch(Image.new("RGB", (90, 60), "teal"))[0], make_sketch(noise(1))[0]
    assert find_alignments(plain, plain) == []
    assert find_alignments(plain, blots) == []


def test_neighbors_must_be_a_number_of_images() -> None:
    with pytest.raises(ValueError, match=r"neighbors must be at least 1, received 0"):
        Thresholds(neighbors=0)
