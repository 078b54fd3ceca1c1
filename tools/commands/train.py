"""`labelloop train`: a detector or a classifier, from a version of a data set."""

from __future__ import annotations

from importlib.util import find_spec

import click

from ..command_list import InOrder


class Trainings(InOrder):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """What can be trained."""
        return [name for name in ("detector", "classifier") if find_spec(f"..train_{name}", __package__)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name, None where there is none."""
        if cmd_name not in self.list_commands(ctx):
            return None
        if cmd_name == "detector":
            from ..train_detector import detector_command

            return detector_command
        from ..train_classifier import command as classifier_command

        return classifier_command


@click.group("train", cls=Trainings)
def command() -> None:
    """Train on a version of a data set: each training is a run, which says what its result came from.

    \b
    Example:
      labelloop train detector won --epochs 30
      labelloop train classifier cars
    """
