"""Tasks that came back from the desk as images with the answers about each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, cast

from ..datasets.findings import Finding
from ..datasets.ledger import Ledger
from ..datasets.merging import merge_samples
from ..datasets.schema import Sample
from .answers import Answer, push_of, read_answer
from .client import Fields, Person
from .config import Config
from .tasks import LABELS, Pushed, Task, Turn, parse_task

Status = Literal["submitted", "reviewed"]


@dataclass(slots=True)
class Returned:
    """One turn of an image: what it was when it was pushed, at which version, and the answers about it.

    `boxes` says whether boxes were asked for, `blind` whether somebody answered who was not
    shown the labels.
    """

    turn: Turn
    task: int
    version: int
    pushed: Sample
    boxes: bool = True
    blind: bool = False
    answers: list[Answer] = field(default_factory=list[Answer])

    @property
    def key(self) -> str:
        """The image's key."""
        return self.turn.key

    @property
    def digests(self) -> dict[str, str]:
        """What tells these answers from others: a digest by answer."""
        return {answer.name: answer.digest for answer in self.answers}

    @property
    def people(self) -> int:
        """How many people answered."""
        return len({answer.author for answer in self.answers})


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
    plans: list[tuple[Task, Fields, Pushed, str]] = []
    wanted: dict[int, set[str]] = {}
    for fields in tasks:
        task = parse_task(fields)
        if task is None or task.turn.dataset != ledger.folder.name:
            continue
        for index, annotation in enumerate(cast("list[Fields]", fields["annotations"])):
            if counts_as_answer(annotation, status):
                start = push_of(annotation, task, head)
                wanted.setdefault(start.version, set()).add(task.turn.key)
                plans.append((task, annotation, start, f"tasks[{task.id}].annotations[{index}]"))
    pushed = {
        (version, sample.key): sample
        for version, keys in wanted.items()
        for sample in ledger.samples(version, keys=keys)
    }
    images: dict[str, Returned] = {}
    for task, annotation, start, place in plans:
        past = pushed.get((start.version, task.turn.key))
        if past is None:
            message = f"version {start.version} of the ledger has no image {task.turn.key}"
            findings.append(Finding("not-kept", place, message))
            continue
        answer = read_answer(annotation, past, config, author_of(annotation, people), place, tags=start.tags)
        if answer.findings and answer.said.state == "negative":
            # Something was drawn that cannot be read: that is not to have looked and found nothing.
            findings += answer.findings
            continue
        made = Returned(task.turn, task.id, start.version, past, boxes=bool(config.label))
        image = images.setdefault(str(task.turn), made)
        image.blind |= start.start != LABELS or (bool(config.label) and "label" not in config.shown(start.tags))
        _add(image, answer, start.version, past)
    return [images[turn] for turn in sorted(images)]


def joined(images: Iterable[Returned]) -> list[Returned]:
    """The images, those of one turn as one: it has several tasks where somebody copied one.

    They are in the order of their turns.
    """
    found: dict[str, Returned] = {}
    for image in images:
        known = found.setdefault(str(image.turn), image)
        if known is not image:
            known.blind |= image.blind
            for answer in image.answers:
                _add(known, answer, image.version, image.pushed)
    return [found[turn] for turn in sorted(found)]


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
    if by is None:  # that user was deleted since, and of two such nobody can say whether they are one
        return f"deleted user of answer {annotation.get('id')}"
    person = people.get(int(by))
    return person.name if person and person.name else f"label-studio user {by}"


def _add(image: Returned, answer: Answer, version: int, past: Sample) -> None:
    """Add an answer, all of them brought to the latest version that one of them started from."""
    if version > image.version:
        image.answers = [_rebased(each, image.pushed, past) for each in image.answers]
        image.version, image.pushed = version, past
    image.answers.append(answer if version == image.version else _rebased(answer, past, image.pushed))


def rebased(said: Sample, past: Sample, pushed: Sample) -> Sample:
    """What somebody said who started from an older image as if from the newer one; in doubt as it was said."""
    return merge_samples(past, said, pushed).sample or said


def _rebased(answer: Answer, past: Sample, pushed: Sample) -> Answer:
    return replace(answer, said=rebased(answer.said, past, pushed))
