"""The command line: `labelloop VERB ...`; each verb is one module in `tools/commands/`."""

from __future__ import annotations

import gc
import signal
import sys
import threading
from importlib import import_module
from io import StringIO
from keyword import iskeyword
from pkgutil import iter_modules
from types import FrameType

import click

from .._version import VERSION
from . import commands
from .command_list import sections_of


class Verbs(click.Group):
    """A group whose commands are imported when they are asked for, and found by being there."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands, in alphabetical order."""
        return sorted(module.name.rstrip("_").replace("_", "-") for module in iter_modules(commands.__path__))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name, None where there is none."""
        if cmd_name not in self.list_commands(ctx):
            return None
        # `import` is a word of Python's, so its module is `import_`.
        name = cmd_name.replace("-", "_")
        module = import_module(f".{name}_" if iskeyword(name) else f".{name}", commands.__name__)
        found: object = module.command
        if not isinstance(found, click.Command):
            raise TypeError(f"{module.__name__} must define `command`, a click command")
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands into the help, by what they are for; in the order of names nobody finds the way."""
        found = {name: self.get_command(ctx, name) for name in self.list_commands(ctx)}
        helps = {name: each.get_short_help_str(100) for name, each in found.items() if each and not each.hidden}
        for title, rows in sections_of(helps):
            with formatter.section(title):
                formatter.write_dl([(f"{name:<12}", said) for name, said in rows])


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(VERSION, prog_name="labelloop")
def verbs() -> None:
    """Raw photos and JSON labels in, a training set that can be trusted out.

    \b
    Exit status: 0 clean, 1 findings or failure, 2 a command that cannot be understood,
    130 or 143 stopped by Ctrl-C or a signal.

    \b
    Example:
      labelloop check photos
      labelloop convert photos won-yolo --format yolo
    """


def main() -> None:
    """Run the command line; an error made on purpose is one sentence and exit status 1.

    A signal that asks to stop ends in cleaning up and the status that shells expect, 128
    and the signal's number.
    """
    from ..datasets.errors import LabelloopError
    from .output import say

    # Samples and boxes live as long as the command and have no cycles: looking for some after
    # every 700 new objects took a quarter of the time of converting 10,000 images.
    gc.set_threshold(100_000, 50, 100)
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:  # nohup has SIGHUP ignored
            signal.signal(number, _stop)
    sys.unraisablehook = _say_unraisable
    try:
        sys.exit(verbs.main(prog_name="labelloop", standalone_mode=False))
    except LabelloopError as error:
        say(f"Error: {error}")
        sys.exit(1)
    except click.ClickException as error:
        text = StringIO()
        error.show(text)
        say(text.getvalue().removesuffix("\n"))
        sys.exit(error.exit_code)
    except click.Abort as error:
        stopped = error.__cause__
        say("Stopped before the end.")
        # Python ends a thread on its way out, and inside C++ (torch's, mostly) that takes the process down with a core dump.
        from ..datasets.passes import await_workers

        await_workers(threading.enumerate())
        # CPython remembers a Ctrl-C that came within exec (dataclasses are made by it) and then ends by the signal,
        # whatever status is asked for. It forgets it at the next one.
        exec("")  # noqa: S102 - nothing is run
        sys.exit(128 + (stopped.number if isinstance(stopped, Stopped) else signal.SIGINT))
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith(__name__.partition(".")[0]):
            raise
        say(f"Error: this needs {error.name}, which is not installed: pip install 'labelloop[all]'")
        sys.exit(1)
    except BrokenPipeError:
        sys.exit(1)


class Stopped(KeyboardInterrupt):
    """A signal asked the command to stop; everything that cleans up after Ctrl-C does so after it."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


def _stop(number: int, _frame: FrameType | None) -> None:
    raise Stopped(number)


def _say_unraisable(given: sys.UnraisableHookArgs) -> None:
    """Ask to stop once more where Python swallowed it: what is raised while a weak reference dies goes nowhere."""
    if not isinstance(given.exc_value, KeyboardInterrupt):
        sys.__unraisablehook__(given)
        return
    number = given.exc_value.number if isinstance(given.exc_value, Stopped) else signal.SIGINT
    signal.signal(signal.SIGALRM, lambda _number, _frame: _stop(number, None))
    signal.setitimer(signal.ITIMER_REAL, 0.01)  # by then Python is out of there
