"""The plugin as FiftyOne wants it: one operator for each action, and the panel Labels.

The only module that knows FiftyOne's operator classes; it is imported by the App alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any, cast
from urllib.parse import quote

import fiftyone.operators as _operators  # pyright: ignore[reportMissingTypeStubs]
from fiftyone.operators import types as _types  # pyright: ignore[reportMissingTypeStubs]

from ...datasets.errors import LabelloopError
from ...datasets.ledger import Ledger
from ...datasets.window import open_window
from ...datasets.window_place import dataset_name
from ...datasets.workspace import default_author, find_workspace
from . import OWNER, PANEL
from .actions import ACTIONS
from .desk_actions import desk_text
from .forms import Action, Choice, Field, Note, Place, Progress, Said, Show, Text
from .labels import head_of, tables_of
from .training_actions import runs_table

operators = cast("Any", _operators)
types = cast("Any", _types)

RELOAD = "reload_page"
"""The operator in reload.js."""

_AS_WIDE_AS_ITS_TEXT = {"item": {"sx": {"width": "auto"}}}
_CELL = {"sx": {"fontSize": "0.85rem", "padding": "4px 8px"}}
_DENSE = {
    "table": {"sx": {"minWidth": 0, "& .MuiTableCell-root:not(:last-child)": {"whiteSpace": "nowrap"}}},
    "tableHeadCell": _CELL,
    "tableBodyCell": _CELL,
}
"""For FiftyOne's tables, which are 650 pixels wide at least and scroll beside the grid."""

_Operator = cast("type[Any]", operators.Operator)
_Panel = cast("type[Any]", operators.Panel)


def register(plugin: Any) -> None:
    """Give FiftyOne the operators and the panel."""
    for action in ACTIONS:
        plugin.register(_operator(action))
    plugin.register(LabelsPanel)


def _operator(action: Action) -> type[Any]:
    class ActionOperator(_Operator):
        """An action as an operator."""

        @property
        def config(self) -> Any:
            """How FiftyOne lists it."""
            return operators.OperatorConfig(
                name=action.name,
                label=f"labelloop: {action.label.lower()}",
                icon=action.icon,
                dynamic=True,
                execute_as_generator=True,
            )

        def resolve_input(self, ctx: Any) -> Any:
            """The form."""
            inputs = types.Object()
            button = action.label.partition(" ")[0]
            form = types.Property(inputs, view=types.PromptView(label=action.label, submit_button_label=button))
            try:
                fields: Sequence[Field] = action.form(_place(ctx), ctx.params)
            except LabelloopError as error:
                fields = (Note(str(error), "warning"),)
                form.invalid = True
            for number, field in enumerate(fields):
                _add(inputs, number, field)
            return form

        def execute(self, ctx: Any) -> Iterator[Any]:
            """Run it; an error made on purpose is shown as a sentence."""
            try:
                place = _place(ctx)
                for step in action.run(place, ctx.params):
                    if isinstance(step, Progress):
                        yield ctx.ops.set_progress(label=step.label, progress=step.part)
                    elif isinstance(step, Show):
                        view = ctx.dataset.match(_field("key").is_in(list(step.keys)))
                        yield ctx.ops.set_view(view=view)
                    else:
                        yield from _end(ctx, step)
            except LabelloopError as error:
                shown = types.Object()
                shown.view("error", types.Error(label=str(error)))
                yield ctx.ops.show_output(types.Property(shown).to_json(), {})

    ActionOperator.__name__ = "".join(part.title() for part in action.name.split("_"))
    return ActionOperator


def _end(ctx: Any, said: Said) -> Iterator[Any]:
    if said.changed:
        yield ctx.trigger(f"{OWNER}/{RELOAD}")
    # Without an output of its own, FiftyOne leaves the bar where it stood.
    shown = types.Object()
    parts = [f"**{said.sentence}**", said.text]
    if said.image is not None:
        # The App's own door to the files of this machine; the time is there so that a new picture is loaded anew.
        address = f"/media?filepath={quote(str(said.image), safe='')}&t={said.image.stat().st_mtime_ns}"
        parts.append(f"![{said.image.name}]({address})")
    shown.md("\n\n".join(filter(None, parts)), name="text")
    yield ctx.ops.show_output(types.Property(shown).to_json(), {})


def _field(name: str) -> Any:
    from fiftyone import ViewField  # pyright: ignore[reportMissingTypeStubs]

    return cast("Any", ViewField)(name)


def _add(inputs: Any, number: int, field: Field) -> None:
    """Put a field into FiftyOne's form."""
    if isinstance(field, Note):
        if field.kind == "warning":
            inputs.view(f"note{number}", types.Warning(label=field.text))
        else:
            inputs.md(field.text, name=f"note{number}")
    elif isinstance(field, Text):
        inputs.str(
            field.name,
            label=field.label,
            default=field.default or None,
            description=field.help,
            required=field.required,
        )
    elif isinstance(field, Choice):
        choices = types.DropdownView()
        for value, shown in field.options.items():
            choices.add_choice(value, label=shown)
        inputs.enum(
            field.name, list(field.options), label=field.label, default=field.default or None, description=field.help,
            view=choices,
        )  # fmt: skip
    else:
        inputs.bool(field.name, label=field.label, default=field.default, description=field.help)


def _place(ctx: Any) -> Place:
    """Where an operator runs.

    Raises:
        LabelloopError: the dataset that is open is no window of labelloop's.
    """
    workspace = find_workspace()
    for name in workspace.names():
        ledger = Ledger(workspace.ledger(name))
        window = open_window(ledger) if dataset_name(ledger) == ctx.dataset.name else None
        if window is not None:
            ids: list[str] = list(ctx.selected or [])
            view = ctx.dataset.select(ids) if ids else ctx.view
            author = os.environ.get("LABELLOOP_AUTHOR") or default_author()
            return Place(workspace, window, author, lambda: [key for key in view.values("key") if key], not ids)  # noqa: B023 - returned at once
    raise LabelloopError(f"{ctx.dataset.name} is no data set of the workspace {workspace.home}")


class LabelsPanel(_Panel):
    """The panel Labels: the versions, what was edited, the balance of the classes, the findings."""

    @property
    def config(self) -> Any:
        """How FiftyOne lists it."""
        return operators.PanelConfig(
            name=PANEL, label="Labels", icon="label", surfaces="grid", allow_multiple=False,
            help_markdown="Versions of the labels, what was edited since, and what can be done with them.",
        )  # fmt: skip

    def on_load(self, ctx: Any) -> None:
        """Read what the panel shows."""
        try:
            place = _place(ctx)
            tables = [*tables_of(place.window), *filter(lambda table: table.rows, [runs_table(place)])]
            head = "\n\n".join(filter(None, (head_of(place.window), desk_text(place))))
            ctx.panel.set_state("head", head)
        except LabelloopError as error:
            tables = []
            ctx.panel.set_state("head", str(error))
        ctx.panel.set_state(
            "tables", [{"name": each.name, "title": each.title, "columns": each.columns} for each in tables]
        )
        for each in tables:
            ctx.panel.set_data(each.name, each.rows)

    def on_change_current_sample(self, ctx: Any) -> None:
        """Look again what is edited, once a sample that was open is closed."""
        if ctx.current_sample is None:
            self.on_load(ctx)

    def on_act(self, ctx: Any) -> None:
        """Open the form of the action whose button was pressed."""
        ctx.prompt(f"{OWNER}/{ctx.params['action']}", on_success=self.on_load)

    def render(self, ctx: Any) -> Any:
        """The panel."""
        panel = types.Object()
        panel.md(ctx.panel.get_state("head") or "Reading the ledger …", name="head")
        bar = panel.h_stack("actions", gap=1, orientation="2d")
        for action in ACTIONS:
            bar.btn(
                action.name,
                label=action.label,
                icon=action.icon,
                on_click=self.on_act,
                params={"action": action.name},
                variant="contained" if action.name == "commit" else "outlined",
                componentsProps=_AS_WIDE_AS_ITS_TEXT,
            )
        for each in ctx.panel.get_state("tables") or ():
            table = types.TableView(componentsProps=_DENSE)
            for column in each["columns"]:
                table.add_column(column, label=column)
            panel.md(f"###### {each['title']}", name=f"{each['name']}_title")
            panel.list(each["name"], types.Object(), view=table)
        return types.Property(panel, view=types.GridView(orientation="vertical", align_x="left", gap=1, pad=2))
