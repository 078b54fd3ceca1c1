"""The desk from the browser: images to Label Studio, and answers home. Each action calls the function that its command calls."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, cast

from ...datasets.errors import LabelloopError
from .forms import Choice, Field, Note, Place, Progress, Said, Show, Step, Switch, Text, Values
from .jobs import with_progress
from .markdown import markdown_list
from .newest import show_newest

if TYPE_CHECKING:
    from ...label_config.conflicts import DeskConflict

_KEEP = "as before"
_STARTS = {"labels": "today's labels", "nothing": "nothing"}


def desk_text(place: Place) -> str:
    """In Markdown: how many tasks wait, are done and conflict, as the last push and pull knew it, and the way there; "" before those."""
    from ...label_config.desk import desk_folder, ledger_mark, read_counts, read_project
    from ..desks import address_now

    ledger = place.window.ledger
    folder = desk_folder(place.workspace, ledger.folder.name)
    counts = read_counts(folder)
    if not counts:
        return ""
    names = (("waiting", "waiting"), ("done", "done"), ("skipped", "skipped"), ("drafts", "with unsubmitted work"))
    said = [f"{counts[name]} {text}" for name, text in names if counts.get(name)]
    conflicts = len(_conflicts(place))
    said += [f"**{conflicts} in conflict**"] if conflicts else []
    address, project = address_now(place.workspace), read_project(folder, ledger_mark(ledger))[0]
    way = f"[Open Label Studio]({address}/projects/{project}/data)" if address and project else ""
    return f"At the desk when last asked: {', '.join(said) or 'nothing'}. {way}".strip()


def asking_desk(place: Place) -> Progress:
    """What is said before Label Studio answers, whose first start takes long."""
    from ..desks import is_first_start

    first = "; its first start takes a minute or two" if is_first_start(place.workspace) else ""
    return Progress(f"asking Label Studio{first}", 0.4)


def push_form(place: Place, values: Values) -> Sequence[Field]:
    """Which images to send, and what people start from."""
    from ...training.rounds.frozen_split import is_frozen
    from ...training.rounds.round import TEST

    fields: list[Field] = [
        Note(
            f"Sends {place.chosen()} to Label Studio, as the ledger has them. Images that are there already get no second"
            " task."
        ),
        Choice("start", "People start from", {**_STARTS, **_detectors(place)}, "labels"),
        Choice(
            "kind",
            "What people are asked for",
            {_KEEP: _KEEP, "boxes": "boxes", "image-labels": "the class of the image", "both": "both"},
            _KEEP,
        ),
        Switch("again", "Give images whose task is done a further one"),
    ]
    if is_frozen(place.workspace, place.window.ledger.folder.name):
        fields.append(
            Note(
                f"Images of the split {TEST} show neither labels nor boxes, since models are judged by them. What people say"
                " there becomes a label by *Take blind answers*."
            )
        )
    if os.environ.get("LABEL_STUDIO_URL"):
        fields.append(Text("address", "Where that server finds an image", help="https://host/photos/{key}"))
    return fields


def push_run(place: Place, values: Values) -> Iterator[Step]:
    """Send the images."""
    from ...label_config.config import Kind
    from ...label_config.push import push
    from ..desk_reports import push_text
    from ..desk_starts import blind_of, start_of
    from ..desks import open_desk

    ledger = place.window.ledger
    start, keys = str(values.get("start") or "labels"), place.selected()
    blind = blind_of(place.workspace, ledger, keys, start)
    shown = [key for key in keys if key not in blind]
    predictions = None
    if start not in _STARTS:
        predictions = yield from with_progress(
            f"{start} looks at the images", lambda count: start_of(place.workspace, ledger, shown, start, count), 0, 0.4
        )
    yield asking_desk(place)
    kind = str(values.get("kind") or _KEEP)
    with open_desk(place.workspace, ledger.folder.name, str(values.get("address") or "")) as desk:
        report = yield from with_progress(
            "sending",
            lambda count: push(
                ledger, desk.client, desk.folder, desk.images, keys,
                kind=None if kind == _KEEP else cast("Kind", kind), start=start, predictions=predictions,
                blind=blind, again=bool(values.get("again")), progress=count,
            ), 0.5, 1,
        )  # fmt: skip
    said, address, *more = push_text(ledger.folder.name, report, in_browser=True).splitlines()
    yield Said(" ".join([f"{said}.", *more]), f"[Open Label Studio]({address})")


def push_now(place: Place) -> str:
    """Send the images that are selected, or those of a view of some, with today's labels; what was done, in a sentence or two.

    Raises:
        LabelloopError: neither is some of the images; all of them at once are sent by the form alone.
    """
    keys = place.selected()
    if place.everything and len(keys) >= place.window.collection().estimated_document_count():
        raise LabelloopError("Select images, or show some of them: Push to the desk sends all at once")
    *_, said = push_run(place, {})
    return said.sentence if isinstance(said, Said) else ""


def pull_form(place: Place, values: Values) -> Sequence[Field]:
    """What a pull will do."""
    from ...datasets.window import find_edits

    fields: list[Field] = [
        Note("Takes what people submitted in Label Studio into the ledger, in their names, and shows it here."),
        Switch("show", "Show the images that changed"),
    ]
    if find_edits(place.window):
        fields.append(Note("What was edited here is not committed yet: the window stays as it is.", "warning"))
    return fields


def pull_run(place: Place, values: Values) -> Iterator[Step]:
    """Take answers home, and show them."""
    from ...label_config.pull import pull
    from ..blind_answers import those_blind
    from ..desk_reports import pull_text
    from ..desks import open_desk
    from ..window_conflicts import show_conflicts

    ledger = place.window.ledger
    before = ledger.version()
    yield asking_desk(place)
    with open_desk(place.workspace, ledger.folder.name) as desk:
        report = yield from with_progress(
            "merging", lambda count: pull(ledger, desk.client, desk.folder, desk.images, progress=count), 0.4, 0.8
        )
    blind = [each.id for each in those_blind(place.workspace, ledger, report.open)]
    text = pull_text(ledger.folder.name, report, blind, in_browser=True)
    if report.commits:
        yield Progress("refreshing the window", 0.8)
        text += f"\n{show_newest(place)}".rstrip()
        if values.get("show"):
            yield Show(sorted({change.key for change in ledger.changes(before, ledger.version())}))
    show_conflicts(place.workspace, place.window)
    first, _, rest = text.partition("\n")
    yield Said(first, markdown_list(rest), changed=bool(report.commits))


def conflicts_form(place: Place, values: Values) -> Sequence[Field]:
    """What contradicts."""
    from ..blind_answers import those_blind
    from ..desk_reports import blind_conflicts_text, conflicts_text

    found = _conflicts(place)
    blind = those_blind(place.workspace, place.window.ledger, found)
    text = conflicts_text(found, blind_conflicts_text(len(blind), "Take blind answers"))
    first, _, rest = text.partition("\n")
    return (Note(first), Note(markdown_list(rest))) if rest else (Note(first),)


def conflicts_run(place: Place, values: Values) -> Iterator[Step]:
    """Show the images with conflicts."""
    from ..window_conflicts import show_conflicts

    found = show_conflicts(place.workspace, place.window)
    if found:
        yield Show(sorted({each.key for each in found}))
    yield Said(
        f"{len(found)} conflicts." if found else "No conflicts.",
        "Correct the label here and commit it, or settle them by `labelloop conflicts`." if found else "",
    )


def _detectors(place: Place) -> dict[str, str]:
    """The detectors' runs that are done, the newest first."""
    from ...training.runs import list_runs

    runs = list_runs(place.workspace, place.window.ledger.folder.name)
    done = [run for run in reversed(runs) if run.plan.kind == "detector" and run.status() == "done"]
    return {run.id: f"the boxes that {run.id} finds ({run.plan.model})" for run in done}


def _conflicts(place: Place) -> list[DeskConflict]:
    from ...label_config.desk import desk_folder
    from ...label_config.pull import open_conflicts

    ledger = place.window.ledger
    return open_conflicts(ledger, desk_folder(place.workspace, ledger.folder.name))
