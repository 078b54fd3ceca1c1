"""Texts of the window that are made without a window."""

from __future__ import annotations

from labelloop.datasets.changes import Change
from labelloop.datasets.schema import Box
from labelloop.tools.fiftyone_plugin.labels import _short_names
from labelloop.tools.ledger_reports import change_words

OLD = Box("10", 1, 2, 30, 40, id="a" * 24)
NEW = Box("오십원", 5, 6, 30, 40, id="a" * 24)


def test_changes_are_told_without_ids_and_corners() -> None:
    box = "a" * 24
    assert change_words(Change("box-renamed", "k.png", box, OLD, NEW)) == 'k.png: box "10" renamed to "오십원"'
    assert change_words(Change("box-moved", "k.png", box, OLD, OLD, 0.876)) == 'k.png: box "10" moved (IoU 0.88)'
    assert change_words(Change("box-added", "k.png", box, None, NEW)) == 'k.png: box "오십원" added'
    assert change_words(Change("box-deleted", "k.png", box, OLD, None)) == 'k.png: box "10" deleted'
    assert (
        change_words(Change("state", "k.png", "", "negative", "labelled")) == "k.png: state was negative, is labelled"
    )


def test_authors_are_short_where_that_tells_them_apart() -> None:
    authors = ["mina@example.org", "root", "root@localhost", "ann"]
    assert list(_short_names(authors).values()) == ["mina", "root", "root@localhost", "ann"]
