"""What every format owes: it is found, it writes what it was given, and reads that back as the same."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labelloop.datasets import formats
from labelloop.datasets.export import export
from labelloop.datasets.fidelity import TOLERANCE
from labelloop.datasets.findings import Findings
from labelloop.datasets.reading import Dataset, open_source
from labelloop.datasets.recipe import Recipe
from labelloop.datasets.tree import walk
from tests.strategies import datasets, draw_images

WRITABLE = formats.writable_names()
_SETTINGS = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def _same(meant: Dataset, said: Dataset) -> None:
    assert [sample.key for sample in said.samples] == [sample.key for sample in meant.samples]
    for before, after in zip(meant.samples, said.samples, strict=True):
        assert (after.state, after.size, after.label, after.split, after.group) == (
            before.state, before.size, before.label, before.split, before.group,
        )  # fmt: skip
        assert [(box.label, box.id, box.score, dict(box.attributes)) for box in after.boxes] == [
            (box.label, box.id, box.score, dict(box.attributes)) for box in before.boxes
        ]
        for one, other in zip(before.boxes, after.boxes, strict=True):
            for low, side in ((0, before.size.width), (1, before.size.height)):
                assert abs(one.corners[low] - other.corners[low]) <= TOLERANCE * side * 1.000001
                assert abs(one.corners[low + 2] - other.corners[low + 2]) <= TOLERANCE * side * 1.000001
                assert 0 <= other.corners[low] < other.corners[low + 2] <= side


@pytest.mark.parametrize("name", WRITABLE)
@given(data=st.data())
@_SETTINGS
def test_reading_what_was_written_gives_the_same(
    name: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    kind = formats.load(name)
    folder = tmp_path_factory.mktemp("contract")
    meant = draw_images(data.draw(datasets(kind.holds)), folder / "source")
    export(meant, folder / "target", name, unlabelled=kind.holds.unlabelled)
    reading = open_source(folder / "target", Recipe(classes=meant.classes), format=name)
    said = reading.dataset()
    assert not reading.findings.stopping()
    ignoring = {"version": "5.0.0", "flags": {}}
    said = Dataset(
        tuple(
            replace(
                sample,
                boxes=tuple(
                    replace(box, attributes={k: v for k, v in box.attributes.items() if k not in ("group_id", "flags")})
                    for box in sample.boxes
                ),
                extra={key: value for key, value in sample.extra.items() if key not in ignoring},
            )
            for sample in said.samples
        ),
        said.classes,
    )
    _same(meant, said)


@pytest.mark.parametrize("name", WRITABLE)
@given(data=st.data())
@settings(parent=_SETTINGS, max_examples=8)
def test_the_same_data_gives_the_same_bytes(
    name: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    kind = formats.load(name)
    folder = tmp_path_factory.mktemp("bytes")
    meant = draw_images(data.draw(datasets(kind.holds)), folder / "source")
    export(meant, folder / "one", name, unlabelled=kind.holds.unlabelled)
    export(meant, folder / "other", name, unlabelled=kind.holds.unlabelled, jobs=1)
    assert _digest(folder / "one") == _digest(folder / "other")


@pytest.mark.parametrize("name", WRITABLE)
def test_what_was_written_is_recognised(name: str, tmp_path: Path) -> None:
    kind = formats.load(name)
    dataset = _plain(name, tmp_path)
    export(dataset, tmp_path / "target", name)
    assert formats.detect(walk(tmp_path / "target", Findings())) == name
    assert kind.title


@pytest.mark.parametrize("name", WRITABLE)
def test_the_classes_keep_their_order(name: str, tmp_path: Path) -> None:
    """label-studio#6416, #2886, #3324, ultralytics#23930: class order changes by itself."""
    dataset = _plain(name, tmp_path)
    export(dataset, tmp_path / "target", name)
    reading = open_source(tmp_path / "target", format=name)
    said = reading.dataset().classes
    if reading.findings.of("class-order-assumed"):
        assert not formats.load(name).holds.class_order, "only formats that cannot say an order may leave it open"
    else:
        assert said == dataset.classes


@pytest.mark.parametrize("name", WRITABLE)
def test_each_image_has_a_place_of_its_own(name: str, tmp_path: Path) -> None:
    """By the place a finding finds its image: with one place for all, each would be the last one's."""
    plain = _plain(name, tmp_path)
    dataset = Dataset(tuple(replace(sample, split="train") for sample in plain.samples), plain.classes)
    export(dataset, tmp_path / "target", name)
    reading = open_source(tmp_path / "target", format=name)
    keys = sorted(sample.key for sample in reading.samples())
    assert sorted(reading.places.values()) == keys == [sample.key for sample in dataset.samples]


@pytest.mark.parametrize("name", WRITABLE)
def test_sources_are_left_as_they_are(name: str, tmp_path: Path) -> None:
    dataset = _plain(name, tmp_path)
    before = _digest(tmp_path / "source")
    export(dataset, tmp_path / "target", name)
    copies = [path for path in (tmp_path / "target").rglob("*") if path.suffix == ".jpg"]
    assert len(copies) == len(dataset.samples)
    for path in copies:
        path.write_bytes(b"a trainer was here")
    assert _digest(tmp_path / "source") == before
    assert not any(path.is_symlink() for path in (tmp_path / "target").rglob("*"))


def _plain(name: str, tmp_path: Path) -> Dataset:
    """Two images of two classes whose declared order is not the alphabetical one."""
    from labelloop.datasets.schema import Box, Sample, Size

    boxes = formats.load(name).holds.boxes
    samples = tuple(
        Sample(
            f"{folder}/a.jpg", Path(), Size(40, 30), 1, "labelled",
            (Box(label, 1.5, 2.25, 20.125, 21.0),) if boxes else (), None if boxes else label, split,
        )
        for folder, label, split in (("one", "zebra", "train"), ("two", "ant", "val"))
    )  # fmt: skip
    return draw_images(Dataset(samples, ("zebra", "ant")), tmp_path / "source")


def _digest(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
