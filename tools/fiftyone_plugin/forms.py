"""What a form of the plugin is made of, and what an action says while it runs: plain values, no FiftyOne."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from ...datasets.window import Window
    from ...datasets.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Note:
    """A paragraph in Markdown; a warning stands out."""

    text: str
    kind: Literal["text", "warning"] = "text"


@dataclass(frozen=True, slots=True)
class Text:
    """A line to type."""

    name: str
    label: str
    default: str = ""
    help: str = ""
    required: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several values, each with what is shown for it."""

    name: str
    label: str
    options: Mapping[str, str]
    default: str = ""
    help: str = ""


@dataclass(frozen=True, slots=True)
class Switch:
    """Yes or no."""

    name: str
    label: str
    default: bool = False
    help: str = ""


Field: TypeAlias = "Note | Text | Choice | Switch"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is, in [0, 1]."""

    label: str
    part: float


@dataclass(frozen=True, slots=True)
class Said:
    """The end: a sentence, and a text in Markdown where more is to be read.

    `changed` says that the window was written to, so that its page must be loaded anew;
    `image` is a picture of this machine to show below, `page` one to link to, `panel` one of the plugin's to open.
    """

    sentence: str
    text: str = ""
    changed: bool = False
    image: Path | None = None
    page: Path | None = None
    panel: str = ""


@dataclass(frozen=True, slots=True)
class Show:
    """Show only these images, by their keys."""

    keys: Sequence[str]


Step: TypeAlias = "Progress | Said | Show"


@dataclass(frozen=True, slots=True)
class Place:
    """Where an action runs: the workspace, the window that is open, who sits before it, and what is selected.

    `selected` are the keys of the images that are selected, or that the view shows where
    none is; `everything` says that this is all of them.
    """

    workspace: Workspace
    window: Window
    author: str
    selected: Callable[[], Sequence[str]]
    everything: bool = True

    def chosen(self) -> str:
        """What an action on the selection is about, for its form."""
        if self.everything:
            return "all images that the view shows"
        count = len(self.selected())
        return "the one image that is selected" if count == 1 else f"the {count} images that are selected"


Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that can be done from the browser: a form, and what it does.

    `form` is asked again at each change, so it can say what would happen. `run` raises
    LabelloopError, which is shown as it is.
    """

    name: str
    label: str
    icon: str
    form: Callable[[Place, Values], Sequence[Field]]
    run: Callable[[Place, Values], Iterator[Step]]
