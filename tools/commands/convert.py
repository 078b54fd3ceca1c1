"""`labelloop convert`: a source into another format, without a ledger."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from ..options import FormatName, source_options, split_options


@click.command(name="convert")
@source_options
@click.argument("target", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "target_format",
    type=FormatName(written=True),
    required=True,
    help="yolo, coco, voc, labelme, folders, ...",
)
@click.option(
    "--splits",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file that `labelloop split` wrote.",
)
@click.option("--split", "split_now", is_flag=True, help="Split now, as `labelloop split` does with the options below.")
@split_options
@click.option("--leave-images", is_flag=True, help="Write the labels only; the images stay where they are.")
@click.option("--unlabelled", is_flag=True, help="Take along images that nobody has labelled yet.")
@click.option("--polygons", is_flag=True, help="Read polygons as the box around them; each is counted.")
@click.option(
    "--segmentation", is_flag=True, help="COCO: write each box as a polygon too, for Mask R-CNN and Detectron2."
)
@click.option("--skip-bad", is_flag=True, help="Leave out the images that a finding stops, instead of stopping at all.")
@click.option("--allow-leak", is_flag=True, help="Write even where a group of images lies in two splits.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
def command(
    source: Path, recipe: str | None, source_format: str, images: Path | None, max_pixels: int, target: Path, target_format: str,
    splits: Path | None, split_now: bool, ratios: str, seed: int, near: bool, model: str | None, cache: Path | None,
    leave_images: bool, unlabelled: bool, polygons: bool, segmentation: bool, skip_bad: bool, allow_leak: bool, as_json: bool,
) -> None:  # fmt: skip
    """Write SOURCE as a new folder TARGET in another format; SOURCE is never written to.

    TARGET appears when all of it is written, has been read back, and says the same as SOURCE.

    \b
    Example:
      labelloop convert photos won-yolo --recipe won --format yolo --split
    """
    from ...datasets.convert import convert
    from ...datasets.recipe import read_recipe
    from ...datasets.schema import Sample
    from ...datasets.split_files import apply_splits, assigned, read_splits
    from ...datasets.splits import parse_ratios
    from ...datasets.splitting import load_embedder_or_say, split_samples
    from ..output import LOADING, progress_bar, say, show_json
    from ..reports import export_json, export_text, findings_json, findings_text

    if splits and split_now:
        raise click.UsageError("--splits uses a split that was made before, --split makes one: give one of them")
    shares = parse_ratios(ratios)
    with progress_bar(LOADING):
        embedder = load_embedder_or_say(model, cache) if split_now and near else None
    with progress_bar("converting") as progress:

        def assign(samples: Sequence[Sample]) -> Sequence[Sample]:
            if splits:
                return apply_splits(samples, read_splits(splits))
            found = split_samples(samples, shares, seed=seed, embedder=embedder, progress=progress)
            return apply_splits(samples, assigned(found.splits))

        report, findings = convert(
            source,
            target,
            target_format,
            recipe=read_recipe(recipe) if recipe else None,
            source_format=source_format,
            images=images,
            max_pixels=max_pixels,
            leave_images=leave_images,
            unlabelled=unlabelled,
            polygons=polygons,
            with_polygons=segmentation,
            skip_bad=skip_bad,
            allow_leak=allow_leak,
            assign=assign if splits or split_now else None,
            progress=progress,
        )
    if as_json:
        show_json({**export_json(report), "findings": findings_json(findings)})
    else:
        shown = findings_text(findings)
        say(f"{shown}\n\n{export_text(report)}" if shown else export_text(report))
