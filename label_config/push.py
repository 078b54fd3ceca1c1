"""Images out to the desk: a task for each, once, brought up to date for as long as nobody has touched it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from ..datasets.boxes import with_ids
from ..datasets.errors import LabelloopError
from ..datasets.ledger import Ledger
from ..datasets.reading import Progress
from ..datasets.schema import Box, Sample
from .client import Client, Fields
from .config import Kind
from .desk import ledger_mark, only_one, read_counts, read_state, write_counts, write_state
from .media import Images
from .projects import Project, ensure_project
from .refreshing import Stale, refresh
from .tasks import LABELS, NOTHING, Pushed, Task, Turn, parse_task, start_result, to_data, to_task

_TASKS = 2000
_REGIONS = 40_000
"""One request takes so many tasks or regions: enough that requests do not count, and no more than 20 MB."""
_ASKED_ONE_BY_ONE = 30
_ABOUT = "id,data,total_annotations,cancelled_annotations"


@dataclass(frozen=True, slots=True)
class PushReport:
    """What a push did, in images.

    `made` have a new task, `updated` ones an untouched task with labels that had changed
    here since, `unchanged` ones a task that says what the ledger says. `busy` ones have a
    draft or too few answers yet and `done` ones their answers: both were left alone.
    `doubles` counts tasks that an interrupted push had made twice, now deleted. `stale` are
    images that this push was not about and whose untouched task starts as the labeling
    config of before had it; counted where this push changed the config. `blind` ones of the
    made, updated and unchanged show no labels, since that was asked for.
    """

    project: int
    url: str
    version: int
    made: int
    updated: int
    unchanged: int
    busy: int
    done: int
    doubles: int
    stale: int = 0
    blind: int = 0


@dataclass(frozen=True, slots=True)
class _Row:
    """A task at the desk with its data and what was done on it."""

    task: Task
    data: Mapping[str, Any]
    answers: int
    skips: int
    draft: bool

    @property
    def touched(self) -> bool:
        return self.draft or self.answers > 0 or self.skips > 0


def push(
    ledger: Ledger,
    client: Client,
    folder: Path,
    images: Images,
    keys: Iterable[str] | None = None,
    *,
    kind: Kind | None = None,
    start: str = LABELS,
    predictions: Mapping[str, Sequence[Box]] | None = None,
    blind: Collection[str] = (),
    xml: str = "",
    annotators: int = 0,
    again: bool = False,
    progress: Progress | None = None,
) -> PushReport:
    """Send images to the desk, today's labels or a run's boxes with them.

    Killed and run again it completes: what has a task is known by the task's own data.

    Args:
        folder: where the workspace keeps what it knows of this desk (`desk_folder`).
        keys: which images; None is all.
        kind: what people are asked for; None keeps what it is, boxes at first.
        start: `labels`, `nothing`, or the name of the run that `predictions` are from.
        predictions: boxes by key.
        blind: images that start with nothing, whatever the others start with.
        xml: a person's own labeling config.
        annotators: how many people are to answer each task; 0 leaves it.
        again: give images whose task is done a further one, with today's labels.

    Raises:
        LabelloopError: no such image, images that cannot be shown, a labeling config that
            does not fit, another push or pull under way, or Label Studio refuses.
    """
    if (start in (LABELS, NOTHING)) == (predictions is not None):
        raise LabelloopError(f"a push must start with labels, nothing, or a run with its boxes; received {start!r}")
    with only_one(folder):
        version = ledger.version()
        samples = _samples(ledger, version, keys)
        project = ensure_project(client, ledger, folder, kind, xml=xml, annotators=annotators)
        images.prepare(client, project.id, samples)
        pushing = _Push(ledger, client, project, images, version, start, predictions, frozenset(blind))
        report = pushing.run(samples, again, progress)
        state = read_state(folder, project.id, project.made, ledger_mark(ledger))
        if not pushing.turns <= set(state.turns):
            state.turns = sorted(pushing.turns | set(state.turns))
            write_state(folder, state)
        counts = read_counts(folder)
        write_counts(folder, {**counts, "waiting": counts.get("waiting", 0) + report.made})
        return report


class _Push:
    """One push, from what is at the desk to what should be."""

    def __init__(
        self, ledger: Ledger, client: Client, project: Project, images: Images, version: int, start: str,
        predictions: Mapping[str, Sequence[Box]] | None, blind: frozenset[str],
    ) -> None:  # fmt: skip
        self._ledger, self._client, self._project, self._config = ledger, client, project.id, project.config
        self._needed, self._changed = project.annotators, project.changed
        self.turns: set[str] = set()
        self._images, self._version, self._start = images, version, start
        self._predictions, self._blind = predictions or {}, blind
        self._name = ledger.folder.name
        self._time = datetime.now(UTC)
        self._done = 0

    def run(self, samples: Sequence[Sample], again: bool, progress: Progress | None) -> PushReport:
        total = len(samples)
        rows, doubles = self._rows([sample.key for sample in samples])
        needed = self._needed
        new: list[tuple[Sample, int]] = []
        stale: list[tuple[Sample, _Row]] = []
        counts = dict.fromkeys(("unchanged", "busy", "done"), 0)
        blind = 0
        for sample, row, old in self._with_past(samples, rows):
            if row is None:
                new.append((sample, 1))
            elif not row.touched:
                if self._is_stale(sample, row, old):
                    stale.append((sample, row))
                else:
                    counts["unchanged"] += 1
                    blind += sample.key in self._blind
            elif row.answers >= needed and again and not row.draft:
                new.append((sample, row.task.turn.number + 1))
            else:
                counts["done" if row.answers >= needed else "busy"] += 1
        self._report(progress, sum(counts.values()), total)
        self.turns = {str(row.task.turn) for row in rows.values()}
        self.turns |= {str(Turn(self._name, sample.key, number)) for sample, number in new}
        before = self._client.count_tasks(self._project)
        for batch in _batches(new):
            tasks = [self._task(sample, number) for sample, number in batch]
            self._client.import_tasks(self._project, tasks)
            self._report(progress, len(tasks), total)
        if self._client.count_tasks(self._project) != before + len(new):
            doubles += self._rows([sample.key for sample, _ in new])[1]
        hidden = [each for each in stale if each[0].key in self._blind]
        shown = [each for each in stale if each[0].key not in self._blind]
        updated = self._update(hidden, NOTHING, progress, total)
        blind += sum(sample.key in self._blind for sample, _ in new) + updated
        updated += self._update(shown, self._start, progress, total)
        counts["busy"] += len(stale) - updated
        return PushReport(
            self._project, f"{self._client.url}/projects/{self._project}/data", self._version, len(new), updated,
            counts["unchanged"], counts["busy"], counts["done"], doubles, self._others() if self._changed else 0, blind,
        )  # fmt: skip

    def _others(self) -> int:
        """How many untouched tasks start as another labeling config had it."""
        rows, _ = self._rows_of(self._client.tasks(self._project, include=_ABOUT))
        return sum(not row.touched and row.task.last.tags != self._config.tags for row in rows.values())

    def _rows(self, keys: Sequence[str]) -> tuple[dict[str, _Row], int]:
        """The newest turn's task of each image, and how many doubles there were, deleted here."""
        rows, surplus = self._rows_of(self._listed(keys), set(keys))
        if surplus:
            self._client.delete_tasks(self._project, surplus)
        return rows, len(surplus)

    def _rows_of(
        self, tasks: Iterable[Fields], wanted: Collection[str] | None = None
    ) -> tuple[dict[str, _Row], list[int]]:
        """The newest turn's task of each image, and the ids of doubles; None wants all images."""
        turns: dict[Turn, list[_Row]] = {}
        drafted = self._client.drafted(self._project)
        for fields in tasks:
            task = parse_task(fields)
            if task is None or task.turn.dataset != self._name or (wanted is not None and task.turn.key not in wanted):
                continue
            row = _Row(
                task, fields["data"], int(fields.get("total_annotations") or 0),
                int(fields.get("cancelled_annotations") or 0), task.id in drafted,
            )  # fmt: skip
            turns.setdefault(task.turn, []).append(row)
        surplus: list[int] = []
        newest: dict[str, _Row] = {}
        for turn, several in sorted(turns.items(), key=lambda entry: entry[0].number):
            kept = next((row for row in several if row.touched), several[0])
            surplus += [row.task.id for row in several if row is not kept and not row.touched]
            newest[turn.key] = kept
        return newest, surplus

    def _listed(self, keys: Sequence[str]) -> Iterator[Fields]:
        if not self._client.count_tasks(self._project):
            return
        if len(keys) > _ASKED_ONE_BY_ONE:
            yield from self._client.tasks(self._project, include=_ABOUT)
            return
        for key in keys:
            where: Fields = {"filter": "filter:tasks:data.key", "operator": "equal", "type": "String", "value": key}
            yield from self._client.tasks(self._project, include=_ABOUT, where=[where])

    def _with_past(
        self, samples: Sequence[Sample], rows: Mapping[str, _Row]
    ) -> Iterator[tuple[Sample, _Row | None, Sample | None]]:
        """Each sample with its task and with what it was when that was pushed."""
        by_version: dict[int, list[str]] = {}
        for key, row in rows.items():
            if not row.touched and row.task.last.version != self._version:
                by_version.setdefault(row.task.last.version, []).append(key)
        past: dict[str, Sample] = {}
        for version, keys in by_version.items():
            past.update({sample.key: sample for sample in self._ledger.samples(version, keys=keys)})
        for sample in samples:
            yield sample, rows.get(sample.key), past.get(sample.key)

    def _is_stale(self, sample: Sample, row: _Row, past: Sample | None) -> bool:
        last, address = row.task.last, row.data.get(self._config.field)
        if (last.start, last.tags, address) != (self._start_of(sample), self._config.tags, self._images.url(sample)):
            return True
        if last.version == self._version:
            return False
        if past is None or past.sha256 != sample.sha256:
            return True
        return self._result(past) != self._result(sample)

    def _start_of(self, sample: Sample) -> str:
        return NOTHING if sample.key in self._blind else self._start

    def _result(self, sample: Sample) -> list[dict[str, Any]]:
        found = start_result(sample, self._config, self._start_of(sample), self._version, self._found(sample))
        return cast("list[dict[str, Any]]", found)

    def _found(self, sample: Sample) -> tuple[Box, ...] | None:
        """What a run found on an image, with ids; None where no run was asked for."""
        if self._start_of(sample) in (LABELS, NOTHING):
            return None
        return with_ids(f"{sample.key}\0{self._start}", tuple(self._predictions.get(sample.key, ())))

    def _task(self, sample: Sample, number: int) -> Fields:
        turn = Turn(self._name, sample.key, number)
        url = self._images.url(sample)
        return cast(
            Fields,
            to_task(
                sample, turn, self._config, url, self._start_of(sample), self._version, self._time, self._found(sample)
            ),
        )  # fmt: skip

    def _update(
        self, stale: Sequence[tuple[Sample, _Row]], start: str, progress: Progress | None, total: int
    ) -> int:  # fmt: skip
        """How many of these tasks were given this start of today; one that was touched meanwhile is left."""
        if not stale:
            return 0
        given = [
            Stale(
                row.task, row.data, to_data(sample, row.task.turn, self._config, self._images.url(sample), ()),
                self._result(sample),
            )
            for sample, row in stale
        ]  # fmt: skip
        pushed = Pushed(self._version, self._time.isoformat(), start, self._config.tags)
        return refresh(
            self._client, self._project, given, pushed, lambda done: self._report(progress, done, total)
        )  # fmt: skip

    def _report(self, progress: Progress | None, done: int, total: int) -> None:
        self._done += done
        if progress is not None:
            progress(self._done, total)


def _samples(ledger: Ledger, version: int, keys: Iterable[str] | None) -> list[Sample]:
    wanted = None if keys is None else sorted(set(keys))
    samples = ledger.samples(version, keys=wanted)
    if wanted is not None and len(samples) != len(wanted):
        missing = sorted(set(wanted) - {sample.key for sample in samples})
        shown = ", ".join(missing[:10])
        more = f" and {len(missing) - 10} more" if len(missing) > 10 else ""
        raise LabelloopError(f"{ledger.folder.name} has no image {shown}{more}")
    return samples


def _batches(new: Sequence[tuple[Sample, int]]) -> Iterator[list[tuple[Sample, int]]]:
    batch: list[tuple[Sample, int]] = []
    regions = 0
    for sample, number in new:
        if batch and (len(batch) >= _TASKS or regions + len(sample.boxes) > _REGIONS):
            yield batch
            batch, regions = [], 0
        batch.append((sample, number))
        regions += len(sample.boxes)
    if batch:
        yield batch
