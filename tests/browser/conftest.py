"""A real Chromium, a real `labelloop browse`, and a plain reason where one of them cannot be had."""

from __future__ import annotations

import shutil
from collections.abc import Generator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.servers import COUNT, PATIENCE, Browsing, make_workspace

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.browser.pages import Window

SCREEN = {"width": 1600, "height": 900}
# What Chromium needs to draw with WebGL where there is no graphics card.
_ARGUMENTS = ["--no-sandbox", "--use-gl=swiftshader", "--enable-unsafe-swiftshader"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(item.path).parent == Path(__file__).parent:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session", autouse=True)
def _everything_is_there() -> None:
    if find_spec("fiftyone") is None:
        pytest.skip("FiftyOne is not installed: pip install 'labelloop[browse]'")


@pytest.fixture(scope="module")
def chromium() -> Generator[Browser]:
    """One for all tests of a module; left open it would draw on through all that come after them."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None or find_spec("playwright") is None:
        pytest.skip("there is no Chromium, or no playwright to drive it")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=_ARGUMENTS, timeout=PATIENCE * 1000)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with the data set `won` in it: 24 plain pictures."""
    return make_workspace(tmp_path_factory.mktemp("browser"))


@pytest.fixture(scope="module")
def browsing(home: Path, request: pytest.FixtureRequest) -> Generator[Browsing]:
    """`labelloop browse won`, for all tests of a module, which may name a port and a data set of its own as PORT and NAME."""
    port, name = getattr(request.module, "PORT", 5351), getattr(request.module, "NAME", "won")
    server = Browsing(home, "--port", port, name=name).ready()
    yield server
    server.interrupt()


@pytest.fixture
def new_page(chromium: Browser, request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Any]:
    """A function that opens a page of its own; on a failure a picture of each is left in the test's folder."""
    contexts: list[Any] = []

    def make() -> Any:
        context = chromium.new_context(viewport=SCREEN, locale="en-US")  # type: ignore[arg-type]
        context.set_default_timeout(60_000)
        contexts.append(context)
        return context.new_page()

    failed = request.session.testsfailed
    yield make
    for number, context in enumerate(contexts):
        if request.session.testsfailed > failed:
            context.pages[0].screenshot(path=tmp_path / f"page{number}.png")
        context.close()


@pytest.fixture
def window(browsing: Browsing, new_page: Any) -> Window:
    """The window's page, open."""
    from tests.browser.pages import Window

    return Window(new_page(), browsing.address).open(COUNT)
