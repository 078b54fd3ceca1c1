"""The quality of pictures: the measures order pictures as an eye does, and are remembered by the file's bytes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from labelloop.datasets.quality import known_quality, measure_quality, quality_of
from labelloop.datasets.window import build_window, find_edits, refresh_window
from labelloop.datasets.window_quality import show_quality
from tests.datasets.window_runs import box, draw, new_ledger, sample, workspace


def textured(size: tuple[int, int] = (640, 480)) -> Image.Image:
    noise = np.random.default_rng(0).integers(0, 256, (size[1] // 8, size[0] // 8), np.uint8)
    return Image.fromarray(noise).resize(size, Image.Resampling.NEAREST)


def test_a_plain_picture_has_its_brightness_and_nothing_else() -> None:
    assert quality_of(np.full((20, 30), 0.25)) == pytest.approx((0.25, 0, 0))
    assert quality_of(np.zeros((1, 1))) == (0, 0, 0)
    assert quality_of(np.ones((2, 9))) == (1, 0, 0)


def test_every_measure_is_within_its_range() -> None:
    board = np.indices((40, 40)).sum(axis=0) % 2.0
    assert quality_of(board) == pytest.approx((0.5, 0.5, 1.0))


def test_a_blurred_picture_is_less_sharp(tmp_path: Path) -> None:
    crisp = textured()
    pictures = {
        "crisp": crisp,
        "soft": crisp.filter(ImageFilter.GaussianBlur(4)),
        "dark": crisp.point(lambda v: v // 8),
    }
    paths = {name: tmp_path / f"{name}.jpg" for name in pictures}
    for name, picture in pictures.items():
        picture.save(paths[name])
    measure_quality(paths, tmp_path / "memory")
    found = known_quality(list(paths), tmp_path / "memory")
    assert found["soft"][2] < found["crisp"][2] / 2
    assert found["dark"][0] < found["crisp"][0] / 4
    assert found["dark"][1] < found["crisp"][1] / 4


def test_the_size_of_a_photo_hardly_matters(tmp_path: Path) -> None:
    paths = {"small": tmp_path / "small.png", "large": tmp_path / "large.png"}
    photo = textured((2048, 1536)).filter(ImageFilter.GaussianBlur(3))
    photo.save(paths["large"])
    photo.resize((1024, 768), Image.Resampling.BOX).save(paths["small"])
    measure_quality(paths, tmp_path / "memory")
    found = known_quality(list(paths), tmp_path / "memory")
    assert found["large"] == pytest.approx(found["small"], rel=0.2)


def test_a_broken_file_is_passed_over(tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    measure_quality({"a": broken, "b": tmp_path / "none.jpg"}, tmp_path / "memory")
    assert known_quality(["a", "b"], tmp_path / "memory") == {}


def test_the_window_shows_what_is_known_and_no_edit_comes_of_it(tmp_path: Path) -> None:
    samples = [sample(f"{number}.jpg", box(f"{number}.jpg")) for number in range(3)]
    ledger = new_ledger("quality", samples)
    for each in samples[:2]:
        draw(each)
    window = build_window(ledger)
    dataset = window.dataset()
    assert show_quality(window, tmp_path) == 3
    assert not dataset.has_field("brightness")
    assert show_quality(window, tmp_path, up_to=2) == 3, "more are unknown than may be measured"
    assert show_quality(window, tmp_path, up_to=3) == 1, "one has no file"
    dataset.reload()
    assert dataset.values("brightness") == [0, 0, None]
    groups = [group.name for group in dataset.app_config.sidebar_groups]
    assert groups.index("size") + 1 == groups.index("quality") == groups.index("findings") - 1
    assert not find_edits(window)
    assert not workspace().quality.exists()


def test_a_refresh_keeps_the_quality_and_the_next_browse_puts_it_right(tmp_path: Path) -> None:
    ledger = new_ledger("quality-again", [sample("a.jpg")])
    draw(sample("a.jpg"))
    draw(sample("b.jpg"))
    window = build_window(ledger)
    assert show_quality(window, tmp_path, up_to=9) == 0
    added = {"b.jpg": sample("b.jpg")}
    ledger.commit(added, base=1, author="ann", tool="import", message="more")
    window = refresh_window(window).window
    assert window.dataset().values("brightness") == [0, None]
    assert show_quality(window, tmp_path, up_to=9) == 0
    assert window.dataset().values("brightness") == [0, 0]
    assert not find_edits(window)
