"""Label Studio in a real browser: people correct, pull brings exactly that home; and what others can see of it."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright", reason="there is no playwright to drive a browser")

from labelloop.datasets.ledger import Ledger
from labelloop.datasets.schema import Sample
from labelloop.datasets.workspace import Workspace
from labelloop.label_config.client import Client
from labelloop.label_config.taking import CONFIRMED
from labelloop.tools.label_studio import LabelStudio, ensure_label_studio, label_studio_folder
from tests.browser.desk_pages import DeskPage
from tests.browser.desk_pictures import BOX, PHOTOS, SECOND, SIZE, TURNED, draw_source, plain
from tests.browser.servers import ROOT, environment, labelloop
from tests.label_config.servers import copied

MINA, PASSWORD = "mina@example.org", "correct horse 9"
PAGE_PIXEL = 2.0
"""So far off may a hand's drag end, in pixels of the page."""


@dataclass
class Desk:
    """A data set that was pushed, the server, and whoever labels in the browser."""

    home: Path
    server: LabelStudio
    client: Client
    ledger: Ledger
    project: int
    mina: DeskPage

    def task(self, key: str, turn: int = 1) -> int:
        wanted = f"{turn}/desk/{key}"
        (found,) = (task["id"] for task in self.client.tasks(self.project) if task["data"]["labelloop_key"] == wanted)
        return int(found)

    def open(self, key: str, turn: int = 1) -> DeskPage:
        self.mina.open(self.project, self.task(key, turn))
        return self.mina

    def samples(self) -> dict[str, Sample]:
        return {sample.key: sample for sample in self.ledger.samples()}

    def pull(self) -> dict[str, Any]:
        found: dict[str, Any] = labelloop("pull", "desk", "--home", self.home, "--json")
        return found


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, chromium: Any) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("desk")
    home = folder / "home"
    workspace: Workspace = copied(tmp_path_factory, home)
    draw_source(folder / "photos")
    labelloop("import", folder / "photos", "--name", "desk", "--home", home, "--author", "ann")
    with ensure_label_studio(workspace) as server, Client(server.url, server.token) as client:
        pushed = labelloop("push", "desk", "--home", home, "--json")
        assert (pushed["made"], pushed["unchanged"]) == (len(PHOTOS), 0)
        context = chromium.new_context(viewport={"width": 1600, "height": 900}, locale="en-US")
        context.set_default_timeout(180_000)
        invited = server.url + client.get("/api/invite")["invite_url"]
        mina = DeskPage(context.new_page(), server.url).sign_up(invited, MINA, PASSWORD)
        yield Desk(home, server, client, Ledger(workspace.ledger("desk")), pushed["project"], mina)
        context.close()


def near(seen: Any, wanted: Any, tolerance: float = PAGE_PIXEL) -> bool:
    return all(abs(one - other) <= tolerance for one, other in zip(seen, wanted, strict=True))


def parts(corners: Any, width: int = SIZE[0], height: int = SIZE[1]) -> tuple[float, float, float, float]:
    """Corners in parts of a picture's width and height."""
    x1, y1, x2, y2 = corners
    return (x1 / width, y1 / height, x2 / width, y2 / height)


def middle(corners: Any) -> tuple[float, float]:
    x1, y1, x2, y2 = parts(corners)
    return ((x1 + x2) / 2, (y1 + y2) / 2)


def test_the_user_of_the_password_file_logs_in(desk: Desk, new_page: Any, tmp_path: Path) -> None:
    assert desk.server.password is not None
    page = DeskPage(new_page(), desk.server.url)
    page.log_in(desk.server.user, desk.server.password.read_text().strip())
    page.open(desk.project, desk.task(plain(0)))
    assert len(page.boxes()) == 2
    page.page.screenshot(path=tmp_path / "task.png")


def test_what_was_corrected_in_the_browser_is_in_the_ledger_and_nothing_else(desk: Desk, tmp_path: Path) -> None:
    before, start = desk.samples(), desk.ledger.version()
    answers: dict[str, dict[str, Any]] = {}

    page = desk.open(plain(0))  # one renamed, the other moved
    first, second = (box.id for box in before[plain(0)].boxes)
    assert page.boxes() == [first, second]
    assert near(page.bright(), page.corners(*parts((*BOX[:2], *SECOND[2:])))), "image and boxes are seen in their place"
    page.choose(page.at(*middle(BOX)))
    page.press("3")
    page.press("Escape")
    page.choose(page.at(*middle(SECOND)))
    x, y = middle(SECOND)
    page.drag(page.at(x, y), page.at(x + 0.1, y - 0.1))
    page.page.screenshot(path=tmp_path / "moved.png")
    answers[plain(0)] = page.submit()

    page = desk.open(plain(1))  # one drawn
    page.draw("2", page.at(0.6, 0.1), page.at(0.9, 0.3))
    answers[plain(1)] = page.submit()

    page = desk.open(plain(2))  # one deleted
    page.choose(page.at(*middle(SECOND)))
    page.press("Backspace")
    assert page.boxes() == [before[plain(2)].boxes[0].id]
    page.submit()

    page = desk.open(plain(3))  # marked as unsure, with a comment
    page.choose(page.at(*middle(BOX)))
    page.tick("unsure")
    page.comment("뒷면? a coin & <b>")
    page.page.screenshot(path=tmp_path / "unsure.png")
    page.submit()

    desk.open(plain(4)).submit()  # as it was
    page.stream(desk.project)  # what nobody has answered yet, the first of it
    skipped = page.skip()
    assert (skipped["task"], skipped["was_cancelled"]) == (desk.task(plain(5)), True)

    pulled = desk.pull()
    assert (pulled["edited"], pulled["confirmed"], pulled["skipped"]) == (4, 1, 1)
    assert (pulled["conflicts"], pulled["findings"], pulled["waiting"]) == ([], [], len(PHOTOS) - 6)
    (commit,) = desk.ledger.commits()[start + 1 :]
    assert (commit.author, commit.tool) == (MINA, "label-studio")
    after = desk.samples()

    renamed, moved = after[plain(0)].boxes
    assert renamed == replace(before[plain(0)].boxes[0], label="앞면", score=None), "not a bit of its corners moved"
    value = next(each["value"] for each in answers[plain(0)]["result"] if each["id"] == second)
    x1, y1 = value["x"] * SIZE[0] / 100, value["y"] * SIZE[1] / 100
    x2, y2 = x1 + value["width"] * SIZE[0] / 100, y1 + value["height"] * SIZE[1] / 100
    assert moved.corners == pytest.approx((x1, y1, x2, y2), abs=1e-6), "exactly as Label Studio says"
    dx, dy = 0.1 * SIZE[0], -0.1 * SIZE[1]
    wanted = (SECOND[0] + dx, SECOND[1] + dy, SECOND[2] + dx, SECOND[3] + dy)
    assert (moved.id, moved.label) == (second, before[plain(0)].boxes[1].label)
    assert near(moved.corners, wanted)

    kept, drawn = after[plain(1)].boxes
    assert (kept,) == before[plain(1)].boxes
    assert (drawn.label, near(parts(drawn.corners), (0.6, 0.1, 0.9, 0.3), 0.005)) == ("50", True)
    assert after[plain(2)].boxes == before[plain(2)].boxes[:1]
    (unsure,) = after[plain(3)].boxes
    assert unsure == replace(before[plain(3)].boxes[0], attributes={"unsure": True, "comment": "뒷면? a coin & <b>"}), (
        "its corners are the same to the bit"
    )
    assert after[plain(4)] == replace(before[plain(4)], tags=(CONFIRMED,))
    untouched = [key for key in PHOTOS if key not in {plain(number) for number in range(5)}]
    assert {key: after[key] for key in untouched} == {key: before[key] for key in untouched}

    again = desk.pull()
    assert (again["commits"], again["edited"], again["confirmed"], again["skipped"]) == ([], 0, 0, 1)
    assert desk.ledger.version() == start + 1
    assert in_window(desk)[plain(0)] == [[renamed.id, "앞면"], [second, moved.label]]


def in_window(desk: Desk) -> dict[str, list[list[str]]]:
    """The boxes that the window shows, by key; asked by a process of its own."""
    code = f"""
import json; from pathlib import Path
from labelloop.datasets.ledger import Ledger
from labelloop.datasets.window import show_window
from labelloop.datasets.workspace import Workspace
from labelloop.tools.windows import fiftyone_session
home = Workspace(Path({str(desk.home)!r}))
with fiftyone_session(home, "ann"):
    import fiftyone
    window = show_window(Ledger(home.ledger("desk")))
    shown = fiftyone.load_dataset(window.name)
    boxes = shown.values("ground_truth.detections")
    found = {{key: [[box.id, box.label] for box in each or []] for key, each in zip(shown.values("key"), boxes)}}
print(json.dumps(found))
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, env=environment(), capture_output=True, text=True,
        check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, list[list[str]]] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize("key", TURNED)
def test_a_box_drawn_on_an_object_is_on_that_object(desk: Desk, key: str, tmp_path: Path) -> None:
    """Photos of 12 megapixels that the camera turned, and names that addresses do not like."""
    before = desk.samples()[key]
    (width, height), truth = before.size, TURNED[key]
    page = desk.open(key)
    seen = page.bright()
    assert near(seen, page.corners(*parts(truth, width, height))), "the picture stands upright"
    page.draw("1", seen[:2], seen[2:])
    page.submit()
    page.page.screenshot(path=tmp_path / "drawn.png")
    assert desk.pull()["edited"] == 1
    (box,) = desk.samples()[key].boxes
    left, _, right, _ = page.corners(0, 0, 1, 1)
    assert near(box.corners, truth, PAGE_PIXEL * width / (right - left))
    # What the ledger has now is seen in the same place again.
    (tmp_path / "keys").write_text(key + "\n")
    assert labelloop("push", "desk", "--keys", tmp_path / "keys", "--again", "--home", desk.home, "--json")["made"] == 1
    page = desk.open(key, 2)
    assert page.boxes() == [box.id]
    assert near(page.bright(), page.corners(*parts(truth, width, height)))
    page.page.screenshot(path=tmp_path / "again.png")


def test_nobody_sees_anything_without_logging_in(desk: Desk, new_page: Any) -> None:
    page = new_page()
    url, image = desk.server.url, desk.client.get(f"/api/tasks/{desk.task(plain(0))}")["data"]["image"]
    for path in (image, f"/api/tasks/{desk.task(plain(0))}", f"/api/projects/{desk.project}", "/api/invite"):
        assert page.request.get(url + path, max_redirects=0).status in (302, 401, 403), path
    page.goto(f"{url}/projects/{desk.project}/data?task={desk.task(plain(0))}")
    assert "/user/login" in page.url
    page.goto(f"{url}/user/signup/")
    if page.locator("input[name=email]").count():
        page.locator("input[name=email]").fill("eve@example.org")
        page.locator("input[name=password]").fill(PASSWORD)
        page.locator("button[type=submit]").click()
        page.wait_for_load_state()
    assert "eve@example.org" not in {person.name for person in desk.client.people().values()}


def test_secrets_are_in_no_log_no_list_of_processes_and_no_file_that_others_read(desk: Desk) -> None:
    folder = label_studio_folder(Workspace(desk.home))
    refresh = desk.client.post("/api/token/", {})["token"]
    secrets = [desk.server.token, (folder / "password").read_text().strip(), refresh, PASSWORD]
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                words = (process / "cmdline").read_bytes()
            except OSError:
                continue
            assert not [each for each in secrets if each.encode() in words], words
    with_one: list[str] = []
    for place, _, names in os.walk(desk.home):
        for name in names:
            path = Path(place, name)
            if path.is_symlink() or not path.is_file():
                continue
            data = path.read_bytes()
            if any(each.encode() in data for each in secrets):
                with_one.append(name)
                assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path
    assert sorted({name.partition(".sqlite3")[0] for name in with_one}) == ["label_studio", "password", "token"]


def test_pictures_are_left_to_be_looked_at(desk: Desk, tmp_path: Path) -> None:
    """LABELLOOP_TEST_PICTURES names a folder for what the other tests saw."""
    if wanted := os.environ.get("LABELLOOP_TEST_PICTURES"):
        for path in tmp_path.parent.glob("*[0-9]/*.png"):
            shutil.copy(path, Path(wanted) / f"{path.parent.name}-{path.name}")
