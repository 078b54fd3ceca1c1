"""`labelloop conflicts`: where the desk and the ledger, or two people, say different things."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ..ledgers import author_option, dataset_options, message_option, open_ledger


@click.command(name="conflicts")
@dataset_options
@click.option("--take", multiple=True, metavar="ID=SIDE", help="Settle one: SIDE is ledger, desk, or who is right.")
@click.option("--push", "ask", is_flag=True, help="Send the images of those that are open to the desk once more.")
@click.option(
    "--image-address", default="", metavar="TEMPLATE",
    help="With --push: where a Label Studio elsewhere finds an image, with {key} in it.",
)  # fmt: skip
@author_option
@message_option
def command(
    name: str, home: Path | None, as_json: bool, take: tuple[str, ...], ask: bool, image_address: str, author: str,
    message: str,
) -> None:  # fmt: skip
    """List what nobody has settled yet in the data set NAME: the desk said one thing, the ledger or somebody else another.

    The ledger keeps its side. A conflict is over when --take settles it, when the label is
    changed here, or when the people at the desk answer anew. The exit status is 1 where
    some are open.

    \b
    Example:
      labelloop conflicts won
      labelloop conflicts won --take 3f2a91c04be7=desk --take 90b1d2e3f4a5=ledger
      labelloop conflicts won --push
    """
    from ..output import say, show_json

    ledger = open_ledger(home, name)
    from ...datasets.workspace import find_workspace
    from ...label_config.desk import desk_folder
    from ...label_config.pull import open_conflicts
    from ...label_config.push import push
    from ...label_config.settling import settle
    from ..blind_answers import those_blind
    from ..desk_reports import (
        blind_conflicts_text,
        conflicts_json,
        conflicts_text,
        push_json,
        push_text,
        settled_json,
        settled_text,
    )
    from ..desk_starts import blind_of
    from ..desks import open_desk

    workspace = find_workspace(home)
    folder = desk_folder(workspace, name)
    told: dict[str, object] = {"name": name}
    if take:
        done = settle(ledger, folder, _sides(take), author=author, message=message)
        told |= settled_json(done)
        if not as_json:
            say(settled_text(done))
    found = open_conflicts(ledger, folder)
    keys = sorted({each.key for each in found} & ledger.keys()) if ask else []
    if keys:
        with open_desk(workspace, name, image_address) as desk:
            pushed = push(
                ledger, desk.client, desk.folder, desk.images, keys, blind=blind_of(workspace, ledger, keys), again=True
            )  # fmt: skip
        told["push"] = push_json(pushed)
        if not as_json:
            say(push_text(name, pushed))
    elif ask and found and not as_json:
        say("There is nothing to send: none of these images is in the ledger any more.")
    if as_json:
        show_json({**told, "conflicts": conflicts_json(found)})
    else:
        blind = len(those_blind(workspace, ledger, found))
        say(conflicts_text(found, blind_conflicts_text(blind, f"labelloop round settle {name}")))
    sys.exit(1 if found else 0)


def _sides(take: tuple[str, ...]) -> dict[str, str]:
    sides: dict[str, str] = {}
    for each in take:
        name, equals, side = each.partition("=")
        if not (name and equals and side):
            raise click.BadParameter(f"must be ID=SIDE, received {each!r}", param_hint="--take")
        if sides.setdefault(name, side) != side:
            raise click.BadParameter(
                f"{name} has one side at a time, received {sides[name]!r} and {side!r}", param_hint="--take"
            )
    return sides
