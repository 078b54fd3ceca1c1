"""`labelloop serve`: the two browser pages, Label Studio and FiftyOne."""

from __future__ import annotations

from pathlib import Path

import click

from ..ledgers import author_option, home_option, json_option


@click.command(name="serve")
@click.argument("name", required=False)
@home_option
@author_option
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=5151,
    show_default=True,
    help="Where the window looks for a free port.",
)
@click.option(
    "--desk-port", type=click.IntRange(1, 65535), help="Where Label Studio listens; else its last port, or a free one."
)
@json_option
def command(
    name: str | None, home: Path | None, author: str, port: int, desk_port: int | None, as_json: bool
) -> None:  # fmt: skip
    """Start Label Studio and the window on the data set NAME, and say where they are, until Ctrl-C.

    NAME may be left out where there is only one data set. LABEL_STUDIO_URL and
    LABEL_STUDIO_API_KEY use a Label Studio that runs elsewhere. With --json, stdout says where
    both pages are as soon as they are there.

    \b
    Example:
      labelloop serve won
    """
    from ...datasets.workspace import find_workspace
    from ..ledgers import open_ledger, the_only_name
    from ..output import show_json
    from ..serving import serve

    workspace = find_workspace(home)
    ledger = open_ledger(home, name or the_only_name(workspace))

    def ready(said: dict[str, object]) -> None:
        if as_json:
            show_json(said)

    serve(workspace, ledger, author=author, port=port, desk_port=desk_port or 0, ready=ready)
