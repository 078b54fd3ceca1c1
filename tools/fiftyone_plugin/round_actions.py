"""Suspects and rounds from the browser: find them, send the best to the desk, and say what that bought."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from ...datasets.errors import LabelloopError
from .forms import Choice, Field, Note, Place, Progress, Said, Show, Step, Switch, Text, Values
from .inspection_actions import done_runs
from .jobs import read_answer, watch_command
from .markdown import markdown_list
from .names import ROUNDS
from .values import number_of, whole_of

_LAST, _FOLDS = "those found last", "folds"


def suspects_form(place: Place, values: Values) -> Sequence[Field]:
    """From whose predictions."""
    from ...training.suspects.suspect import read_suspects

    found = read_suspects(place.workspace, place.window.ledger.folder.name)
    runs = {run.id: f"what {run.id} says ({run.plan.model})" for run in reversed(done_runs(place))}
    sources = {
        **({_LAST: f"show the {len(found.suspects)} that were found last"} if found else {}),
        **runs,
        _FOLDS: "train on parts, and ask about the rest: slow, and the most honest",
    }
    chosen = str(values.get("source") or next(iter(sources)))
    fields: list[Field] = [
        Note("Labels that are probably wrong, ranked by what mending them is worth a minute."),
        Choice("source", "From", sources, next(iter(sources))),
    ]
    if chosen == _FOLDS:
        fields.append(Text("folds", "Parts", "5"))
        fields.append(Note("Trains a model for each part. It goes on when this page is closed."))
    elif chosen in runs:
        what = "Judge the images that it learned from too, marked as such: it finds fewer mistakes there than there are"
        fields.append(Switch("in_sample", what))
    return fields


def suspects_run(place: Place, values: Values) -> Iterator[Step]:
    """Find suspects, and show them."""
    from ...training.suspects.suspect import read_suspects
    from ..window_suspects import show_suspects

    name = place.window.ledger.folder.name
    found = read_suspects(place.workspace, name)
    runs = [run.id for run in done_runs(place)]
    source = str(values.get("source") or (_LAST if found else (runs[-1] if runs else _FOLDS)))
    if source != _LAST:
        asked = ["--folds", str(whole_of(values, "folds", 5))] if source == _FOLDS else ["--run", source]
        asked += ["--in-sample"] if source != _FOLDS and values.get("in_sample") else []
        yield from _watched(place, ["suspects", name, "--no-window", *asked], "suspects", "looking for suspects")
        found = read_suspects(place.workspace, name)
    if found is None or not found.suspects:
        yield Said("No label is a suspect.")
        return
    yield Progress("showing them", 0.95)
    show_suspects(place.window, found)
    images = found.images()
    said = f"{len(found.suspects)} suspects on {len(images)} images; the saved view suspects has them, the best first."
    first = "\n".join(f"{each.key}: {each.suspects[0].reason}" for each in images[:10])
    yield Said(said, markdown_list(first), changed=True, panel=ROUNDS)


def start_form(place: Place, values: Values) -> Sequence[Field]:
    """How much to send."""
    from ...training.suspects.suspect import read_suspects

    ledger = place.window.ledger
    found = read_suspects(place.workspace, ledger.folder.name)
    if found is None:
        return (Note("Nobody has looked for suspects yet: Find suspects does.", "warning"),)
    fields: list[Field] = [
        Note(
            "Sends the best suspects to Label Studio, with a tenth of images drawn by chance among them, unmarked. Images"
            " of the split test show no labels."
        ),
        Text("budget", "Images at most", "60"),
        Text("minutes", "Or so many minutes of work", help="empty: as many images as said above"),
    ]
    if found.version != ledger.version():
        fields.append(Note(f"They were found at version {found.version}; labels may have changed since.", "warning"))
        fields.append(Switch("anyway", "Leave out the images that changed, and go on"))
    return fields


def start_run(place: Place, values: Values) -> Iterator[Step]:
    """Send a round."""
    from ..desks import open_desk
    from ..round_reports import started_text
    from ..rounds import Asked, plan_round, send_round

    ledger = place.window.ledger
    budget = whole_of(values, "budget", 60)
    if budget < 2:
        raise LabelloopError(f"a round must have 2 images at least, received {budget}")
    asked = Asked(budget, number_of(values, "minutes", 0.0), anyway=bool(values.get("anyway")))
    yield Progress("choosing", 0.1)
    planned = plan_round(place.workspace, ledger, asked)
    yield Progress("asking Label Studio", 0.3)
    with open_desk(place.workspace, ledger.folder.name) as desk:
        yield Progress("sending", 0.5)
        round, reports = send_round(place.workspace, ledger, desk, planned, asked)
    yield Show([each.key for each in round.images])
    first, _, rest = started_text(round, reports).partition("\n")
    yield Said(first, markdown_list(rest), panel=ROUNDS)


def report_form(place: Place, values: Values) -> Sequence[Field]:
    """Which round, and whether to train for it."""
    from ...training.rounds.round import list_rounds
    from ..rounds import status_of

    ledger = place.window.ledger
    rounds = list_rounds(place.workspace, ledger.folder.name)
    if not rounds:
        return (Note("No round was sent yet: Start a round sends one."),)
    names = {str(each.number): f"{each.id} · {len(each.images)} images" for each in reversed(rounds)}
    chosen = next((each for each in rounds if str(each.number) == str(values.get("round"))), rounds[-1])
    status = status_of(place.workspace, ledger, chosen)
    fields: list[Field] = [
        Choice("round", "Round", names, str(chosen.number)),
        Note(f"{len(status.done)} of {len(chosen.images)} images are done, as of the last pull."),
        Switch("train", "Train the new model, as the old one was", help="it goes on when this page is closed"),
    ]
    if status.differ:
        fields.append(
            Switch(
                "settle",
                f"Take blind answers about test first: on {len(status.differ)} images they and the labels differ",
            )
        )
    return fields


def report_run(place: Place, values: Values) -> Iterator[Step]:
    """Say what a round bought."""
    from ...datasets.window import UncommittedEdits, refresh_window
    from ...training.rounds.round import find_round
    from ..rounds import settle_blind

    ledger = place.window.ledger
    name = ledger.folder.name
    round = find_round(place.workspace, name, whole_of(values, "round", 0))
    before, text = ledger.version(), ""
    if values.get("settle"):
        yield Progress("taking blind answers", 0.05)
        taken, _ = settle_blind(place.workspace, ledger, round)
        text = f"{taken} blind answers became labels of test."
    words = ["round", "report", name, "--round", str(round.number), "--author", place.author]
    train = ["--train"] if values.get("train") else []
    yield from _watched(
        place, [*words, *train], f"round-{round.number}", "training and judging" if train else "judging"
    )
    answer = read_answer(place.workspace.rounds(name) / f".round-{round.number}")
    if ledger.version() != before:
        yield Progress("refreshing the window", 0.95)
        try:
            refresh_window(place.window)
        except UncommittedEdits:
            text += "\nThe window stays as it is: what was edited here is not committed yet."
    lines = [
        text,
        str(answer.get("ruler") or ""),
        *map(str, answer.get("remarks") or ()),
        f"The page: {answer['page']}",
    ]
    yield Said(str(answer["sentence"]), markdown_list("\n".join(filter(None, lines))), changed=True, panel=ROUNDS)


def _watched(place: Place, words: Sequence[str], folder: str, label: str) -> Iterator[Step]:
    """Run a command, and say at which training it is, or how long it has been at it."""
    from ...training.runs import list_runs
    from ...training.suspects.folds import folds_workspace
    from .training_actions import how_far

    name = place.window.ledger.folder.name
    began = time.monotonic()
    trains_in = (place.workspace, folds_workspace(place.workspace, name))

    def progress() -> tuple[str, float]:
        running = [run for where in trains_in for run in list_runs(where) if run.status() == "running"]
        seconds = time.monotonic() - began
        return how_far(running[-1]) if running else (f"{label}, since {seconds:.0f} s", 0.3)

    home = ["--home", str(place.workspace.home)]
    yield from watch_command([*words, *home], place.workspace.rounds(name) / f".{folder}", progress)
