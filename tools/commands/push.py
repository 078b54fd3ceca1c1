"""`labelloop push`: images to the desk, to be corrected."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ..ledgers import dataset_options, open_ledger


@click.command(name="push")
@dataset_options
@click.option("--where", default="", help="Only images that meet this SQL condition, such as \"split = 'train'\".")
@click.option(
    "--keys",
    "key_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Only the images that a text file lists, one key a line.",
)
@click.option("--unlabelled", is_flag=True, help="Only images that nobody has labelled yet.")
@click.option("--findings", is_flag=True, help="Only images with findings at their import.")
@click.option("--limit", type=click.IntRange(1), help="Only so many, the first by key.")
@click.option(
    "--with", "start", default="labels", show_default=True, metavar="labels|nothing|RUN",
    help="What people start from: today's labels, nothing, or the boxes that a detector's run finds.",
)  # fmt: skip
@click.option(
    "--task",
    "kind",
    type=click.Choice(["boxes", "image-labels", "both"]),
    help="What people are asked for; else what they were asked before, boxes at first.",
)
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A labeling config of your own, checked against the classes.",
)
@click.option("--annotators", type=click.IntRange(1), help="How many people answer each task.")
@click.option("--again", is_flag=True, help="Give images whose task is done a further one.")
@click.option(
    "--image-address",
    default="",
    metavar="TEMPLATE",
    help="Where a Label Studio elsewhere finds an image, with {key} in it.",
)
def command(
    name: str, home: Path | None, as_json: bool, where: str, key_file: Path | None, unlabelled: bool, findings: bool,
    limit: int | None, start: str, kind: str | None, config: Path | None, annotators: int | None, again: bool,
    image_address: str,
) -> None:  # fmt: skip
    """Send images of the data set NAME to Label Studio, with today's labels as the start.

    Pushing again makes no second task; labels that changed here since are brought up to date
    on tasks that nobody has touched. The images are shown from where they lie.

    Images of the split test never show a model's boxes, and no labels either once a model
    has been judged on it: labelloop round settle takes such answers.

    \b
    Example:
      labelloop push won --where "split = 'train'" --limit 200
      labelloop push won --unlabelled --with won-3
    """
    from ..output import progress_bar, say, show_json

    if kind and config:
        raise click.UsageError("--config says what people are asked for; leave --task out")
    ledger = open_ledger(home, name)
    from typing import cast

    from ...datasets.workspace import find_workspace
    from ...label_config.config import Kind
    from ...label_config.push import push
    from ..desk_reports import push_json, push_text
    from ..desk_starts import blind_of, start_of
    from ..desks import open_desk
    from ..selection import chosen_keys

    workspace = find_workspace(home)
    xml = _text_of(config) if config else ""
    keys = chosen_keys(ledger, where=where, key_file=key_file, unlabelled=unlabelled, findings=findings, limit=limit)
    blind = blind_of(workspace, ledger, keys, start)
    with progress_bar("detecting") as progress:
        predictions = start_of(workspace, ledger, [key for key in keys if key not in blind], start, progress)
    with open_desk(workspace, name, image_address) as desk, progress_bar("pushing") as progress:
        report = push(
            ledger, desk.client, desk.folder, desk.images, keys, kind=cast("Kind | None", kind), start=start,
            predictions=predictions, blind=blind, xml=xml, annotators=annotators or 0, again=again, progress=progress,
        )  # fmt: skip
    if as_json:
        show_json({"name": name, **push_json(report)})
    else:
        say(push_text(name, report))
    sys.exit(0)


def _text_of(config: Path) -> str:
    """The text of a labeling config.

    Raises:
        LabelloopError: there is none in the file, or not as text.
    """
    from ...datasets.errors import LabelloopError
    from ...datasets.label_files import read_text

    try:
        text = read_text(config)
    except ValueError as error:
        raise LabelloopError(f"{config}: {error}") from error
    if not text.strip():
        raise LabelloopError(f"{config} must hold a labeling config, received an empty file")
    return text
