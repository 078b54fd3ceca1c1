"""What people at the desk start from: today's labels, nothing, or what a run finds on the very images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from ..datasets.errors import LabelloopError
from ..datasets.ledger import Ledger
from ..datasets.reading import Progress
from ..datasets.schema import Box
from ..datasets.workspace import Workspace
from ..label_config.tasks import LABELS, NOTHING
from ..training.rounds.frozen_split import is_frozen
from ..training.rounds.round import TEST


def start_of(
    workspace: Workspace, ledger: Ledger, keys: Sequence[str], start: str, progress: Progress | None = None
) -> Mapping[str, Sequence[Box]] | None:
    """The boxes by key where the start is a run, found now; None where it is `labels` or `nothing`.

    Raises:
        LabelloopError: no such run, one that cannot detect, or one that knows classes that the data set has not.
    """
    if start in (LABELS, NOTHING):
        return None
    from ..training.detecting import detect
    from ..training.runs import find_run

    run = find_run(workspace, start)
    strangers = [name for name in run.plan.classes if name not in ledger.classes()]
    if strangers:
        raise LabelloopError(
            f"{run.id} knows {', '.join(strangers)}, which {ledger.folder.name} has not as a class (any more):"
            " a run on the data set as it is now can be the start"
        )
    return detect(run, ledger.samples(keys=keys), progress=progress) if keys else {}


def blind_of(workspace: Workspace, ledger: Ledger, keys: Sequence[str], start: str = LABELS) -> frozenset[str]:
    """Those of these images that must start with nothing, whatever the others start with: of a frozen test split.

    They are the ruler by which models are judged. Labels that people correct where a model complains, or make from its boxes, soon
    agree with it: so no model's boxes ever go with an image of test, and no labels once a model has been judged.
    """
    asks_model = start not in (LABELS, NOTHING)
    if not asks_model and not is_frozen(workspace, ledger.folder.name):
        return frozenset()
    rows = ledger.frame(keys=keys).filter(pl.col("split") == TEST)
    if not asks_model:  # where nobody has labelled yet there is nothing to hide
        rows = rows.filter(pl.col("state") != "unlabelled")
    return frozenset(rows["key"].to_list())
