"""Pictures as Pillow reads them, plainly and in full; batches that depend on seed, epoch and index alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

pytest.importorskip("cv2")

from labelloop.datasets.images import ImageProblem
from labelloop.training.image_pipeline import Part, PictureStore, Pixels, batches, read_parts, shuffled

SIDE = 64


def photo(width: int, height: int, seed: int = 0) -> Image.Image:
    """Soft structures of all sizes, as photos have them, with another color in each corner."""
    draw = np.random.default_rng(seed)
    pixels = np.zeros((height, width, 3))
    for cells in (3, 8, 20, 60):
        noise = Image.fromarray(draw.integers(0, 256, (cells, cells, 3), np.uint8))
        pixels += np.asarray(noise.resize((width, height), Image.Resampling.BICUBIC)) / 4
    pixels[: height // 3, : width // 3, 0] = 250
    pixels[-height // 4 :, : width // 4, 1] = 5
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def plainly(path: Path, box: tuple[int, int, int, int] | None = None) -> np.ndarray:
    """The whole picture, decoded by Pillow in full, turned, cut and shrunk by the filter of its own that is nearest."""
    with Image.open(path) as image:
        upright = ImageOps.exif_transpose(image).convert("RGB")
    cut = upright if box is None else upright.crop(box)
    return np.asarray(cut.resize((SIDE, SIDE), Image.Resampling.HAMMING), np.float64)


def off(found: Pixels, expected: np.ndarray) -> float:
    """The mean difference in gray values, of 255."""
    return float(np.abs(found.astype(np.float64) - expected).mean())


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("size", [(96, 72), (300, 220), (1100, 800)])
def test_a_jpeg_is_what_pillow_reads_upright_and_in_full(
    tmp_path: Path, orientation: int, size: tuple[int, int]
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "한글 [1].jpg"
    photo(*size).save(path, quality=95, exif=exif)
    found = read_parts(path, [None], SIDE)[0]
    assert found.shape == (SIDE, SIDE, 3)
    assert off(found, plainly(path)) < 2.0
    mirrored = off(found[:, ::-1], plainly(path))
    assert mirrored > 20, "the test itself must tell a turned picture from another"


@pytest.mark.parametrize("suffix", ["png", "bmp", "webp", "tif"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_other_formats_too(tmp_path: Path, suffix: str, mode: str) -> None:
    path = tmp_path / f"a.{suffix}"
    photo(300, 220).convert(mode).save(path)
    assert off(read_parts(path, [None], SIDE)[0], plainly(path)) < 2.0


def test_what_is_transparent_is_white_and_cmyk_is_read(tmp_path: Path) -> None:
    Image.new("RGBA", (90, 90), (0, 0, 0, 0)).save(tmp_path / "a.png")
    assert (read_parts(tmp_path / "a.png", [None], SIDE)[0] == 255).all()
    photo(300, 220).convert("CMYK").save(tmp_path / "b.jpg", quality=95)
    assert off(read_parts(tmp_path / "b.jpg", [None], SIDE)[0], plainly(tmp_path / "b.jpg")) < 2.0


@pytest.mark.parametrize("orientation", [1, 6])
def test_parts_are_cut_from_the_upright_picture(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "a.jpg"
    photo(1200, 900).save(path, quality=95, exif=exif)
    width, height = (1200, 900) if orientation == 1 else (900, 1200)
    boxes = [(0, 0, 300, 400), (width - 280, height - 150, width, height), (333, 77, 777, 860), (10, 10, 40, 50)]
    found = read_parts(path, [None, *boxes], SIDE)
    assert off(found[0], plainly(path)) < 2.0
    for box, pixels in zip(boxes[:3], found[1:4], strict=True):
        assert off(pixels, plainly(path, box)) < 3.0
    # Smaller than what is wanted: Pillow makes blocks with that filter there, so another filter is what it is compared with.
    with Image.open(path) as image:
        small = ImageOps.exif_transpose(image).crop(boxes[3]).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    assert off(found[4], np.asarray(small)) < 3.0


@pytest.mark.parametrize("content", [b"", b"no image", "cut"])
def test_an_image_that_cannot_be_read_is_said_and_the_others_are_there(tmp_path: Path, content: bytes | str) -> None:
    photo(200, 200).save(tmp_path / "a.jpg")
    whole = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "b.jpg").write_bytes(whole[: len(whole) // 2] if isinstance(content, str) else content)
    store = PictureStore([Part(tmp_path / "b.jpg"), Part(tmp_path / "a.jpg"), Part(tmp_path / "gone.jpg")], SIDE)
    problems = dict(store.load())
    assert set(problems) == {0, 2}
    assert all(problems.values())
    assert off(store.picture(1), plainly(tmp_path / "a.jpg")) < 2.0
    with pytest.raises(ImageProblem):
        read_parts(tmp_path / "gone.jpg", [None], SIDE)


def stored(folder: Path, count: int, **more: int) -> PictureStore:
    for number in range(count):
        photo(90, 90, number).save(folder / f"{number}.png")
    store = PictureStore([Part(folder / f"{number}.png") for number in range(count)], SIDE, **more)
    assert store.load() == []
    return store


def darkened(picture: Pixels, seed: Sequence[int]) -> Pixels:
    return (picture * np.random.default_rng(seed).uniform(0.5, 1)).astype(np.uint8)


def test_batches_are_even_and_in_order_whatever_number_of_threads_makes_them(tmp_path: Path) -> None:
    store = stored(tmp_path, 17)
    order = shuffled(17, 3, 1)
    assert sorted(order) == list(range(17))
    made = list(batches(store, order.tolist(), 8, augment=darkened, seed=3, epoch=1))
    assert [len(pixels) for pixels, _ in made] == [6, 6, 5]
    assert np.concatenate([indices for _, indices in made]).tolist() == order.tolist()
    alone = stored(tmp_path, 17, threads=1)
    again = list(batches(alone, order.tolist(), 8, augment=darkened, seed=3, epoch=1, ahead=1))
    for (first, _), (second, _) in zip(made, again, strict=True):
        assert (first == second).all()
    other = next(batches(store, order.tolist(), 8, augment=darkened, seed=3, epoch=2))[0]
    assert not (other == made[0][0]).all()
    assert list(batches(store, [], 8)) == []


def test_orders_differ_by_seed_and_by_epoch() -> None:
    orders = {tuple(shuffled(20, seed, epoch)) for seed in range(3) for epoch in range(3)}
    assert len(orders) == 9
    assert tuple(shuffled(20, 1, 2)) in orders


def test_pictures_that_do_not_fit_into_memory_are_read_again_and_are_the_same(tmp_path: Path) -> None:
    kept = stored(tmp_path, 6)
    few = stored(tmp_path, 6, memory=2 * SIDE * SIDE * 3 + 5)
    assert (kept.kept, few.kept) == (6, 2)
    for index in range(6):
        assert (kept.picture(index) == few.picture(index)).all()


def test_an_augmentation_that_changes_the_size_gives_batches_all_the_same(tmp_path: Path) -> None:
    store = stored(tmp_path, 3)
    pixels, _ = next(batches(store, [0, 1, 2], 3, augment=lambda picture, _: picture[:30, :50]))
    assert pixels.shape == (3, SIDE, SIDE, 3)


def test_an_augmentation_never_reaches_what_is_kept(tmp_path: Path) -> None:
    store = stored(tmp_path, 2)
    before = store.picture(0).copy()

    def blackened(picture: Pixels, _: Sequence[int]) -> Pixels:
        picture[:] = 0
        return picture

    with pytest.raises(ValueError, match="read-only"):
        list(batches(store, [0, 1], 2, augment=blackened))
    assert (store.picture(0) == before).all()
