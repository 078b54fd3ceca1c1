"""Folds: each image predicted by a model that has not seen it, nor a near-duplicate of it.

The images are parted into K folds by groups. For each fold a model is trained on the others (of which a part, by groups
too, becomes val, to choose the best epoch by), and predicts the fold, which is its split test. A fold's training is a
run like any other, in a workspace of its own below that of the suspects, so that it does not stand among the user's.
It can be killed and gone on with: the same request finds the runs that it began.
"""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import polars as pl

from ...datasets.augmentation import read_augmentation
from ...datasets.errors import LabelloopError
from ...datasets.ledger import Ledger
from ...datasets.schema import Json, Sample
from ...datasets.splits import assign_splits
from ...datasets.splitting import split_samples
from ...datasets.versions import read_version, refuse_changed_images
from ...datasets.workspace import Workspace
from ..classifier import train_classifier
from ..classifier_settings import Request as ClassifierRequest
from ..classifier_settings import suited as suited_classifier
from ..classifier_weights import find_weights
from ..crops import find_examples
from ..detection_problem import is_judged
from ..detector import train_detector, weights_cache
from ..detector_settings import PREDICTION, find_gpus, suited
from ..jobs import run_jobs
from ..plans import Kind, labels_digest
from ..runs import Run, begin_run, list_runs
from ..trainer_files import Progress
from ..weights import find_detector_weights

if TYPE_CHECKING:
    from ...datasets.embeddings import Embedder
    from ...datasets.reading import Progress as OnImage

VAL_SHARE = 0.15
"""The part of the images that a fold's model learns from which becomes val instead, by groups."""

USUAL_MODEL: Mapping[Kind, str] = {"detector": "yolov8n", "classifier": "efficientnet-lite0"}
"""What folds train unless somebody asks for another model."""

Watch = Callable[[Run, Progress], None]


@dataclass(frozen=True, slots=True)
class Folds:
    """What is asked for: how many folds, and how their models are trained.

    `asked` are Ultralytics' settings by their names for a detector, `epochs` and `imgsz` for a classifier.
    `model` is "" for yolov8n or efficientnet-lite0.
    """

    count: int
    kind: Kind = "detector"
    model: str = ""
    seed: int = 0
    asked: Mapping[str, Json] = field(default_factory=dict[str, Json])

    def __post_init__(self) -> None:
        if not 2 <= self.count <= 20:
            raise LabelloopError(f"--folds must be from 2 to 20, received {self.count}")


def folds_workspace(workspace: Workspace, dataset: str) -> Workspace:
    """The workspace in which the runs of a data set's folds lie."""
    return Workspace(workspace.suspects(dataset) / "folds")


def begin_folds(
    workspace: Workspace,
    ledger: Ledger,
    folds: Folds,
    embedder: Embedder | None = None,
    progress: OnImage | None = None,
) -> list[Run]:
    """A run for each fold, in their order: those that the same request began before, else new ones, not trained yet.

    Args:
        embedder: finds near-duplicates, which then lie in one fold; None looks at groups and equal bytes only.

    Raises:
        LabelloopError: too few images or groups for so many folds, no such weights or settings, images that are gone.
    """
    version = ledger.version()
    dataset = read_version(ledger, version)
    name = ledger.folder.name
    samples = [sample for sample in dataset.samples if _judged(sample, folds.kind)]
    digest = _digest(samples, folds, near=embedder is not None)
    place = folds_workspace(workspace, name)
    known = {
        int(run.plan.reasons["fold"].partition(" ")[0]): run
        for run in list_runs(place, name)
        if run.plan.reasons.get("folds") == digest
    }
    if len(known) == folds.count:
        return [known[number] for number in sorted(known)]
    refuse_changed_images(samples, workspace.hashes)
    names = [f"fold {number}" for number in range(1, folds.count + 1)]
    found = split_samples(samples, dict.fromkeys(names, 1.0), seed=folds.seed, embedder=embedder, progress=progress)
    group_of = found.splits.group_of
    parted: dict[int, dict[str, str]] = {}
    for number, fold in enumerate(names, start=1):
        rest = [sample for sample in samples if found.splits.split_of[sample.key] != fold]
        shares = {"train": 1 - VAL_SHARE, "val": VAL_SHARE}
        split_of = assign_splits(rest, group_of, shares, seed=folds.seed).split_of
        parted[number] = {sample.key: split_of.get(sample.key) or "test" for sample in samples}
        _refuse_too_few(parted[number], name, folds)
    marks = {"folds": digest}
    classes = tuple(dataset.classes)
    if folds.kind == "classifier":
        classes, marks["classes"] = _learnable(samples, classes, list(parted.values()), group_of, name)
    runs: list[Run] = []
    for number, splits in parted.items():
        if number in known:
            runs.append(known[number])
            continue
        frame = ledger.frame(version, keys=sorted(splits)).update(
            pl.DataFrame({"key": list(splits), "split": list(splits.values())}), on="key"
        )
        said = {"fold": f"{number} of {folds.count}", **{mark: why for mark, why in marks.items() if why}}
        begin = _begin_detector if folds.kind == "detector" else _begin_classifier
        runs.append(begin(workspace, place, name, version, frame, classes, folds, said))
    return runs


def train_folds(
    workspace: Workspace, runs: Sequence[Run], engine: str = "here", watch: Watch | None = None
) -> Iterator[Run]:
    """Each fold's run as its training ends; those that are done already come first and are not trained again.

    Args:
        watch: called with a run and how far it is, in the process that trains it: for Ray it must be picklable.

    Raises:
        LabelloopError: one of them failed. The others are done all the same, and the same request goes on from there.
    """
    waiting = [run for run in runs if run.status() != "done"]
    yield from (run for run in runs if run not in waiting)
    jobs = [partial(train_fold, str(workspace.home), str(run.folder), watch) for run in waiting]
    failed: list[str] = []
    for done in run_jobs(jobs, engine):
        if done.error:
            failed.append(f"fold {waiting[done.number].plan.reasons['fold']}: {done.error}")
        else:
            yield waiting[done.number]
    if failed:
        raise LabelloopError(f"{'; '.join(failed)}; the same command goes on from there")


def train_fold(home: str, folder: str, watch: Watch | None = None) -> str:
    """The folder of a fold's run, trained to its end from wherever it was stopped.

    Raises:
        LabelloopError: as `train_detector` and `train_classifier`.
    """
    if not Path(folder).is_dir():
        raise LabelloopError(
            f"{folder} is not there on {platform.node()}: the workspace must lie on storage that all nodes share"
        )
    run = Run(Path(folder))
    train = train_detector if run.plan.kind == "detector" else train_classifier
    if run.status() != "done":
        train(Workspace(Path(home)), run, watch)
    return folder


@dataclass(frozen=True, slots=True)
class Cost:
    """How long the trainings will take, in seconds; `known_from` is the run whose pace this is, "" for a rough guess."""

    images: int
    epochs: int
    seconds: float
    known_from: str


_PACE: Mapping[Kind, tuple[float, int, float]] = {"detector": (0.114, 320, 0.0), "classifier": (0.07, 224, 25.0)}
"""Seconds for an image in an epoch of the usual model on 2 cores, at how many pixels, and seconds until a fold's epochs go at that pace.

YOLOv8n: 233 images, 12 epochs, 319 s, all of it. EfficientNet-Lite0 at 128 px, all layers: 125 images, an epoch 2.0 to 3.5 s beside
other work, the first 14 to 20 s, and some 10 s before it.
"""


def estimate_cost(workspace: Workspace, runs: Sequence[Run]) -> Cost:
    """What is left to train: images times epochs, at the pace of the last run of the same model, else at a rough guess's."""
    left = [run for run in runs if run.status() != "done"]
    images = sum(run.plan.images.get("train", 0) for run in left)
    epochs = max((_whole(run.plan.settings.get("epochs")) for run in left), default=0)
    todo = sum(
        run.plan.images.get("train", 0) * max(_whole(run.plan.settings.get("epochs")) - len(run.epochs()), 0)
        for run in left
    )
    if not left:
        return Cost(0, 0, 0.0, "")
    like = left[0].plan
    guess, usual, start = _PACE[like.kind]
    side = _whole(like.settings.get("imgsz")) or usual
    known = [*list_runs(folds_workspace(workspace, like.dataset)), *reversed(list_runs(workspace))]
    for run in known:
        rows, there = run.epochs(), run.plan.images.get("train", 0)
        if run.plan.kind == like.kind and run.plan.model == like.model and len(rows) and there:
            pace = sum(float(str(row.get("seconds", 0))) for row in rows) / len(rows) / there
            pace *= (side / (_whole(run.plan.settings.get("imgsz")) or side)) ** 2
            return Cost(images, epochs, todo * pace, run.id)
    return Cost(images, epochs, todo * guess * (side / usual) ** 2 + start * len(left), "")


def _whole(value: Json) -> int:
    return int(value) if isinstance(value, int | float) else 0


def _judged(sample: Sample, kind: str) -> bool:
    """Whether somebody has looked at the image for what is learned."""
    return sample.label is not None if kind == "classifier" else is_judged(sample)


def _digest(samples: Sequence[Sample], folds: Folds, *, near: bool) -> str:
    said = orjson.dumps([labels_digest(samples), asdict(folds), near], option=orjson.OPT_SORT_KEYS)
    return sha256(said).hexdigest()


def _refuse_too_few(split_of: Mapping[str, str], name: str, folds: Folds) -> None:
    there = {split: sum(each == split for each in split_of.values()) for split in ("train", "val", "test")}
    if not all(there.values()):
        said = ", ".join(f"{count} images for {split}" for split, count in there.items())
        raise LabelloopError(
            f"{name} has too few labelled images or groups for {folds.count} folds: one would have {said}"
        )


def _learnable(
    samples: Sequence[Sample], declared: Sequence[str], parted: Sequence[Mapping[str, str]], group_of: Mapping[str, str],
    name: str,
) -> tuple[tuple[str, ...], str]:  # fmt: skip
    """The classes that every fold has something to learn of, in their declared order, and a sentence on the others ("" for none).

    A model that never saw a class would call each of its labels wrong. So one that a fold cannot learn is learned by none.

    Raises:
        LabelloopError: fewer than two classes are left.
    """
    label_of = {sample.key: sample.label for sample in samples}
    counts = Counter(label_of.values())
    groups = Counter(label for label, _ in {(label, group_of[key]) for key, label in label_of.items()})
    learned = [{label_of[key] for key, split in splits.items() if split == "train"} for splits in parted]
    used = tuple(label for label in declared if all(label in each for each in learned))
    rare = [label for label in declared if counts[label] and label not in used]
    said = ", ".join(
        f"{label} ({_several(counts[label], 'image')} in {_several(groups[label], 'group')})" for label in rare
    )
    if len(used) < 2:
        raise LabelloopError(
            f"folds of a classifier need two classes of which each fold can learn, {name} has {', '.join(used) or 'none'}"
            + (f"; too rare are {said}: label more of them" if rare else "")
        )
    if not rare:
        return used, ""
    return used, f"not judged, as at least one fold would have nothing to learn of them: {said}; label more of them"


def _several(count: int, what: str) -> str:
    return f"{count} {what}{'s' if count != 1 else ''}"


def _begin_detector(
    workspace: Workspace, place: Workspace, name: str, version: int, frame: pl.DataFrame, classes: Sequence[str],
    folds: Folds, marks: Mapping[str, str],
) -> Run:  # fmt: skip
    from ...datasets.ledger_rows import to_samples

    model = folds.model or USUAL_MODEL["detector"]
    gpus = find_gpus()
    settings = suited(to_samples(frame), classes, {"seed": folds.seed, **folds.asked}, None, gpus)
    weights = find_detector_weights(model, weights_cache(workspace))
    return begin_run(
        place, "detector", name, version, frame, classes=classes, model=model, seed=folds.seed,
        settings={
            **settings.trainer, "weights": weights, "weights_sha256": "",
            "augmentation": asdict(read_augmentation("trainer")), "prediction": dict(PREDICTION), "where": "",
            "keep_data": False, "score_train": False, "left_out": {}, "track": [],
        },
        reasons={**settings.reasons, **marks}, hardware={"gpus": list(gpus)},
    )  # fmt: skip


def _begin_classifier(
    workspace: Workspace, place: Workspace, name: str, version: int, frame: pl.DataFrame, classes: Sequence[str],
    folds: Folds, marks: Mapping[str, str],
) -> Run:  # fmt: skip
    from ...datasets.ledger_rows import to_samples

    own = ClassifierRequest()
    side = folds.asked.get("imgsz")
    request = ClassifierRequest(
        model=folds.model or USUAL_MODEL["classifier"], seed=folds.seed, epochs=_whole(folds.asked.get("epochs")) or own.epochs,
        imgsz=_whole(side) if side is not None else None,
    )  # fmt: skip
    samples = to_samples(frame)
    wanted = request.weights or ("imagenet" if request.model != "small-cnn" else "none")
    weights = find_weights(request.model, wanted, workspace.cache / "weights")
    reasons: dict[str, str] = {}
    found = find_examples(samples, "labels", classes)
    settings = suited_classifier(request, found.found, classes, "labels", weights, reasons)
    return begin_run(
        place, "classifier", name, version, frame, classes=classes, model=request.model, seed=folds.seed,
        settings={**settings.values, "left_out": dict(found.left_out), "track": []},
        reasons={**settings.reasons, **marks}, hardware={"gpus": list(find_gpus())},
    )  # fmt: skip
