"""`labelloop export-model`: a run's model for phones and other programs."""

from __future__ import annotations

from pathlib import Path

import click

from ..ledgers import home_option, json_option, ledger_library


@click.command(name="export-model")
@click.argument("run")
@click.option(
    "--format", "target_format", type=click.Choice(["onnx", "tflite", "saved-model"]), required=True,
    help="A detector has onnx and tflite.",
)  # fmt: skip
@click.option(
    "--to", "target", type=click.Path(path_type=Path), help="The new folder; else RUN-FORMAT in the current one."
)
@home_option
@json_option
def command(run: str, target_format: str, target: Path | None, home: Path | None, as_json: bool) -> None:
    """Write the model of RUN as a new folder, and compare it with the original on the run's own images.

    The folder has the model, labels.txt with the classes in the order of its output, and
    about.json with what it takes and gives.

    \b
    Example:
      labelloop export-model cars-3 --format tflite
    """
    from ...datasets.workspace import find_workspace
    from ..output import printable, progress_bar, say, show_json

    with ledger_library():
        from ...training.phone_export import export_model
        from ...training.runs import find_run

    found = find_run(find_workspace(home), run)
    say(f"exporting {found.id} as {target_format} ...")
    with progress_bar("exporting and comparing"):
        done = export_model(found, target_format, target or Path(f"{run}-{target_format}"))
    if as_json:
        show_json(
            {"run": found.id, "format": done.format, "target": str(done.target), "bytes": done.bytes,
             "compared": dict(done.compared)}
        )  # fmt: skip
    else:
        lines = [f"{printable(str(done.target))}: {done.bytes / 1e6:.1f} MB, compared with the original:"]
        lines += [f"  {name + ':':<40} {_short(value)}" for name, value in done.compared.items()]
        say("\n".join(lines))


def _short(value: object) -> str:
    return f"{value:.2g}" if isinstance(value, float) else str(value)
