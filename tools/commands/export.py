"""`labelloop export`: any version of a data set in any format."""

from __future__ import annotations

from pathlib import Path

import click

from ..ledgers import dataset_options, open_ledger
from ..options import FormatName


@click.command(name="export")
@dataset_options
@click.option(
    "--format", "target_format", type=FormatName(), required=True, help="yolo, coco, voc, labelme, folders, ..."
)
@click.option("--to", "target", type=click.Path(path_type=Path), required=True, help="The new folder.")
@click.option("--version", type=click.IntRange(0), help="The version; else the last.")
@click.option("--where", default="", help="Only images that meet this SQL condition, such as \"split = 'train'\".")
@click.option("--leave-images", is_flag=True, help="Write the labels only; the images stay where they are.")
@click.option("--unlabelled", is_flag=True, help="Take along images that nobody has labelled yet.")
@click.option(
    "--segmentation", is_flag=True, help="COCO: write each box as a polygon too, for Mask R-CNN and Detectron2."
)
@click.option("--allow-leak", is_flag=True, help="Write even where a group of images lies in two splits.")
def command(
    name: str, home: Path | None, as_json: bool, target_format: str, target: Path, version: int | None, where: str,
    leave_images: bool, unlabelled: bool, segmentation: bool, allow_leak: bool,
) -> None:  # fmt: skip
    """Write a version of the data set NAME as a new folder in a format.

    The folder appears when all of it is written, has been read back, and says the same as
    the ledger. The same version gives the same bytes.

    \b
    Example:
      labelloop export won --format yolo --to won-yolo
    """
    from ..output import progress_bar, say, show_json

    ledger = open_ledger(home, name)
    from ...datasets.export import export
    from ...datasets.versions import read_version, refuse_changed_images
    from ...datasets.workspace import find_workspace
    from ..reports import export_json, export_text

    chosen = ledger.version() if version is None else version
    dataset = read_version(ledger, chosen, where=where)
    with progress_bar("looking at the images") as progress:
        refuse_changed_images(dataset.samples, find_workspace(home).hashes, progress)
    with progress_bar("exporting") as progress:
        report = export(
            dataset, target, target_format, leave_images=leave_images, unlabelled=unlabelled,
            with_polygons=segmentation, allow_leak=allow_leak, progress=progress,
        )  # fmt: skip
    if as_json:
        show_json({"name": name, "version": chosen, **export_json(report)})
    else:
        say(f"{name}, version {chosen}\n{export_text(report)}")
