"""The command line: `labelloop VERB ...`; each verb is one module in `tools/commands/`."""

from __future__ import annotations

import gc
import sys
from importlib import import_module
from pkgutil import iter_modules

import click

from .._version import VERSION
from . import commands


class Verbs(click.Group):
    """A group whose commands are imported when they are asked for, and found by being there."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands, in alphabetical order."""
        return sorted(module.name.replace("_", "-") for module in iter_modules(commands.__path__))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name, None where there is none."""
        if cmd_name not in self.list_commands(ctx):
            return None
        module = import_module(f".{cmd_name.replace('-', '_')}", commands.__name__)
        found: object = module.command
        if not isinstance(found, click.Command):
            raise TypeError(f"{module.__name__} must define `command`, a click command")
        return found


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(VERSION, prog_name="labelloop")
def verbs() -> None:
    """Raw photos and JSON labels in, a training set that can be trusted out.

    \b
    Exit status: 0 clean, 1 findings or failure, 2 a command that cannot be understood.

    \b
    Example:
      labelloop check photos
      labelloop convert photos won-yolo --format yolo
    """


def main() -> None:
    """Run the command line; an error made on purpose is one sentence and exit status 1."""
    from ..datasets.errors import LabelloopError

    # Samples and boxes live as long as the command and have no cycles: looking for some after
    # every 700 new objects took a quarter of the time of converting 10,000 images.
    gc.set_threshold(100_000, 50, 100)
    try:
        verbs(prog_name="labelloop")
    except LabelloopError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(1)
    except BrokenPipeError:
        sys.exit(1)
