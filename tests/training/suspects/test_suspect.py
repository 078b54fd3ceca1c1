"""Suspects as they are kept, and in the order in which they are worth a person's time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.schema import Box
from labelloop.datasets.workspace import Workspace
from labelloop.training.suspects.suspect import (
    Suspect,
    SuspectList,
    rank_of,
    read_suspects,
    seconds_for,
    write_suspects,
)


def suspect(key: str, probability: float = 0.5, kind: str = "class", worth: float = 0.01) -> Suspect:
    seconds = seconds_for(kind)
    rank = rank_of(probability, worth, seconds)
    proposed = Box("50", 1.0, 2.0, 30.0, 40.0, score=0.97)
    return Suspect(key, kind, "a" * 24, "100", proposed, "50", probability, worth, seconds, rank, "왜?", ("held-out",))


def listed(*suspects: Suspect) -> SuspectList:
    return SuspectList("won", 3, "2026-11-24T10:00:00+00:00", {"runs": ["won-1"], "folds": 0}, suspects)


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    found = listed(suspect("사진 1.jpg"), replace(suspect("2.jpg", kind="spurious"), proposed=None))
    write_suspects(Workspace(tmp_path), found)
    assert read_suspects(Workspace(tmp_path), "won") == found
    assert [path.name for path in Workspace(tmp_path).suspects("won").iterdir()] == ["suspects.json"]


def test_nobody_looked_yet(tmp_path: Path) -> None:
    assert read_suspects(Workspace(tmp_path), "won") is None


def test_a_broken_list_says_how_to_mend_it(tmp_path: Path) -> None:
    path = write_suspects(Workspace(tmp_path), listed(suspect("1.jpg")))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(LabelloopError, match=r"not a list of suspects.*labelloop suspects won makes it anew"):
        read_suspects(Workspace(tmp_path), "won")


def test_an_image_is_opened_once_for_all_of_its_suspects() -> None:
    first, second = listed(suspect("a.jpg", 0.6), suspect("b.jpg", 0.7), suspect("a.jpg", 0.6)).images()
    assert (first.key, second.key) == ("a.jpg", "b.jpg")
    assert first.probability == pytest.approx(0.84)
    assert first.seconds < 2 * suspect("a.jpg").seconds
    assert len(first.suspects) == 2


def test_what_takes_longer_comes_later() -> None:
    assert suspect("1.jpg", kind="missing").rank < suspect("1.jpg", kind="spurious").rank


@pytest.mark.parametrize("probability", [-0.1, 1.1, float("nan")])
def test_a_probability_outside_its_range_is_refused(probability: float) -> None:
    with pytest.raises(ValueError, match="probability must be between 0 and 1"):
        suspect("1.jpg", probability)


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="kind must be one of"):
        replace(suspect("1.jpg"), kind="strange")
