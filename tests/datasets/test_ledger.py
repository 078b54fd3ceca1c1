"""The ledger: what is written is read again, at every version, and by whatever else reads Delta Lake."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import deltalake
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelloop.datasets.boxes import with_ids
from labelloop.datasets.changes import count_changes
from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.ledger import CommitConflict, Ledger
from labelloop.datasets.ledger_rows import SCHEMA, Stamp, to_rows, to_samples
from labelloop.datasets.schema import NOTHING, Box, Json, Sample, Size
from tests.datasets.ledger_samples import IDS, samples
from tests.datasets.ledgers import by_key, commit, new_ledger, one, sample

CAT, DOG = Box("cat", 0, 0, 10, 10), Box("dog", 20, 20, 50.25, 60)
NASTY = (
    "a'b.jpg",
    'a"b.jpg',
    "a\\b.jpg",
    "a''b\\'.jpg",
    "한글/이름 (1).jpg",
    "a, b; --c.jpg",
    "$1 {x} `key` %s.jpg",
    "line\nbreak\ttab.jpg",
    "😀.jpg",
    "null",
    "-1.jpg",
)

JSON: st.SearchStrategy[Json] = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**70), 2**70),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(st.characters(codec=None), max_size=5),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)),
    max_leaves=6,
)
STAMP = Stamp("ann", "edit", datetime(2024, 1, 2, 3, 4, 5, 678901, tzinfo=UTC), 7)


@settings(deadline=None)
@given(st.dictionaries(st.text(max_size=4), JSON, max_size=3), st.dictionaries(st.text(max_size=4), JSON, max_size=3))
def test_attributes_and_extra_come_back_as_they_were(attributes: dict[str, Json], extra: dict[str, Json]) -> None:
    box = Box("cat", 0, 0, 1, 1, IDS[0], None, attributes)
    there = Sample("a.jpg", Path("/a.jpg"), Size(9, 9), boxes=(box,), extra=extra)
    (back,) = to_samples(to_rows([there], STAMP))
    assert back == there
    assert repr(back.boxes[0].attributes) == repr(attributes)  # True is not 1, and 1 is not 1.0


@settings(deadline=None)
@given(st.lists(samples(), max_size=4))
def test_rows_say_what_the_samples_say(given: list[Sample]) -> None:
    named = [replace(each, key=f"{n}") for n, each in enumerate(given)]
    rows = to_rows(named, STAMP)
    assert rows.schema == SCHEMA
    assert to_samples(rows) == named
    assert set(rows["version"]) <= {7}


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), [{"deep": float("-inf")}]])
def test_numbers_that_json_cannot_say_are_refused(tmp_path: Path, bad: Json) -> None:
    ledger = new_ledger(tmp_path)
    with pytest.raises(ValueError, match=r"attributes must be JSON, received -?(nan|inf)"):
        commit(ledger, sample("a.jpg", replace(CAT, attributes={"x": bad})))
    assert ledger.version() == 0


def test_nasty_keys_are_added_changed_and_removed(tmp_path: Path) -> None:
    before = [sample(key, CAT, group=key) for key in NASTY]
    ledger = new_ledger(tmp_path, *before)
    assert [each.key for each in ledger.samples()] == sorted(NASTY)
    after = [replace(each, boxes=with_ids(each.key, [DOG], each.boxes)) for each in before]
    commit(ledger, *after)
    assert {each.key: each for each in ledger.samples()} == by_key(*after)
    for key in NASTY:
        assert one(ledger, key).boxes[0].label == "dog"
    ledger.commit(dict.fromkeys(NASTY[:4]), base=2, author="a", tool="t", message="m")
    assert ledger.keys() == set(NASTY[4:])
    assert {each.key: each for each in ledger.samples(2)} == by_key(*after)
    assert {each.key: each for each in ledger.samples(1)} == by_key(*before)


def test_every_kind_of_change_replaces_the_row(tmp_path: Path) -> None:
    """A change that only adds (a split, a label, a box) once looked like a new image."""
    plain = sample("a.jpg", CAT)
    ledger = new_ledger(tmp_path, plain)
    boxes = with_ids("a.jpg", [CAT, DOG])
    for changed in (
        replace(plain, split="train"),
        replace(plain, label="cat"),
        replace(plain, boxes=boxes),
        replace(plain, tags=("x",)),
        replace(plain, path=Path("/elsewhere/a.jpg")),
        replace(plain, extra={"a": 1}),
        replace(plain, boxes=(), state="unlabelled"),
        plain,
    ):
        version = commit(ledger, changed)
        assert ledger.frame().height == 1
        assert one(ledger, "a.jpg") == changed
        assert ledger.commit_of(version).counts
    assert ledger.version() == 9


def test_what_changes_nothing_is_no_commit(tmp_path: Path) -> None:
    there = sample("a.jpg", CAT, DOG)
    ledger = new_ledger(tmp_path, there)
    turned = replace(there, boxes=there.boxes[::-1])
    for changed in (by_key(there), by_key(turned), {"gone.jpg": None}, {}):
        assert ledger.commit(changed, base=1, author="a", tool="t", message="m") is None
    assert ledger.version() == 1


def test_classes_keep_their_order_and_new_ones_follow(tmp_path: Path) -> None:
    ledger = new_ledger(tmp_path, sample("a.jpg", CAT), classes=("zebra", "cat", "ant"))
    assert ledger.classes() == ("zebra", "cat", "ant")
    commit(ledger, sample("b.jpg", DOG, label="bee"))
    assert ledger.classes() == ("zebra", "cat", "ant", "bee", "dog")
    assert ledger.classes(1) == ("zebra", "cat", "ant")
    order = ("cat", "dog", "ant", "bee", "zebra")
    made = ledger.commit({}, base=2, author="a", tool="t", message="order", classes=order)
    assert made is not None
    assert (made.counts, made.classes) == ({}, order)
    assert ledger.classes() == order
    assert ledger.frame().height == 2


def test_classes_of_somebody_faster_stay(tmp_path: Path) -> None:
    ledger = new_ledger(tmp_path, sample("a.jpg", CAT))
    commit(ledger, sample("b.jpg", Box("emu", 0, 0, 1, 1)))
    commit(ledger, sample("c.jpg", CAT), base=1, classes=("cat", "dog", "fox"))
    assert ledger.classes() == ("cat", "dog", "fox", "emu")


def test_history_says_who_did_what(tmp_path: Path) -> None:
    began = datetime.now(UTC)
    ledger = new_ledger(tmp_path, sample("a.jpg", CAT), sample("b.jpg"))
    made = ledger.commit(
        by_key(replace(sample("b.jpg", CAT, DOG))), base=1, author="밥 \"b\" 'o'", tool="label-studio",
        message="two\nlines, ünïcode", round="r/1", details={"task": "7"},
    )  # fmt: skip
    assert [each.version for each in ledger.commits()] == [0, 1, 2]
    first, imported, last = ledger.commits()
    assert (first.tool, first.message, first.counts) == ("labelloop", "made", {})
    assert imported.counts == {"image-added": 2, "box-added": 1}
    assert last == made == ledger.commit_of(2)
    assert (last.author, last.tool, last.message) == ("밥 \"b\" 'o'", "label-studio", "two\nlines, ünïcode")
    assert (last.round, last.details) == ("r/1", {"task": "7"})
    assert last.counts == {"state": 1, "box-added": 2}
    assert began.timestamp() - 1 <= first.time.timestamp() <= last.time.timestamp() <= datetime.now(UTC).timestamp()


def test_a_row_says_who_changed_it_and_each_box_who_changed_that(tmp_path: Path) -> None:
    there = sample("a.jpg", CAT, DOG)
    ledger = new_ledger(tmp_path, there)
    moved = replace(there, boxes=(there.boxes[0], replace(there.boxes[1], x1=21)))
    commit(ledger, moved, author="bob")
    row = ledger.frame().row(0, named=True)
    assert (row["author"], row["tool"], row["version"]) == ("bob", "edit", 2)
    assert [(box["author"], box["tool"]) for box in row["boxes"]] == [("ann", "import"), ("bob", "edit")]
    assert row["boxes"][0]["time"] < row["boxes"][1]["time"] == row["time"]


def test_rows_since_a_version_are_those_that_changed(tmp_path: Path) -> None:
    ledger = new_ledger(tmp_path, sample("a.jpg"), sample("b.jpg"), sample("c.jpg"))
    commit(ledger, sample("b.jpg", CAT))
    commit(ledger, sample("d.jpg"))
    assert ledger.frame(since=1)["key"].to_list() == ["b.jpg", "d.jpg"]
    assert ledger.frame(since=2)["key"].to_list() == ["d.jpg"]
    assert ledger.frame(2, since=1)["key"].to_list() == ["b.jpg"]
    assert ledger.frame(since=3).is_empty()


def test_a_key_can_go_and_come_back(tmp_path: Path) -> None:
    there = sample("a.jpg", CAT)
    ledger = new_ledger(tmp_path, there, sample("b.jpg"))
    ledger.commit({"a.jpg": None}, base=1, author="a", tool="t", message="m")
    assert ledger.keys() == {"b.jpg"}
    commit(ledger, there)
    assert ledger.keys() == {"a.jpg", "b.jpg"}
    assert ledger.changes(1, 3) == []
    assert count_changes(ledger.changes(1, 2)) == {"image-removed": 1, "box-deleted": 1}
    assert count_changes(ledger.changes(3, 2)) == {"image-removed": 1, "box-deleted": 1}
    assert count_changes(ledger.changes(2)) == {"image-added": 1, "box-added": 1}


@pytest.mark.parametrize(
    ("where", "keys"),
    [
        ("split = 'train'", "a"),
        ("\"group\" = 'g'", "b"),
        ("state = 'negative' AND count = 0", "b"),
        ("array_contains(labels, 'dog')", "a"),
        ("array_contains(labels, 'fox')", "c"),
        ("count >= 2 OR key LIKE 'c%'", "ac"),
        ("array_contains(tags, 'x')", "c"),
        ("width > 50 AND height < 100", "abc"),
        ("author <> 'ann'", ""),
        ("label IS NULL", "ab"),
    ],
)
def test_where(tmp_path: Path, where: str, keys: str) -> None:
    ledger = new_ledger(
        tmp_path,
        sample("a", CAT, DOG, split="train"),
        sample("b", group="g"),
        sample("c", label="fox", tags=("x", "y")),
    )
    assert "".join(each.key for each in ledger.samples(where=where)) == keys
    assert set(ledger.frame(where=where).columns) == set(SCHEMA)


@pytest.mark.parametrize(
    "where", ["group = 'g'", "width", "nonsense >", "no_such = 1", "CAST(key AS INT) = 3", "width = 'a'", "1 = 1; DROP"]
)
def test_where_that_is_no_condition_is_a_sentence(tmp_path: Path, where: str) -> None:
    ledger = new_ledger(tmp_path, sample("a", CAT))
    with pytest.raises(LabelloopError, match=r"^--where must be a SQL condition over key, root, .*, labels, count"):
        ledger.frame(where=where)


@pytest.mark.parametrize("version", [-1, 2, 99])
def test_a_version_that_is_not_there_is_a_sentence(tmp_path: Path, version: int) -> None:
    ledger = new_ledger(tmp_path, sample("a.jpg"))
    with pytest.raises(LabelloopError, match=f"version must be one of 0 to 1 of pets, received {version}"):
        ledger.frame(version)
    for ask in (ledger.commit_of, ledger.classes, ledger.keys, ledger.samples):
        with pytest.raises(LabelloopError, match="must be one of 0 to 1"):
            ask(version)
    if version > 1:
        with pytest.raises(LabelloopError, match="must be one of 0 to 1"):
            commit(ledger, sample("a.jpg", CAT), base=version)


def test_no_ledger_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(LabelloopError, match="labelloop import SOURCE --name pets makes one"):
        Ledger(tmp_path / "pets")


def test_a_ledger_whose_making_was_killed_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "pets" / "_delta_log").mkdir(parents=True)
    (tmp_path / "pets" / "_delta_log" / "_commit_1.json.tmp").touch()
    with pytest.raises(LabelloopError, match="no data set"):
        Ledger(tmp_path / "pets")
    assert Ledger.create(tmp_path / "pets", "ann", ["cat"]).classes() == ("cat",)
    assert Ledger.create(tmp_path / "pets", "bob", ["dog"]).classes() == ("cat",)


def test_samples_that_cannot_be_told_apart_are_refused(tmp_path: Path) -> None:
    ledger = new_ledger(tmp_path)
    twins = (replace(CAT, id=IDS[0]), replace(DOG, id=IDS[0]))
    for changed, words in (
        ({"b.jpg": sample("a.jpg")}, "by their keys, received a.jpg as b.jpg"),
        ({"a.jpg": replace(sample("a.jpg", CAT), boxes=(CAT,))}, "ids of their own, received ''"),
        ({"a.jpg": replace(sample("a.jpg", CAT), boxes=twins)}, "ids of their own"),
    ):
        with pytest.raises(ValueError, match=words):
            ledger.commit(changed, base=0, author="a", tool="t", message="m")
    assert ledger.version() == 0


def test_a_stale_commit_goes_in_beside_others_or_not_at_all(tmp_path: Path) -> None:
    there = sample("a.jpg", CAT, DOG)
    ledger = new_ledger(tmp_path, there, sample("b.jpg"))
    cat, dog = there.boxes
    commit(ledger, replace(there, boxes=(replace(cat, x2=11), dog)))
    commit(ledger, replace(there, boxes=(cat, replace(dog, label="cat"))), base=1, author="bob")
    assert one(ledger, "a.jpg").boxes == (replace(cat, x2=11), replace(dog, label="cat"))
    with pytest.raises(CommitConflict, match=r"nothing was committed:\n  a.jpg: box .*corners was") as caught:
        commit(ledger, replace(there, boxes=(replace(cat, x2=12), dog)), sample("b.jpg", CAT), base=1)
    assert [each.what for each in caught.value.conflicts] == ["corners"]
    assert ledger.version() == 3
    assert one(ledger, "b.jpg").state == "negative"


def test_a_ledger_that_cannot_be_written_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = new_ledger(tmp_path, sample("a.jpg"))

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("labelloop.datasets.ledger.write_deltalake", full)
    with pytest.raises(LabelloopError, match=r"cannot write to the ledger in .*No space left"):
        commit(ledger, sample("b.jpg"))
    monkeypatch.undo()
    assert commit(ledger, sample("b.jpg")) == 2


def test_plain_polars_and_deltalake_read_it_at_any_version(tmp_path: Path) -> None:
    ledger = new_ledger(tmp_path, sample("a.jpg", CAT), sample("b.jpg"))
    commit(ledger, sample("b.jpg", CAT, DOG))
    code = f"""
import polars as pl
from deltalake import DeltaTable
now, then = pl.read_delta({str(ledger.folder)!r}), pl.read_delta({str(ledger.folder)!r}, version=1)
print(now["boxes"].list.len().sum(), then["boxes"].list.len().sum())
labels = now.explode("boxes").unnest("boxes", separator=".")["boxes.label"].value_counts(sort=True)
print(labels.rows())
print(DeltaTable({str(ledger.folder)!r}).history(1)[0]["author"])
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == ["3 1", "[('cat', 2), ('dog', 1)]", "ann"], done.stderr


@pytest.mark.parametrize("name", ["with space", "한글", "100%", "a#b?c", "a'b", "a{b}*", "é"])
def test_a_workspace_may_lie_in_a_folder_of_any_name(tmp_path: Path, name: str) -> None:
    ledger = new_ledger(tmp_path / name, sample("a.jpg", CAT), sample("b.jpg"))
    assert ledger.commit({"b.jpg": None}, base=1, author="a", tool="t", message="m")
    assert [each.key for each in ledger.samples()] == ["a.jpg"]
    assert len(ledger.keys(1)) == 2


@pytest.mark.parametrize("name", ["a[1]", "a%20b", "a|b", "a^b", "a\\b", "a\nb"])
def test_a_folder_that_delta_cannot_write_to_is_a_sentence(tmp_path: Path, name: str) -> None:
    with pytest.raises(LabelloopError, match=r"a workspace's path must be without .* --home names another"):
        new_ledger(tmp_path / name)
    assert not (tmp_path / name).exists()


def test_a_commit_of_another_program_keeps_the_class_order(tmp_path: Path) -> None:
    ledger = new_ledger(tmp_path, sample("a.jpg", CAT), classes=("z", "cat"))
    deltalake.write_deltalake(ledger.folder, pl.DataFrame(schema=SCHEMA), mode="append")
    assert ledger.classes() == ("z", "cat")
    assert ledger.commits()[-1].classes == ledger.commit_of(2).classes == ("z", "cat")
    commit(ledger, sample("b.jpg", DOG))
    assert ledger.classes() == ("z", "cat", "dog")


@settings(deadline=None, max_examples=6)
@given(st.lists(st.lists(samples(content="a" * 64, place="/here"), min_size=3, max_size=3), min_size=1, max_size=4))
def test_changes_between_any_two_versions_lead_from_one_to_the_other(states: list[list[Sample]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        ledger = new_ledger(Path(folder))
        kept: list[dict[str, Sample]] = [{}]
        for state in states:
            named = [replace(each, key=f"{n}.jpg") for n, each in enumerate(state)]
            if ledger.commit(by_key(*named), base=len(kept) - 1, author="a", tool="t", message="m"):
                kept.append({each.key: each for each in named})
        for low, before in enumerate(kept):
            for high, after in enumerate(kept):
                changed = {change.key for change in ledger.changes(low, high)}
                assert all(before[key] == after[key] or changed for key in before.keys() & after.keys())
                differing = {
                    key
                    for key in {*before, *after}
                    if unordered(before.get(key)) != unordered(after.get(key))
                }  # fmt: skip
                assert changed == differing


def unordered(each: Sample | None) -> Sample | None:
    return each and replace(each, boxes=tuple(sorted(each.boxes, key=lambda box: box.id)), extra=each.extra or NOTHING)


@pytest.mark.slow
def test_nothing_is_forgotten_after_two_hundred_commits(tmp_path: Path) -> None:
    there = sample("a.jpg", CAT)
    ledger = new_ledger(tmp_path, there, sample("b.jpg"))
    for number in range(2, 212):
        changed = (
            by_key(replace(there, boxes=(replace(there.boxes[0], x2=10 + number / 8),))) if number % 5 == 0 else {}
        )
        ledger.commit(changed, base=number - 1, author="a", tool="t", message=f"{number}", classes=["cat", f"{number}"])
    assert list((ledger.folder / "_delta_log").glob("*.checkpoint.parquet"))
    assert ledger.frame(0).is_empty()
    assert ledger.samples(1) == [there, sample("b.jpg")]
    for version in (5, 99, 100, 101, 150, 211):
        assert one(ledger, "a.jpg", version).boxes[0].x2 == 10 + version // 5 * 5 / 8
        assert ledger.classes(version) == ("cat", f"{version}")
    history = ledger.commits()
    assert [each.version for each in history] == list(range(212))
    assert [each.message for each in history[2:]] == [f"{number}" for number in range(2, 212)]
