"""Any sequence of imports, edits in the window, commits, reverts and restores ends in the labels that a plain model has.

The machine of test_ledger_machine.py with one more way to edit: through FiftyOne, in a window
that shows whatever version it was last brought to, while others go on committing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import rule, run_state_machine_as_test

from labelloop.datasets.ledger import CommitConflict
from labelloop.datasets.window import UncommittedEdits, find_edits, open_window, show_window
from labelloop.datasets.window_commits import commit_window
from tests.datasets.test_ledger_machine import LABELS, SLOT, Facts, LedgerMachine, boxes_of, merge, numbers
from tests.datasets.window_runs import fo

WIDTH, HEIGHT = 100, 80


class WindowMachine(LedgerMachine):
    """A ledger, its window, and their model: `shown` is the window's version, `seen` what is edited in it by key."""

    def __init__(self) -> None:
        super().__init__()
        if fo().dataset_exists("pets"):
            fo().delete_dataset("pets")
        self.shown: int | None = None
        self.seen: dict[str, Facts] = {}
        self.commits = 0

    def merged(self) -> Iterator[tuple[str, Facts | None, int]]:
        """Each edited image on top of today's ledger, and how often the two contradict each other."""
        assert self.shown is not None
        for key, facts in self.seen.items():
            yield key, *merge(self.versions[self.shown][key], self.now.get(key), facts)

    @rule()
    def browse(self) -> None:
        obstacle = self.shown is not None and any(
            facts != self.now.get(key) or contradictions for key, facts, contradictions in self.merged()
        )
        try:
            show_window(self.ledger)
        except UncommittedEdits:
            assert obstacle
            return
        if self.shown != len(self.versions) - 1:
            assert not obstacle
            self.shown, self.seen = len(self.versions) - 1, {}

    @rule(
        number=numbers, how=st.sampled_from(["move", "rename", "add", "delete", "tag"]), label=st.sampled_from(LABELS)
    )
    def edit_in_window(self, number: int, how: str, label: str) -> None:
        if self.shown is None or not self.versions[self.shown]:
            return
        keys = sorted(self.versions[self.shown])
        key = keys[number % len(keys)]
        there = fo().load_dataset("pets").one(fo().ViewField("key") == key)
        facts = dict(self.seen.get(key, self.versions[self.shown][key]))
        detections = list(there.ground_truth.detections) if there.ground_truth is not None else []
        chosen: Any = detections[number // 7 % len(detections)] if detections else None
        if how == "add":
            slot = 2 + number % 2
            chosen = fo().Detection(label=label, bounding_box=[slot * SLOT / WIDTH, 0, 10 / WIDTH, 10 / HEIGHT])
            detections.append(chosen)
            facts[chosen.id, "label"], facts[chosen.id, "corners"] = label, (slot * SLOT, 0, slot * SLOT + 10, 10)
        elif how == "tag":
            there.tags = facts["", "tags"] = (label,)
            there.tags = [label]
        elif chosen is None:
            return
        elif how == "rename":
            chosen.label = facts[chosen.id, "label"] = label
        elif how == "move":
            x1, right = facts[chosen.id, "corners"][0], 10 + number % 4
            chosen.bounding_box = [x1 / WIDTH, 0, right / WIDTH, 10 / HEIGHT]
            facts[chosen.id, "corners"] = (x1, 0, x1 + right, 10)
        else:
            detections.remove(chosen)
            facts = {name: value for name, value in facts.items() if name[0] != chosen.id}
        if boxes_of(facts):
            facts.pop(("", "state"), None)
        elif ("", "state") not in facts:
            facts["", "state"] = "negative"
        there.ground_truth = fo().Detections(detections=detections)
        there.save()
        self.seen[key] = facts

    @rule(author=st.sampled_from(["bob", "eve"]))
    def commit_from_window(self, author: str) -> None:
        window = open_window(self.ledger)
        if window is None:
            assert self.shown is None
            return
        results = list(self.merged())
        try:
            done = commit_window(window, author=author, message="m")
        except CommitConflict:
            assert any(contradictions for *_, contradictions in results)
            assert self.ledger.version() == len(self.versions) - 1
            return
        assert not any(contradictions for *_, contradictions in results)
        assert not done.waiting
        self.commits += done.commit is not None
        self.committed({**self.now, **{key: facts for key, facts, _ in results}}, author)
        self.shown, self.seen = len(self.versions) - 1, {}
        assert not find_edits(done.window)


@pytest.mark.parametrize("examples", [2, pytest.param(15, marks=pytest.mark.slow)])
def test_a_window_and_its_ledger_say_what_the_model_says(examples: int) -> None:
    run_state_machine_as_test(
        WindowMachine,
        settings=settings(max_examples=examples, stateful_step_count=15, deadline=None, print_blob=True),
    )
