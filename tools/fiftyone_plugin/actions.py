"""What can be done from the browser. Each action calls the function that its command calls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

from ...datasets.errors import LabelloopError
from .desk_actions import conflicts_form, conflicts_run, pull_form, pull_run, push_form, push_run
from .forms import Action, Choice, Field, Note, Place, Progress, Said, Show, Step, Switch, Text, Values
from .inspection_actions import inspect_form, inspect_run
from .markdown import cell, markdown_list
from .newest import show_newest
from .round_actions import (
    report_form,
    report_run,
    settle_form,
    settle_run,
    start_form,
    start_run,
    suspects_form,
    suspects_run,
)
from .training_actions import (
    compare_form,
    compare_run,
    preview_form,
    preview_run,
    run_form,
    run_run,
    train_form,
    train_run,
)

_SHOWN = 30


def commit_form(place: Place, values: Values) -> Sequence[Field]:
    """What was edited, and what to say of it."""
    from ...datasets.window import find_edits

    wanted = bool(values.get("new_classes"))
    edits = find_edits(place.window, new_classes=wanted)
    refused = bool(edits.problems)
    # With new classes taken fewer edits are refused: those that the switch would let in are worth asking about.
    asks = wanted or (refused and len(find_edits(place.window, new_classes=True).problems) < len(edits.problems))
    if not edits and not refused:
        return (Note("Nothing was edited since this version."),)
    fields: list[Field] = [Note(f"Edited: **{edits.summary()}**")]
    fields += [Note(str(problem), "warning") for problem in edits.problems[:5]]
    fields.append(Text("message", "What was done and why"))
    fields.append(Text("author", "Who did it", place.author))
    if asks:
        fields.append(Switch("new_classes", "Labels that are no class yet become classes"))
    if refused:
        fields.append(Switch("skip_bad", "Leave out what cannot be taken"))
    if edits.removed:
        fields.append(
            Switch("remove", f"Take the {len(edits.removed)} images that were deleted here from the ledger too")
        )
    if place.window.ledger.version() != place.window.version:
        fields.append(
            Choice(
                "on_conflict",
                "Where others changed the same since",
                {"refuse": "commit nothing", "mine": "take this window's side", "ledger": "take the ledger's side"},
                "refuse",
            )
        )
    return fields


def commit_run(place: Place, values: Values) -> Iterator[Step]:
    """Commit what was edited."""
    from ...datasets.window_commits import commit_window
    from ..ledger_reports import commit_line

    yield Progress("comparing with the ledger", 0.2)
    done = commit_window(
        place.window,
        author=str(values.get("author") or place.author),
        message=str(values.get("message") or ""),
        on_conflict=values.get("on_conflict") or "refuse",
        remove=bool(values.get("remove")),
        new_classes=bool(values.get("new_classes")),
        skip_bad=bool(values.get("skip_bad")),
    )
    yield Said(f"{commit_line(done.commit)} {done.waiting}".strip(), changed=True)


def refresh_form(place: Place, values: Values) -> Sequence[Field]:
    """Which version to show."""
    ledger = place.window.ledger
    return (
        Note(f"The window shows version {place.window.version}; the ledger is at {ledger.version()}."),
        Choice("version", "Version", _versions(place), str(ledger.version())),
        Switch("discard", "Throw away what was edited here and is not committed"),
    )


def refresh_run(place: Place, values: Values) -> Iterator[Step]:
    """Bring the window to a version."""
    from ...datasets.window import refresh_window

    yield Progress("reading the ledger", 0.2)
    version = int(values.get("version") or place.window.ledger.version())
    done = refresh_window(place.window, version=version, discard=bool(values.get("discard")))
    said = f"Version {done.window.version}: {done.written} samples written, {done.added} new, {done.removed} gone."
    left = "\n".join(["Left as they are, since somebody edits them:", *done.left[:_SHOWN]]) if done.left else ""
    yield Said(said, markdown_list(left), changed=True)


def diff_form(place: Place, values: Values) -> Sequence[Field]:
    """Which two versions to compare."""
    versions = _versions(place)
    latest = place.window.ledger.version()
    return (
        Choice("before", "From version", versions, str(max(latest - 1, 0))),
        Choice("after", "To version", versions, str(latest)),
        Switch("show", "Show the images that changed"),
    )


def diff_run(place: Place, values: Values) -> Iterator[Step]:
    """Say what changed between two versions."""
    from ...datasets.changes import count_changes, count_classes, counts_text
    from ..ledger_reports import change_words

    ledger = place.window.ledger
    before, after = int(values["before"]), int(values["after"])
    yield Progress("comparing", 0.3)
    changes = ledger.changes(before, after)
    by_class = count_classes(changes, ledger.classes(after))
    table = [
        "| class | added | deleted | moved | renamed from | renamed to |",
        "|---|---|---|---|---|---|",
        *(
            f"| {cell(each.name)} | {each.added} | {each.deleted} | {each.moved} | {each.renamed_from} | {each.renamed_to} |"
            for each in by_class
        ),
        "",
    ]
    lines = table if by_class else []
    lines += [f"- {cell(change_words(change))}" for change in changes[:_SHOWN]]
    if len(changes) > _SHOWN:
        lines.append(f"- ... and {len(changes) - _SHOWN} more")
    if values.get("show"):
        yield Show(sorted({change.key for change in changes}))
    said = counts_text(count_changes(changes)) or "they say the same"
    yield Said(f"From version {before} to {after}: {said}", "\n".join(lines) if changes else "")


def split_form(place: Place, values: Values) -> Sequence[Field]:
    """How to split."""
    return (
        Note("Groups stay together, and images that are in a split stay in it."),
        Text("ratios", "train/val/test", "70/15/15", "or as train=80,test=20"),
        Text("seed", "Seed", "0"),
        Switch("near", "Look for images that show one shot", True),
        Switch("anew", "Forget the splits of today"),
        Text("author", "Who does it", place.author),
    )


def split_run(place: Place, values: Values) -> Iterator[Step]:
    """Split the whole data set, and show it."""
    from ...datasets.ledger_splits import split_ledger
    from ...datasets.splits import parse_ratios
    from ...datasets.splitting import load_embedder_or_say
    from ..ledger_reports import commit_line

    ratios = parse_ratios(str(values.get("ratios") or "70/15/15"))
    embedder = None
    if values.get("near", True):
        yield Progress("loading the model", 0.1)
        embedder = load_embedder_or_say(None, place.workspace.embeddings)
    yield Progress("looking for near-duplicates and splitting", 0.2)
    done = split_ledger(
        place.window.ledger,
        ratios,
        author=str(values.get("author") or place.author),
        seed=int(values.get("seed") or 0),
        anew=bool(values.get("anew")),
        embedder=embedder,
    )
    yield Progress("refreshing the window", 0.9)
    said = f"{commit_line(done.commit)} {len(done.splitting.near)} pairs of images show one shot. {show_newest(place)}"
    yield Said(said.strip(), changed=True)


def export_form(place: Place, values: Values) -> Sequence[Field]:
    """What to write, where to, and what it cannot hold."""
    from ...datasets import formats

    fields: list[Field] = [
        Choice("format", "Format", {name: formats.load(name).title for name in formats.writable_names()}, "yolo"),
        Text("target", "New folder", _new_folder(place), "where this server runs", required=True),
        Choice("version", "Version", _versions(place), str(place.window.ledger.version())),
        Switch("unlabelled", "Take along images that nobody has labelled yet"),
    ]
    if values.get("format"):
        fields.append(Note(_losses(place, values)))
    return fields


def export_run(place: Place, values: Values) -> Iterator[Step]:
    """Write a version in a format."""
    from ...datasets.export import export
    from ...datasets.versions import read_version, refuse_changed_images
    from ..reports import export_text

    target = Path(str(values.get("target") or "").strip()).expanduser()
    if not target.is_absolute():
        raise LabelloopError(f"the new folder must be an absolute path, received {str(target)!r}")
    yield Progress("looking at the images", 0.1)
    dataset = read_version(place.window.ledger, int(values["version"]) if values.get("version") else None)
    refuse_changed_images(dataset.samples, place.workspace.hashes)
    yield Progress("writing and reading back", 0.3)
    report = export(dataset, target, str(values.get("format") or "yolo"), unlabelled=bool(values.get("unlabelled")))
    first, _, rest = export_text(report).partition("\n")
    yield Said(first, markdown_list(rest))


def near_form(place: Place, values: Values) -> Sequence[Field]:
    """Among which images to look."""
    return (Note(f"Looks among {place.chosen()} for those that show one shot, and shows them."),)


def near_run(place: Place, values: Values) -> Iterator[Step]:
    """Find the near-duplicates of the selection, and show them."""
    from ...datasets.findings import Findings
    from ...datasets.splitting import find_near, load_embedder_or_say

    chosen = set(place.selected())
    yield Progress("loading the model", 0.1)
    embedder = load_embedder_or_say(None, place.workspace.embeddings)
    samples = place.window.ledger.samples(place.window.version)
    among = samples if not place.everything else [sample for sample in samples if sample.key in chosen]
    yield Progress("comparing pictures", 0.2)
    pairs = find_near(among, embedder, Findings())
    if not place.everything:
        pairs = tuple(pair for pair in pairs if pair.first in chosen or pair.second in chosen)
    if not pairs:
        yield Said("No two of them show one shot.")
        return
    yield Show(sorted({key for pair in pairs for key in (pair.first, pair.second)}))
    lines = [f"- {cell(f'{pair.first} and {pair.second}: {pair.reason}')}" for pair in pairs[:_SHOWN]]
    yield Said(f"{len(pairs)} pairs of images show one shot.", "\n".join(lines))


def revert_form(place: Place, values: Values) -> Sequence[Field]:
    """Which commit to undo, or the commits of which round."""
    rounds = dict.fromkeys(commit.round for commit in place.window.ledger.commits() if commit.round)
    choices = {version: text for version, text in _versions(place).items() if version != "0"}
    choices |= {name: f"{name} · all that this round brought" for name in rounds}
    return (
        Note("A new commit undoes this one; later changes that do not build upon it stay."),
        Choice("commit", "Commit", choices, str(place.window.ledger.version())),
        Text("message", "Why"),
        Text("author", "Who does it", place.author),
    )


def revert_run(place: Place, values: Values) -> Iterator[Step]:
    """Undo a commit or a round, and show the result."""
    from ...datasets.history import revert
    from ..ledger_reports import undone_text

    yield Progress("undoing", 0.3)
    chosen, why = str(values["commit"]), str(values.get("message") or "")
    done = revert(
        place.window.ledger,
        author=str(values.get("author") or place.author),
        commits=(int(chosen),) if chosen.isdecimal() else (),
        round="" if chosen.isdecimal() else chosen,
        message=f"undid {chosen}: {why}" if why else "",
    )
    yield Progress("refreshing the window", 0.8)
    kept = show_newest(place)
    first, _, rest = undone_text(done).partition("\n")
    yield Said(f"{first} {kept}".strip(), markdown_list(rest), changed=True)


def _versions(place: Place) -> dict[str, str]:
    """The versions with what is said of them, the newest first."""
    from ..ledger_reports import told

    return {
        str(commit.version): f"{commit.version} · {commit.author} · {told(commit)}"
        for commit in reversed(place.window.ledger.commits())
    }


def _new_folder(place: Place) -> str:
    """A folder beside the workspace that is not there yet."""
    first = place.workspace.home.absolute().parent / f"{place.window.ledger.folder.name}-export"
    numbered = (first.with_name(f"{first.name}-{number}") for number in count(2))
    return str(first if not first.exists() else next(each for each in numbered if not each.exists()))


def _losses(place: Place, values: Values) -> str:
    """What an export as this form asks for could not hold."""
    from ...datasets import formats
    from ...datasets.losses import project

    name = str(values["format"])
    version = int(values["version"]) if values.get("version") else None
    try:
        samples = place.window.ledger.samples(version)
        kept, losses = project(samples, formats.load(name).holds, name, bool(values.get("unlabelled")))
    except LabelloopError as error:
        return str(error)
    lines = [f"{len(kept)} images will be written."]
    if losses:
        lines += ["Not in it:", *(f"- {cell(str(loss))}" for loss in losses)]
    return "\n".join(lines)


ACTIONS = (
    Action("commit", "Commit edits", "save", commit_form, commit_run),
    Action("refresh", "Show a version", "refresh", refresh_form, refresh_run),
    Action("diff", "Compare versions", "difference", diff_form, diff_run),
    Action("split", "Split", "call_split", split_form, split_run),
    Action("push", "Push to the desk", "upload", push_form, push_run),
    Action("pull", "Pull from the desk", "move_to_inbox", pull_form, pull_run),
    Action("conflicts", "Show conflicts", "call_merge", conflicts_form, conflicts_run),
    Action("export", "Export", "download", export_form, export_run),
    Action("near_duplicates", "Find near-duplicates", "content_copy", near_form, near_run),
    Action("revert", "Undo a commit", "undo", revert_form, revert_run),
    Action("preview", "Preview augmentation", "auto_awesome", preview_form, preview_run),
    Action("train", "Train", "model_training", train_form, train_run),
    Action("run", "Show a run", "insights", run_form, run_run),
    Action("inspect", "Inspect a run", "rule", inspect_form, inspect_run),
    Action("compare", "Compare runs", "compare_arrows", compare_form, compare_run),
    Action("suspects", "Find suspects", "troubleshoot", suspects_form, suspects_run),
    Action("round_start", "Start a round", "flag", start_form, start_run),
    Action("round_settle", "Take blind answers", "visibility_off", settle_form, settle_run),
    Action("round_report", "Report of a round", "summarize", report_form, report_run),
)
"""All of them, in the order of their buttons."""
