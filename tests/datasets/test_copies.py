"""Images with the same bytes: found whatever their names, in the order of the samples."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from labelloop.datasets.copies import find_copies
from labelloop.datasets.schema import Sample, Size
from labelloop.datasets.splitting import split_samples


def samples_of(contents: list[bytes], root: Path) -> list[Sample]:
    found: list[Sample] = []
    for number, content in enumerate(contents):
        path = root / f"{number:03d}.jpg"
        path.write_bytes(content)
        found.append(Sample(path.name, path, Size(4, 4), state="unlabelled"))
    return found


@given(
    contents=st.lists(
        st.sampled_from([b"", b"a" * 700, b"b" + b"a" * 699, b"a" * 699 + b"b", b"ab" * 350, b"x"]), max_size=12
    )
)
@settings(deadline=None, max_examples=60)
def test_every_copy_is_paired_with_the_first_of_its_bytes(contents: list[bytes], tmp_path_factory: object) -> None:
    root = tmp_path_factory.mktemp("copies")  # type: ignore[attr-defined]
    meant = [
        (contents.index(content), number) for number, content in enumerate(contents) if content in contents[:number]
    ]
    found = find_copies(samples_of(contents, root))
    assert [(int(first.key[:3]), int(copy.key[:3])) for first, copy in found] == meant


def test_what_is_not_there_or_inside_a_label_file_is_no_copy(tmp_path: Path) -> None:
    one, two, gone = samples_of([b"a", b"a", b"a"], tmp_path)
    gone.path.unlink()
    inside = Sample("x.jpg", one.path, Size(4, 4), state="unlabelled", embedded=True)
    assert find_copies([inside, gone, one, two]) == [(one, two)]


def test_copies_are_split_together_without_a_look_at_the_pictures(tmp_path: Path) -> None:
    samples = samples_of([bytes([number % 10]) * 50 for number in range(40)], tmp_path)
    splitting = split_samples(samples)
    sides = {(int(key[:3]) % 10, split) for key, split in splitting.splits.split_of.items()}
    assert len(sides) == 10
    assert {pair.reason for pair in splitting.near} == {"the same bytes"}


def test_copies_that_were_fixed_to_two_splits_are_said(tmp_path: Path) -> None:
    samples = samples_of([b"a", b"b", b"a"], tmp_path)
    found = split_samples(samples, fixed={"000.jpg": "train", "002.jpg": "test"})
    assert [(each.kind, str(each)) for each in found.findings] == [
        ("split-leak", "002.jpg: image is in test, and 000.jpg, which belongs together with it, in train")
    ]
