"""FiftyOne's App in the browser as a person uses it: the grid, an opened sample, the panel Labels and its forms."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.browser.servers import SIZE, sample_id

PATIENCE = 60_000
_ENDS = 240_000
"""So many milliseconds may an action take, such as a small training."""
_WRITING = ("Commit edits", "Show a version", "Split", "Undo a commit")

expect.set_options(timeout=PATIENCE)


def cy(name: str) -> str:
    """The selector of one of the App's own names for tests."""
    return f'[data-cy="{name}"]'


class Window:
    """A page of the App."""

    def __init__(self, page: Page, address: str) -> None:
        self.page, self.address, self.samples = page, address, 0

    def open(self, samples: int) -> Window:
        """Go to the window's address and wait until so many samples are there."""
        self.samples = samples
        self.page.goto(self.address)
        self.expect_count(f"{samples} samples")
        expect(self.page.locator(cy("looker")).first).to_be_visible()
        expect(self.panel).to_contain_text("Versions")
        if self.page.locator(cy("modal")).count():  # all pages of one server open the same sample
            self.close_sample()
        return self

    def close_sample(self) -> None:
        self.page.mouse.click(8, 892)
        expect(self.page.locator(cy("modal"))).to_have_count(0)

    def expect_count(self, text: str) -> None:
        expect(self.page.locator(cy("entry-counts"))).to_have_text(text)

    @property
    def panel(self) -> Locator:
        return self.page.locator(cy("panel-content-labels"))

    def expect_edited(self, text: str) -> None:
        """The panel says that this was edited; it is opened anew where it does not know yet."""
        expect(self.panel).to_contain_text(text)

    def filter(self, path: str, value: str) -> None:
        """Tick a value in the sidebar, once its field is unfolded."""
        self.page.locator(f"{cy(f'categorical-filter-{path}')} {cy(f'checkbox-{value}')}").click()

    def unfold(self, field: str) -> None:
        self.page.locator(cy(f"sidebar-field-arrow-enabled-{field}")).click()
        self.page.wait_for_timeout(2000)  # values are listed anew when their counts arrive

    def press(self, button: str, values: Mapping[str, str], *, panel: str = "labels") -> None:
        """Press a button of a panel, fill in its form and run it, without waiting for its end."""
        self._click(self._form(button, values, panel)[1])

    def open_panel(self, name: str) -> Locator:
        """A panel of labelloop's, its tab in front."""
        self.page.locator(cy(f"panel-tab-{name}")).click()
        panel = self.page.locator(cy(f"panel-content-{name}"))
        expect(panel).to_be_visible()
        return panel

    def act(
        self,
        button: str,
        values: Mapping[str, str] | None = None,
        *,
        only: str = "",
        fails: bool = False,
        looked: Callable[[Window], object] | None = None,
        panel: str = "labels",
        writes: bool | None = None,
    ) -> str:
        """Press a button of a panel, fill in its form and run it; what it says at the end.

        With `only`, what the form says once it says this; then it is cancelled. The page is
        loaded anew after what writes to the window, unless it fails; `writes` says whether this does.
        `looked` is called while what it says is there.
        """
        form, run = self._form(button, values or {}, panel)
        if only:
            expect(form).to_contain_text(only)
            text = form.inner_text()
            form.get_by_role("button", name="Cancel").click()
            expect(form).to_be_hidden()
            return text
        self._click(run)
        shown = self.page.locator(cy("operators-prompt-view-modal"))
        expect(shown).to_be_visible()
        expect(shown.get_by_role("progressbar")).to_have_count(0, timeout=_ENDS)
        text = shown.inner_text()
        if looked:
            looked(self)
        done = shown.get_by_role("button", name="Done")
        if (button in _WRITING if writes is None else writes) and not fails:
            with self.page.expect_event("load"):
                done.click()
            if button in _WRITING:  # what else writes opens another panel
                expect(self.panel).to_contain_text("Versions")
        else:
            done.click()
            expect(shown).to_be_hidden()
        return text

    def _form(self, button: str, values: Mapping[str, str], panel: str = "labels") -> tuple[Locator, Locator]:
        """The form of a button of a panel, filled in, and the button that runs it."""
        self.page.locator(cy(f"panel-content-{panel}")).get_by_role("button", name=button, exact=True).click()
        form = self.page.locator(cy("operators-prompt-modal"))
        run = form.get_by_role("button", name=button.partition(" ")[0], exact=True)
        expect(run).to_be_visible()
        for label, value in values.items():
            self._fill(form, label, value)
        return form, run

    def _click(self, run: Locator) -> None:
        """Run a form; while it asks the server about its fields it hears no click, and a person clicks once more.

        Once it runs its button is gone; the form itself stays beneath until the end.
        """
        for _ in range(3):
            run.click()
            try:
                expect(run).to_be_hidden(timeout=10_000)
                return
            except AssertionError:
                continue

    def _fill(self, form: Locator, label: str, value: str) -> None:
        tick = form.get_by_role("checkbox", name=label)
        if tick.count():
            tick.set_checked(value == "yes")
            return
        field: Any = form.locator(f'xpath=.//*[normalize-space(text())="{label}"]/following::input[1]')
        if "nativeInput" in (field.get_attribute("class") or ""):
            form.locator(f'xpath=.//*[normalize-space(text())="{label}"]/following::*[@role="combobox"][1]').click()
            self.page.get_by_role("option", name=value).click()
        else:
            field.fill(value)
            expect(field).to_have_value(value)


class Opened:
    """A sample that is open in the tab Annotate; points are in pixels of the image."""

    def __init__(self, window: Window, key: str, place: int | None = None) -> None:
        """Click its picture in the grid, which shows all of them in the order of their keys; `place` is its place there."""
        self.window, self.page = window, window.page
        pictures = self.page.locator(cy("looker"))
        expect(pictures).to_have_count(window.samples)
        places = [each.bounding_box() or {"x": 0, "y": 0} for each in pictures.all()]
        order = sorted(range(window.samples), key=lambda number: (round(places[number]["y"]), places[number]["x"]))
        pictures.nth(order[int(key.partition(".")[0]) if place is None else place]).click()
        expect(self.page).to_have_url(re.compile(rf"\bid={sample_id(key)}"))
        self.page.locator(cy("annotate")).click()
        self._canvas = self.page.locator(cy("lighter-sample-renderer-canvas"))
        expect(self._canvas).to_be_visible()
        expect(self.page.locator(cy("detection-mode"))).to_be_visible()
        self.page.wait_for_timeout(500)  # the picture is laid out after the canvas is there

    def boxes(self) -> list[str]:
        """The ids of the boxes that the list on the right names."""
        found = self.page.locator('[data-cy^="annotate-label-"]').evaluate_all(
            "all => all.map(each => each.getAttribute('data-cy'))"
        )
        return [str(each).removeprefix("annotate-label-") for each in found]

    def choose(self, box: str) -> None:
        self.page.locator(cy(f"annotate-label-{box}")).click()
        expect(self.page.locator(cy("root_label_container"))).to_be_visible()

    def classes(self) -> list[str]:
        """The classes that the dropdown of the chosen box offers."""
        self._dropdown().click()
        options = self.page.get_by_role("option")
        expect(options.first).to_be_visible()
        return options.all_inner_texts()

    def rename(self, name: str) -> None:
        """Give the chosen box another class."""
        option = self.page.get_by_role("option", name=name, exact=True)
        if not option.is_visible():
            self._dropdown().click()
        option.click()
        self.saved()

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        mouse = self.page.mouse
        for point in ((start[0] - 4, start[1] - 4), start):  # the App must see what is under the pointer first
            mouse.move(*self._at(point))
            self.page.wait_for_timeout(200)
        mouse.down()
        middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
        for point in (middle, end):
            mouse.move(*self._at(point), steps=3)
        mouse.up()
        self.saved()

    def move(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Drag a box that is not chosen; with one that is, dragging anywhere but at its corners makes a new one."""
        self.page.locator(cy("select-action")).click()
        self.drag(start, end)

    def add(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        self.page.locator(cy("detection-mode")).click()
        expect(self.page.locator(cy("modal-status-bar"))).to_contain_text("drag to create")
        self.drag(start, end)

    def delete(self) -> None:
        """Delete the chosen box."""
        self.page.locator(cy("label-menu-trigger")).click()
        self.page.get_by_text("Delete label", exact=True).click()
        self.saved()

    def set_state(self, state: str) -> None:
        self.page.locator(cy("sidebar")).get_by_text("state", exact=True).last.click()
        self.page.get_by_role("radio", name=state).click()
        self.saved()

    def back(self) -> None:
        """From one box to the list of all."""
        self.page.locator(cy("annotate-edit-back")).click()
        expect(self.page.locator(cy("root_label_container"))).to_have_count(0)

    def saved(self) -> None:
        """Wait until the App has written what was edited: it does so some seconds later."""
        self.page.wait_for_timeout(300)
        expect(self.page.locator(cy("annotation-save-state"))).to_have_attribute("data-settled", "true")

    def close(self) -> None:
        self.window.close_sample()

    def _dropdown(self) -> Locator:
        return self.page.locator(f"{cy('root_label_container')} input")

    def _at(self, point: tuple[float, float]) -> tuple[float, float]:
        around = self._canvas.bounding_box()
        assert around is not None
        scale = min(around["width"] / SIZE[0], around["height"] / SIZE[1])
        left = around["x"] + (around["width"] - SIZE[0] * scale) / 2
        top = around["y"] + (around["height"] - SIZE[1] * scale) / 2
        return left + point[0] * scale, top + point[1] * scale
