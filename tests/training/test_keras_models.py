"""The models in Keras: each rescales its input exactly once, learns what it is told to, and comes back as it was saved."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from labelloop.datasets.errors import LabelloopError
from labelloop.training.classifier_models import ARCHITECTURES, check_trainable, last_layers
from labelloop.training.classifier_weights import find_weights
from labelloop.training.weights import EFFICIENTNET_LITE0, MOBILENETV2

ROOT = Path(__file__).parents[2]
PACKAGES = {"efficientnet-lite0": EFFICIENTNET_LITE0, "mobilenetv2": MOBILENETV2}


def python(module: str, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", f"tests.training.{module}", str(folder)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    for package in ("tensorflow", "keras"):
        if find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    folder = tmp_path_factory.mktemp("keras")
    if find_spec("torchvision") and all(find_spec(each.module) for each in PACKAGES.values()):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("labelloop.training.classifier_weights._download", lambda *_: "this test has no network")
            files = {name: asdict(find_weights(name, "imagenet", folder)) for name in PACKAGES}
        (folder / "weights.json").write_text(json.dumps(files))
        python("torch_features", folder)
    python("keras_facts", folder)
    return json.loads((folder / "facts.json").read_text())


@pytest.mark.slow
@pytest.mark.parametrize("model", ARCHITECTURES)
def test_pixels_from_0_to_255_are_rescaled_exactly_once(facts: dict[str, Any], model: str) -> None:
    found = facts["models"][model]
    assert found["off"] < 1e-5
    assert found["off if divided before"] > 0.05, "the test must see a second rescaling"


@pytest.mark.slow
@pytest.mark.parametrize("model", ARCHITECTURES)
def test_a_model_that_was_saved_says_the_same_bits(facts: dict[str, Any], model: str) -> None:
    assert facts["models"][model]["same when loaded"] is True
    assert facts["models"][model]["sums"] == pytest.approx([1, 1, 1])


@pytest.mark.slow
@pytest.mark.parametrize("model", PACKAGES)
def test_weights_of_torch_say_what_torch_says_and_no_key_is_left_but_its_head(
    facts: dict[str, Any], model: str
) -> None:
    if "torch" not in facts:
        pytest.skip(f"the weights are not installed: {PACKAGES[model].install}")
    found = facts["torch"][model]
    assert found["off"] < 1e-4
    assert found["left"] == (["_fc.weight", "_fc.bias"] if model == "efficientnet-lite0" else [])


@pytest.mark.slow
def test_only_what_is_chosen_learns_and_batchnorm_moves_only_where_it_learns(facts: dict[str, Any]) -> None:
    found = facts["learning"]
    assert found["head"]["changed"] == {
        "head": "2 of 2",
        "scales": "0 of 98",
        "moving": "0 of 98",
        "filters": "0 of 49",
    }
    assert found["head"]["norms"] == [0, 49]
    batchnorm = found["batchnorm"]["changed"]
    assert (batchnorm["head"], batchnorm["filters"]) == ("2 of 2", "0 of 49")
    assert (batchnorm["moving"], batchnorm["scales"]) == ("98 of 98", "98 of 98")
    assert found["batchnorm"]["norms"] == [49, 0]
    assert found["last-5"]["layers"] == [
        "block15_depthwise_bn", "block15_project", "block15_project_bn", "head", "top", "top_bn",
    ]  # fmt: skip
    assert found["last-5"]["norms"] == [3, 46]
    assert found["all"]["changed"] == {
        "head": "2 of 2", "scales": "98 of 98", "moving": "98 of 98", "filters": "49 of 49",
    }  # fmt: skip


@pytest.mark.slow
def test_moving_statistics_follow_a_small_training(facts: dict[str, Any]) -> None:
    assert facts["momentum"] == [0.9]


def test_choices_of_layers_are_checked() -> None:
    assert last_layers(check_trainable("last-12", "vgg16")) == 12
    assert check_trainable("batchnorm", "resnet50") == "batchnorm"
    with pytest.raises(LabelloopError, match="no BatchNorm"):
        check_trainable("batchnorm", "vgg16")
    for wrong in ("last-0", "last", "heads", ""):
        with pytest.raises(LabelloopError, match="head, batchnorm, last-N"):
            check_trainable(wrong, "resnet50")
