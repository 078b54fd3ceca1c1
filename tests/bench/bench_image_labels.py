"""Rankings of images by how probably their own label is wrong: labelloop and cleanlab, on the same out-of-fold predictions.

    python tests/bench/bench_image_labels.py --spoil PHOTOS TARGET [--share 0.15] [--seed 3]
    labelloop import TARGET --recipe clothing --name clothes
    labelloop suspects clothes --folds 3 --epochs 12 --imgsz 128
    python tests/bench/bench_image_labels.py WORKSPACE NAME TARGET.truth.json [WORKSPACE NAME TRUTH ...]

The first copies class folders and puts a part of the images into a wrong one, drawn by chance; sample data needs no such copy
(`labelloop sample-data cars DIR --mistakes 0.15`). The last prints one JSON object a data set: of each ranking the average precision,
and the part of the mistakes among the first 10, 20 and 30 % of the images; of cleanlab's issues and of labelloop's suspects, all and
from one half on, how many there are and how many of them are wrong. Random is the share of wrong labels.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np
import polars as pl
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores
from sklearn.metrics import average_precision_score

from labelloop.datasets.ledger import Ledger
from labelloop.datasets.workspace import Workspace
from labelloop.training.predictions import read_predictions
from labelloop.training.runs import Run, list_runs
from labelloop.training.suspects.confident_learning import wrong_probabilities
from labelloop.training.suspects.finding import find_suspects
from labelloop.training.suspects.folds import folds_workspace

Numbers = np.ndarray[Any, Any]


def spoil(photos: Path, target: Path, share: float, seed: int) -> Path:
    """The file with the truth beside a copy of class folders in which a part of the images lies in a wrong folder."""
    draw = random.Random(seed)
    files = sorted(path for path in photos.glob("*/*") if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
    classes = sorted({path.parent.name for path in files})
    wrong = set(draw.sample(files, round(share * len(files))))
    images: dict[str, dict[str, str | None]] = {}
    for path in files:
        others = [name for name in classes if name != path.parent.name]
        folder = draw.choice(others) if path in wrong else path.parent.name
        name = path.name
        while f"{folder}/{name}" in images or (path in wrong and (photos / folder / name).exists()):
            name = f"{Path(name).stem}0{path.suffix}"
        (target / folder).mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target / folder / name)
        images[f"{folder}/{name}"] = {
            "label": path.parent.name, "mistake": "class_swapped" if path in wrong else None,
        }  # fmt: skip
    truth = target.with_name(f"{target.name}.truth.json")
    truth.write_text(json.dumps({"images": images}, indent=1, ensure_ascii=False), encoding="utf-8")
    return truth


def rankings(ledger: Ledger, runs: list[Run], keys: list[str], labels: Numbers, scores: Numbers) -> dict[str, Numbers]:
    """Of each way how wrong it takes each label to be, in the order of the keys: higher is worse."""
    probability = {each.key: each.probability for each in find_suspects(ledger, runs, folds=len(runs)).suspects}
    plain = wrong_probabilities(labels, scores)[0]
    found: dict[str, Numbers] = {
        # What is no suspect comes behind all that are.
        "labelloop": np.array([probability.get(key, plain[at] / 1e6) for at, key in enumerate(keys)]),
        "labelloop, scores as they are": plain,
    }
    for method in ("self_confidence", "normalized_margin"):
        for adjusted in (False, True):
            quality = get_label_quality_scores(labels, scores, method=method, adjust_pred_probs=adjusted)
            found[f"cleanlab, {method}{', adjusted' if adjusted else ''}"] = 1.0 - np.asarray(quality)
    # Its issues first, in its own order; the others as its quality has them.
    ranked = find_label_issues(labels, scores, return_indices_ranked_by="self_confidence")
    order = found["cleanlab, self_confidence"].copy()
    order[ranked] = 2.0 - np.arange(len(ranked)) / len(keys)
    found["cleanlab, its issues first"] = order
    return found


def judge(home: Path, name: str, truth_file: Path) -> dict[str, Any]:
    """What the rankings of one data set came to."""
    workspace = Workspace(home)
    ledger = Ledger(workspace.ledger(name))
    runs = [run for run in list_runs(folds_workspace(workspace, name), name) if run.status() == "done"]
    runs = [run for run in runs if run.plan.reasons["folds"] == runs[-1].plan.reasons["folds"]]
    classes = runs[0].plan.classes
    rows = pl.concat([read_predictions(run.folder / "predictions", "test") for run in runs])
    label_of = {sample.key: sample.label for sample in ledger.samples()}
    rows = rows.filter(pl.col("key").is_in([key for key, label in label_of.items() if label in classes])).sort("key")
    keys, scores = rows["key"].to_list(), np.array(rows["scores"].to_list(), np.float64)
    labels = np.array([classes.index(label_of[key] or "") for key in keys], np.int64)
    truth: Mapping[str, Any] = json.loads(truth_file.read_bytes())["images"]
    wrong = np.array([bool(truth[key]["mistake"]) for key in keys])
    right = scores.argmax(axis=1) == np.array([classes.index(truth[key]["label"]) for key in keys])
    ranked = rankings(ledger, runs, keys, labels, scores)
    named = {
        "cleanlab's issues": find_label_issues(labels, scores),
        "labelloop's suspects": ranked["labelloop"] > 1e-5,
        "labelloop's from .5": ranked["labelloop"] >= 0.5,
    }
    return {
        "data": name, "images": len(keys), "classes": len(classes), "wrong": int(wrong.sum()), "folds": len(runs),
        "accuracy of the models by the truth": round(float(right.mean()), 3),
        "rankings": {way: _judged(each, wrong) for way, each in ranked.items()},
        "named": {way: {"images": int(each.sum()), "wrong": int((each & wrong).sum())} for way, each in named.items()},
        "labelloop expects": round(float(ranked["labelloop"].sum()), 1),
    }  # fmt: skip


def _judged(values: Numbers, wrong: Numbers) -> dict[str, float]:
    order = np.argsort(-values, kind="stable")
    said = {"average precision": float(average_precision_score(wrong, values))}
    for part in (10, 20, 30):
        said[f"first {part} %"] = float(wrong[order[: round(len(order) * part / 100)]].sum() / wrong.sum())
    return {name: round(value, 3) for name, value in said.items()}


def main() -> None:
    """Spoil a folder, or judge data sets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="*", help="WORKSPACE NAME TRUTH, once or more")
    parser.add_argument("--spoil", nargs=2, type=Path, metavar=("PHOTOS", "TARGET"))
    parser.add_argument("--share", type=float, default=0.15)
    parser.add_argument("--seed", type=int, default=3)
    asked = parser.parse_args()
    if asked.spoil:
        print(spoil(*asked.spoil, asked.share, asked.seed))
    for at in range(0, len(asked.data), 3):
        home, name, truth = asked.data[at : at + 3]
        print(json.dumps(judge(Path(home), name, Path(truth)), indent=1), flush=True)


if __name__ == "__main__":
    main()
