"""The alarm of a test split that bends to the model."""

from __future__ import annotations

import pytest

from labelloop.training.rounds.fisher import compare_agreement, fisher_greater


def test_the_lady_tasting_tea():
    assert fisher_greater(3, 4, 1, 4) == pytest.approx(17 / 70)
    assert fisher_greater(4, 4, 0, 4) == pytest.approx(1 / 70)
    assert fisher_greater(0, 4, 4, 4) == 1


def test_edits_that_follow_the_model_raise_the_alarm():
    found = compare_agreement(blind=20, blind_agree=8, other=20, other_agree=19)
    assert found.alarm
    assert found.sentence().startswith("ALARM: 19 of 20")


def test_edits_that_agree_as_often_as_blind_ones_do_not():
    found = compare_agreement(blind=20, blind_agree=15, other=20, other_agree=16)
    assert not found.alarm
    assert found.chance is not None
    assert found.chance > 0.3


def test_without_blind_edits_there_is_nothing_to_compare_with():
    found = compare_agreement(0, 0, 5, 5)
    assert found.chance is None
    assert "none was changed blind" in found.sentence()


def test_more_that_agree_than_there_are_is_refused():
    with pytest.raises(ValueError, match="received 3 of 2"):
        compare_agreement(2, 3, 1, 1)
