"""Broken images are found before a training, whatever their format, and whole ones are not."""

from __future__ import annotations

import base64
import io
import json
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image

from labelloop.datasets.schema import Sample, Size
from labelloop.training.broken_images import find_broken
from labelloop.training.png_streams import SIGNATURE, find_png_problem


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


def chunked(content: bytes, data: bytes, *, checksum: int | None = None) -> bytes:
    """A PNG file with one IDAT chunk, with another stream in it."""
    at = content.index(b"IDAT")
    after = at + 8 + int.from_bytes(content[at - 4 : at], "big")
    crc = zlib.crc32(b"IDAT" + data) if checksum is None else checksum
    return content[: at - 4] + struct.pack(">I4s", len(data), b"IDAT") + data + struct.pack(">I", crc) + content[after:]


def png_cases(content: bytes) -> dict[str, bytes]:
    """Files that Pillow shows as if they were whole."""
    at = content.index(b"IDAT")
    data = content[at + 4 : at + 4 + int.from_bytes(content[at - 4 : at], "big")]
    rows = zlib.decompress(data)
    return {
        "the checksum of its IDAT data is wrong": chunked(content, data, checksum=7),
        "its picture's data has no end": chunked(content, data[:-4]),
        "of 9264 bytes of its picture are missing": chunked(content, zlib.compress(rows[: 20 * (1 + 3 * 64)])),
        "it has no end": content[:-12],
    }


def test_a_png_that_pillow_forgives_and_opencv_does_not_is_found(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    cv2 = pytest.importorskip("cv2")
    whole = tmp_path / "whole.png"
    content = noise(whole)
    assert find_broken([sample(whole)]) == {}
    for number, (sentence, broken) in enumerate(png_cases(content).items()):
        path = tmp_path / f"{number}.png"
        path.write_bytes(broken)
        with Image.open(path) as image:
            image.load()
        assert cv2.imread(str(path)) is None
        assert sentence in find_broken([sample(path)])[path.name]
    capfd.readouterr()  # what libpng said


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_whole_pngs_of_all_kinds_are_none_of_them(mode: str, tmp_path: Path) -> None:
    for width, height in ((1, 1), (7, 5), (64, 48)):
        image = Image.effect_noise((width, height), 90).convert(mode if mode != "I;16" else "I")
        image.convert(mode).save(tmp_path / "a.png")
        assert find_png_problem((tmp_path / "a.png").read_bytes()) == ""


def test_an_interlaced_png_is_read_pass_by_pass(tmp_path: Path) -> None:
    """5x3 px in Adam7: of its seven passes, six have a pixel."""
    sizes = ((1, 1), (1, 1), (2, 1), (1, 1), (3, 1), (2, 2), (5, 1))
    rows = b"".join((b"\0" + bytes(range(width))) * height for width, height in sizes)
    head = struct.pack(">IIBBBBB", 5, 3, 8, 0, 0, 0, 1)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    data = SIGNATURE + b"".join(
        struct.pack(">I", len(said)) + kind + said + struct.pack(">I", zlib.crc32(kind + said)) for kind, said in parts
    )
    Image.open(io.BytesIO(data)).load()
    assert find_png_problem(data) == ""
    cut = data.replace(zlib.compress(rows), zlib.compress(rows[:-1]))
    assert find_png_problem(cut) != ""


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
