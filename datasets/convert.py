"""From a source to an export in one go, without a ledger."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from .errors import LabelloopError
from .export import ExportReport, export
from .fidelity import summary
from .findings import Finding
from .images import MAX_PIXELS
from .reading import Progress, open_source
from .recipe import Recipe
from .schema import Sample


def convert(
    source: Path,
    target: Path,
    format: str,
    *,
    recipe: Recipe | None = None,
    source_format: str = "",
    images: Path | None = None,
    max_pixels: int = MAX_PIXELS,
    polygons: bool = False,
    skip_bad: bool = False,
    leave_images: bool = False,
    unlabelled: bool = False,
    with_polygons: bool = False,
    allow_leak: bool = False,
    assign: Callable[[Sequence[Sample]], Sequence[Sample]] | None = None,
    progress: Progress | None = None,
) -> tuple[ExportReport, tuple[Finding, ...]]:
    """Write a source in another format; says what was written, and what was found while reading.

    Args:
        polygons: read polygons as boxes, whatever the recipe says.
        skip_bad: leave out images that a finding stops, instead of refusing the source.
        assign: gives the samples their splits and groups; none keeps those of the source.
        Otherwise as `open_source` and `export`.

    Raises:
        LabelloopError: a finding stops the source (the text has the first ten), or the export fails.
    """
    _refuse_overlap(source, target)
    recipe = recipe or Recipe()
    if polygons:
        recipe = replace(recipe, polygons="boxes")
    reading = open_source(source, recipe, format=source_format, images=images, max_pixels=max_pixels)
    dataset = reading.dataset(progress)
    found = reading.findings
    del reading  # with the label files that it has read, 60 MB for 100,000 images
    stopping = found.stopping()
    if stopping and not skip_bad:
        problems = [str(finding) for finding in stopping]
        advice = "labelloop check says more, and --skip-bad leaves these out"
        raise LabelloopError(summary(f"{source} cannot be converted as it is ({advice})", problems))
    if assign is not None:
        dataset = replace(dataset, samples=tuple(assign(dataset.samples)))
    report = export(
        dataset, target, format, leave_images=leave_images, unlabelled=unlabelled, with_polygons=with_polygons,
        allow_leak=allow_leak, progress=progress,
    )  # fmt: skip
    return report, tuple(found)


def _refuse_overlap(source: Path, target: Path) -> None:
    inside = target.parent.resolve() / target.name
    if inside.is_relative_to(source.resolve()):
        raise LabelloopError(f"target must lie outside the source, which is never written to; received {target}")
