"""What people at the desk start from: today's labels, nothing, or what a run finds on the very images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..datasets.errors import LabelloopError
from ..datasets.ledger import Ledger
from ..datasets.reading import Progress
from ..datasets.schema import Box
from ..datasets.workspace import Workspace
from ..label_config.tasks import LABELS, NOTHING


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
    return detect(run, ledger.samples(keys=keys), progress=progress)
