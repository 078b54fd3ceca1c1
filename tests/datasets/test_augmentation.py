"""Presets and YAML files of augmentations: what is read, what is refused, and that nothing of the trainer's is unseen."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from labelloop.datasets.augmentation import PRESETS, SHIPPED, TRAINER_OFF, parse_augmentation, read_augmentation
from labelloop.datasets.errors import LabelloopError


def trainer_defaults() -> dict[str, object]:
    """What Ultralytics does where nobody says otherwise, from its own file, without importing it."""
    spec = find_spec("ultralytics")
    assert spec is not None
    assert spec.submodule_search_locations
    text = (Path(spec.submodule_search_locations[0]) / "cfg" / "default.yaml").read_text(encoding="utf-8")
    return cast("dict[str, object]", yaml.safe_load(text))


def test_every_preset_is_a_file_and_every_file_a_preset() -> None:
    assert sorted(PRESETS) == sorted(path.stem for path in SHIPPED.glob("*.yaml"))


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_says_all_of_the_trainers_settings(name: str) -> None:
    assert read_augmentation(name).trainer.keys() == TRAINER_OFF.keys()


@pytest.mark.parametrize("name", ["none", "light", "field", "digits"])
def test_beside_labelloops_own_presets_the_trainer_does_nothing(name: str) -> None:
    assert read_augmentation(name).trainer == TRAINER_OFF


def test_the_preset_trainer_has_ultralytics_own_defaults() -> None:
    defaults = trainer_defaults()
    ours = {**read_augmentation("trainer").trainer}
    for unused in ("auto_augment", "erasing"):  # of its classifier only
        assert ours.pop(unused) == TRAINER_OFF[unused]
    assert ours == {setting: defaults[setting] for setting in ours}


def test_every_augmenting_setting_of_ultralytics_is_known() -> None:
    """A new version with a new setting would augment unseen."""
    names = list(trainer_defaults())
    augmenting = set(names[names.index("hsv_h") : names.index("erasing") + 1]) - {"copy_paste_mode"}
    assert augmenting <= TRAINER_OFF.keys()


def test_none_has_no_transforms() -> None:
    assert read_augmentation("none").transforms == {}


def test_what_albumentations_saves_is_read(tmp_path: Path) -> None:
    from labelloop.datasets.augment_library import A, parse_transforms

    given = A.Compose([A.RandomGamma(gamma_limit=(70, 130), p=0.3), A.OneOf([A.HorizontalFlip(p=0.2), A.Blur(p=1)])])
    cast(Any, A.save)(given, tmp_path / "mine.yaml", data_format="yaml")
    read = read_augmentation(str(tmp_path / "mine.yaml"))
    assert read.name == str(tmp_path / "mine.yaml")
    assert read.trainer == TRAINER_OFF
    assert [repr(each) for each in parse_transforms(read.transforms, "mine")] == [repr(each) for each in given]


def test_the_visibility_of_a_saved_compose_is_taken_over(tmp_path: Path) -> None:
    from labelloop.datasets.augment_library import A

    boxes = A.BboxParams(format="yolo", label_fields=["labels"], min_visibility=0.7)
    cast(Any, A.save)(A.Compose([A.HorizontalFlip(p=1)], bbox_params=boxes), tmp_path / "mine.yaml", data_format="yaml")
    read = read_augmentation(str(tmp_path / "mine.yaml"))
    assert read.visibility == 0.7
    assert "bbox_params" not in cast("dict[str, object]", read.transforms["transform"])


def test_a_single_transform_is_taken_for_a_compose_of_it() -> None:
    read = parse_augmentation("transform: {__class_fullname__: HorizontalFlip, p: 1.0}", "flip")
    assert cast(Any, read.transforms)["transform"]["transforms"] == [{"__class_fullname__": "HorizontalFlip", "p": 1.0}]


def test_trainer_settings_that_are_not_named_are_off() -> None:
    read = parse_augmentation("trainer: {mosaic: 0.5, scale: [0.5, 1.2]}\nvisibility: 0", "mine")
    assert read.trainer == {**TRAINER_OFF, "mosaic": 0.5, "scale": [0.5, 1.2]}
    assert read.visibility == 0.0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[1, 2]", "must be a mapping"),
        ("a: *b", "aliases"),
        ("a: [", "no YAML"),
        ("transforms: []", "must have only the lines"),
        ("visibility: 1.5", "from 0 to 1"),
        ("visibility: 'much'", "from 0 to 1"),
        ("visibility: true", "from 0 to 1"),
        ("trainer: {mosaik: 1}", "received mosaik"),
        ("trainer: {mosaic: lots}", "must be a number"),
        ("trainer: {mosaic: [0, 1]}", "must be a number"),
        ("trainer: {mosaic: .nan}", "must be a number"),
        ("transform: {p: 1}", "__class_fullname__"),
        ("transform: {__class_fullname__: Compose, transforms: [], bbox_params: {min_area: 4}}", "no min_area"),
    ],
)
def test_a_file_that_breaks_a_rule_is_refused_with_the_rule(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(text)
    with pytest.raises(LabelloopError, match=r"bad\.yaml: ") as error:
        read_augmentation(str(tmp_path / "bad.yaml"))
    assert said in str(error.value)


def test_an_unknown_name_is_refused_with_the_list() -> None:
    with pytest.raises(LabelloopError, match="none, light, field, digits, trainer, received phone"):
        read_augmentation("phone")


@pytest.mark.parametrize(
    ("transform", "said"),
    [
        ("{__class_fullname__: Blurr, p: 1.0}", "no transform 'Blurr'"),
        ("{__class_fullname__: Blur, p: 1.0, blur_limits: [3, 5]}", "blur_limits"),
        ("{__class_fullname__: Blur}", "no 'p'"),
        ("{__class_fullname__: RandomGamma, p: 1.0, gamma_limit: high}", "gamma_limit"),
        ("{__class_fullname__: ToTensorV2, p: 1.0}", "ToTensorV2"),
        ("{__class_fullname__: OneOf, p: 1.0, transforms: [{__class_fullname__: Blur, p: 0.0}]}", "division by zero"),
    ],
)
def test_a_slip_in_a_transform_is_an_error_and_no_default(transform: str, said: str) -> None:
    """Albumentations itself warns of an unknown argument, and goes on with a default that nobody chose."""
    from labelloop.datasets.augmenting import Augmenter

    read = parse_augmentation(f"transform: {{__class_fullname__: Compose, p: 1.0, transforms: [{transform}]}}", "mine")
    with pytest.raises(LabelloopError, match="mine: ") as error:
        Augmenter(read)
    assert said in str(error.value)


def test_the_file_that_the_documentation_shows_is_one() -> None:
    from labelloop.datasets.augmenting import Augmenter

    text = (SHIPPED.parents[1] / "docs" / "augmentation.md").read_text(encoding="utf-8")
    shown = parse_augmentation(text.split("```yaml\n")[1].split("```")[0], "docs")
    Augmenter(shown)
    assert (shown.visibility, shown.trainer["mosaic"]) == (0.3, 0.5)
    assert all(f"| `{name}` |" in text for name in PRESETS)
