"""The panels as FiftyOne wants them. What they show is made elsewhere, as plain values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...datasets.errors import LabelloopError
from ..window_errors import count_errors, keys_of_cell, keys_of_kind, shown_runs
from ..window_suspects import NAME as SUSPECTS
from .actions import ACTIONS
from .app import AS_WIDE_AS_ITS_TEXT, Panel, declare_table, operators, place_of, types, with_keys
from .desk_actions import desk_text, push_now
from .errors import clicked, head_of_errors, runs_choice, tables_of_errors
from .labels import Table, head_of, tables_of
from .names import ERRORS, OWNER, PANEL, ROUNDS
from .rounds import QUEUE, Rounds, interval_plot, rounds_of
from .training_actions import runs_table

_GRID = {"orientation": "vertical", "align_x": "left", "gap": 1, "pad": 2}


class _ActingPanel(Panel):
    """A panel with buttons of actions."""

    def on_load(self, ctx: Any) -> None:
        """Read what the panel shows."""
        raise NotImplementedError

    def on_act(self, ctx: Any) -> None:
        """Open the form of the action whose button was pressed."""
        ctx.prompt(f"{OWNER}/{ctx.params['action']}", on_success=self.on_load)

    def on_desk(self, ctx: Any) -> None:
        """Send what is selected, or what the view shows, to the desk at once."""
        _spoken(ctx, lambda: ctx.ops.notify(push_now(place_of(ctx)), variant="success"))

    def on_all(self, ctx: Any) -> None:
        """Show every image again."""
        ctx.ops.clear_view()

    def desk_buttons(self, bar: Any) -> None:
        """The buttons that go from images to the desk, and back to all images."""
        _button(bar, "to_desk", "To the desk", "upload", self.on_desk)
        _button(bar, "all", "All images", "clear", self.on_all)


class LabelsPanel(_ActingPanel):
    """The panel Labels: the versions, what was edited, the balance of the classes, the findings."""

    @property
    def config(self) -> Any:
        """How FiftyOne lists it."""
        return _listed(PANEL, "Labels", "label")

    def on_load(self, ctx: Any) -> None:
        """Read what the panel shows."""
        try:
            place = place_of(ctx)
            tables = [*tables_of(place.window), *filter(lambda table: table.rows, [runs_table(place)])]
            head = "\n\n".join(filter(None, (head_of(place.window), desk_text(place))))
        except LabelloopError as error:
            tables, head = [], str(error)
        _give(ctx, head, tables)

    def on_change_current_sample(self, ctx: Any) -> None:
        """Look again what is edited, once a sample that was open is closed."""
        if ctx.current_sample is None:
            self.on_load(ctx)

    def render(self, ctx: Any) -> Any:
        """The panel."""
        panel = types.Object()
        panel.md(ctx.panel.get_state("head") or "Reading the ledger …", name="head")
        _buttons(panel, [action.name for action in ACTIONS], self.on_act, main="commit")
        for table in _tables(ctx):
            declare_table(panel, table)
        return types.Property(panel, view=types.GridView(**_GRID))


class ErrorsPanel(_ActingPanel):
    """The panel Errors: what a run gets wrong, and from each count to its images."""

    @property
    def config(self) -> Any:
        """How FiftyOne lists it."""
        return _listed(ERRORS, "Errors", "rule")

    def on_load(self, ctx: Any) -> None:
        """Read what the panel shows."""
        try:
            window = place_of(ctx).window
            runs = shown_runs(window)
            chosen = runs_choice(runs, ctx.panel.get_state("run") or "")
            tables: list[Table] = []
            head = "No run is shown yet: *Inspect a run* shows what one gets wrong."
            if chosen:
                errors = count_errors(window, chosen)
                tables, head = tables_of_errors(errors), head_of_errors(errors)
            ctx.panel.set_state("runs", runs)
            ctx.panel.set_state("run", chosen)
        except LabelloopError as error:
            tables, head = [], str(error)
        _give(ctx, head, tables)

    def on_choose(self, ctx: Any) -> None:
        """Show another run."""
        ctx.panel.set_state("run", ctx.params.get("run") or ctx.params.get("value"))
        self.on_load(ctx)

    def on_cell(self, ctx: Any) -> None:
        """Show the images of the row or cell that was clicked."""
        _spoken(ctx, lambda: self._show(ctx))

    def _show(self, ctx: Any) -> None:
        window, run = place_of(ctx).window, ctx.panel.get_state("run")
        what = clicked(
            count_errors(window, run), ctx.params["path"].rpartition(".")[2], ctx.params["row"], ctx.params["column"]
        )
        if what.kind:
            keys = keys_of_kind(window, run, what.kind)
        elif what.truth:
            keys = keys_of_cell(window, run, what.truth, what.predicted)
        else:
            return
        if keys:
            ctx.ops.set_view(view=with_keys(ctx, keys))
        else:
            ctx.ops.notify("No image is there.")

    def render(self, ctx: Any) -> Any:
        """The panel."""
        panel = types.Object()
        runs: list[str] = ctx.panel.get_state("runs") or []
        bar = panel.h_stack("actions", gap=1, orientation="2d")
        _button(bar, "inspect", "Inspect a run", "rule", self.on_act, {"action": "inspect"})
        self.desk_buttons(bar)
        for number, run in enumerate(runs if len(runs) > 1 else ()):
            _button(bar, f"run_{number}", run, "insights", self.on_choose, {"run": run})
        panel.md(ctx.panel.get_state("head") or "Reading …", name="head")
        for table in _tables(ctx):
            declare_table(panel, table, cell=self.on_cell)
        return types.Property(panel, view=types.GridView(**_GRID))


class RoundsPanel(_ActingPanel):
    """The panel Rounds: the suspects, best first, the open round, and what the last one bought."""

    @property
    def config(self) -> Any:
        """How FiftyOne lists it."""
        return _listed(ROUNDS, "Rounds", "loop")

    def on_load(self, ctx: Any) -> None:
        """Read what the panel shows."""
        try:
            rounds = rounds_of(place_of(ctx))
        except LabelloopError as error:
            rounds = Rounds(str(error))
        data, layout = interval_plot(rounds.intervals)
        ctx.panel.set_state("queue", list(rounds.queue))
        ctx.panel.set_state("layout", layout if rounds.intervals else None)
        ctx.panel.set_data("intervals", data)
        _give(ctx, rounds.head, rounds.tables)

    def on_cell(self, ctx: Any) -> None:
        """Show the image of the suspect that was clicked."""
        queue: list[str] = ctx.panel.get_state("queue") or []
        row = int(ctx.params["row"])
        if ctx.params["path"].rpartition(".")[2] == QUEUE and 0 <= row < len(queue):
            ctx.ops.set_view(view=with_keys(ctx, [queue[row]]))

    def on_queue(self, ctx: Any) -> None:
        """Show the images with suspects, the best first."""
        _spoken(ctx, lambda: self._queue(ctx))

    def _queue(self, ctx: Any) -> None:
        ctx.dataset.reload()
        if not ctx.dataset.has_saved_view(SUSPECTS):
            raise LabelloopError("No suspects are shown here yet: Find suspects shows them")
        ctx.ops.set_view(view=ctx.dataset.load_saved_view(SUSPECTS))

    def render(self, ctx: Any) -> Any:
        """The panel."""
        panel = types.Object()
        bar = _buttons(
            panel, ("suspects", "round_start", "pull", "round_settle", "round_report"), self.on_act, main="round_start"
        )
        _button(bar, "queue_view", "Show the suspects", "filter_list", self.on_queue)
        self.desk_buttons(bar)
        panel.md(ctx.panel.get_state("head") or "Reading …", name="head")
        layout = ctx.panel.get_state("layout")
        if layout:
            panel.md("###### What changes, with its 95 % interval", name="intervals_title")
            panel.plot("intervals", layout=layout, config={"displayModeBar": False}, height=f"{layout['height']}px")
        for table in _tables(ctx):
            declare_table(panel, table, cell=self.on_cell if table.name == QUEUE else None)
        return types.Property(panel, view=types.GridView(**_GRID))


PANELS = (LabelsPanel, ErrorsPanel, RoundsPanel)


def _listed(name: str, label: str, icon: str) -> Any:
    """How FiftyOne lists a panel; without a help text, whose mark would make four tabs wider than there is room."""
    return operators.PanelConfig(name=name, label=label, icon=icon, surfaces="grid", allow_multiple=False)


def _give(ctx: Any, head: str, tables: Sequence[Table]) -> None:
    """Put what is to be shown into a panel's state, the rows into its data."""
    ctx.panel.set_state("head", head)
    shown = [
        {"name": each.name, "title": each.title, "columns": list(each.columns), "labels": list(each.labels)}
        for each in tables
    ]
    ctx.panel.set_state("tables", shown)
    for each in tables:
        ctx.panel.set_data(each.name, list(each.rows))


def _tables(ctx: Any) -> list[Table]:
    """The tables in a panel's state, whose rows are its data."""
    known = ctx.panel.get_state("tables") or ()
    return [Table(each["name"], each["title"], tuple(each["columns"]), (), tuple(each["labels"])) for each in known]


def _buttons(panel: Any, names: Sequence[str], press: Any, *, main: str = "") -> Any:
    """A row of buttons of actions, by their names."""
    bar = panel.h_stack("actions", gap=1, orientation="2d")
    known = {action.name: action for action in ACTIONS}
    for name in names:
        action = known[name]
        _button(bar, name, action.label, action.icon, press, {"action": name}, main=name == main)
    return bar


def _button(
    bar: Any, name: str, label: str, icon: str, press: Any, params: dict[str, str] | None = None, *, main: bool = False
) -> None:
    bar.btn(
        name, label=label, icon=icon, on_click=press, params=params or {}, variant="contained" if main else "outlined",
        componentsProps=AS_WIDE_AS_ITS_TEXT,
    )  # fmt: skip


def _spoken(ctx: Any, act: Any) -> None:
    """Do it; what goes wrong on purpose is shown as a sentence."""
    try:
        act()
    except LabelloopError as error:
        ctx.ops.notify(str(error), variant="error")
