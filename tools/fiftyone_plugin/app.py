"""FiftyOne's App as the plugin finds it: its classes, where an operator runs, and tables that fit beside the grid."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any, cast

import fiftyone.operators as _operators  # pyright: ignore[reportMissingTypeStubs]
from fiftyone.operators import types as _types  # pyright: ignore[reportMissingTypeStubs]

from ...datasets.errors import LabelloopError
from ...datasets.ledger import Ledger
from ...datasets.window import open_window
from ...datasets.window_place import dataset_name
from ...datasets.workspace import default_author, find_workspace
from .forms import Place
from .labels import Table

operators = cast("Any", _operators)
types = cast("Any", _types)

Operator = cast("type[Any]", operators.Operator)
Panel = cast("type[Any]", operators.Panel)

AS_WIDE_AS_ITS_TEXT = {"item": {"sx": {"width": "auto"}}}
_CELL = {"sx": {"fontSize": "0.85rem", "padding": "4px 8px"}}
_CLICKED = {"sx": {"fontSize": "0.85rem", "padding": "4px 8px", "cursor": "pointer"}}
_NARROW = {"sx": {"minWidth": 0, "& .MuiTableCell-root:not(:last-child)": {"whiteSpace": "nowrap"}}}
"""For FiftyOne's tables, which are 650 pixels wide at least and scroll beside the grid."""
_AS_WIDE_AS_THE_PANEL = {"sx": {"width": 0, "minWidth": "100%"}}
"""For what holds a table: one that is wider than the panel scrolls by itself, and does not stretch all that is above it."""
_WHEEL_GOES_ON = {"sx": {"overscrollBehavior": "auto !important"}}
"""FiftyOne's tables keep the mouse wheel to themselves, also those that have nothing to scroll."""


def place_of(ctx: Any) -> Place:
    """Where an operator runs.

    Raises:
        LabelloopError: the dataset that is open is no window of labelloop's.
    """
    workspace = find_workspace()
    for name in workspace.names():
        ledger = Ledger(workspace.ledger(name))
        window = open_window(ledger) if dataset_name(ledger) == ctx.dataset.name else None
        if window is not None:
            author = os.environ.get("LABELLOOP_AUTHOR") or default_author()
            return Place(workspace, window, author, lambda: _keys(ctx), not ctx.selected)
    raise LabelloopError(f"{ctx.dataset.name} is no data set of the workspace {workspace.home}")


def with_keys(ctx: Any, keys: Iterable[str]) -> Any:
    """The view of these images."""
    from fiftyone import ViewField  # pyright: ignore[reportMissingTypeStubs]

    return ctx.dataset.match(cast("Any", ViewField)("key").is_in(list(keys)))


def renew_colours(ctx: Any) -> None:
    """Have the App take the dataset's colours anew, which it reads once and then keeps through every reload of a page."""
    from fiftyone.core.state import build_color_scheme  # pyright: ignore[reportMissingTypeStubs]
    from fiftyone.server.events import state as events  # pyright: ignore[reportMissingTypeStubs]

    state = cast("Any", events).get_state()
    if state.dataset is not None and state.dataset.name == ctx.dataset.name:
        ctx.dataset.reload()
        state.color_scheme = cast("Any", build_color_scheme)(None, ctx.dataset, state.config)


def declare_table(panel: Any, table: Table, *, cell: Callable[[Any], None] | None = None) -> None:
    """Put a table into a panel, whose rows are its data; `cell` is called with the row and column that are clicked."""
    clicked = {"on_click_cell": cell} if cell else {}
    look = {
        "container": _AS_WIDE_AS_THE_PANEL,
        "tableContainer": _WHEEL_GOES_ON,
        "table": _NARROW,
        "tableHeadCell": _CELL,
        "tableBodyCell": _CLICKED if cell else _CELL,
    }
    view = types.TableView(componentsProps=look, **clicked)
    for column, label in zip(table.columns, table.labels or table.columns, strict=True):
        view.add_column(column, label=label)
    panel.md(f"###### {table.title}", name=f"{table.name}_title")
    panel.list(table.name, types.Object(), view=view)


def _keys(ctx: Any) -> list[str]:
    """The keys of the images that are selected, or that the view shows where none is; in a view of patches, of theirs."""
    ids: list[str] = list(ctx.selected or [])
    if ctx.view._is_patches:
        patches = ctx.view.select(ids) if ids else ctx.view
        view = ctx.dataset.select(sorted(set(patches.values("sample_id"))))
    else:
        view = ctx.dataset.select(ids) if ids else ctx.view
    return [key for key in view.values("key") if key]
