"""Label Studio in the browser as a person uses it: logging in, a task's picture, its boxes and its buttons."""

from __future__ import annotations

import re
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Locator, Page, expect

Point = tuple[float, float]
Corners = tuple[float, float, float, float]

OBJECT, BACKGROUND = (255, 0, 255), (20, 60, 30)
"""The colours of test pictures: what is bright in red is an object, or a box."""


class DeskPage:
    """A page of Label Studio, somebody logged in or not."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url = page, url

    def log_in(self, user: str, password: str) -> DeskPage:
        self.page.goto(f"{self.url}/user/login")
        return self._send(user, password)

    def sign_up(self, address: str, user: str, password: str) -> DeskPage:
        """Follow an invitation."""
        self.page.goto(address)
        return self._send(user, password)

    def open(self, project: int, task: int) -> None:
        """Open a task and wait until its picture is there."""
        self.page.goto(f"{self.url}/projects/{project}/data?task={task}")
        expect(self._canvas).to_be_visible()
        expect(self._picture).to_be_visible()
        self.page.wait_for_timeout(700)  # the picture is laid out after it is there

    def boxes(self) -> list[str]:
        """The ids of the boxes that the task shows."""
        return self.page.evaluate("Htx.annotationStore.selected.regions.map(each => each.cleanId)")

    def bright(self) -> Corners:
        """Where the object of the picture and its boxes are seen on the page, as one rectangle around them."""
        box = self._picture.bounding_box()
        assert box is not None
        clip = {name: round(value) for name, value in box.items()}
        red = np.asarray(Image.open(BytesIO(self.page.screenshot(clip=clip))).convert("RGB"))[:, :, 0]  # type: ignore[arg-type]
        rows, columns = (red > 100).nonzero()
        assert rows.size, "no object is seen"
        left, top = float(clip["x"]), float(clip["y"])
        return (
            left + int(columns.min()),
            top + int(rows.min()),
            left + int(columns.max()) + 1,
            top + int(rows.max()) + 1,
        )

    def corners(self, x1: float, y1: float, x2: float, y2: float) -> Corners:
        """Where a rectangle of the picture is on the page, in parts of its width and height."""
        return (*self.at(x1, y1), *self.at(x2, y2))

    def at(self, x: float, y: float) -> Point:
        """Where a place of the picture is on the page, both in [0, 1]."""
        box = self._picture.bounding_box()
        assert box is not None
        return box["x"] + x * box["width"], box["y"] + y * box["height"]

    def choose(self, point: Point) -> None:
        """Click a box."""
        self.page.mouse.click(*point)
        self.page.wait_for_function("Htx.annotationStore.selected.selectedRegions.length === 1")

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)
        self.page.wait_for_timeout(300)

    def drag(self, start: Point, end: Point) -> None:
        mouse = self.page.mouse
        mouse.move(*start, steps=4)
        self.page.wait_for_timeout(200)
        mouse.down()
        mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2, steps=6)
        mouse.move(*end, steps=8)
        self.page.wait_for_timeout(200)
        mouse.up()
        self.page.wait_for_timeout(400)

    def draw(self, key: str, start: Point, end: Point) -> None:
        """Draw a box of the class of a hotkey."""
        self.press("Escape")
        self.press(key)
        before = len(self.boxes())
        self.drag(start, end)
        self.page.wait_for_function(f"Htx.annotationStore.selected.regions.length === {before + 1}")

    def tick(self, text: str) -> None:
        self.page.get_by_text(re.compile(rf"^{text}\b")).click()

    def comment(self, text: str) -> None:
        """Write a comment on the chosen box."""
        field: Locator = self.page.get_by_placeholder("comment on this box")
        field.fill(text)
        field.press("Enter")
        expect(self.page.get_by_test_id("htx-textbox-content").get_by_text(text)).to_be_visible()

    def stream(self, project: int) -> None:
        """Begin to label one task after the other."""
        self.page.goto(f"{self.url}/projects/{project}/data?labeling=1")
        told = self.page.get_by_text("Labeling Instructions")
        expect(told).to_be_visible()
        self.page.keyboard.press("Escape")
        expect(told).to_be_hidden()
        expect(self._picture).to_be_visible()
        self.page.wait_for_timeout(700)

    def submit(self) -> dict[str, Any]:
        """Press Submit; the annotation that came of it."""
        return self._answer("bottombar-submit-button")

    def skip(self) -> dict[str, Any]:
        return self._answer("bottombar-skip-button")

    def _answer(self, button: str) -> dict[str, Any]:
        with self.page.expect_response(
            lambda answer: "/annotations" in answer.url and answer.request.method == "POST"
        ) as waiting:
            self.page.get_by_test_id(button).click()
        assert waiting.value.status == 201, waiting.value.text()
        found: dict[str, Any] = waiting.value.json()
        return found

    def _send(self, user: str, password: str) -> DeskPage:
        self.page.locator("input[name=email]").fill(user)
        self.page.locator("input[name=password]").fill(password)
        self.page.locator("button[type=submit]").click()
        self.page.wait_for_url(lambda address: "/user/" not in address)
        return self

    @property
    def _canvas(self) -> Locator:
        return self.page.locator(".konvajs-content canvas").first

    @property
    def _picture(self) -> Locator:
        return self.page.locator('img[alt="image"][src^="blob:"]').first
