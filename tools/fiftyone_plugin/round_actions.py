"""Suspects and rounds from the browser: find them, send the best to the desk, and say what that bought."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from ...datasets.errors import LabelloopError
from .desk_actions import asking_desk
from .forms import Choice, Field, Note, Place, Progress, Said, Show, Step, Switch, Text, Values
from .inspection_actions import done_runs
from .jobs import read_answer, watch_command, with_progress
from .markdown import markdown_list
from .names import ROUNDS
from .newest import show_newest
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
    from ..rounds import open_suspects
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
    left = open_suspects(place.workspace, place.window.ledger, found)
    yield Progress("showing them", 0.95)
    show_suspects(place.window, left)
    images = left.images()
    if not images:
        yield Said("Rounds have brought back all images with suspects.", changed=True)
        return
    said = f"{len(left.suspects)} suspects on {len(images)} images; the saved view suspects has them, the best first."
    gone = len(found.images()) - len(images)
    said += f" {gone} further images with suspects came back from a round already." if gone else ""
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
    planned = yield from with_progress(
        "choosing", lambda count: plan_round(place.workspace, ledger, asked, count), 0, 0.4
    )
    yield asking_desk(place)
    with open_desk(place.workspace, ledger.folder.name) as desk:
        round, reports = yield from with_progress(
            "sending", lambda count: send_round(place.workspace, ledger, desk, planned, asked, count), 0.5, 1
        )
    yield Show([each.key for each in round.images])
    first, _, rest = started_text(round, reports, in_browser=True).partition("\n")
    yield Said(first, markdown_list(rest), panel=ROUNDS)


def report_form(place: Place, values: Values) -> Sequence[Field]:
    """Which round, and whether to train for it."""
    from ...training.rounds.round import list_rounds
    from ..blind_answers import blind_differences
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
    if blind_differences(place.workspace, ledger, chosen):
        fields.append(Switch("settle", "Take blind answers first: some differ from the labels of test"))
    return fields


def report_run(place: Place, values: Values) -> Iterator[Step]:
    """Say what a round bought."""
    from ...training.rounds.round import find_round
    from ..blind_answers import settle_blind
    from ..round_reports import settled_blind_text

    ledger = place.window.ledger
    name = ledger.folder.name
    round = find_round(place.workspace, name, whole_of(values, "round", 0))
    before, text = ledger.version(), ""
    if values.get("settle"):
        yield Progress("taking blind answers", 0.05)
        text = settled_blind_text(name, round, settle_blind(place.workspace, ledger, round))
    words = ["round", "report", name, "--round", str(round.number), "--author", place.author]
    train = ["--train"] if values.get("train") else []
    yield from _watched(
        place, [*words, *train], f"round-{round.number}", "training and judging" if train else "judging"
    )
    answer = read_answer(place.workspace.rounds(name) / f".round-{round.number}")
    if ledger.version() != before:
        yield Progress("refreshing the window", 0.95)
        text += f"\n{show_newest(place)}"
    lines = [
        text,
        str(answer.get("ruler") or ""),
        *map(str, answer.get("remarks") or ()),
    ]
    told = filter(None, "\n".join(lines).splitlines())
    sentence, page = str(answer["sentence"]), Path(str(answer["page"]))
    yield Said(sentence, markdown_list("\n".join(told)), changed=True, page=page, panel=ROUNDS)


def settle_form(place: Place, values: Values) -> Sequence[Field]:
    """How many blind answers differ from the labels."""
    from ..blind_answers import blind_differences

    found = blind_differences(place.workspace, place.window.ledger)
    images = len({each.key for each in found})
    if not found:
        return (Note("No blind answer differs from the labels of test, as of the last pull."),)
    return (
        Note(
            f"On {images} images of test people who did not see the labels say otherwise, in {len(found)} places. What they say"
            " becomes the label; boxes drawn only a little otherwise stay."
        ),
    )


def settle_run(place: Place, values: Values) -> Iterator[Step]:
    """Take blind answers, and show them."""
    from ..blind_answers import settle_blind
    from ..round_reports import settled_blind_text

    ledger = place.window.ledger
    before = ledger.version()
    yield Progress("taking blind answers", 0.2)
    done = settle_blind(place.workspace, ledger)
    kept = ""
    if ledger.version() != before:
        yield Progress("refreshing the window", 0.7)
        kept = show_newest(place)
    said, _, rest = settled_blind_text(ledger.folder.name, None, done).partition("\n")
    yield Said(f"{said}. {kept}".strip(), markdown_list(rest), changed=ledger.version() != before, panel=ROUNDS)


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
