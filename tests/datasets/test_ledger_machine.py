"""Any sequence of imports, edits, reverts and restores, replayed against a plain model: the same labels at every version.

The model keeps what each version says as a flat table of facts (what is said of an image or
of a box) and merges those by itself. Of an import it asks, slot by slot, what must hold:
what the source did not change stays, what only the source changed comes in. The sources
know two slots of each image, those who edit the ledger two others.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from labelloop.datasets.history import restore, revert
from labelloop.datasets.importing import import_source
from labelloop.datasets.ledger import CommitConflict, Ledger
from labelloop.datasets.reading import open_source
from labelloop.datasets.schema import Box, Sample
from labelloop.datasets.workspace import Workspace
from tests.datasets.ledgers import draw, ledger_of, write_json

KEYS = ("a.png", "b.png", "sub/c.png")
LABELS = ("cat", "dog")
AUTHORS = ("bob", "eve")
ROUNDS = ("", "r1")
SLOT = 20
"""Pixels between two slots; a box in a slot overlaps no box of another, and every other box of its own."""

Facts = dict[tuple[str, str], Any]
"""What is said of an image: values by (box id, or "" for the image's own; name)."""
Labels = Mapping[str, Facts]
Said = dict[int, Box]
"""What a source says of an image: a box by its slot."""


def box_in(slot: int, label: str, shift: int, box_id: str = "") -> Box:
    return Box(label, slot * SLOT, 0, slot * SLOT + 10 + shift, 10, box_id)


def slot_of(corners: tuple[float, ...]) -> int:
    return int(corners[0]) // SLOT


says = st.dictionaries(st.integers(0, 1), st.tuples(st.sampled_from(LABELS), st.integers(0, 2)))
numbers = st.integers(0, 1000)


def facts_of(sample: Sample) -> Facts:
    """The facts that a sample states; a state is one only where there are no labels."""
    facts: Facts = {("", "split"): sample.split, ("", "tags"): sample.tags}
    if sample.state != "labelled":
        facts["", "state"] = sample.state
    for box in sample.boxes:
        facts[box.id, "label"], facts[box.id, "corners"] = box.label, box.corners
    return facts


def boxes_of(facts: Facts) -> dict[str, tuple[str, tuple[float, ...]]]:
    """(label, corners) by box id."""
    return {box: (facts[box, "label"], facts[box, "corners"]) for box in {box for box, _ in facts} - {""}}


def in_slot(facts: Facts, slot: int) -> dict[str, tuple[str, tuple[float, ...]]]:
    return {box: said for box, said in boxes_of(facts).items() if slot_of(said[1]) == slot}


def merge(base: Facts | None, ours: Facts | None, theirs: Facts | None) -> tuple[Facts | None, int]:
    """Three states of one image put together by their facts, and how often they contradict each other: ours stays."""
    if ours == theirs or theirs == base:
        return ours, 0
    if ours == base:
        return theirs, 0
    if ours is None or theirs is None:
        return ours, 1
    past = base or {}
    was = state(past) if base else "unlabelled"
    here, there = state(ours), state(theirs)
    if {here, there} == {"negative", "labelled"} and was == "unlabelled":
        return ours, 1
    facts: Facts = {}
    against = 0
    for box in sorted({box for box, _ in {**past, **ours, **theirs}}):
        sides = [{name: value for (each, name), value in side.items() if each == box} for side in (past, ours, theirs)]
        found, contradictions = merge_facts(*sides) if box else merge_own(*sides)
        facts.update({(box, name): value for name, value in found.items()})
        against += contradictions
    if not boxes_of(facts):
        chosen, contradiction = choose(state(past) if base else None, here, there)
        facts["", "state"] = "negative" if chosen == "labelled" else chosen
        against += contradiction
    return facts, against


def state(facts: Facts) -> str:
    return facts.get(("", "state"), "labelled")


def choose(base: Any, ours: Any, theirs: Any) -> tuple[Any, int]:
    if ours == theirs or theirs == base:
        return ours, 0
    return (theirs, 0) if ours == base else (ours, 1)


def merge_facts(base: dict[str, Any], ours: dict[str, Any], theirs: dict[str, Any]) -> tuple[dict[str, Any], int]:
    if not (ours and theirs):
        return choose(base, ours, theirs)
    found = {name: choose(base.get(name), ours[name], theirs[name]) for name in ours}
    return {name: value for name, (value, _) in found.items()}, sum(each for _, each in found.values())


def merge_own(base: dict[str, Any], ours: dict[str, Any], theirs: dict[str, Any]) -> tuple[dict[str, Any], int]:
    split, against = choose(base.get("split"), ours["split"], theirs["split"])
    past, here, there = (set(each.get("tags", ())) for each in (base, ours, theirs))
    return {"split": split, "tags": tuple(sorted((here & there) | (here - past) | (there - past)))}, against


class LedgerMachine(RuleBasedStateMachine):
    """A ledger and its model: `versions[n]` is what version n has to say, `made[n]` who made it, in which round."""

    def __init__(self) -> None:
        super().__init__()
        self.home = Path(tempfile.mkdtemp())
        self.source = self.home / "photos"
        self.versions: list[Labels] = [{}]
        self.made: list[tuple[str, str]] = [("", "")]
        self.in_source: dict[str, Said] = {}
        self.last_said: dict[str, Said] = {}
        self.last_ids: dict[str, dict[int, str]] = {}
        self.names = 0

    def teardown(self) -> None:
        for version, labels in enumerate(self.versions):
            assert {each.key: facts_of(each) for each in self.ledger.samples(version)} == labels
        shutil.rmtree(self.home)

    @property
    def ledger(self) -> Ledger:
        return ledger_of(self.home)

    @property
    def now(self) -> Labels:
        return self.versions[-1]

    def committed(self, labels: Mapping[str, Facts | None], author: str, round: str = "") -> None:
        """Note a commit, where it changes something; what changes no label is a version all the same."""
        there = {key: facts for key, facts in labels.items() if facts is not None}
        if there != self.now:
            self.versions.append(there)
            self.made.append((author, round))
        while len(self.versions) <= self.ledger.version():
            assert not self.ledger.commit_of(len(self.versions)).counts
            self.versions.append(self.now)
            self.made.append((author, round))

    def edit(self, key: str, version: int, author: str, round: str, change: Callable[[Sample], Sample | None]) -> None:
        """Change an image as it is seen at a version, and commit that on top of what is there by now.

        A rule for another way to edit (the window, the desk) calls this, or does the same by its own means.
        """
        (there,) = self.ledger.samples(version, keys=[key])
        wanted = change(there)
        facts, contradictions = merge(self.versions[version][key], self.now.get(key), wanted and facts_of(wanted))
        try:
            self.ledger.commit({key: wanted}, base=version, author=author, tool="edit", message="m", round=round)
        except CommitConflict:
            assert contradictions
            assert self.ledger.version() == len(self.versions) - 1
            return
        assert not contradictions
        self.committed({**self.now, key: facts}, author, round)

    def edit_somewhere(self, number: int, author: str, round: str, change: Callable[[Sample], Sample | None]) -> None:
        """An edit of one of the images of one of the versions, often the last."""
        version = max(len(self.versions) - 1 - number % 4, 0)
        keys = sorted(self.versions[version])
        if keys:
            self.edit(keys[number // 4 % len(keys)], version, author, round, change)

    # edits

    @rule(
        number=numbers,
        author=st.sampled_from(AUTHORS),
        round=st.sampled_from(ROUNDS),
        which=numbers,
        shift=st.integers(0, 2),
    )
    def move(self, number: int, author: str, round: str, which: int, shift: int) -> None:
        def change(there: Sample) -> Sample:
            boxes = list(there.boxes)
            if boxes:
                box = boxes[which % len(boxes)]
                boxes[which % len(boxes)] = replace(box, x2=box.x1 + 10 + shift)
            return replace(there, boxes=tuple(boxes))

        self.edit_somewhere(number, author, round, change)

    @rule(number=numbers, author=st.sampled_from(AUTHORS), which=numbers, label=st.sampled_from(LABELS))
    def rename(self, number: int, author: str, which: int, label: str) -> None:
        def change(there: Sample) -> Sample:
            boxes = list(there.boxes)
            if boxes:
                boxes[which % len(boxes)] = replace(boxes[which % len(boxes)], label=label)
            return replace(there, boxes=tuple(boxes))

        self.edit_somewhere(number, author, "", change)

    @rule(number=numbers, author=st.sampled_from(AUTHORS), round=st.sampled_from(ROUNDS), slot=st.integers(2, 3))
    def add(self, number: int, author: str, round: str, slot: int) -> None:
        self.names += 1
        box = box_in(slot, "dog", 0, f"{self.names:024x}")
        self.edit_somewhere(
            number, author, round, lambda there: replace(there, boxes=(*there.boxes, box), state="labelled")
        )

    @rule(
        number=numbers,
        author=st.sampled_from(AUTHORS),
        which=numbers,
        empty=st.sampled_from(["negative", "unlabelled"]),
    )
    def delete(self, number: int, author: str, which: int, empty: Any) -> None:
        def change(there: Sample) -> Sample:
            left = list(there.boxes)
            if left:
                del left[which % len(left)]
            return replace(there, boxes=tuple(left), state="labelled" if left else empty)

        self.edit_somewhere(number, author, "", change)

    @rule(number=numbers, split=st.sampled_from(["train", "val"]), tag=st.sampled_from(["x", "y"]))
    def put_in_split(self, number: int, split: str, tag: str) -> None:
        self.edit_somewhere(number, "eve", "", lambda there: replace(there, split=split, tags=(tag,)))

    @rule(number=numbers)
    def remove(self, number: int) -> None:
        self.edit_somewhere(number, "bob", "", lambda _: None)

    # the past

    @rule(number=numbers, how=st.sampled_from(["commit", "author", "round"]))
    def undo(self, number: int, how: str) -> None:
        last = len(self.versions) - 1
        chosen = [1 + number % last] if last else []
        by, round = AUTHORS[number % 2], ROUNDS[1]
        if how != "commit":
            chosen = [
                n
                for n in range(1, last + 1)
                if (self.made[n][0] == by if how == "author" else self.made[n][1] == round)
            ]
        if not chosen:
            return
        asked: Any = {"commits": chosen} if how == "commit" else {"by": by} if how == "author" else {"round": round}
        done = revert(self.ledger, author="ann", **asked)
        labels: dict[str, Facts | None] = dict(self.now)
        against: Counter[str] = Counter()
        for version in sorted(chosen, reverse=True):
            before, after = self.versions[version - 1], self.versions[version]
            for key in {*before, *after}:
                if before.get(key) != after.get(key):
                    labels[key], contradictions = merge(after.get(key), labels.get(key), before.get(key))
                    against[key] += contradictions
        assert Counter(each.key for each in done.kept) == +against
        self.committed(labels, "ann")

    @rule(number=numbers)
    def go_back(self, number: int) -> None:
        version = number % len(self.versions)
        restore(self.ledger, version, author="ann")
        self.committed(self.versions[version], "ann")

    # the source

    @rule(key=st.sampled_from(KEYS), said=says)
    def label_in_source(self, key: str, said: dict[int, tuple[str, int]]) -> None:
        """Somebody labels an image, old or new, in the source."""
        if not (self.source / key).exists():
            draw(self.source / key, KEYS.index(key))
        self.in_source[key] = {slot: box_in(slot, *each) for slot, each in sorted(said.items())}
        write_json(self.source / key, list(self.in_source[key].values()))

    @initialize(said=st.dictionaries(st.sampled_from(KEYS[:2]), says, min_size=1))
    def begin(self, said: dict[str, dict[int, tuple[str, int]]]) -> None:
        for key, each in said.items():
            self.label_in_source(key, each)
        self.import_again()

    @rule()
    def import_again(self) -> None:
        before = self.now
        report = self.imported()
        after = {each.key: facts_of(each) for each in self.ledger.samples()}
        assert set(after) == {*before, *self.in_source}
        kept = {finding.place for finding in report.findings if finding.kind == "labels-differ"}
        for key, said in self.in_source.items():
            if key in before:
                self.check_slots(key, before[key], after[key])
            else:
                found = sorted((label, corners) for label, corners in boxes_of(after[key]).values())
                assert found == sorted((box.label, box.corners) for box in said.values())
            if key not in kept:
                self.last_said[key] = said
                self.last_ids[key] = {slot: box for slot in said for box in in_slot(after[key], slot)}
        for key in set(before) - set(self.in_source):
            assert after[key] == before[key]
        self.committed(after, "ann")
        assert self.imported().commit is None

    def imported(self) -> Any:
        return import_source(Workspace(self.home), "pets", open_source(self.source), author="ann", jobs=1)

    def check_slots(self, key: str, before: Facts, after: Facts) -> None:
        """What only one side changed is as that side has it."""
        assert {name: after["", name] for name in ("split", "tags")} == {
            name: before["", name] for name in ("split", "tags")
        }
        for slot in range(4):
            was, said = self.last_said.get(key, {}).get(slot), self.in_source[key].get(slot)
            here, there = in_slot(before, slot), in_slot(after, slot)
            if said == was:
                assert there == here
            elif was is None and not here:
                assert said is not None
                assert list(there.values()) == [(said.label, said.corners)]
            elif was is not None and here == {self.last_ids[key].get(slot): (was.label, was.corners)}:
                assert there == (dict.fromkeys(here, (said.label, said.corners)) if said else {})

    @invariant()
    def the_last_version_says_what_the_model_says(self) -> None:
        if len(self.versions) > 1:
            assert self.ledger.version() == len(self.versions) - 1
            assert {each.key: facts_of(each) for each in self.ledger.samples()} == self.now


@pytest.mark.parametrize("examples", [3, pytest.param(25, marks=pytest.mark.slow)])
def test_a_ledger_says_what_the_model_says(examples: int) -> None:
    run_state_machine_as_test(
        LedgerMachine,
        settings=settings(max_examples=examples, stateful_step_count=12, deadline=None, print_blob=True),
    )
