"""`labelloop split`: train, val and test without a leak, written to a file that remembers."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ..options import source_options, split_options


@click.command(name="split")
@source_options
@split_options
@click.option(
    "--to",
    "target",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file; else SOURCE-splits.csv beside SOURCE.",
)
@click.option("--anew", is_flag=True, help="Forget the splits that the file holds.")
@click.option("--keep-source", is_flag=True, help="Images that SOURCE itself puts into a split stay in it.")
@click.option(
    "--list",
    "lists",
    multiple=True,
    metavar="SPLIT=FILE",
    help="Fix the images that a text file lists, one key a line.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
def command(
    source: Path, recipe: str | None, source_format: str, images: Path | None, max_pixels: int,
    ratios: str, seed: int, near: bool, model: str | None, cache: Path | None,
    target: Path | None, anew: bool, keep_source: bool, lists: tuple[str, ...], as_json: bool,
) -> None:  # fmt: skip
    """Put every image of SOURCE into a split: seeded, groups together, every class in its share.

    Groups are the recipe's, and the near-duplicates found in the pictures. The splits go to
    a CSV file with key, split and group. When the file is there already, every image in it
    stays where it is, and only new ones are added. `labelloop convert --splits FILE` uses it.

    \b
    Example:
      labelloop split photos --recipe won --ratios 70/15/15
    """
    from ...datasets.reading import open_source
    from ...datasets.recipe import read_recipe
    from ...datasets.split_files import read_lists, read_splits, write_splits
    from ...datasets.splits import parse_ratios
    from ...datasets.splitting import load_embedder_or_say, split_samples
    from ..output import progress_bar, say, show_json
    from ..reports import findings_json, findings_text, split_json, split_text

    shares = parse_ratios(ratios)
    embedder = load_embedder_or_say(model, cache) if near else None
    path = target or source.resolve().with_name(f"{source.resolve().name}-splits.csv")
    reading = open_source(
        source, read_recipe(recipe) if recipe else None, format=source_format, images=images, max_pixels=max_pixels
    )
    with progress_bar("reading") as progress:
        dataset = reading.dataset(progress)
    fixed: dict[str, str] = {}
    if keep_source:
        fixed.update({sample.key: sample.split for sample in dataset.samples if sample.split})
    if path.exists() and not anew:
        fixed.update({key: row.split for key, row in read_splits(path).items() if row.split})
    named = dict(_pair(entry) for entry in lists)
    fixed.update(read_lists(named, [sample.key for sample in dataset.samples]))
    with progress_bar("looking for near-duplicates") as progress:
        found = split_samples(dataset.samples, shares, seed=seed, fixed=fixed, embedder=embedder, progress=progress)
    write_splits(found.splits, path)
    findings = [*reading.findings.stopping(), *found.findings]
    if as_json:
        show_json({"file": str(path), **split_json(dataset, found), "findings": findings_json(findings)})
    else:
        say(split_text(dataset, found, path))
        if findings:
            say(f"\n{findings_text(findings)}")
    sys.exit(1 if findings else 0)


def _pair(entry: str) -> tuple[str, Path]:
    split, _, path = entry.partition("=")
    if not split or not path or not Path(path).is_file():
        raise click.BadParameter(f"must be SPLIT=FILE with a file that exists, received {entry!r}", param_hint="--list")
    return split, Path(path)
