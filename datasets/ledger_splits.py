"""The split of a data set in the ledger: worked out from what is there, committed like every other change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from .ledger import Commit, Ledger
from .reading import Dataset, Progress
from .split_files import apply_splits, assigned
from .splits import DEFAULT_RATIOS
from .splitting import Splitting, split_samples
from .versions import read_version

if TYPE_CHECKING:
    from .embeddings import Embedder


@dataclass(frozen=True, slots=True)
class LedgerSplit:
    """What a split found and did; `commit` is None where every image is in its split already."""

    dataset: Dataset
    splitting: Splitting
    commit: Commit | None


def split_ledger(
    ledger: Ledger,
    ratios: Mapping[str, float] = DEFAULT_RATIOS,
    *,
    author: str,
    seed: int = 0,
    anew: bool = False,
    fixed: Mapping[str, str] | None = None,
    embedder: Embedder | None = None,
    progress: Progress | None = None,
) -> LedgerSplit:
    """Put every image of a ledger into a split, and commit that.

    Images that are in a split stay in it, and new ones go to the side of their group.

    Args:
        anew: forget the splits of today.
        fixed: the split of some images, by key.
        Otherwise as `split_samples`.

    Raises:
        LabelloopError: as `split_samples`, or there are no images.
        CommitConflict: somebody changed the same in the meantime.
    """
    base = ledger.version()
    dataset = read_version(ledger, base)
    samples = dataset.samples
    if anew:
        samples = tuple(replace(sample, split=None) for sample in samples)
    known = {sample.key: sample.split for sample in samples if sample.split}
    known.update(fixed or {})
    found = split_samples(samples, ratios, seed=seed, fixed=known, embedder=embedder, progress=progress)
    changed = {sample.key: sample for sample in apply_splits(samples, assigned(found.splits))}
    shares = ", ".join(f"{name} {share:g}" for name, share in ratios.items())
    commit = ledger.commit(
        changed, base=base, author=author, tool="split", message=f"split into {shares}, seed {seed}",
        details={"ratios": shares, "seed": str(seed), "near_duplicates": "yes" if embedder else "no"},
    )  # fmt: skip
    return LedgerSplit(dataset, found, commit)
