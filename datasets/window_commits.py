"""From the window into the ledger: what was edited is committed, and the window shows the new version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from .errors import LabelloopError
from .fidelity import summary
from .ledger import Commit, CommitConflict
from .merging import merge_samples
from .schema import Sample
from .window import Edits, UncommittedEdits, Window, find_edits, refresh_window

TOOL = "window"

OnConflict = Literal["refuse", "mine", "ledger"]
"""What becomes of an edit that others contradicted in the ledger: nothing is committed, or one side is taken."""


@dataclass(frozen=True, slots=True)
class WindowCommit:
    """What a commit from the window did.

    `commit` is None where nothing was edited. `window` shows the new version, or still the
    old one where `waiting` says which edits keep it from being refreshed.
    """

    commit: Commit | None
    edits: Edits
    window: Window
    waiting: str = ""


def commit_window(
    window: Window,
    *,
    author: str,
    message: str,
    on_conflict: OnConflict = "refuse",
    remove: bool = False,
    new_classes: bool = False,
    skip_bad: bool = False,
) -> WindowCommit:
    """Commit what was edited in a window, and bring the window to the version that this made.

    Args:
        on_conflict: what to do where others changed the same in the ledger since.
        remove: images that were deleted in the window go from the ledger.
        new_classes: take labels that are not among the classes; they become classes.
        skip_bad: leave out edits that cannot be taken, instead of committing nothing.

    Raises:
        CommitConflict: others changed the same, and `on_conflict` is `refuse`.
        LabelloopError: an edit cannot be taken; the text has the first ten.
    """
    edits = find_edits(window, new_classes=new_classes)
    if edits.problems and not skip_bad:
        problems = [str(problem) for problem in edits.problems]
        raise LabelloopError(summary("edits cannot be committed as they are, and nothing was", problems))
    wanted = edits.to_commit(remove=remove)
    base, ledger = window.version, window.ledger
    while True:
        try:
            commit = ledger.commit(wanted, base=base, author=author, tool=TOOL, message=message) if wanted else None
            break
        except CommitConflict:
            if on_conflict == "refuse":
                raise
            head = ledger.version()
            wanted = _decided(window, wanted, head, mine=on_conflict == "mine")
            base = head
    try:
        return WindowCommit(commit, edits, refresh_window(window).window)
    except UncommittedEdits as still:
        return WindowCommit(commit, edits, window, str(still))


def _decided(window: Window, wanted: dict[str, Sample | None], head: int, *, mine: bool) -> dict[str, Sample | None]:
    """The edits on top of a later version, with one side taken wherever the two contradict each other."""
    ledger = window.ledger
    past = _by_key(ledger.samples(window.version, keys=wanted))
    now = _by_key(ledger.samples(head, keys=wanted))
    return {
        key: merge_samples(past.get(key), *((edit, now.get(key)) if mine else (now.get(key), edit))).sample
        for key, edit in wanted.items()
    }


def _by_key(samples: Sequence[Sample]) -> dict[str, Sample]:
    return {sample.key: sample for sample in samples}
