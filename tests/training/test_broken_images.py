"""Broken images are found before a training, whatever their format, and whole ones are not."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import pytest
from PIL import Image

from labelloop.datasets.schema import Sample, Size
from labelloop.training.broken_images import find_broken


def cut_off(content: bytes, suffix: str) -> bytes:
    """The beginning of a file; of a JPEG as much as has no picture yet, with an end, so that its header is fine."""
    if suffix != ".jpg":
        return content[: len(content) * 3 // 4]
    return content[: content.index(b"\xff\xda") + 4] + b"\xff\xd9"


def sample(path: Path, *, embedded: bool = False) -> Sample:
    return Sample(path.name, path, Size(64, 48), state="negative", embedded=embedded)


def noise(path: Path) -> bytes:
    Image.effect_noise((64, 48), 90).convert("RGB").save(path)
    return path.read_bytes()


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".bmp", ".tif"])
def test_a_file_that_is_cut_off_is_found_and_a_whole_one_is_not(suffix: str, tmp_path: Path) -> None:
    whole, cut = tmp_path / f"whole{suffix}", tmp_path / f"cut{suffix}"
    content = noise(whole)
    cut.write_bytes(cut_off(content, suffix))
    found = find_broken([sample(whole), sample(cut)])
    assert list(found) == [cut.name]
    assert found[cut.name].startswith("image ")


def test_images_inside_label_files_are_decoded_too(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.effect_noise((64, 48), 90).save(buffer, "JPEG")
    content = buffer.getvalue()
    for name, data in (("whole.json", content), ("cut.json", cut_off(content, ".jpg"))):
        said = {"imageData": base64.b64encode(data).decode(), "shapes": []}
        (tmp_path / name).write_text(json.dumps(said))
    samples = [sample(tmp_path / name, embedded=True) for name in ("whole.json", "cut.json")]
    assert list(find_broken(samples)) == ["cut.json"]


def test_how_far_it_is_is_said_and_nothing_is_found_in_nothing(tmp_path: Path) -> None:
    noise(tmp_path / "a.jpg")
    told: list[tuple[int, int]] = []
    assert find_broken([sample(tmp_path / "a.jpg")] * 130, lambda done, total: told.append((done, total))) == {}
    assert told == [(64, 130), (128, 130), (130, 130)]
    assert find_broken([]) == {}
