"""A look at an unknown source: a recipe that reads it, why, and what it would read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from . import formats
from .errors import LabelloopError
from .findings import Findings
from .format import Source
from .formats.jsons import IMAGE_FOLDERS
from .images import Header, ImageProblem, read_header
from .json_fields import read_document
from .json_search import Found, search
from .pairs import Pairs
from .path_patterns import Labelled, propose_agreement, propose_classes, propose_groups
from .reading import Reading, open_source
from .recipe import Recipe
from .schema import Json, Sample, Size
from .tree import Tree, walk

LOOKED_AT = 50
"""How many jsons of an unknown schema are searched, spread over the source."""

SHOWN = 5
"""How many samples a preview holds."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a recipe reads of a source.

    `samples` are the first that have labels; `images` counts images by their state,
    `left_out` those that findings keep from being read; `labels` counts boxes (or image labels) by class, in
    the order of the classes; `findings` counts them by kind, `stopping` those that stop an
    import, of which `messages` are the first ten.
    """

    samples: tuple[Sample, ...]
    images: Mapping[str, int]
    left_out: int
    labels: Mapping[str, int]
    findings: Mapping[str, int]
    stopping: int
    messages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Proposal:
    """A recipe for a source, sentences that say why it is so, and what it reads."""

    recipe: Recipe
    reasons: tuple[str, ...]
    preview: Preview


def propose(root: Path, images: Path | None = None) -> Proposal:
    """A recipe for a source; the same for the same files, and nothing is written.

    Args:
        root: the folder with the labels, and with the images unless `images` says otherwise.
        images: the folder with the images.

    Raises:
        LabelloopError: no such folder, an empty one, or one in which nothing can be made out.
    """
    ignored = Findings()
    tree = walk(root, ignored)
    image_tree = walk(images, ignored) if images is not None else tree
    if not tree.images and not tree.others:
        raise LabelloopError(f"source must hold images and labels, received an empty folder: {root}")
    recipe, reasons = _propose_format(tree, image_tree)
    headers: dict[str, Header] = {}
    reading = _open(root, recipe, images, headers)
    samples = list(reading.samples())
    outlines = len(reading.findings.of("unsupported-shape"))
    if outlines:
        recipe = replace(recipe, polygons="boxes")
        reasons.append(
            f"polygons: {outlines} outlines would be refused; they are read as the boxes around them instead"
        )
        reading = _open(root, recipe, images, headers)
        samples = list(reading.samples())
    samples.sort(key=lambda sample: sample.key)
    of_boxes = formats.load(reading.format).holds.boxes
    labelled = [Labelled(sample.key, labels) for sample in samples if (labels := _labels(sample))]
    classes = propose_classes(labelled, reading.source.declared)
    agree, why_agree = propose_agreement(labelled, classes, folders=of_boxes)
    by_folder = of_boxes and not any("/" in pattern.split("(?P")[0] or pattern.startswith("^") for pattern in agree)
    group, why_group = propose_groups(sorted(image_tree.images), classes.classes, by_folder=by_folder)
    reasons += [*classes.reasons, *why_agree, *why_group]
    orphans = len(reading.findings.of("orphan-image"))
    if orphans:
        reasons.append(
            f"missing: {orphans} images have no label file and are taken as unlabelled; say `negative` if somebody has looked"
            " and there is nothing on them"
        )
    accept: tuple[str, ...] = ()
    scaled = len(reading.findings.of("scaled"))
    if scaled >= 0.9 * len(labelled) > 0:
        accept = ("scaled",)
        reasons.append(
            f"accept: in {scaled} images the labels are for a photo of another size; they are scaled, as the sizes say"
        )
    recipe = replace(recipe, classes=classes.classes, labels=classes.labels, group=group, agree=agree, accept=accept)
    return Proposal(recipe, tuple(reasons), preview(root, recipe, images, headers))


def preview(
    root: Path, recipe: Recipe, images: Path | None = None, headers: Mapping[str, Header] | None = None
) -> Preview:
    """What a recipe reads of a source.

    Args:
        headers: of images that are known already, by key.

    Raises:
        LabelloopError: the source cannot be opened with this recipe.
    """
    reading = open_source(root, recipe, images=images)
    reading.headers = headers
    dataset = reading.dataset()
    counts = Counter(label for sample in dataset.samples for label in _labels(sample))
    stopping = reading.findings.stopping()
    return Preview(
        tuple([sample for sample in dataset.samples if _labels(sample)][:SHOWN]),
        dict(sorted(Counter(sample.state for sample in dataset.samples).items())),
        len(reading.left_out()),
        {name: counts[name] for name in dataset.classes},
        {**reading.findings.counts(), **reading.findings.accepted},
        len(stopping),
        tuple(map(str, stopping[:10])),
    )


def _propose_format(tree: Tree, image_tree: Tree) -> tuple[Recipe, list[str]]:
    """A recipe with no more than the format, and why."""
    sure = sorted((-formats.load(name).detect(tree), name) for name in formats.names())
    score, name = -sure[0][0], sure[0][1]
    alike = [other for other_score, other in sure[1:] if -other_score == score]
    found, count = None, 0
    if score < 60 or not formats.load(name).holds.boxes:
        found, count = _search_jsons(tree, image_tree)
    if found is not None:
        reason = f"format: {count} jsons of no known format stand beside their images; their schema was searched"
        return Recipe(format="jsons", fields=found.fields), [reason, *found.reasons]
    if score == 0:
        known = ", ".join(name for name in formats.names() if name != "jsons")
        raise LabelloopError(
            f"{tree.root}: nothing to propose. No known format ({known}) was recognised in {len(tree.images)} images and"
            f" {len(tree.others)} other files"
            + (f", and in none of the ways that were tried do numbers in the {count} jsons beside images fit those as boxes"
               " and stand with a label" if count else "; no json stands beside an image")
        )  # fmt: skip
    reasons = [f"format: it looks like {name} ({formats.load(name).title})"]
    if alike:
        reasons.append(f"AMBIGUOUS: it looks like {' and '.join(alike)} just as much; {name} comes first by name")
    return Recipe(format=name), reasons


def _search_jsons(tree: Tree, image_tree: Tree) -> tuple[Found | None, int]:
    """What the search finds in jsons beside images, and how many those are."""
    pairs = Pairs(Source(tree, image_tree, Recipe(), Findings()), IMAGE_FOLDERS)
    beside = [(key, twins[0]) for key in tree.with_suffix(".json") if len(twins := pairs.twins(key)) == 1]
    documents: list[Json] = []
    sizes: list[Size] = []
    for index in range(min(LOOKED_AT, len(beside))):
        key, image = beside[index * len(beside) // min(LOOKED_AT, len(beside))]
        try:
            document = read_document(tree.path(key))
            size = read_header(image_tree.path(image)).size
        except (ValueError, ImageProblem):
            continue
        documents.append(document)
        sizes.append(size)
    return search(documents, sizes) if documents else None, len(beside)


def _open(root: Path, recipe: Recipe, images: Path | None, headers: dict[str, Header]) -> Reading:
    reading = open_source(root, recipe, images=images)
    reading.headers = headers
    reading.header_of = headers.__setitem__
    return reading


def _labels(sample: Sample) -> tuple[str, ...]:
    own = (sample.label,) if sample.label is not None else ()
    return (*own, *(box.label for box in sample.boxes))
