"""The plugin as FiftyOne wants it: one operator for each action, and the panels. It is imported by the App alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ...datasets.errors import LabelloopError
from .actions import ACTIONS
from .app import Operator, operators, place_of, renew_colours, types, with_keys
from .forms import Action, Choice, Field, Note, Progress, Said, Show, Text
from .markdown import cell, file_address
from .names import OWNER
from .panels import PANELS

RELOAD = "reload_page"
"""The operator in reload.js."""


def register(plugin: Any) -> None:
    """Give FiftyOne the operators and the panels."""
    for action in ACTIONS:
        plugin.register(_operator(action))
    for panel in PANELS:
        plugin.register(panel)


def _operator(action: Action) -> type[Any]:
    class ActionOperator(Operator):
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
                fields: Sequence[Field] = action.form(place_of(ctx), ctx.params)
            except LabelloopError as error:
                fields = (Note(str(error), "warning"),)
                form.invalid = True
            for number, field in enumerate(fields):
                _add(inputs, number, field)
            return form

        def execute(self, ctx: Any) -> Iterator[Any]:
            """Run it; an error made on purpose is shown as a sentence."""
            # The form stays until something is said, and many an action loads a library first.
            yield ctx.ops.set_progress(label=action.label, progress=0.0)
            try:
                place = place_of(ctx)
                for step in action.run(place, ctx.params):
                    if isinstance(step, Progress):
                        yield ctx.ops.set_progress(label=step.label, progress=step.part)
                    elif isinstance(step, Show):
                        yield ctx.ops.set_view(view=with_keys(ctx, step.keys))
                    else:
                        yield from _end(ctx, step)
            except LabelloopError as error:
                shown = types.Object()
                shown.view("error", types.Error(label=str(error)))
                yield ctx.ops.show_output(types.Property(shown).to_json(), {})

    ActionOperator.__name__ = "".join(part.title() for part in action.name.split("_"))
    return ActionOperator


def _end(ctx: Any, said: Said) -> Iterator[Any]:
    if said.panel:
        yield ctx.ops.open_panel(said.panel, is_active=True)
    if said.changed:
        renew_colours(ctx)
        yield ctx.trigger(f"{OWNER}/{RELOAD}")
    # Without an output of its own, FiftyOne leaves the bar where it stood.
    shown = types.Object()
    parts = [f"**{said.sentence}**", said.text]
    if said.image is not None:
        parts.append(f"![{said.image.name}]({file_address(said.image)})")
    if said.page is not None:
        parts.append(f"[{cell(str(said.page))}]({file_address(said.page)})")
    shown.md("\n\n".join(filter(None, parts)), name="text")
    yield ctx.ops.show_output(types.Property(shown).to_json(), {})


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
