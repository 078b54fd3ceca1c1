"""The commands in the order of the work, each in a few words, as `labelloop --help` lists them."""

from __future__ import annotations

import click

SECTIONS: dict[str, dict[str, str]] = {
    "Read and check a folder": {
        "recipe": "propose how to read a folder that nobody described",
        "check": "say what is wrong with a folder",
        "convert": "write a folder in another format",
    },
    "Keep the labels": {
        "import": "take a folder into the ledger of a data set",
        "split": "put every image into train, val or test, without a leak",
        "export": "write a version as YOLO, COCO, VOC, class folders and others",
        "status": "what a data set holds, and what was done last",
        "log": "its commits: who, when, with what, why",
        "diff": "what changed between two versions",
        "blame": "who changed an image, and what it was before",
        "revert": "undo commits, or an author, or a round",
        "restore": "go back to a version",
    },
    "Look and correct": {
        "browse": "open a data set in FiftyOne",
        "commit": "take what was edited there into the ledger",
        "serve": "FiftyOne and Label Studio side by side",
        "push": "send images to Label Studio",
        "pull": "take what people answered home",
        "conflicts": "list and settle what contradicts",
    },
    "Train and inspect": {
        "preview": "show what an augmentation does to images and boxes",
        "train": "train a detector or a classifier: a run",
        "runs": "list, show and compare runs",
        "inspect": "what a run gets wrong, of which kind and where",
        "robustness": "how much images may change before a run fails",
        "export-model": "write a run's model as ONNX, TFLite or SavedModel",
    },
    "Mend the labels": {
        "suspects": "find the labels that are probably wrong",
        "round": "have the best of them corrected, and see what it bought",
    },
    "Try it": {
        "sample-data": "draw photos with labels, and mistakes in them",
        "demo": "take such photos through all of this",
    },
}
"""Title of each section, and of each command in it what it does. A command that is in none is listed last, with its own help."""


class InOrder(click.Group):
    """A group whose commands are listed in the order in which they are defined, with what they do in full."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of the commands, in the order of the work."""
        return list(self.commands)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands into the help; click would cut each after half a line."""
        found = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl([(name, each.get_short_help_str(300)) for name, each in found if each])


def sections_of(helps: dict[str, str]) -> list[tuple[str, list[tuple[str, str]]]]:
    """The sections that have commands: title, and name and words of each.

    Args:
        helps: the first sentence of each command's help, by name.
    """
    listed = [
        (title, [(name, said) for name, said in section.items() if name in helps])
        for title, section in SECTIONS.items()
    ]
    known = {name for section in SECTIONS.values() for name in section}
    rest = [(name, said) for name, said in helps.items() if name not in known]
    return [each for each in (*listed, ("Others", rest)) if each[1]]
