"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

import click

P = ParamSpec("P")
R = TypeVar("R")

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


class FormatName(click.ParamType[str]):
    """The name of a format; the formats are only looked for when a name is given."""

    name = "format"

    def __init__(self, *, written: bool = False) -> None:
        """`written` takes only those that can be written."""
        self._written = written

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name, refused where there is no such format."""
        from ..datasets import formats

        names = formats.writable_names() if self._written else formats.names()
        if value not in ("", *names):
            self.fail(f"{value!r} is none of {', '.join(names)}", param, ctx)
        return str(value)


class SourceOrName(click.ParamType["Path | str"]):
    """A folder that exists, or else the name of a data set."""

    name = "source or name"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Path | str:
        """A path where there is such a folder, the name where it can be one."""
        from ..datasets.errors import LabelloopError
        from ..datasets.workspace import checked_name

        text = str(value)
        if Path(text).is_dir():
            return Path(text)
        try:
            return checked_name(text)
        except LabelloopError:
            self.fail(f"no folder {text!r}, and a data set cannot have that name", param, ctx)


def source_options(command: Callable[P, R]) -> Callable[P, R]:
    """The argument SOURCE and how it is to be read: --recipe, --from, --images, --max-pixels."""
    return click.argument("source", type=_FOLDER)(reading_options(command))


def reading_options(command: Callable[P, R]) -> Callable[P, R]:
    """How a source is to be read: --recipe, --from, --images, --max-pixels."""
    from ..datasets.images import MAX_PIXELS

    for decorate in (
        click.option(
            "--max-pixels",
            type=click.IntRange(1),
            default=MAX_PIXELS,
            show_default=True,
            help="Larger images are refused.",
        ),
        click.option("--images", type=_FOLDER, help="The folder of the images, where it is not SOURCE."),
        click.option(
            "--from", "source_format", type=FormatName(), default="", help="The format of SOURCE; else found out."
        ),
        click.option("--recipe", help="How to read SOURCE: a YAML file, or a recipe that comes with labelloop."),
    ):
        command = decorate(command)
    return command


def split_options(command: Callable[P, R]) -> Callable[P, R]:
    """How to split: --ratios, --seed, --near-duplicates, --embedding-model, --embedding-cache."""
    for decorate in (
        click.option(
            "--embedding-cache",
            "cache",
            type=click.Path(path_type=Path),
            help="Remember embeddings in this folder between splits.",
        ),
        click.option(
            "--embedding-model",
            "model",
            help="A TorchScript file, MobileNetV2 weights, or torchvision:NAME; else MobileNetV2.",
        ),
        click.option(
            "--near-duplicates/--no-near-duplicates",
            "near",
            default=True,
            show_default=True,
            help="Look for images that show one shot.",
        ),
        click.option(
            "--seed",
            type=int,
            default=0,
            show_default=True,
            help="Another seed, another choice among equally good ones.",
        ),
        click.option("--ratios", default="70/15/15", show_default=True, help="train/val/test, or as train=80,test=20."),
    ):
        command = decorate(command)
    return command
