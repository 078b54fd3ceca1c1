"""`labelloop preview`: an augmentation, seen before it is trained on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ...datasets.augmentation import PRESETS
from ...datasets.workspace import Workspace, find_workspace
from ..ledgers import dataset_options, open_ledger

if TYPE_CHECKING:
    from ...datasets.augment_preview import Preview


@click.command(name="preview")
@dataset_options
@click.option(
    "--augment", default="light", show_default=True, metavar="PRESET|FILE",
    help=f"{', '.join(PRESETS)}, or a YAML file as albumentations.save writes it.",
)  # fmt: skip
@click.option(
    "--keys", "key_file", type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Show the images that a text file lists, one key a line.",
)  # fmt: skip
@click.option("--where", default="", help="Only images that meet this SQL condition, such as \"split = 'train'\".")
@click.option(
    "--limit", type=click.IntRange(1), help="How many images, each class in turn; else 6, or all that --keys lists."
)
@click.option("--copies", type=click.IntRange(1), default=4, show_default=True, help="Augmented ones beside each.")
@click.option("--seed", type=int, default=0, show_default=True, help="Another seed, other images and other chances.")
@click.option(
    "--imgsz", type=click.IntRange(32, 4096), default=640, show_default=True,
    help="The longer side that is trained with, in pixels; blur and noise depend on it.",
)  # fmt: skip
@click.option(
    "--to", "target", type=click.Path(path_type=Path, dir_okay=False),
    help="The PNG, written anew if it exists; else previews/NAME-PRESET.png in the workspace.",
)  # fmt: skip
@click.option("--version", type=click.IntRange(0), help="The version; else the last.")
def command(
    name: str, home: Path | None, as_json: bool, augment: str, key_file: Path | None, where: str, limit: int | None,
    copies: int, seed: int, imgsz: int, target: Path | None, version: int | None,
) -> None:  # fmt: skip
    """Show what an augmentation does to images of the data set NAME: a contact sheet, originals beside copies.

    Boxes are refitted around where their corners went, and dropped where too little of one
    is left inside; the sheet counts those. It says where the augmentation changes what a
    label means, and what the trainer does besides.

    \b
    Example:
      labelloop preview won --augment digits
    """
    from ...datasets.augmentation import read_augmentation
    from ..output import progress_bar, say, show_json

    augmentation = read_augmentation(augment)
    ledger = open_ledger(home, name)
    with progress_bar("loading albumentations"):
        from ...datasets.augment_preview import preview, write_sheet
    from ...datasets.versions import read_version
    from ..selection import chosen_keys

    chosen = ledger.version() if version is None else version
    dataset = read_version(ledger, chosen, where=where)
    if key_file is not None:
        wanted = set(chosen_keys(ledger, key_file=key_file))
        dataset = replace(dataset, samples=tuple(sample for sample in dataset.samples if sample.key in wanted))
    elif limit is None:
        limit = 6
    with progress_bar("augmenting") as progress:
        made = preview(
            dataset, augmentation, title=f"{name}, version {chosen}", images=limit, copies=copies, seed=seed,
            side=imgsz, progress=progress,
        )  # fmt: skip
    path = target or _default_place(find_workspace(home), name, augment)
    write_sheet(made.sheet, path)
    if as_json:
        show_json({"name": name, "version": chosen, "augmentation": augment, "file": str(path), **_json(made)})
    else:
        say(_text(made, path))


def _default_place(workspace: Workspace, name: str, augment: str) -> Path:
    return workspace.home / "previews" / f"{name}-{augment if augment in PRESETS else Path(augment).stem}.png"


def _text(made: Preview, path: Path) -> str:
    copies = [copy for row in made.rows for copy in row.copies]
    lines = [f"{path}: {len(made.rows)} images with {len(copies)} augmented copies"]
    boxes, dropped = sum(copy.boxes for copy in copies), sum(len(copy.dropped) for copy in copies)
    if boxes + dropped:
        lines.append(
            f"{boxes} boxes on the copies, {dropped} dropped; boxes around turned ones are on average"
            f" {made.growth - 1:.0%} larger than these."
        )
    lines += [f"  {remark}" for remark in made.remarks]
    lines += [f"  cannot be read: {each}" for each in made.unreadable]
    return "\n".join(lines)


def _json(made: Preview) -> dict[str, object]:
    return {
        "growth": made.growth,
        "remarks": [{"kind": remark.kind, "message": remark.message} for remark in made.remarks],
        "unreadable": list(made.unreadable),
        "images": [
            {
                "key": row.key,
                "boxes": row.boxes,
                "copies": [
                    {
                        "boxes": copy.boxes,
                        "images": copy.images,
                        "dropped": [{"label": drop.box.label, "visible": drop.visible} for drop in copy.dropped],
                    }
                    for copy in row.copies
                ],
            }
            for row in made.rows
        ],
    }
