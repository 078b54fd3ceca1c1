"""Tasks that came back from the desk as images with the answers about each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, cast

from ..datasets.findings import Finding
from ..datasets.ledger import Ledger
from ..datasets.merging import merge_samples
from ..datasets.schema import Sample
from .answers import Answer, read_answer, version_of
from .client import Fields, Person
from .config import Config
from .tasks import Task, Turn, parse_task

Status = Literal["submitted", "reviewed"]


@dataclass(slots=True)
class Returned:
    """One turn of an image: what it was when it was pushed, at which version, and the answers about it."""

    turn: Turn
    start: str
    task: int
    version: int
    pushed: Sample
    answers: list[Answer] = field(default_factory=list[Answer])

    @property
    def key(self) -> str:
        """The image's key."""
        return self.turn.key

    @property
    def digests(self) -> dict[str, str]:
        """What tells these answers from others: a digest by annotation."""
        return {str(answer.id): answer.digest for answer in self.answers}


def read_returned(
    tasks: Iterable[Fields], ledger: Ledger, config: Config, people: Mapping[int, Person], status: Status,
    findings: list[Finding],
) -> list[Returned]:  # fmt: skip
    """The images of these tasks with their answers, in the order of their turns; tasks of other makers are left out.

    Args:
        people: by their id at Label Studio.
        status: `submitted` counts every answer that is no skip, `reviewed` only those that
            a reviewer accepted or that are marked as ground truth.
        findings: where to note answers about an image that the ledger has not.
    """
    head = ledger.version()
    plans: list[tuple[Task, Fields, int, str]] = []
    wanted: dict[int, set[str]] = {}
    for fields in tasks:
        task = parse_task(fields)
        if task is None or task.turn.dataset != ledger.folder.name:
            continue
        for index, annotation in enumerate(cast("list[Fields]", fields["annotations"])):
            if counts_as_answer(annotation, status):
                version = version_of(annotation, task, head)
                wanted.setdefault(version, set()).add(task.turn.key)
                plans.append((task, annotation, version, f"tasks[{task.id}].annotations[{index}]"))
    pushed = {
        (version, sample.key): sample
        for version, keys in wanted.items()
        for sample in ledger.samples(version, keys=keys)
    }
    images: dict[str, Returned] = {}
    for task, annotation, version, place in plans:
        past = pushed.get((version, task.turn.key))
        if past is None:
            message = f"version {version} of the ledger has no image {task.turn.key}"
            findings.append(Finding("not-kept", place, message))
            continue
        answer = read_answer(annotation, past, config, author_of(annotation, people), place)
        turn = str(task.turn)
        if turn not in images:
            images[turn] = Returned(task.turn, task.start, task.id, version, past)
        _add(images[turn], answer, version, past)
    return [images[turn] for turn in sorted(images)]


def counts_as_answer(annotation: Fields, status: Status) -> bool:
    """Whether an annotation is an answer of this status."""
    if annotation.get("was_cancelled"):
        return False
    if status == "submitted":
        return True
    reviews = cast("list[Fields]", annotation.get("reviews") or [])
    return bool(annotation.get("ground_truth")) or any(review.get("accepted") for review in reviews)


def author_of(annotation: Fields, people: Mapping[int, Person]) -> str:
    """The email of who answered, or what else the server says of that person."""
    by = annotation.get("completed_by")
    if isinstance(by, dict):  # a server of another edition says it in full
        fields = cast(Fields, by)
        return str(fields.get("email") or f"label-studio user {fields.get('id')}")
    person = people.get(int(by)) if by is not None else None
    return person.name if person and person.name else f"label-studio user {by}"


def _add(image: Returned, answer: Answer, version: int, past: Sample) -> None:
    """Add an answer, all of them brought to the latest version that one of them started from."""
    if version > image.version:
        image.answers = [_rebased(each, image.pushed, past) for each in image.answers]
        image.version, image.pushed = version, past
    image.answers.append(answer if version == image.version else _rebased(answer, past, image.pushed))


def _rebased(answer: Answer, past: Sample, pushed: Sample) -> Answer:
    """An answer from an older start as if it had started from the newer one."""
    merged = merge_samples(past, pushed, answer.said).sample
    return replace(answer, said=merged or answer.said)
