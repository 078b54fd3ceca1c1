"""Detectors: trained by Ultralytics from a version of a data set, in a run that says what it came from."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import file_digest
from pathlib import Path

import orjson

from ..datasets.augmentation import read_augmentation
from ..datasets.errors import LabelloopError
from ..datasets.export import export, refuse_leaks
from ..datasets.findings import Findings
from ..datasets.format import Placed
from ..datasets.ledger import Ledger
from ..datasets.manifest import MANIFEST, read_manifest
from ..datasets.reading import Dataset
from ..datasets.schema import Json, Sample
from ..datasets.versions import read_version, refuse_changed_images
from ..datasets.workspace import Workspace
from .broken_images import find_broken
from .detection_metrics import evaluate
from .detection_problem import is_judged
from .detector_process import Watch, train_in_process
from .detector_settings import PREDICTION, find_gpus, suited
from .predictions import read_predictions
from .reconcile import Reconciliation, reconcile
from .results import Scores, format_result
from .runs import Run, begin_run
from .trackers import choose_trackers, tracked
from .trainer_files import TRAINER, Progress, read_json
from .ultralytics_files import clear_up
from .weights import find_detector_weights


@dataclass(frozen=True, slots=True)
class Request:
    """What a user asks of a training.

    `asked` are Ultralytics' own settings by their names, which win over all others. `augmentation` is a
    preset or a file; empty for the trainer's own. `score_train` predicts the images that were
    trained on too, to see how far train and val lie apart. `keep_data` leaves the export in the run's folder.
    `track` names the trackers that are told how it goes.
    """

    model: str = "yolov8n"
    version: int | None = None
    where: str = ""
    asked: Mapping[str, Json] = field(default_factory=dict[str, Json])
    augmentation: str = ""
    allow_leak: bool = False
    score_train: bool = False
    keep_data: bool = False
    track: tuple[str, ...] = ()


def begin_detector(workspace: Workspace, ledger: Ledger, request: Request) -> Run:
    """A new run, planned and not trained yet.

    Raises:
        LabelloopError: the data set has no train or val split, a leak between them, nothing to train on, images that
            are gone; or there are no such weights, settings or augmentation.
    """
    track = choose_trackers(request.track)
    version = ledger.version() if request.version is None else request.version
    dataset = read_version(ledger, version, where=request.where)
    name = ledger.folder.name
    samples, left_out = _trainable(dataset, name)
    if not request.allow_leak:
        refuse_leaks(samples)
    augmentation = read_augmentation(request.augmentation or "trainer")
    gpus = find_gpus()
    settings = suited(samples, dataset.classes, request.asked, augmentation if request.augmentation else None, gpus)
    weights = find_detector_weights(request.model, weights_cache(workspace))
    refuse_changed_images(samples, workspace.hashes)
    return begin_run(
        workspace, "detector", name, version, ledger.frame(version, keys=[sample.key for sample in samples]),
        classes=dataset.classes, model=request.model, seed=int(str(settings.trainer["seed"])),
        settings={
            **settings.trainer, "weights": weights, "weights_sha256": _sha256(Path(weights)),
            "augmentation": asdict(augmentation), "prediction": dict(PREDICTION), "where": request.where,
            "keep_data": request.keep_data, "score_train": request.score_train, "left_out": dict(left_out),
            "track": track,
        },
        reasons=settings.reasons, hardware={"gpus": list(gpus)},
    )  # fmt: skip


def train_detector(workspace: Workspace, run: Run, watch: Watch | None = None) -> Run:
    """The run, trained to its end, from wherever it was stopped.

    Stopping it by an exception raised in `watch` (or Ctrl-C) leaves a run that can be gone on with;
    so does killing this process, the trainer's, or both.

    Raises:
        LabelloopError: it is done, another process trains it, its images changed, or the trainer failed.
    """
    if run.plan.kind != "detector":
        raise LabelloopError(f"{run.id} must be a detector's run, received a {run.plan.kind}'s")
    with run.held():
        try:
            dataset = Dataset(tuple(run.samples()), run.plan.classes)
            refuse_changed_images(dataset.samples, workspace.hashes)
            shutil.rmtree(run.data, ignore_errors=True)  # a fresh folder, so that nothing in it can be stale
            # A leak was refused, or allowed, when the run began.
            broken = find_broken(dataset.samples, _telling(run, watch))
            report = export(_without(dataset, broken, run.id), run.data, "yolo", allow_leak=True)
            train_in_process(run, weights_cache(workspace), watch)
            if watch:
                watch(run, Progress("score"))
            result = _result(run, dataset.samples, broken, [str(loss) for loss in report.losses])
        except LabelloopError as error:
            run.fail(str(error))
            raise
        run.finish(result)
        if not run.plan.settings["keep_data"]:
            shutil.rmtree(run.data, ignore_errors=True)
        clear_up(run.folder)
    return run


def weights_cache(workspace: Workspace) -> Path:
    """The folder that downloaded weights are kept in."""
    return workspace.cache / "weights"


def find_lost(run: Run, samples: Sequence[Sample], broken: Mapping[str, str]) -> dict[str, Reconciliation]:
    """What became of the images and boxes of each split that the trainer has read, while the export is there.

    Args:
        broken: why images were not exported, by key.
    """
    rows = read_manifest(run.data / MANIFEST, Findings())
    place_of = {row.key: place for place, row in rows.items()}
    found: dict[str, Reconciliation] = {}
    for split in run.plan.images:
        read = read_json(run.folder / TRAINER / f"read-{split}.json")
        if not read:
            continue
        sent = [
            Placed(sample, place_of[sample.key])
            for sample in samples
            if sample.split == split and sample.key in place_of
        ]
        fraction = run.plan.settings["fraction"] if split == "train" else 1.0
        kept_back = [sample for sample in samples if sample.split == split and sample.key in broken]
        found[split] = reconcile(sent, run.plan.classes, read, fraction).with_kept_back(kept_back, broken)
    return found


def _telling(run: Run, watch: Watch | None) -> Callable[[int, int], None] | None:
    if watch is None:
        return None
    return lambda done, total: watch(run, Progress("read", done=done, total=total))


def _without(dataset: Dataset, broken: Mapping[str, str], name: str) -> Dataset:
    """The data set without the images that are broken.

    Raises:
        LabelloopError: no image of train or val would be left, or no box to learn.
    """
    if not broken:
        return dataset
    samples = tuple(sample for sample in dataset.samples if sample.key not in broken)
    try:
        _refuse_nothing_to_train(samples, name)
    except LabelloopError as error:
        first, reason = next(iter(broken.items()))
        raise LabelloopError(f"{error}; {len(broken)} images are broken, such as {first}: {reason}") from error
    return Dataset(samples, dataset.classes)


def _trainable(dataset: Dataset, name: str) -> tuple[list[Sample], Counter[str]]:
    """The images that somebody has looked at for boxes, and that are in a split; and how many are left out, by the reason.

    Raises:
        LabelloopError: there are none for train or val, or no box to learn.
    """
    samples: list[Sample] = []
    left_out: Counter[str] = Counter()
    for sample in dataset.samples:
        if not is_judged(sample):
            left_out[
                "that nobody has labelled" if sample.label is None else "with a label of their own and no boxes"
            ] += 1
        elif not sample.split:
            left_out["in no split"] += 1
        else:
            samples.append(sample)
    _refuse_nothing_to_train(samples, name)
    return samples, left_out


def _refuse_nothing_to_train(samples: Sequence[Sample], name: str) -> None:
    """Return when there are images for train and val, and a box to learn.

    Raises:
        LabelloopError: there are not; the text says what to do.
    """
    splits = {sample.split for sample in samples}
    for split in ("train", "val"):
        if split not in splits:
            there = ", ".join(sorted(each for each in splits if each)) or "none"
            raise LabelloopError(
                f"{name} must have labelled images in the splits train and val, received {there}: labelloop split {name}"
            )
    if not any(sample.boxes for sample in samples if sample.split == "train"):
        raise LabelloopError(f"{name} has no box in the split train: a detector has nothing to learn")


def _result(run: Run, samples: Sequence[Sample], broken: Mapping[str, str], losses: list[str]) -> dict[str, Json]:
    own = read_json(run.folder / TRAINER / "outcome.json")["ultralytics"]
    scores: dict[str, Scores] = {}
    confidence: float | None = None
    for split in sorted(own, key=lambda split: split != "val"):
        truth = [sample for sample in samples if sample.split == split]
        rows = read_predictions(run.folder / "predictions", split)
        scores[split] = evaluate(truth, rows, run.plan.classes, confidence=confidence)
        # Chosen on val and used on test: chosen there, it would flatter.
        confidence = scores["val"].overall.get("confidence") if "val" in scores else None
    epochs = run.epochs()
    return format_result(
        {split: scores[split] for split in own},
        seconds=round(sum(float(str(row["seconds"])) for row in epochs), 3),
        epochs=len(epochs),
        began_after=[int(each["after"]) for each in _lines(run.folder / TRAINER / "began.jsonl")],
        ultralytics=own,
        tracking=tracked(run),
        not_exported=list(losses),
        reconciled={split: found.to_json() for split, found in find_lost(run, samples, broken).items()},
    )


def _lines(path: Path) -> Iterator[Mapping[str, int]]:
    for line in path.read_bytes().splitlines():
        yield orjson.loads(line)


def _sha256(path: Path) -> str:
    """The file's, 64 hex characters; "" for what is no file, such as a YAML of Ultralytics' own."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
