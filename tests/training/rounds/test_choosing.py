"""What a round sends: best suspects first, a tenth by chance, unlabelled images with what room there is."""

from __future__ import annotations

import pytest

from labelloop.datasets.schema import Box
from labelloop.training.rounds.choosing import Candidate, choose, label_unsureness, unsureness

SUSPECTS = [Candidate(f"s{at:03}.jpg", 0.9 - at / 1000, 20.0) for at in range(100)]
KEYS = [each.key for each in SUSPECTS] + [f"r{at:03}.jpg" for at in range(300)]


def test_a_tenth_is_drawn_by_chance_and_the_rest_are_the_best():
    chosen = choose(SUSPECTS, [], KEYS, budget=60)
    by = {reason: [each for each in chosen.sent if each.reason == reason] for reason in ("suspect", "audit")}
    assert [len(by["suspect"]), len(by["audit"])] == [54, 6]
    assert sorted(each.key for each in by["suspect"]) == [each.key for each in SUSPECTS[:54]]
    assert sorted(each.rank for each in by["suspect"]) == list(range(1, 55))
    assert not {each.key for each in by["audit"]} & {each.key for each in by["suspect"]}
    assert len(chosen.waiting) == 46


def test_the_seed_decides_the_audit_and_nothing_else():
    one, same, other = (choose(SUSPECTS, [], KEYS, seed=seed) for seed in (1, 1, 2))
    assert one == same
    drawn = [{each.key for each in chosen.sent if each.reason == "audit"} for chosen in (one, other)]
    assert drawn[0] != drawn[1]


def test_the_audit_is_of_everything_that_is_not_sent():
    """Suspects that wait are drawn as often as others: else the audit would say too little of what is left."""
    drawn = [
        each.key for seed in range(200) for each in choose(SUSPECTS, [], KEYS, seed=seed).sent if each.reason == "audit"
    ]
    share = sum(key.startswith("s") for key in drawn) / len(drawn)
    assert share == pytest.approx(46 / 346, abs=0.035)


def test_minutes_count_instead_of_images():
    chosen = choose(SUSPECTS, [], KEYS, minutes=10)
    assert sum(each.seconds for each in chosen.sent) == pytest.approx(600, abs=20)


def test_unlabelled_images_take_a_fifth_beside_suspects_and_all_without():
    unsure = [Candidate(f"u{at}.jpg", None, 10.0) for at in range(50)]
    both = choose(SUSPECTS, unsure, KEYS, budget=60)
    assert sum(each.reason == "unsure" for each in both.sent) == 10
    few = choose(SUSPECTS[:5], unsure, KEYS, budget=60)
    assert sum(each.reason == "unsure" for each in few.sent) == 49
    alone = choose([], unsure, KEYS, budget=20)
    assert sum(each.reason == "unsure" for each in alone.sent) == 18


def test_no_image_is_sent_twice_and_test_images_are_blind():
    chosen = choose(SUSPECTS, [], KEYS[:60], budget=60, blind=["s000.jpg"], turns={"s001.jpg": 2})
    by_key = {each.key: each for each in chosen.sent}
    assert len(by_key) == len(chosen.sent)
    assert by_key["s000.jpg"].blind
    assert not by_key["s001.jpg"].blind
    assert by_key["s001.jpg"].turn == 2


def test_a_budget_of_nothing_is_refused():
    with pytest.raises(ValueError, match="received 0"):
        choose(SUSPECTS, [], KEYS, budget=0)


def test_a_model_is_least_sure_at_one_half():
    box = Box("10", 0, 0, 5, 5, score=0.5)
    sure = Box("10", 0, 0, 5, 5, score=0.98)
    assert unsureness([box, sure]) == 1
    assert unsureness([sure]) == pytest.approx(0.04)
    assert unsureness([]) == 0.5


def test_a_classifier_is_least_sure_where_two_classes_are_equally_likely():
    assert label_unsureness([0.5, 0.5, 0.0]) == 1
    assert label_unsureness([0.1, 0.9]) == pytest.approx(0.2)
    assert label_unsureness([0.4, 0.3, 0.3]) > label_unsureness([0.6, 0.4])
    assert label_unsureness([1.0]) == 0
