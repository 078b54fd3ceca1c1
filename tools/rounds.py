"""Rounds of correction between training, which knows the suspects, and the desk, which knows the people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..datasets.errors import LabelloopError
from ..datasets.ledger import Ledger
from ..datasets.schema import Box
from ..datasets.workspace import Workspace
from ..label_config.config import Kind
from ..label_config.desk import desk_folder, ledger_mark, read_project, read_state
from ..label_config.memory import TOOL, read_memory
from ..label_config.pull import open_conflicts
from ..label_config.push import PushReport, push
from ..label_config.round_marks import add_rounds
from ..label_config.tasks import LABELS, NOTHING, parse_turn
from ..training.rounds.choosing import Candidate, Chosen, choose
from ..training.rounds.progress import Status, judge_round, round_versions
from ..training.rounds.round import TEST, Round, Sent, blind_commits, folder_of, list_rounds, now, write_round
from ..training.runs import Run, find_run, list_runs
from ..training.suspects.suspect import SuspectList, read_suspects
from .desk_starts import start_of
from .unsure_images import find_unsure

if TYPE_CHECKING:
    from ..datasets.reading import Progress
    from .desks import Desk

_LABELS_CHANGE = frozenset(
    ("image-added", "image-removed", "image-replaced", "state", "label", "box-added", "box-deleted", "box-moved", "box-renamed")
)  # fmt: skip
_NO_LABELS = (TOOL, "split", "round")
"""The tools of commits after which an image need not be looked at again."""
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Asked:
    """What a user asks of a round; `minutes` 0 means `budget` images."""

    budget: int = 60
    minutes: float = 0.0
    seed: int = 0
    start: str = LABELS
    run: str = ""
    anyway: bool = False


@dataclass(frozen=True, slots=True)
class Planned:
    """What is to be sent, and all that the round is to remember of it; `found` are boxes on unlabelled images."""

    chosen: Chosen
    version: int
    suspects: SuspectList | None
    run: str
    population: int
    found: Mapping[str, tuple[Box, ...]]


def plan_round(workspace: Workspace, ledger: Ledger, asked: Asked, progress: Progress | None = None) -> Planned:
    """What a round is to send; nothing is sent yet.

    Images that an earlier round has brought back, and whose labels nobody has changed since, are not asked for again.

    Raises:
        LabelloopError: there are no suspects and nothing unlabelled, or the suspects are of labels that have changed.
    """
    name, version = ledger.folder.name, ledger.version()
    samples = {sample.key: sample for sample in ledger.samples(version)}
    found = read_suspects(workspace, name)
    stale = _changed_since(ledger, found.version) if found else set[str]()
    if found and stale and not asked.anyway:
        shown = ", ".join(sorted(stale)[:_SHOWN]) + (f" and {len(stale) - _SHOWN} more" if len(stale) > _SHOWN else "")
        raise LabelloopError(
            f"the suspects of {name} were found at version {found.version}, and labels changed since on {len(stale)} images"
            f" ({shown}): labelloop suspects {name} looks again, --anyway goes on with the images that did not change"
        )
    reviewed = reviewed_keys(workspace, ledger)
    run = _run_of(workspace, name, asked.run, found)
    suspects = [
        Candidate(each.key, each.probability, each.seconds, tuple(dict.fromkeys(one.kind for one in each.suspects)))
        for each in (found.images() if found else ())
        if each.key in samples and each.key not in reviewed and each.key not in stale
    ]
    # Which images become part of the ruler, a model must not choose.
    unlabelled = [each for each in samples.values() if each.state == "unlabelled" and each.split != TEST]
    unsure, boxes = find_unsure(run, unlabelled, asked.seed, progress)
    if not suspects and not unsure:
        raise LabelloopError(
            f"{name} has no suspects left that no round has brought back: labelloop suspects {name} looks for new ones"
            if found
            else f"{name} has no suspects yet: labelloop suspects {name} finds them"
        )
    population = [key for key, sample in samples.items() if sample.state != "unlabelled" and key not in reviewed]
    chosen = choose(
        suspects, unsure, population, budget=asked.budget, minutes=asked.minutes, seed=asked.seed,
        blind=[key for key, sample in samples.items() if sample.split == TEST and sample.state != "unlabelled"],
        turns=_turns(ledger, desk_folder(workspace, name)),
    )  # fmt: skip
    taken = {each.key for each in chosen.sent if each.reason != "audit"}
    return Planned(
        chosen, version, found, run.id if run else "", len(set(population) - taken),
        {key: several for key, several in boxes.items() if key in taken},
    )  # fmt: skip


def send_round(
    workspace: Workspace, ledger: Ledger, desk: Desk, planned: Planned, asked: Asked, progress: Progress | None = None
) -> tuple[Round, list[PushReport]]:
    """The round, its images pushed and its folder written; nothing at the desk tells audit images from suspects.

    Images of the test split start with nothing, unlabelled ones with the model's boxes, all others as asked.

    Raises:
        LabelloopError: as `push`.
    """
    name, sent = ledger.folder.name, planned.chosen.sent
    blind = [each.key for each in sent if each.blind]
    guessed = [each.key for each in sent if each.reason == "unsure" and not each.blind and planned.found]
    usual = [each.key for each in sent if each.key not in {*blind, *guessed}]
    kind = _kind(ledger, sent)
    reports: list[PushReport] = []

    def send(keys: Sequence[str], start: str, boxes: Mapping[str, Sequence[Box]] | None) -> None:
        if keys:
            reports.append(
                push(
                    ledger, desk.client, desk.folder, desk.images, keys, kind=kind, start=start,
                    predictions=boxes, again=True, progress=progress,
                )
            )  # fmt: skip

    send(usual, asked.start, start_of(workspace, ledger, usual, asked.start) if usual else None)
    send(guessed, planned.run, planned.found)
    send(blind, NOTHING, None)
    found = planned.suspects
    round = write_round(
        workspace,
        Round(
            "", name, 0, planned.version, found.version if found else planned.version, _source(found) if found else "",
            planned.run, asked.seed, asked.budget, asked.minutes, asked.start, sent, planned.chosen.waiting,
            planned.population, now(),
        ),
    )  # fmt: skip
    add_rounds(desk.folder, {each.key: round.id for each in sent})
    return round, reports


def status_of(workspace: Workspace, ledger: Ledger, round: Round, least: float = 0.0) -> Status:
    """How far a round is, as of the last pull; Label Studio is not asked."""
    folder = desk_folder(workspace, round.dataset)
    differ = {each.key for each in open_conflicts(ledger, folder)} if folder.is_dir() else set[str]()
    return judge_round(
        ledger, round, answered=answered_keys(ledger, folder, round), differ=differ,
        blind=blind_commits(folder_of(workspace, round)), least=least,
    )  # fmt: skip


def answered_keys(ledger: Ledger, folder: Path, round: Round) -> set[str]:
    """The images of a round whose tasks have answers that a pull took in, whether or not they changed a label."""
    turns = _turns(ledger, folder)
    return {each.key for each in round.images if turns.get(each.key, 0) > each.turn}


def reviewed_keys(workspace: Workspace, ledger: Ledger) -> set[str]:
    """The images that rounds have brought back, and whose labels nobody has changed since but people at the desk."""
    until: dict[str, int] = {}
    for round in list_rounds(workspace, ledger.folder.name):
        status = status_of(workspace, ledger, round)
        last = max(round_versions(ledger, round, blind_commits(folder_of(workspace, round))), default=round.version)
        until.update(dict.fromkeys(status.done - status.differ, last))
    if not until:
        return set()
    tools = {commit.version: commit.tool for commit in ledger.commits()}
    rows = ledger.frame(keys=until).select("key", "version").iter_rows()
    return {key for key, version in rows if version <= until[key] or tools[version] in _NO_LABELS}


def open_suspects(workspace: Workspace, ledger: Ledger, found: SuspectList) -> SuspectList:
    """The suspects without those on images that rounds have brought back."""
    done = reviewed_keys(workspace, ledger)
    return replace(found, suspects=tuple(each for each in found.suspects if each.key not in done)) if done else found


def _kind(ledger: Ledger, sent: Sequence[Sent]) -> Kind | None:
    """What people are asked for: images' classes where there are no boxes, both where both are doubted, else what it is."""
    if not ledger.frame(where="count > 0").height:
        return "image-labels"
    return "both" if any("image-label" in each.kinds for each in sent) else None


def _changed_since(ledger: Ledger, version: int) -> set[str]:
    if version >= ledger.version():
        return set()
    return {change.key for change in ledger.changes(version) if change.kind in _LABELS_CHANGE}


def _run_of(workspace: Workspace, name: str, asked: str, found: SuspectList | None) -> Run | None:
    """The model of a round: the one that is asked for, else one that the suspects are from, else the last that is done.

    A model of the kind that the suspects are from comes before one of the other kind.
    """
    if asked:
        return find_run(workspace, asked)
    done = [run for run in list_runs(workspace, name) if run.status() == "done"]
    alike = [run for run in done if found and run.plan.kind == found.source.get("kind")]
    done = alike or done
    runs = found.source.get("runs") if found and not found.source.get("folds") else None
    named = [run for run in done if isinstance(runs, list) and run.id in runs]
    judged = [run for run in done if TEST in (run.result() or {}).get("splits", {})]
    return (named or judged or done or [None])[-1]


def _source(found: SuspectList) -> str:
    """What suspects were found with, in words."""
    runs = found.source.get("runs")
    named = ", ".join(str(run) for run in runs) if isinstance(runs, list) else ""
    folds = found.source.get("folds")
    return f"{folds} folds: {named}" if folds else named


def _turns(ledger: Ledger, folder: Path) -> dict[str, int]:
    """The number of the last task of each image whose answers a pull has taken in."""
    mark = ledger_mark(ledger)
    project, made = read_project(folder, mark)
    state = read_state(folder, project, made, mark)
    memory = {**state.memory, **read_memory(ledger, state.version)[0]}
    found: dict[str, int] = {}
    for turn in map(parse_turn, memory):
        if turn is not None and turn.dataset == ledger.folder.name:
            found[turn.key] = max(turn.number, found.get(turn.key, 0))
    return found
