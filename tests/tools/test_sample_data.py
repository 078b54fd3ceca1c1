"""The sample data: layout, traps, exact boxes, the same bytes every time."""

import hashlib
import io
import json
import random
import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image, ImageOps

pytest.importorskip("cv2", reason="sample data is drawn with OpenCV")
pytest.importorskip("skimage", reason="sample data is drawn on scikit-image's photos")

from labelloop.datasets.errors import LabelloopError
from labelloop.tools.commands.sample_data import command
from labelloop.tools.sample_data import SampleDataSummary, write_cars, write_won, writing
from labelloop.tools.sample_data.bodywork import draw_car
from labelloop.tools.sample_data.cars import plan_cars
from labelloop.tools.sample_data.mistakes import intersection_over_union, plan_mistakes, spoil
from labelloop.tools.sample_data.photos import photo_bytes, take_photos
from labelloop.tools.sample_data.won import Capture, all_labels, plan_won

COUNT = 48


@pytest.fixture(scope="module")
def won(tmp_path_factory: pytest.TempPathFactory) -> SampleDataSummary:
    return write_won(tmp_path_factory.mktemp("won") / "사진 2023.03 (1)", count=COUNT, seed=3, mistakes=0.25, jobs=2)


@pytest.fixture(scope="module")
def cars(tmp_path_factory: pytest.TempPathFactory) -> SampleDataSummary:
    return write_cars(tmp_path_factory.mktemp("cars") / "cars", count=24, seed=3, mistakes=0.25, jobs=2)


def truth_of(summary: SampleDataSummary) -> dict[str, Any]:
    assert summary.truth is not None
    return json.loads(summary.truth.read_text())["images"]


def digests(folder: Path) -> dict[str, str]:
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def test_the_folder_has_the_layout_and_the_names(won: SampleDataSummary) -> None:
    folders = {folder.name for folder in won.folder.iterdir()}
    assert folders == {"10", "50", "100", "500", "1000", "5000", "10000", "50000"}
    jpgs = sorted(won.folder.rglob("*.jpg"))
    assert len(jpgs) == COUNT == won.images
    for jpg in jpgs:
        assert jpg.with_suffix(".json").is_file()
        pattern = r"\d+_\d+_[19]" if int(jpg.parent.name) < 1000 else r"\d+_[FB]_(DESK|HAND|STUFF)_0_\d+"
        assert re.fullmatch(pattern, jpg.stem)
        assert jpg.stem.split("_")[0] == jpg.parent.name
    assert len(list(won.folder.rglob("*"))) == 2 * COUNT + 8


def test_every_json_is_what_labelme_writes(won: SampleDataSummary) -> None:
    for file in won.folder.rglob("*.json"):
        document = json.loads(file.read_text())
        assert list(document) == [
            "version", "flags", "shapes", "imagePath", "imageData",
            "imageHeight", "imageWidth", "lineColor", "fillColor",
        ]  # fmt: skip
        assert document["version"] == "4.5.7"
        assert document["imageData"] is None
        assert document["imagePath"] == file.with_suffix(".jpg").name
        for shape in document["shapes"]:
            assert list(shape) == ["line_color", "fill_color", "label", "points", "group_id", "shape_type", "flags"]
            assert shape["label"] in all_labels()


def test_the_json_speaks_of_the_upright_photo_before_it_was_shrunk(won: SampleDataSummary) -> None:
    ratios: Counter[int] = Counter()
    for jpg in won.folder.rglob("*.jpg"):
        document = json.loads(jpg.with_suffix(".json").read_text())
        with Image.open(jpg) as image:
            width, height = ImageOps.exif_transpose(image).size
        ratio = round(document["imageWidth"] / width)
        ratios[ratio] += 1
        assert abs(document["imageWidth"] / ratio - width) <= 0.5
        assert abs(document["imageHeight"] / ratio - height) <= 0.5
        for shape in document["shapes"]:
            points = np.array(shape["points"])
            assert (points >= 0).all()
            assert (points <= [document["imageWidth"], document["imageHeight"]]).all()
    assert set(ratios) == {4, 5}


def test_the_shares_are_those_of_the_real_data() -> None:
    keys = [shot.key for capture in plan_won(5218, 0) for shot in capture.shots]
    assert len(keys) == len(set(keys)) == 5218
    per_class = Counter(key.split("/")[0] for key in keys)
    assert per_class["10"] == 436
    assert per_class["50"] == per_class["100"] == per_class["500"] == 440
    assert all(abs(per_class[note] - 866) <= 8 for note in ("1000", "5000", "10000", "50000"))


@pytest.mark.parametrize("count", [1, 2, 3, 7, 15, 16, 17, 100])
def test_any_count_is_met_exactly(count: int) -> None:
    shots = [shot for capture in plan_won(count, 1) for shot in capture.shots]
    assert len(shots) == count
    assert len({shot.key for shot in shots}) == count
    assert sum(len(car.views) for car in plan_cars(count, 1)) == count


def test_some_points_are_listed_bottom_right_first() -> None:
    shots = [shot for capture in plan_won(300, 0) for shot in capture.shots]
    reversed_points = [shot for shot in shots if shot.reversed_points]
    assert 5 < len(reversed_points) < 60
    assert all(int(shot.key.split("/")[0]) >= 1000 for shot in reversed_points)


def test_all_orientations_occur_and_turn_only_the_stored_pixels() -> None:
    plan = plan_won(48, 3)
    assert {capture.orientation for capture in plan} == {0, 1, 3, 6, 8}
    for orientation in (0, 3, 6, 8):
        capture = next(capture for capture in plan if capture.orientation == orientation)
        photo = take_photos(capture, 3)[0]
        with Image.open(io.BytesIO(photo_bytes(photo, orientation))) as image:
            assert image.getexif().get(0x0112, 0) == orientation
            upright = np.asarray(ImageOps.exif_transpose(image).convert("RGB")).astype(float)
        assert upright.shape == photo.pixels.shape
        assert np.abs(upright - photo.pixels).mean() < 6


@pytest.mark.parametrize("place", ["DESK", "HAND", "STUFF"])
@pytest.mark.parametrize("coin", [True, False])
def test_the_box_is_tight_around_what_is_visible(place: str, coin: bool) -> None:
    captures = [c for c in plan_won(300, 4) if c.place == place and (c.denomination < 1000) == coin]
    for capture in captures[:2]:
        for photo in take_photos(capture, 4):
            rows, columns = np.nonzero(photo.visible > 0.5)
            seen = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
            assert np.abs(seen - np.array(photo.box)).max() <= 1.0, photo.shot.key


def test_the_written_corners_are_the_drawn_ones(won: SampleDataSummary) -> None:
    capture: Capture = next(c for c in plan_won(COUNT, 3) if c.shrink == 5)
    truth = truth_of(won)
    for photo in take_photos(capture, 3):
        scale = np.array(capture.photo_size * 2) / np.array(capture.jpg_size * 2)
        entry = truth[photo.shot.key]
        assert np.allclose(entry["boxes"][0]["corners"], np.array(photo.box) * scale)
        if entry["mistake"] is None:
            document = json.loads((won.folder / photo.shot.key).with_suffix(".json").read_text())
            assert np.allclose(np.sort(document["shapes"][0]["points"], axis=0).ravel(), entry["boxes"][0]["corners"])


def test_neighbours_are_nearly_the_same_shot_and_the_two_sides_of_a_coin_differ() -> None:
    plan = plan_won(300, 5)

    def apart(capture: Capture) -> float:
        first, second = (photo.pixels.astype(float) for photo in take_photos(capture, 5)[:2])
        small = [image[: image.shape[0] // 16 * 16, : image.shape[1] // 16 * 16] for image in (first, second)]
        cells = [i.reshape(i.shape[0] // 16, 16, i.shape[1] // 16, 16, 3).mean(axis=(1, 3)) for i in small]
        assert not np.array_equal(first, second)
        return float(np.abs(cells[0] - cells[1]).mean())

    bursts = [c for c in plan if c.denomination >= 1000 and len(c.shots) > 1]
    assert apart(bursts[0]) < 14
    coin = plan[0]
    assert {shot.key.rpartition("_")[2] for shot in coin.shots} == {"1.jpg", "9.jpg"}
    assert apart(coin) < 25


def test_the_same_seed_gives_the_same_bytes_whatever_the_number_of_processes(tmp_path: Path) -> None:
    for name, jobs in (("one", 1), ("two", 2)):
        write_won(tmp_path / name, count=8, seed=9, mistakes=0.5, jobs=jobs)
        write_cars(tmp_path / f"{name} cars", count=6, seed=9, mistakes=0.5, jobs=jobs)
    assert digests(tmp_path / "one") == digests(tmp_path / "two")
    assert digests(tmp_path / "one cars") == digests(tmp_path / "two cars")
    assert (tmp_path / "one.truth.json").read_bytes() == (tmp_path / "two.truth.json").read_bytes()


def test_another_seed_gives_other_pictures_and_mistakes_change_none(tmp_path: Path) -> None:
    write_won(tmp_path / "a", count=4, seed=1, jobs=1)
    write_won(tmp_path / "b", count=4, seed=2, jobs=1)
    write_won(tmp_path / "c", count=4, seed=1, jobs=1, mistakes=1.0)
    jpgs = [{k: v for k, v in digests(tmp_path / name).items() if k.endswith(".jpg")} for name in "abc"]
    assert not set(jpgs[0].values()) & set(jpgs[1].values())
    assert jpgs[0] == jpgs[2]
    assert not (tmp_path / "a.truth.json").exists()


def test_mistakes_have_the_share_and_the_kinds_that_were_asked_for(won: SampleDataSummary) -> None:
    assert won.mistakes == {"box_extra": 3, "box_missing": 3, "box_shifted": 3, "class_swapped": 3}
    truth = truth_of(won)
    assert len(truth) == COUNT
    boxes: Counter[str] = Counter()
    for key, entry in truth.items():
        shapes = json.loads((won.folder / key).with_suffix(".json").read_text())["shapes"]
        boxes.update(shape["label"] for shape in shapes)
        (true,) = entry["boxes"]
        found = [(shape["label"], tuple(np.sort(shape["points"], axis=0).ravel())) for shape in shapes]
        overlaps = [intersection_over_union(box, tuple(true["corners"])) for _, box in found]
        labels = [label for label, _ in found]
        match entry["mistake"]:
            case None:
                assert labels == [true["label"]]
                assert overlaps == pytest.approx([1.0])
            case "class_swapped":
                assert labels != [true["label"]]
                assert overlaps == pytest.approx([1.0])
            case "box_shifted":
                assert labels == [true["label"]]
                assert 0.3 < overlaps[0] < 0.7
            case "box_missing":
                assert labels == []
            case "box_extra":
                assert len(labels) == 2
                assert overlaps == pytest.approx([1.0, 0.0])
            case other:
                pytest.fail(f"unknown kind {other}")
    assert {label: number for label, number in won.boxes.items() if number} == dict(boxes)


@pytest.mark.parametrize("box", [(0.0, 0.0, 100.0, 100.0), (5.0, 5.0, 95.0, 95.0), (40.0, 30.0, 60.0, 45.0)])
def test_a_shifted_box_stays_in_the_photo_even_where_there_is_no_room(box: tuple[float, float, float, float]) -> None:
    for turn in range(20):
        ((_, moved),) = spoil("box_shifted", "Ten_front", box, (100, 100), random.Random(turn))
        assert min(moved) >= 0
        assert max(moved) <= 100
        assert 0.3 < intersection_over_union(box, moved) < 0.7


def test_no_mistakes_and_all_mistakes() -> None:
    keys = [f"{number}" for number in range(10)]
    assert plan_mistakes(keys, 0.0, 0) == {}
    assert sorted(plan_mistakes(keys, 1.0, 0)) == sorted(keys)


def test_cars_are_balanced_named_by_group_and_partly_in_the_wrong_folder(cars: SampleDataSummary) -> None:
    files = sorted(cars.folder.rglob("*.jpg"))
    assert len(files) == 24
    assert len({file.name for file in files}) == 24
    truth = truth_of(cars)
    assert set(truth) == {file.relative_to(cars.folder).as_posix() for file in files}
    assert Counter(entry["label"] for entry in truth.values()) == {"normal": 12, "abnormal": 12}
    wrong = {key for key, entry in truth.items() if key.split("/")[0] != entry["label"]}
    assert wrong == {key for key, entry in truth.items() if entry["mistake"] == "class_swapped"}
    assert len(wrong) == cars.mistakes["class_swapped"] == 6
    assert cars.boxes == Counter(file.parent.name for file in files)
    for file in files:
        assert re.fullmatch(r"car\d{3}_\d\.jpg", file.name)
        with Image.open(file) as image:
            assert image.width == image.height


def test_cars_repeat_themselves_under_other_names() -> None:
    views = [view for car in plan_cars(605, 0) for view in car.views]
    assert Counter(view.label for view in views) == {"normal": 302, "abnormal": 303}
    assert len({view.name for view in views}) == 605
    repeats = [view for view in views if view.repeat]
    assert len(repeats) == 36
    assert all(view.scene != view.name.split("_")[0] for view in repeats)
    assert all(view.scene == view.name.split("_")[0] for view in views if not view.repeat)


def test_a_repeat_is_a_near_twin_of_its_original() -> None:
    car = next(car for car in plan_cars(100, 0) if car.views[-1].repeat)
    pictures = [np.asarray(Image.open(io.BytesIO(data))).astype(float) for data in draw_car(car, 0)]
    twin = car.views[-1]
    original = next(view for view in car.views if view.shot == twin.shot)
    distance = {view.shot: np.abs(p - pictures[-1]).mean() for view, p in zip(car.views[:-1], pictures, strict=False)}
    assert 0 < distance[original.shot] < 14
    assert all(distance[original.shot] < apart for shot, apart in distance.items() if shot != original.shot)


@pytest.mark.parametrize("write", [write_won, write_cars])
def test_a_folder_that_holds_something_is_refused(write: Any, tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "mine.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    (tmp_path / "old.truth.json").write_text("{}")
    for name, reason in (("taken", "not empty"), ("file", "in the way"), ("old", "earlier data set")):
        with pytest.raises(LabelloopError, match=reason):
            write(tmp_path / name, count=2, jobs=1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "old.truth.json", "taken"]
    assert [path.name for path in (tmp_path / "taken").iterdir()] == ["mine.txt"]


def test_an_empty_folder_and_a_path_of_new_folders_are_fine(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for target in (tmp_path / "empty", tmp_path / "new" / "deep" / "won"):
        assert write_won(target, count=1, jobs=1).folder == target
        assert len(list(target.rglob("*.jpg"))) == 1


@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt(), RuntimeError("bug")])
@pytest.mark.parametrize("jobs", [1, 2])
def test_nothing_is_left_after_a_failure(error: BaseException, jobs: int, tmp_path: Path) -> None:
    def fail(done: int, total: int) -> None:
        raise error

    expected = LabelloopError if isinstance(error, OSError) else type(error)
    with pytest.raises(expected):
        write_won(tmp_path / "new" / "won", count=8, mistakes=0.5, jobs=jobs, progress=fail)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def found(name: str) -> bool | None:
        return None if name == "skimage" else True

    monkeypatch.setattr(writing, "find_spec", found)
    with pytest.raises(LabelloopError, match="scikit-image"):
        write_won(tmp_path / "won", count=1)


@pytest.mark.parametrize("wrong", [{"count": 0}, {"seed": -1}, {"mistakes": 1.5}, {"jobs": 0}])
def test_numbers_out_of_range_are_refused(wrong: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="received"):
        write_won(tmp_path / "won", **wrong)


def test_progress_ends_at_the_number_of_images(tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    write_won(tmp_path / "won", count=5, jobs=1, progress=lambda done, total: calls.append((done, total)))
    assert calls[-1] == (5, 5)
    assert [done for done, _ in calls] == sorted({done for done, _ in calls})


def test_the_command_prints_a_summary(tmp_path: Path) -> None:
    result = CliRunner().invoke(command, ["won", str(tmp_path / "won"), "--count", "4", "--mistakes", "0.5", "--json"])
    assert result.exit_code == 0, result.output
    summary = json.loads(result.stdout)
    assert summary["images"] == 4
    assert Path(summary["truth"]) == tmp_path / "won.truth.json"
    result = CliRunner().invoke(command, ["cars", str(tmp_path / "cars"), "--count", "2"])
    assert result.exit_code == 0, result.output
    assert "2 images in" in result.stderr
    assert "abnormal" in result.stderr


@pytest.mark.parametrize("name", ["won", "cars"])
def test_the_help_ends_with_an_example(name: str) -> None:
    result = CliRunner().invoke(command, [name, "--help"])
    assert result.exit_code == 0
    assert f"labelloop sample-data {name} " in result.output
