"""What is wrong with a source, and what is in it. Nothing is written."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

from .findings import Finding, Findings
from .images import MAX_PIXELS, Header, find_decoding_problem
from .passes import each
from .reading import Dataset, Progress, Reading, open_source
from .recipe import Recipe
from .schema import Sample


@dataclass(frozen=True, slots=True)
class ClassCount:
    """How many boxes a class has, on how many images, and how many images it labels as a whole."""

    name: str
    boxes: int
    images: int


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What was found in a source.

    `images` counts image files, `left_out` those that a finding keeps from being read;
    `states`, `splits` and `sizes` count the images that can be read ("" is no split), the
    most frequent first. `accepted` counts findings that the recipe declares as known.
    """

    root: Path
    format: str
    images: int
    left_out: int
    boxes: int
    groups: int
    classes: tuple[ClassCount, ...]
    states: Mapping[str, int]
    splits: Mapping[str, int]
    sizes: Mapping[str, int]
    findings: tuple[Finding, ...]
    accepted: Mapping[str, int]

    @property
    def stopping(self) -> int:
        """How many findings stop an import."""
        return sum(finding.severity == "stops" for finding in self.findings)


def check(
    root: Path,
    recipe: Recipe | None = None,
    *,
    format: str = "",
    images: Path | None = None,
    decode: bool = True,
    max_pixels: int = MAX_PIXELS,
    jobs: int = 2,
    progress: Progress | None = None,
) -> CheckReport:
    """Everything that is wrong with a source or worth a look, and what it holds.

    Args:
        decode: read every picture to its end. Without, headers only: some seconds for
            100,000 images, and a picture that is broken in its middle is not found.
        jobs: threads that decode and hash.

    Raises:
        LabelloopError: no such folder, or no format that can be recognised.
    """
    reading = open_source(root, recipe, format=format, images=images, max_pixels=max_pixels)
    headers: dict[str, Header] = {}
    reading.header_of = headers.__setitem__
    dataset = reading.dataset(progress)
    if decode:
        find_broken_pictures(reading, sorted(headers), jobs, progress)
    find_duplicates(dataset.samples, headers, reading.findings)
    find_torn_groups(dataset.samples, reading.findings)
    classes = count_classes(dataset)
    for counted in classes:
        if not counted.boxes and not counted.images:
            reading.findings.add("class-empty", "", f"class {counted.name} has no label at all")
    return _report(reading, dataset, classes)


def find_broken_pictures(reading: Reading, keys: Iterable[str], jobs: int, progress: Progress | None) -> None:
    """Decode every image whose header could be read; add what goes wrong to the findings."""
    files = reading.source.images.images
    named = [(key, files[key]) for key in keys if key in files]
    problems = each(lambda entry: find_decoding_problem(Path(entry[1]), reading.max_pixels), named, jobs=jobs)
    for done, ((key, _), problem) in enumerate(zip(named, problems, strict=True), start=1):
        if problem is not None:
            reading.findings.add(problem.kind, key, str(problem))
        if progress is not None:
            progress(done, len(named))


def find_duplicates(samples: Iterable[Sample], headers: Mapping[str, Header], findings: Findings) -> None:
    """Add images with the same bytes to the findings; those that are labelled differently too.

    Only files of one length that agree at their end and in their middle are hashed.
    """
    first: dict[tuple[int, bytes], Sample] = {}
    alike: dict[tuple[int, bytes], list[Sample]] = {}
    for sample in samples:
        if not sample.embedded:
            header = headers.get(sample.key)
            outside = (header.bytes, header.ending) if header else (sample.path.stat().st_size, b"")
            other = first.setdefault(outside, sample)
            if other is not sample:
                alike.setdefault(outside, [other]).append(sample)
    for (length, _), suspects in alike.items():
        _compare_bytes(length, suspects, findings)


def find_torn_groups(samples: Iterable[Sample], findings: Findings) -> None:
    """Add images of a group that lies in two splits to the findings: a test would see what was trained on."""
    first: dict[str, Sample] = {}
    for sample in samples:
        if sample.group is not None and sample.split:
            other = first.setdefault(sample.group, sample)
            if other.split != sample.split:
                findings.add(
                    "split-leak",
                    sample.key,
                    f"image is in {sample.split}, {other.key} of the same group ({sample.group}) in {other.split}",
                )


def _compare_bytes(length: int, alike: Iterable[Sample], findings: Findings) -> None:
    from hashlib import file_digest

    # Files of one length mostly differ in their middle: 256 bytes of it spare reading the rest.
    by_middle: dict[bytes, list[Sample]] = {}
    for sample in alike:
        middle = _of_file(sample, lambda file: os.pread(file.fileno(), 256, length // 2), findings)
        if middle is not None:
            by_middle.setdefault(middle, []).append(sample)
    for suspects in by_middle.values():
        first: dict[bytes, Sample] = {}
        for sample in suspects if len(suspects) > 1 else ():
            digest = _of_file(sample, lambda file: file_digest(file, "sha256").digest(), findings)
            other = first.setdefault(digest, sample) if digest is not None else sample
            if other is not sample:
                findings.add("duplicate-image", sample.key, f"image has the same bytes as {other.key}")
                if sample.split and other.split and sample.split != other.split:
                    findings.add(
                        "split-leak", sample.key, f"image is in {sample.split}, its copy {other.key} in {other.split}"
                    )
                if _labels(sample) != _labels(other):
                    findings.add(
                        "duplicate-disagrees", sample.key, f"image is labelled otherwise than its copy {other.key}"
                    )


def _of_file(sample: Sample, read: Callable[[BufferedReader], bytes], findings: Findings) -> bytes | None:
    """What is read of an image's file; None, with a finding, where it is gone or cannot be read any more."""
    try:
        with open(sample.path, "rb") as file:
            return read(file)
    except OSError as error:
        findings.add("unreadable-image", sample.key, f"image cannot be read any more: {error.strerror}")
        return None


def count_classes(dataset: Dataset) -> tuple[ClassCount, ...]:
    """Boxes and images of each class, in the order of the classes."""
    boxes: Counter[str] = Counter()
    images: Counter[str] = Counter()
    for sample in dataset.samples:
        labels = [box.label for box in sample.boxes]
        for label in labels:
            boxes[label] += 1
        if sample.label is not None:
            labels.append(sample.label)
        for label in set(labels):
            images[label] += 1
    return tuple(ClassCount(name, boxes[name], images[name]) for name in dataset.classes)


def _labels(sample: Sample) -> tuple[object, ...]:
    return (sample.state, sample.label, sorted((box.label, *box.corners) for box in sample.boxes))


def _report(reading: Reading, dataset: Dataset, classes: tuple[ClassCount, ...]) -> CheckReport:
    samples = dataset.samples
    states = Counter(sample.state for sample in samples)
    return CheckReport(
        root=reading.root,
        format=reading.format,
        images=len(reading.source.images.images) + sum(sample.embedded for sample in samples),
        left_out=len(reading.left_out()),
        boxes=sum(len(sample.boxes) for sample in samples),
        groups=len({sample.group for sample in samples if sample.group is not None}),
        classes=classes,
        states={state: states[state] for state in ("labelled", "negative", "unlabelled") if states[state]},
        splits=dict(sorted(Counter(sample.split or "" for sample in samples).items())),
        sizes={str(size): count for size, count in Counter(sample.size for sample in samples).most_common()},
        findings=tuple(reading.findings),
        accepted=dict(reading.findings.accepted),
    )
