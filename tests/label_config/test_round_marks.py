"""Images remember the round that they were last sent for."""

from __future__ import annotations

from pathlib import Path

from labelloop.label_config.round_marks import add_rounds, read_rounds


def test_the_last_round_of_an_image_counts(tmp_path: Path):
    folder = tmp_path / "desk"
    assert read_rounds(folder) == {}
    add_rounds(folder, {"a.jpg": "won-round-1", "b.jpg": "won-round-1"})
    add_rounds(folder, {"b.jpg": "won-round-2"})
    assert read_rounds(folder) == {"a.jpg": "won-round-1", "b.jpg": "won-round-2"}


def test_a_file_that_is_none_is_no_mark(tmp_path: Path):
    (tmp_path / "rounds.json").write_bytes(b"[1")
    assert read_rounds(tmp_path) == {}
