"""Mutated sources, and how each ends; a module of its own, so that processes can import it."""

from __future__ import annotations

import json
import random
import shutil
from collections import Counter
from pathlib import Path

from PIL import Image

from labelloop.datasets import formats
from labelloop.datasets.check import check
from labelloop.datasets.convert import convert
from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.export import export
from labelloop.datasets.reading import Dataset
from labelloop.datasets.schema import Box, Sample, Size

_WORDS = [
    b"NaN", b"-1", b"1e999", b"null", b"[]", b"{}", b'""', b"\xff\xfe", b"..", b"/etc/passwd", b"99999999999999999999999", b"true",
    b"\x00", b"0", b'"x"', b"[" * 2000, b"&#x0;", b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"*a", b"&a 1", "한".encode("cp949"), b"-0.5 2 3",
]  # fmt: skip


def draw_seeds(root: Path) -> list[Path]:
    """A small sound source of each writable format."""
    images = root / "images"
    images.mkdir(parents=True)
    samples: list[Sample] = []
    for number, state in enumerate(("labelled", "labelled", "negative")):
        path = images / f"{number}.jpg"
        Image.effect_noise((24, 18), 50).convert("RGB").save(path)
        boxes = (
            (Box("a", 1, 2, 10, 12), Box("b", 3, 3, 20, 15, attributes={"note": "x"})) if state == "labelled" else ()
        )
        samples.append(
            Sample(f"f/{number}.jpg", path, Size(24, 18), 1, state, boxes, None, "train" if number else "val")
        )  # pyright: ignore
    made: list[Path] = []
    for name in formats.writable_names():
        chosen = samples
        if not formats.load(name).holds.boxes:
            chosen = [
                Sample(s.key, s.path, s.size, 1, "labelled", (), "ab"[n % 2], s.split) for n, s in enumerate(samples)
            ]
        export(Dataset(tuple(chosen), ("a", "b")), root / name, name)
        made.append(root / name)
    generic = root / "generic"
    generic.mkdir()
    for number in range(2):
        shutil.copy(images / f"{number}.jpg", generic)
        (generic / f"{number}.json").write_text(
            json.dumps({"objects": [{"kind": "a", "rect": [1, 2, 9, 9]}], "w": 24, "h": 18})
        )
    return [*made, generic]


def _mutate(folder: Path, rng: random.Random) -> None:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    for _ in range(rng.randint(1, 3)):
        path = rng.choice(files)
        if path.is_symlink() or not path.is_file():  # what a link leads to is not ours to change
            continue
        data = path.read_bytes()
        at = rng.randrange(len(data) + 1)
        action = rng.randrange(9)
        if action == 0:
            path.unlink()
        elif action == 1:
            path.write_bytes(data[:at])
        elif action == 2:
            path.write_bytes(data[:at] + rng.choice(_WORDS) + data[at:])
        elif action == 3:
            path.write_bytes(data[:at] + bytes([rng.randrange(256)]) + data[at + 1 :])
        elif action == 4:
            path.rename(
                path.with_name(rng.choice(["x.jpg", "A.JSON", "g", "é.txt", "data.yaml", "1.png", ".hidden.jpg"]))
            )
        elif action == 5:
            path.write_bytes(rng.choice(_WORDS))
        elif action == 6:
            start = data.find(b":", at)
            end = data.find(b",", start)
            if 0 <= start < end:
                path.write_bytes(data[: start + 1] + rng.choice(_WORDS) + data[end:])
        elif action == 7:
            other = rng.choice(files)
            if other.is_file():
                path.write_bytes(other.read_bytes())
        else:
            path.unlink()
            path.symlink_to(rng.choice([str(folder.parent / "outside.txt"), str(path), "..", "nowhere"]))


def run(folder: Path, seeds: list[Path], numbers: range) -> Counter[str]:
    """How the sources of these numbers end, each mutated, checked and converted in a folder of its own."""
    folder.mkdir()
    (folder / "outside.txt").write_text("not to be read, not to be changed")
    targets = formats.writable_names()
    ended: Counter[str] = Counter()
    for number in numbers:
        rng = random.Random(number)
        source, target = folder / "source", folder / "target"
        shutil.copytree(rng.choice(seeds), source, symlinks=True)
        _mutate(source, rng)
        try:
            report = check(source, decode=rng.random() < 0.3, jobs=1)
            ended["checked"] += 1
            convert(
                source,
                target,
                rng.choice(targets),
                skip_bad=rng.random() < 0.5,
                polygons=rng.random() < 0.3,
                unlabelled=True,
            )
            ended["converted"] += 1
            # Whatever could not be read is named: nothing is lost silently.
            assert not report.left_out or report.stopping, f"source {number}: images left out and nothing said"
        except LabelloopError:
            ended["refused"] += 1
        except Exception as error:
            raise AssertionError(f"mutated source {number} ended in {error!r}") from error
        assert not list(folder.glob(".target*")), f"source {number} left a half folder"
        shutil.rmtree(source)
        shutil.rmtree(target, ignore_errors=True)
    assert (folder / "outside.txt").read_text() == "not to be read, not to be changed"
    return ended
