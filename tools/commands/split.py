"""`labelloop split`: train, val and test without a leak, written to a file that remembers."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ...datasets.workspace import find_workspace
from ..ledgers import author_option, home_option, json_option, open_ledger
from ..options import SourceOrName, reading_options, split_options

if TYPE_CHECKING:
    from ...datasets.embeddings import Embedder

_NOTHING_NEW = (
    "Nothing to commit: every image stays in the split that it is in. labelloop split {name} --anew parts them again."
)


@click.command(name="split")
@click.argument("source", type=SourceOrName())
@reading_options
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
@home_option
@author_option
@json_option
def command(
    source: Path | str, recipe: str | None, source_format: str, images: Path | None, max_pixels: int,
    ratios: str, seed: int, near: bool, model: str | None, cache: Path | None,
    target: Path | None, anew: bool, keep_source: bool, lists: tuple[str, ...],
    home: Path | None, author: str, as_json: bool,
) -> None:  # fmt: skip
    """Put every image of SOURCE into a split: seeded, groups together, every class in its share.

    Groups are the recipe's, and the near-duplicates found in the pictures. SOURCE is a
    folder or a data set. A data set's splits are committed to its ledger. A folder's go to
    a CSV file with key, split and group, which `labelloop convert --splits FILE` uses.
    Images that are in a split already stay in it, and only new ones are added.

    \b
    Example:
      labelloop split photos --recipe won --ratios 70/15/15
      labelloop split won --ratios train=80,test=20
    """
    from ...datasets.reading import open_source
    from ...datasets.recipe import read_recipe
    from ...datasets.split_files import read_lists, read_splits, write_splits
    from ...datasets.splits import parse_ratios
    from ...datasets.splitting import load_embedder_or_say, split_samples
    from ..output import LOADING, progress_bar, say, show_json
    from ..reports import findings_json, findings_text, split_json, split_text

    shares = parse_ratios(ratios)
    named = dict(_pair(entry) for entry in lists)
    if isinstance(source, str):
        if target or keep_source or recipe or source_format or images:
            raise click.UsageError(f"{source} is a data set: --to, --keep-source and how to read are for folders")
        open_ledger(home, source)  # which says what there is, before the model is loaded, which takes seconds
        cache = cache or find_workspace(home).embeddings
        with progress_bar(LOADING):
            embedder = load_embedder_or_say(model, cache) if near else None
        _split_ledger(home, source, shares, seed, named, anew, embedder, author, as_json)
        return
    with progress_bar(LOADING):
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
    fixed.update(read_lists(named, [sample.key for sample in dataset.samples]))
    with progress_bar("looking for near-duplicates") as progress:
        found = split_samples(dataset.samples, shares, seed=seed, fixed=fixed, embedder=embedder, progress=progress)
    write_splits(found.splits, path)
    findings = [*reading.findings.stopping(), *found.findings]
    if as_json:
        show_json({"file": str(path), **split_json(dataset, found), "findings": findings_json(findings)})
    else:
        say(split_text(dataset, found, str(path)))
        if findings:
            say(f"\n{findings_text(findings)}")
    sys.exit(1 if findings else 0)


def _split_ledger(
    home: Path | None, name: str, shares: Mapping[str, float], seed: int, lists: Mapping[str, Path], anew: bool,
    embedder: Embedder | None, author: str, as_json: bool,
) -> None:  # fmt: skip
    """Split a data set and say what was done; exit status 1 where there are findings."""
    from ..output import progress_bar, say, show_json
    from ..reports import findings_json, findings_text, split_json, split_text

    ledger = open_ledger(home, name)
    from ...datasets.ledger_splits import split_ledger
    from ...datasets.split_files import read_lists
    from ..ledger_reports import commit_json, commit_line

    fixed = read_lists(lists, sorted(ledger.keys())) if lists else {}
    with progress_bar("looking for near-duplicates") as progress:
        done = split_ledger(
            ledger, shares, author=author, seed=seed, anew=anew, fixed=fixed, embedder=embedder, progress=progress
        )
    findings = list(done.splitting.findings)
    if as_json:
        commit = commit_json(done.commit) if done.commit else None
        show_json(
            {
                "name": name,
                "commit": commit,
                **split_json(done.dataset, done.splitting),
                "findings": findings_json(findings),
            }
        )
    else:
        line = commit_line(done.commit) if done.commit else _NOTHING_NEW.format(name=name)
        say(f"{split_text(done.dataset, done.splitting, name)}\n{line}")
        if findings:
            say(f"\n{findings_text(findings)}")
    sys.exit(1 if findings else 0)


def _pair(entry: str) -> tuple[str, Path]:
    split, _, path = entry.partition("=")
    if not split or not path or not Path(path).is_file():
        raise click.BadParameter(f"must be SPLIT=FILE with a file that exists, received {entry!r}", param_hint="--list")
    return split, Path(path)
