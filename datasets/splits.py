"""Splits that do not leak: seeded, groups together, every class and box size in its share everywhere.

scikit-learn's StratifiedGroupKFold stratifies over one label for each image, and
iterative-stratification knows no groups; a detection set needs both, and a memory.

Reference: Sechidis, Tsoumakas, Vlahavas, On the Stratification of Multi-Label Data,
ECML PKDD 2011: rarest first, to where it is missed most.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from .errors import LabelloopError
from .schema import Sample

DEFAULT_RATIOS: Mapping[str, float] = {"train": 0.7, "val": 0.15, "test": 0.15}

_SIZES = ((0.01, "small"), (0.1, "medium"), (1.1, "large"))
_PASSES = 6


@dataclass(frozen=True, slots=True)
class Splits:
    """Which split each image is in.

    `split_of` and `group_of` are by key, in the order of the keys; the split is None for
    the images in `unassigned`: they belong together with images of two splits that were
    fixed before, so that any split would leak. `missing` lists (class, split) where a
    class has no image in a split although others have.
    """

    split_of: Mapping[str, str | None]
    group_of: Mapping[str, str]
    unassigned: tuple[str, ...]
    missing: tuple[tuple[str, str], ...]


def assign_splits(
    samples: Iterable[Sample],
    group_of: Mapping[str, str],
    ratios: Mapping[str, float] = DEFAULT_RATIOS,
    *,
    seed: int = 0,
    fixed: Mapping[str, str] | None = None,
) -> Splits:
    """Splits in the asked ratios, no group in two of them.

    The result depends on the samples, not on their order. Images in `fixed` stay where they
    are, and their groups with them: give the splits of an earlier day, and every image lands
    where it was.

    Args:
        group_of: the group of each key.
        ratios: share of the images for each split, above 0, in any unit.
        seed: another seed, another choice among equally good ones.
        fixed: the split of images that have one already.

    Raises:
        LabelloopError: no ratio, one that is not above 0, or an image that is fixed to a split
            that has no ratio.
    """
    ratios = _shares(ratios)
    fixed = fixed or {}
    ordered = sorted(samples, key=lambda sample: sample.key)
    strangers = sorted({fixed[sample.key] for sample in ordered if sample.key in fixed} - ratios.keys())
    if strangers:
        raise LabelloopError(
            f"splits must be among {', '.join(ratios)}, received {', '.join(strangers)} for images that have one"
        )
    members: dict[str, list[Sample]] = {}
    for sample in ordered:
        members.setdefault(group_of[sample.key], []).append(sample)
    chosen, torn = _fixed_groups(members, fixed)
    balance = _Balance(members, ratios)
    for group, split in chosen.items():
        balance.put(group, split)
    free = [group for group in members if group not in chosen and group not in torn]
    tie = {group: blake2b(f"{seed}/{group}".encode(), digest_size=8).digest() for group in free}
    for group in sorted(free, key=lambda group: (balance.rarity(group), -len(members[group]), tie[group])):
        chosen[group] = balance.best(group, tie[group])
        balance.put(group, chosen[group])
    _refine(balance, chosen, sorted(free, key=tie.__getitem__))
    split_of: dict[str, str | None] = {}
    for sample in ordered:
        group = group_of[sample.key]
        split_of[sample.key] = fixed.get(sample.key) if group in torn else chosen[group]
    unassigned = tuple(key for key, split in split_of.items() if split is None)
    return Splits(
        split_of, {key: group_of[key] for key in split_of}, unassigned, _missing(ordered, split_of, list(ratios))
    )


def parse_ratios(text: str) -> dict[str, float]:
    """The ratios that `70/15/15`, `80/20` or `train=70,test=30` say.

    Raises:
        LabelloopError: it says no ratios.
    """
    try:
        if "=" in text:
            pairs = [part.split("=", 1) for part in text.replace("/", ",").split(",")]
        else:
            shares = text.replace(",", "/").split("/")
            pairs = list(zip(("train", "val", "test")[: len(shares)], shares, strict=True))
        ratios = {name.strip(): float(share) for name, share in pairs}
    except ValueError as error:
        raise LabelloopError(f"ratios must be as 70/15/15 or train=80,test=20, received {text!r}") from error
    _shares(ratios)
    return ratios


def _shares(ratios: Mapping[str, float]) -> dict[str, float]:
    total = sum(ratios.values())
    if not ratios or not all(0 < share < float("inf") for share in ratios.values()) or "" in ratios:
        raise LabelloopError(f"ratios must be named and above 0, received {dict(ratios)}")
    return {split: share / total for split, share in ratios.items()}


def _fixed_groups(members: Mapping[str, Sequence[Sample]], fixed: Mapping[str, str]) -> tuple[dict[str, str], set[str]]:
    chosen: dict[str, str] = {}
    torn: set[str] = set()
    for group, samples in members.items():
        splits = {fixed[sample.key] for sample in samples if sample.key in fixed}
        if len(splits) == 1:
            chosen[group] = splits.pop()
        elif splits:
            torn.add(group)
    return chosen, torn


class _Balance:
    """How much of each feature each split has, and what it should have.

    A feature is something to be spread evenly: images, images and boxes of a class, boxes
    of a size, negatives, images not labelled yet.
    """

    def __init__(self, members: Mapping[str, Sequence[Sample]], ratios: Mapping[str, float]) -> None:
        self._ratios = ratios
        self._features = {group: _features(samples) for group, samples in members.items()}
        self._total: Counter[str] = Counter()
        self._groups: Counter[str] = Counter()
        for features in self._features.values():
            self._total.update(features)
            self._groups.update(features.keys())
        self._has: dict[str, Counter[str]] = {split: Counter() for split in ratios}

    def rarity(self, group: str) -> int:
        """In how few groups the group's rarest feature occurs."""
        return min(self._groups[feature] for feature in self._features[group])

    def put(self, group: str, split: str, sign: int = 1) -> None:
        """Add a group to a split, or take it out with sign -1."""
        has = self._has[split]
        for feature, count in self._features[group].items():
            has[feature] += sign * count

    def cost(self, group: str, split: str) -> float:
        """By how much the squared distance from the shares grows when the group comes to the split."""
        has, share = self._has[split], self._ratios[split]
        grows = 0.0
        for feature, count in self._features[group].items():
            total = self._total[feature]
            off = has[feature] - share * total
            # Images count double: a user sees first whether 70 % are 70 %.
            grows += (2.0 if feature == "images" else 1.0) * ((off + count) ** 2 - off**2) / (share * total * total)
        return grows

    def best(self, group: str, tie: bytes) -> str:
        """The split that the group improves most; among equals, one that the tie picks."""
        costs = [(round(self.cost(group, split), 12), split) for split in self._ratios]
        least = min(costs)[0]
        among = [split for cost, split in costs if cost == least]
        return among[tie[0] % len(among)]


def _refine(balance: _Balance, chosen: dict[str, str], free: Sequence[str]) -> None:
    """Move groups, one at a time, while that brings the splits closer to their shares."""
    for _ in range(_PASSES):
        moved = False
        for group in free:
            before = chosen[group]
            balance.put(group, before, -1)
            after = balance.best(group, b"\0")
            if balance.cost(group, after) < balance.cost(group, before) - 1e-12:
                chosen[group], moved = after, True
            balance.put(group, chosen[group])
        if not moved:
            return


def _features(samples: Sequence[Sample]) -> dict[str, int]:
    features: Counter[str] = Counter()
    for sample in samples:
        features["images"] += 1
        if sample.state != "labelled":
            features[f"state {sample.state}"] += 1
        if sample.label is not None:
            features[f"label {sample.label}"] += 1
        for label in {box.label for box in sample.boxes}:
            features[f"images with {label}"] += 1
        area = sample.size[0] * sample.size[1]
        for box in sample.boxes:
            features[f"boxes of {box.label}"] += 1
            part = (box.x2 - box.x1) * (box.y2 - box.y1) / area
            features[next(name for limit, name in _SIZES if part < limit)] += 1
    return dict(features)


def _missing(
    samples: Iterable[Sample], split_of: Mapping[str, str | None], splits: Sequence[str]
) -> tuple[tuple[str, str], ...]:
    seen: set[tuple[str, str]] = set()
    for sample in samples:
        split = split_of[sample.key]
        labels = {box.label for box in sample.boxes} | ({sample.label} if sample.label is not None else set[str]())
        seen.update((label, split) for label in labels if split is not None)
    classes = sorted({label for label, _ in seen})
    return tuple((label, split) for label in classes for split in splits if (label, split) not in seen)
