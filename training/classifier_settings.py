"""The settings of a classifier's training: what the user asks for, and else what suits the data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Literal, get_args

from ..datasets.augmentation import read_augmentation
from ..datasets.errors import LabelloopError
from ..datasets.schema import Json
from .classifier_models import architecture, check_trainable, rescaling
from .classifier_weights import WeightsFile
from .crops import Example, Origin

From = Literal["labels", "boxes", "auto"]

UNBALANCED = 1.5
"""From this many times as many examples of the largest class as of the smallest on, classes are weighted."""

MOMENTUM = 0.9
DROPOUT = 0.2


@dataclass(frozen=True, slots=True)
class Request:
    """What a user asks of a training; None and "" leave it to labelloop.

    `weights` is imagenet, none or a file; `origin` says whether images' labels are learned, or boxes'.
    `track` names the trackers that are told how it goes.
    """

    model: str = "efficientnet-lite0"
    trainable: str = ""
    origin: str = "auto"
    version: int | None = None
    where: str = ""
    epochs: int = 30
    imgsz: int | None = None
    batch: int | None = None
    patience: int | None = None
    seed: int = 0
    lr: float | None = None
    augment: str = "light"
    weights: str = ""
    deterministic: bool = False
    allow_leak: bool = False
    track: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what no training can do.

        Raises:
            LabelloopError: a value that breaks a rule.
        """
        known = architecture(self.model)
        if self.trainable:
            check_trainable(self.trainable, self.model)
        if self.origin not in get_args(From):
            raise LabelloopError(f"from must be labels, boxes or auto, received {self.origin}")
        least = (("epochs", self.epochs, 1), ("imgsz", self.imgsz, known.least), ("batch", self.batch, 1),
                 ("patience", self.patience, 1), ("seed", self.seed, 0))  # fmt: skip
        for name, value, limit in least:
            if value is not None and value < limit:
                raise LabelloopError(f"{name} must be at least {limit} for {self.model}, received {value}")
        if self.lr is not None and not 0 < self.lr <= 1:
            raise LabelloopError(f"lr must be above 0 and at most 1, received {self.lr}")


@dataclass(frozen=True, slots=True)
class Settings:
    """Complete settings, and why labelloop chose those that it chose."""

    values: Mapping[str, Json]
    reasons: Mapping[str, str]


def suited(
    request: Request,
    examples: Sequence[Example],
    classes: Sequence[str],
    origin: Origin,
    weights: WeightsFile,
    reasons: Mapping[str, str],
) -> Settings:
    """Complete settings for these examples: what is asked for, else what suits them.

    Args:
        examples: those that are learned from and judged on.
        weights: what the training starts from.
        reasons: why what was chosen before is as it is.

    Raises:
        LabelloopError: layers that are not trained, and have random weights.
    """
    said = dict(reasons)
    known = architecture(request.model)
    train = [example.sample.label or "" for example in examples if example.sample.split == "train"]

    def chosen(name: str, asked: Json, value: Json, reason: str) -> Json:
        if asked is not None and asked != "":
            return asked
        said[name] = reason
        return value

    from_scratch = weights.kind == "none"
    trainable = str(
        chosen("trainable", request.trainable, "all", "random weights must all learn")
        if from_scratch
        else chosen("trainable", request.trainable, "all", "every layer starts from ImageNet and learns slowly")
    )
    if from_scratch and trainable != "all":
        raise LabelloopError(
            f"trainable must be all where weights are random, received {trainable}: what stays as it is would know nothing"
        )
    batch = chosen(
        "batch", request.batch, 16 if len(train) < 1000 else 32, f"{len(train)} pictures to train on"
    )  # fmt: skip
    lr, why = _rate(trainable, from_scratch)
    counts = Counter(train)
    values: dict[str, Json] = {
        "from": origin,
        "trainable": trainable,
        "batchnorm": _norm_sentence(trainable, known.norm),
        "batchnorm_momentum": MOMENTUM,
        "epochs": request.epochs,
        "imgsz": chosen("imgsz", request.imgsz, known.side, f"what {request.model} is made for"),
        "batch": batch,
        "patience": chosen(
            "patience", request.patience, max(5, request.epochs // 4), "a quarter of the epochs, 5 at least"
        ),
        "optimizer": "adam",
        "lr": chosen("lr", request.lr, lr, why),
        "dropout": DROPOUT,
        "class_weights": _class_weights(counts, classes, said),
        "augmentation": _to_json(request.augment),
        "resize": "stretched to a square",
        "rescaling": rescaling(request.model, weights.layout),
        "layout": weights.layout,
        "weights": weights.path or "none",
        "weights_kind": weights.kind,
        "weights_sha256": weights.sha256,
        "weights_source": weights.source,
        "precision": "mixed_float16 on GPUs of compute capability 7.0 or more, else float32",
        "deterministic": request.deterministic,
        "where": request.where,
    }
    return Settings(values, said)


def _to_json(spec: str) -> Json:
    said = read_augmentation(spec)
    values = asdict(said)
    return {name: values[name] for name in ("name", "transforms", "trainer", "visibility")}


def _rate(trainable: str, from_scratch: bool) -> tuple[float, str]:
    if from_scratch:
        return 1e-3, "Adam's own; weights are random"
    if trainable in ("head", "batchnorm"):
        return 1e-3, "Adam's own; few weights learn"
    return 1e-4, "a tenth of Adam's own, so that what ImageNet taught is not lost at once"


def _norm_sentence(trainable: str, norm: bool) -> str:
    if not norm:
        return "there is none"
    if trainable == "head":
        return "inference statistics in all layers, in training as in use"
    if trainable.startswith("last-"):
        return f"statistics of each batch in those of the {trainable} layers, inference statistics in all others"
    return "statistics of each batch in all layers while training, their moving average in use"


def _class_weights(counts: Counter[str], classes: Sequence[str], said: dict[str, str]) -> Json:
    """A weight for each class, mean 1 over the examples; None where they are balanced."""
    most, least = max(counts.values()), min(counts.values())
    if most < UNBALANCED * least:
        said["class_weights"] = f"none: {least} to {most} examples a class"
        return None
    said["class_weights"] = f"{least} to {most} examples a class, so that each class counts as much as any other"
    total = sum(counts.values())
    return {name: round(total / (len(classes) * counts[name]), 6) for name in classes}
