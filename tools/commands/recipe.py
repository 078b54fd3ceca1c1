"""`labelloop recipe`: a look at an unknown source, and a proposal how to read it."""

from __future__ import annotations

import sys
from pathlib import Path

import click

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command(name="recipe")
@click.argument("source", type=_FOLDER)
@click.option("--images", type=_FOLDER, help="The folder of the images, where it is not SOURCE.")
@click.option("--yes", is_flag=True, help="Take the proposal as it is, and ask nothing.")
@click.option(
    "--save", "target", type=click.Path(dir_okay=False, path_type=Path), help="Write the recipe into this new file."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout; asks nothing.")
def command(source: Path, images: Path | None, yes: bool, target: Path | None, as_json: bool) -> None:
    """Look at SOURCE and propose a recipe that reads it, with the reasons and a preview.

    SOURCE may be in a known format, or hold a json of any schema beside each image. The
    recipe is printed on stdout, all else on stderr. In a terminal the proposal is put to
    you line by line; --yes takes it as it is, and without a terminal nothing is asked.

    Only the file that you name is written, and one that exists is replaced only after you
    said so in a terminal, never by --yes. The exit status is 1 where findings would stop an
    import with this recipe.

    \b
    Example:
      labelloop recipe photos --yes --save photos.yaml
      labelloop check photos --recipe photos.yaml
    """
    from ...datasets.discovery import Proposal, preview, propose
    from ...datasets.recipe import format_recipe, recipe_lines, write_recipe
    from ..output import printable, say, show_json
    from ..recipe_questions import ask, preview_text, proposal_json, proposal_text

    proposal = propose(source, images)
    asking = not (yes or as_json) and is_terminal()
    if not as_json:
        say(proposal_text(proposal))
    if asking:
        recipe = ask(proposal)
        if recipe != proposal.recipe:
            proposal = Proposal(recipe, proposal.reasons, preview(source, recipe, images))
            say(f"\n{preview_text(proposal.preview)}")
        if target is None:
            named = click.prompt("\nsave as (empty: nowhere)", default="", show_default=False, err=True)
            target = Path(named) if named else None
    if target is not None:
        replace = (
            asking and target.exists() and click.confirm(f"{printable(str(target))} exists; replace it?", err=True)
        )
        write_recipe(target, proposal.recipe, comment=f"How to read {printable(source.name)}.", replace=replace)
    if as_json:
        show_json(proposal_json(proposal, recipe_lines(proposal.recipe), target))
    else:
        click.echo(format_recipe(proposal.recipe), nl=False)
        if target is not None:
            say(f"Saved as {printable(str(target))}")
    sys.exit(1 if proposal.preview.stopping else 0)


def is_terminal() -> bool:
    """Whether somebody sits there to be asked: stdin and stderr are a terminal."""
    return sys.stdin.isatty() and sys.stderr.isatty()
