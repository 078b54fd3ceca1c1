"""`labelloop browse`: a data set in the browser."""

from __future__ import annotations

from pathlib import Path

import click

from ..ledgers import author_option, home_option, json_option, open_ledger


@click.command(name="browse")
@click.argument("name")
@home_option
@author_option
@click.option("--version", type=click.IntRange(0), help="The version; else the last.")
@click.option("--where", default="", help="Only images that meet this SQL condition, such as \"split = 'train'\".")
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=5151,
    show_default=True,
    help="Where to begin to look for a free port.",
)
@click.option("--discard", is_flag=True, help="Throw away what was edited in the window and not committed.")
@click.option(
    "--quality/--no-quality",
    default=None,
    help="Measure brightness, contrast and sharpness of all images; else of few, or those measured before.",
)
@click.option(
    "--embeddings/--no-embeddings",
    default=None,
    help="Embed all images for the Embeddings panel; else it shows them where a split has embedded them.",
)
@json_option
def command(
    name: str,
    home: Path | None,
    author: str,
    version: int | None,
    where: str,
    port: int,
    discard: bool,
    quality: bool | None,
    embeddings: bool | None,
    as_json: bool,
) -> None:
    """Show the data set NAME in the browser, to look, filter and edit, until Ctrl-C.

    The page is a working copy of one version. What is edited there is committed by
    `labelloop commit` or by the panel Labels, and is never thrown away unasked. With --json,
    stdout says where the page is as soon as it is there.

    \b
    Example:
      labelloop browse won
      labelloop browse won --version 2 --where "count > 3"
    """
    ledger = open_ledger(home, name)
    from ...datasets.workspace import find_workspace
    from ..browsing import browse
    from ..output import show_json

    def ready(address: str, version: int) -> None:
        if as_json:
            show_json({"name": name, "version": version, "window": address})

    browse(
        find_workspace(home), ledger, author=author, version=version, where=where, port=port, discard=discard,
        quality=quality, embeddings=embeddings, ready=ready,
    )  # fmt: skip
