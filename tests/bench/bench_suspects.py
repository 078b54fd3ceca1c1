"""Rankings of images by how probably their labels are wrong: labelloop, ObjectLab, mistakenness and hotcoco on the same predictions.

    python tests/bench/bench_suspects.py [--images 2000] [--mistakes 200] [--seeds 3] [--first-seed 0] [--real WORKSPACE NAME TRUTH]

Simulated: three detectors on two sorts of scenes (tests/bench/simulated_detectors.py), whose simulator no setting was chosen by.
Real: the out-of-fold predictions of `labelloop suspects NAME --folds K` on sample data that was drawn with --mistakes; TRUTH is
the file DIR.truth.json beside it.

Prints one JSON object a line: the average precision over all mistakes and by kind (images with other kinds left out; of the one ranking, and
of the kind's own), and the part of the mistakes that the first 10, 20 and 30 % of the images hold. Random is the share of wrong images.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "bench"))

import numpy as np
import polars as pl
from simulated_detectors import CLASSES, DETECTORS, KINDS, simulate
from suspect_peers import PEERS, Rankings

from labelloop.datasets.schema import Sample
from labelloop.datasets.workspace import Workspace
from labelloop.training.predictions import read_predictions
from labelloop.training.runs import list_runs
from labelloop.training.suspects.folds import folds_workspace

REAL_KINDS = {"class_swapped": "class", "box_shifted": "location", "box_missing": "missing", "box_extra": "spurious"}


def average_precision(scores: Sequence[float], wrong: Sequence[bool]) -> float:
    """Of a ranking, ties counted together."""
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(np.array(wrong), np.array(scores)))


def judge_rankings(rankings: Rankings, keys: Sequence[str], truth: Mapping[str, str]) -> dict[str, float]:
    """Average precisions, and the parts that are found early.

    By kind (images with other mistakes left out) twice: of the one ranking, and of the kind's own, "class own" and so on; of a kind that a tool
    does not tell apart, its one ranking again.
    """
    one = [rankings["all"].get(key, 0.0) for key in keys]
    said = {"all": average_precision(one, [key in truth for key in keys])}
    for kind in KINDS:
        kept = [at for at, key in enumerate(keys) if truth.get(key, kind) == kind]
        wrong = [keys[at] in truth for at in kept]
        own = rankings.get(kind, rankings["all"])
        said[kind] = average_precision([one[at] for at in kept], wrong)
        said[f"{kind} own"] = average_precision([own.get(keys[at], 0.0) for at in kept], wrong)
    order = sorted(range(len(keys)), key=lambda at: (-one[at], keys[at]))
    for part in (10, 20, 30):
        first = order[: round(len(keys) * part / 100)]
        said[f"first {part} %"] = sum(keys[at] in truth for at in first) / max(len(truth), 1)
    return {name: round(value, 3) for name, value in said.items()}


def judge_peers(samples: list[Sample], rows: pl.DataFrame, classes: Sequence[str], truth: Mapping[str, str]) -> dict[str, dict[str, float]]:  # fmt: skip
    """By peer what its ranking came to, with the seconds it took."""
    said: dict[str, dict[str, float]] = {}
    for name, rank in PEERS.items():
        start = time.perf_counter()
        rankings = rank(samples, rows, classes)
        seconds = time.perf_counter() - start
        said[name] = {**judge_rankings(rankings, [each.key for each in samples], truth), "seconds": round(seconds, 1)}
    return said


def real_data(
    home: Path, name: str, truth_file: Path
) -> tuple[list[Sample], pl.DataFrame, tuple[str, ...], dict[str, str]]:
    """The labels as the folds' runs found them, their out-of-fold predictions, the classes, and the mistakes that were planted."""
    workspace = Workspace(home)
    runs = [run for run in list_runs(folds_workspace(workspace, name)) if run.status() == "done"]
    rows = pl.concat([read_predictions(run.folder / "predictions", "test") for run in runs])
    samples = {sample.key: sample for run in runs for sample in run.samples() if sample.split == "test"}
    said = json.loads(truth_file.read_bytes())["images"]
    truth = {key: REAL_KINDS[said[key]["mistake"]] for key in samples if said[key]["mistake"]}
    return [samples[key] for key in sorted(samples)], rows, runs[0].plan.classes, truth


def main() -> None:
    """Judge all, print as it goes, and the means at the end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--mistakes", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--real", nargs=3, action="append", default=[], metavar=("WORKSPACE", "NAME", "TRUTH"))
    asked = parser.parse_args()
    found: dict[str, list[dict[str, dict[str, float]]]] = {}
    for home, name, truth_file in asked.real:
        samples, rows, classes, truth = real_data(Path(home), name, Path(truth_file))
        said = judge_peers(samples, rows, classes, truth)
        print(
            json.dumps({"data": f"real, {name}", "images": len(samples), "wrong": len(truth), "rankings": said}),
            flush=True,
        )
    for scenes in ("few", "crowded"):
        for detector in DETECTORS:
            for seed in range(asked.first_seed, asked.first_seed + asked.seeds):
                samples, rows, truth = simulate(detector, scenes, asked.images, asked.mistakes, seed)
                said = judge_peers(samples, rows, CLASSES, truth)
                found.setdefault(f"{scenes}, {detector}", []).append(said)
                print(json.dumps({"data": f"{scenes}, {detector}", "seed": seed, "rankings": said}), flush=True)
    for data, several in found.items():
        print(data)
        for name in PEERS:
            values = {column: [each[name][column] for each in several] for column in several[0][name]}
            means = "  ".join(f"{column} {np.mean(each):.3f}" for column, each in values.items())
            print(f"  {name:20} {means}  spread of all {min(values['all']):.3f} to {max(values['all']):.3f}")


if __name__ == "__main__":
    main()
