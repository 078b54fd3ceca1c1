"""The split of a data set: groups by the recipe, by equal bytes and by likeness, then splits that respect them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .copies import find_copies
from .errors import LabelloopError
from .findings import Findings
from .groups import merge_groups
from .reading import Progress
from .schema import Sample
from .splits import DEFAULT_RATIOS, Splits, assign_splits

if TYPE_CHECKING:
    from .embeddings import Embedder


@dataclass(frozen=True, slots=True)
class Near:
    """Two images that must stay together, by their keys, and why."""

    first: str
    second: str
    similarity: float
    reason: str


@dataclass(frozen=True, slots=True)
class Splitting:
    """A split, what it rests on, and what is wrong with it.

    `near` are the pairs found in the images; `findings` names images that could not be
    compared, and groups that an earlier split has torn.
    """

    splits: Splits
    near: tuple[Near, ...]
    findings: Findings


def split_samples(
    samples: Sequence[Sample],
    ratios: Mapping[str, float] = DEFAULT_RATIOS,
    *,
    seed: int = 0,
    fixed: Mapping[str, str] | None = None,
    embedder: Embedder | None = None,
    progress: Progress | None = None,
) -> Splitting:
    """Splits for samples, leak-proof as far as names, bytes and (with an embedder) pictures tell.

    An image that links groups of two earlier splits goes into no split: whichever it
    went into, the other side would have seen it.

    Args:
        ratios, seed, fixed: as `assign_splits`.
        embedder: finds near-duplicates; None looks at names and bytes only.

    Raises:
        LabelloopError: as `assign_splits`.
    """
    findings = Findings()
    near = tuple(Near(first.key, copy.key, 1.0, "the same bytes") for first, copy in find_copies(samples))
    if embedder is not None:
        known = {(pair.first, pair.second) for pair in near}
        found = find_near(samples, embedder, findings, progress)
        near += tuple(pair for pair in found if (pair.first, pair.second) not in known)
    named = {sample.key: sample.group for sample in samples}
    links = [(pair.first, pair.second) for pair in near]
    groups = merge_groups(named, named, links)
    splits = assign_splits(samples, groups, ratios, seed=seed, fixed=fixed)
    if splits.unassigned:
        apart = set(splits.unassigned)
        for key in splits.unassigned:
            findings.add(
                "split-leak", key, "image belongs together with images of two splits; it is left out of all of them"
            )
        named = {key: None if key in apart else group for key, group in named.items()}
        groups = merge_groups(named, named, [link for link in links if not apart & set(link)])
        rest = [sample for sample in samples if sample.key not in apart]
        again = assign_splits(rest, groups, ratios, seed=seed, fixed=fixed)
        split_of = {key: again.split_of.get(key) for key in splits.split_of}
        splits = Splits(split_of, {key: groups[key] for key in split_of}, splits.unassigned, again.missing)
    _find_torn(splits, findings)
    return Splitting(splits, near, findings)


def _find_torn(splits: Splits, findings: Findings) -> None:
    """Add to the findings the images that were fixed to another split than the first image of their group."""
    first: dict[str, str] = {}
    for key, split in splits.split_of.items():
        if split is not None:
            other = first.setdefault(splits.group_of[key], key)
            if splits.split_of[other] != split:
                message = (
                    f"image is in {split}, and {other}, which belongs together with it, in {splits.split_of[other]}"
                )
                findings.add("split-leak", key, message)


def find_near(
    samples: Sequence[Sample], embedder: Embedder, findings: Findings, progress: Progress | None = None
) -> tuple[Near, ...]:
    """The pairs of images that show the same shot; images that cannot be compared become findings.

    Images that a label file carries inside it are left out, and counted as such.
    """
    from .near_duplicates import find_near_duplicates

    seen = [sample for sample in samples if not sample.embedded]
    for sample in samples:
        if sample.embedded:
            findings.add(
                "unreadable-image", sample.key, "image is inside its label file and is not compared with others"
            )
    found = find_near_duplicates([sample.path for sample in seen], embedder=embedder, progress=progress)
    for index, message in found.problems:
        findings.add("unreadable-image", seen[index].key, f"image is not compared with others: {message}")
    return tuple(
        Near(seen[pair.first].key, seen[pair.second].key, pair.similarity, pair.reason) for pair in found.pairs
    )


def load_embedder_or_say(model: str | None, cache: Path | None) -> Embedder:
    """The embedder for near-duplicates.

    Raises:
        LabelloopError: none is to be had; the text says what to install, and how to split without.
    """
    try:
        from .embeddings import load_embedder

        return load_embedder(model, cache=cache)
    except ModuleNotFoundError as error:
        raise LabelloopError(
            f"near-duplicates need {error.name}, which is not installed: pip install 'labelloop[split]';"
            " --no-near-duplicates splits by names and equal bytes alone"
        ) from error
