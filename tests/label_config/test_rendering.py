"""Labeling configs: every class name survives, and a person's own is told what is wrong with it."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.palette import COLOURS, class_colour
from labelloop.label_config.checking import describe_config, find_problems, read_config
from labelloop.label_config.config import KINDS
from labelloop.label_config.rendering import HOTKEYS, UNSURE_KEY, render_config
from tests.label_config.servers import CLASSES

names = st.lists(
    st.text(
        st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="$\ufffe\uffff"), min_size=1, max_size=12
    ).filter(lambda text: text == text.strip()),
    min_size=1,
    max_size=40,
    unique=True,
)


@given(names, st.sampled_from(KINDS))
def test_every_class_name_survives_in_its_order(classes: list[str], kind: str) -> None:
    config = render_config(classes, kind)  # type: ignore[arg-type]
    assert find_problems(config.xml, classes) == []
    assert read_config(config.xml, classes) == config
    assert describe_config(config.xml).kind == kind == config.kind


def test_each_class_has_the_colour_of_its_place_and_a_key_of_its_own() -> None:
    config = render_config([f"class {number}" for number in range(100)])
    labels = list(ElementTree.fromstring(config.xml).iter("Label"))
    assert [label.get("background") for label in labels] == [class_colour(number) for number in range(100)]
    keys = [label.get("hotkey") for label in labels if label.get("hotkey")]
    assert keys == list(HOTKEYS)
    assert len({*keys, UNSURE_KEY}) == len(keys) + 1
    # What chooses a tool or lets go of a region in Label Studio 1.23.
    assert not {*keys, UNSURE_KEY} & set("vrhbekmowpu")


def test_the_palette_starts_with_okabe_and_ito_and_repeats_only_at_its_end() -> None:
    assert COLOURS[:3] == ("#e69f00", "#56b4e9", "#009e73")
    assert len(set(COLOURS)) == len(COLOURS) >= 200
    assert class_colour(len(COLOURS)) == COLOURS[0]


@pytest.mark.parametrize(
    ("classes", "said"),
    [
        ([], "at least one class"),
        (["a", "a"], "once, received 'a' twice"),
        (["a\x00"], "XML can hold"),
        ([" a"], "begin or end with a space"),
        (["$100"], "as a field of the task"),
    ],
)
def test_what_label_studio_cannot_show_is_refused(classes: list[str], said: str) -> None:
    with pytest.raises(LabelloopError, match=said.replace("$", r"\$")):
        render_config(classes)


OWN = """<View><Image name="pic" value="$photo"/>
<RectangleLabels name="what" toName="pic" canRotate="false">{}</RectangleLabels>
<Choices name="sure" toName="pic" perRegion="true"><Choice value="unsure"/></Choices></View>"""


def labels(*values: str) -> str:
    return "".join(f'<Label value="{value}"/>' for value in values)


def test_a_config_of_ones_own_is_read_by_what_its_tags_are_for() -> None:
    config = read_config(OWN.format(labels("a", "b")), ("a", "b"))
    assert (config.image, config.field, config.label, config.unsure) == ("pic", "photo", "what", "sure")
    assert (config.comment, config.choice, config.classes) == ("", "", ("a", "b"))


@pytest.mark.parametrize(
    ("xml", "said"),
    [
        ("<View>", "no XML that can be trusted"),
        ('<!DOCTYPE x [<!ENTITY a "b">]><View>&a;</View>', "no XML that can be trusted"),
        ("<View/>", "one Image tag, received 0"),
        (OWN.format(labels("a")), 'RectangleLabels "what" lacks the class "b"'),
        (OWN.format(labels("a", "b", "c")), 'RectangleLabels "what" has "c", which is no class'),
        (OWN.format(labels("a", "b", "b")), 'RectangleLabels "what" has "b" twice'),
        (OWN.format(labels("b", "a")), "in another order; declared are a, b"),
        (OWN.format('<Label value="a" alias="x"/>' + labels("b")), 'no alias, received alias="x" for "a"'),
        (OWN.format(labels("a", "b")).replace('canRotate="false"', ""), 'must have canRotate="false"'),
        (OWN.format(labels("a", "b")).replace("$photo", "photo.jpg"), "must show one field of the task"),
        (OWN.format(labels("a", "b")).replace('toName="pic" can', 'toName="x" can'), 'toName="pic", received toName="x"'),
        (OWN.format(labels("a", "b")).replace('name="sure"', 'name="what"'), '"what" twice'),
        (OWN.format(labels("a", "b")).replace("</View>", '<PolygonLabels name="p" toName="pic"/></View>'), "no PolygonLabels"),
        ('<View><Image name="pic" value="$photo"/></View>', "a RectangleLabels tag for boxes or a Choices tag"),
    ],
)  # fmt: skip
def test_each_problem_is_a_sentence(xml: str, said: str) -> None:
    problems = find_problems(xml, ("a", "b"))
    assert any(said in problem for problem in problems), problems
    with pytest.raises(LabelloopError, match="the labeling config cannot be used"):
        read_config(xml, ("a", "b"))


def test_nothing_is_read_from_outside(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    xml = f'<!DOCTYPE x [<!ENTITY a SYSTEM "{secret.as_uri()}">]><View>&a;</View>'
    assert "secret</View>" not in str(find_problems(xml, CLASSES))
