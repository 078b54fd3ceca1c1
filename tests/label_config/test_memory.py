"""What is remembered of the desk comes back the same, to the last bit."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from labelloop.datasets.schema import Sample
from labelloop.label_config.memory import format_entry, is_known, parse_entry, remember
from tests.label_config.test_tasks import samples


@given(samples(), samples(), st.booleans())
def test_what_people_said_is_remembered(pushed: Sample, other: Sample, opinion: bool) -> None:
    said = replace(pushed, boxes=other.boxes, state=other.state)
    drawn = {box.id: box for box in other.boxes[:1]}
    known = remember(3, {"7 2026": "digest"}, pushed, said, opinion=opinion, drawn=drawn)
    entry = json.loads(json.dumps(format_entry(known)))
    back = parse_entry(entry)
    assert back == known
    kept, now = back.said(pushed), {box.id: box for box in said.boxes}
    assert {box.id: box for box in kept.boxes} == now
    assert (kept.state, kept.label) == (said.state, said.label)
    assert is_known(entry, 3, {"7 2026": "digest"})
    assert not is_known(entry, 4, {"7 2026": "digest"})
    assert not is_known(entry, 3, {"7 2026": "another"})
    assert not is_known(None, 3, {})


def test_what_an_earlier_labelloop_wrote_is_read(tmp_path: Path) -> None:
    pushed = Sample("a.png", tmp_path, (4, 4), state="unlabelled")  # type: ignore[arg-type]
    back = parse_entry([3, {"7": "digest"}, {}, None, "negative"])
    assert (back.opinion, back.drawn, back.said(pushed)) == (False, {}, replace(pushed, state="negative"))
