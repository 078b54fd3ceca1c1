"""What a training through labelloop takes beside the bare trainer: the same data, settings, seed and machine, in one run.

    python tests/bench/bench_detector.py --home WORKSPACE --name NAME [--epochs 12] [--imgsz 320] [--rounds 1]

Both train, judge val, and judge test; labelloop besides hashes and copies the images, reads the
export back, reconciles, computes COCO's metrics by class and slice and writes the run. The bare
trainer reads an export made before. Processor seconds say more than those on the wall where others
use the machine too.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.bench.measuring import Measured, measure

BARE = """
import json, sys
from ultralytics import YOLO, settings
settings.update(dict.fromkeys(("sync", "clearml", "comet", "dvc", "mlflow", "raytune", "tensorboard", "wandb"), False))
given = json.load(open(sys.argv[1]))
model = YOLO(given.pop("weights"))
model.train(**given)
found = YOLO(model.trainer.best).val(data=given["data"], split="test", imgsz=given["imgsz"], batch=2 * given["batch"],
                                     project=given["project"], name="test", plots=given["plots"], workers=0)
json.dump({"mAP50-95": float(found.box.map), "mAP50": float(found.box.map50)}, open(sys.argv[2], "w"))
"""


def ours(home: Path, name: str, words: list[str]) -> tuple[Measured, Path]:
    """A training by the command line, and its run's folder."""
    before = set((home / "runs").iterdir()) if (home / "runs").is_dir() else set()
    taken = measure(
        [sys.executable, "-m", "labelloop", "train", "detector", name, "--home", str(home), *words],
        environment={"YOLO_OFFLINE": "true"},
    )
    (made,) = set((home / "runs").iterdir()) - before
    return taken, made


def bare(run: Path, data: Path, folder: Path) -> tuple[Measured, dict[str, float]]:
    """The same by Ultralytics alone, with the settings of a run of labelloop's."""
    plan = json.loads((run / "run.json").read_text())
    from labelloop.training.detector_settings import trainer_defaults

    given: dict[str, Any] = {key: plan["settings"][key] for key in trainer_defaults()}
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for cache in data.rglob("*.cache"):
        cache.unlink()
    (folder / "bare.py").write_text(BARE)
    (folder / "given.json").write_text(
        json.dumps({
            **given, "weights": plan["settings"]["weights"], "data": str(data / "data.yaml"), "project": str(folder),
            "name": "bare",
        })
    )  # fmt: skip
    taken = measure(
        [sys.executable, str(folder / "bare.py"), str(folder / "given.json"), str(folder / "found.json")],
        environment={"YOLO_OFFLINE": "true", "YOLO_CONFIG_DIR": str(folder)},
    )
    return taken, json.loads((folder / "found.json").read_text())


def main() -> None:
    """Print one line a training, and the overhead."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--imgsz", type=int, default=320)
    parser.add_argument("--rounds", type=int, default=1)
    given = parser.parse_args()
    words = ["--epochs", str(given.epochs), "--imgsz", str(given.imgsz)]
    sums = {"labelloop": [0.0, 0.0], "bare": [0.0, 0.0]}
    with tempfile.TemporaryDirectory() as name:
        data = Path(name, "data")
        subprocess.run(
            [sys.executable, "-m", "labelloop", "export", given.name, "--home", str(given.home), "--format", "yolo",
             "--to", str(data)],
            check=True, env={**os.environ},
        )  # fmt: skip
        print(
            f"{'':12}{'wall s':>10}{'processor s':>13}{'peak MB':>9}  test mAP50-95  mAP50 (Ultralytics' own)",
            flush=True,
        )
        for _ in range(given.rounds):
            taken, run = ours(given.home, given.name, words)
            own = json.loads((run / "result.json").read_text())["ultralytics"]["test"]["overall"]
            _say("labelloop", taken, own, sums)
            plain, found = bare(run, data, Path(name, "bare"))
            _say("bare", plain, found, sums)
    for index, what in enumerate(("wall", "processor")):
        print(f"overhead, {what}: {100 * (sums['labelloop'][index] / sums['bare'][index] - 1):+.1f} %")


def _say(who: str, taken: Measured, found: dict[str, float], sums: dict[str, list[float]]) -> None:
    sums[who][0] += taken.seconds
    sums[who][1] += taken.processor_seconds
    print(
        f"{who:12}{taken.seconds:10.1f}{taken.processor_seconds:13.1f}{taken.megabytes:9.0f}"
        f"{found['mAP50-95']:15.3f}{found['mAP50']:7.3f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
