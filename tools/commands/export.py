"""`labelloop export`: any version of a data set in any format."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..ledgers import dataset_options, open_ledger
from ..options import FormatName

if TYPE_CHECKING:
    from ...datasets.augment_baking import Baking
    from ...datasets.reading import Dataset


@click.command(name="export")
@dataset_options
@click.option(
    "--format",
    "target_format",
    type=FormatName(written=True),
    required=True,
    help="yolo, coco, voc, labelme, folders, ...",
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
@click.option(
    "--augment", default="", metavar="PRESET|FILE",
    help="Put augmented copies beside the images of train; `labelloop preview` shows what that does.",
)  # fmt: skip
@click.option("--copies", type=click.IntRange(1), help="With --augment: how many copies of each image; else 1.")
@click.option("--seed", type=int, help="With --augment: another seed, other copies; else 0.")
def command(
    name: str, home: Path | None, as_json: bool, target_format: str, target: Path, version: int | None, where: str,
    leave_images: bool, unlabelled: bool, segmentation: bool, allow_leak: bool, augment: str, copies: int | None,
    seed: int | None,
) -> None:  # fmt: skip
    """Write a version of the data set NAME as a new folder in a format.

    The folder appears when all of it is written, has been read back, and says the same as
    the ledger. The same version gives the same bytes.

    \b
    Example:
      labelloop export won --format yolo --to won-yolo
      labelloop export won --format yolo --to won-baked --augment digits --copies 3
    """
    from ..output import progress_bar, say, show_json

    if not augment and (copies is not None or seed is not None):
        raise click.UsageError("--copies and --seed are for --augment")
    baking = _baking(augment, copies or 1, seed or 0) if augment else None

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
            with_polygons=segmentation, allow_leak=allow_leak, baking=baking, progress=progress,
        )  # fmt: skip
    remarks = _remarks(baking, dataset) if baking is not None else []
    if as_json:
        more = {"augmented": report.augmented, "remarks": remarks} if baking is not None else {}
        show_json({"name": name, "version": chosen, **export_json(report), **more})
    else:
        say(f"{name}, version {chosen}\n{export_text(report)}")
        if baking is not None:
            say(
                "\n".join(
                    [f"{report.augmented} of the images are augmented copies, listed in augmented.csv.", *remarks]
                )
            )


def _baking(augment: str, copies: int, seed: int) -> Baking:
    """What is to be baked in."""
    from ...datasets.augment_baking import Baking
    from ...datasets.augmentation import read_augmentation

    return Baking(read_augmentation(augment), copies, seed)


def _remarks(baking: Baking, dataset: Dataset) -> list[str]:
    """What is to be known of the copies."""
    from ...datasets.augment_remarks import find_remarks

    boxes = any(sample.boxes for sample in dataset.samples)
    return [str(remark) for remark in find_remarks(baking.augmentation, dataset.classes, boxes=boxes)]
