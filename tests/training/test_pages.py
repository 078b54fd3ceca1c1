"""Pages: everything inside, nothing fetched, text shown as text."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from labelloop.datasets.errors import LabelloopError
from labelloop.training.pages import Page, Picture, format_cell

PNG = b"\x89PNG\r\n\x1a\n rest"
DASH = "\N{EN DASH}"
JPEG = b"\xff\xd8\xff rest"


class Tags(HTMLParser):
    """The elements of a page, whether each is closed, and the text between them."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open and data.strip():
            self.words.append(data.strip())


def read(page: Page) -> Tags:
    tags = Tags()
    tags.feed(page.render())
    tags.close()
    assert tags.open == []
    return tags


def full() -> Page:
    page = Page("won-3 <b>", "a & b")
    for name in ("First", "둘째", "Third", "Fourth"):
        page.heading(name)
    page.text('says "x" <script>alert(1)</script>')
    page.note("The verdict.")
    page.table(["class", "AP"], [["천원", 0.5], ["<i>", None], ["many", 12345.678]], "by class")
    page.figure(PNG, 'a "plot"', "what it says")
    page.pictures([Picture(JPEG, "first", "10 .83"), Picture(PNG, "second")])
    return page


def test_everything_is_shown_as_it_was_given() -> None:
    words = read(full()).words
    for text in (
        "won-3 <b>", "a & b", "둘째", 'says "x" <script>alert(1)</script>', "The verdict.", "천원", "0.500", "<i>", DASH,
        "12,345.7", "by class", "what it says", "first", "10 .83", "second",
    ):  # fmt: skip
        assert text in words


def test_nothing_is_fetched() -> None:
    tags = read(full())
    assert not {"script", "link", "iframe", "object", "base"} & {tag for tag, _ in tags.found}
    for _, attributes in tags.found:
        for name in ("src", "href", "srcset", "action", "background"):
            value = attributes.get(name)
            assert value is None or value.startswith(("data:image/", "#")), value
        assert not any(name.startswith("on") for name in attributes)
    html = full().render()
    assert not re.search(r"url\(|@import|https?://", html)
    policy = next(attributes["content"] for _, attributes in tags.found if "http-equiv" in attributes)
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def test_numbers_stand_to_the_right_and_text_to_the_left() -> None:
    page = Page("t")
    page.table(["name", "count", "mixed", "none"], [["a", 1, "x", None], ["b", None, 2, None]])
    html = page.render()
    assert '<th scope="col" class="number">count</th>' in html
    assert '<th scope="col">mixed</th><th scope="col">none</th>' in html
    assert html.count('<td class="number">') == 2


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (None, DASH), (float("nan"), DASH), (True, "yes"), (0, "0"), (1234567, "1,234,567"), (0.12345, "0.123"),
        (-1.0, "-1.000"), (1234.56, "1,234.6"), ("text", "text"), ("", ""),
    ],
)  # fmt: skip
def test_cells(cell: str | float | None, text: str) -> None:
    assert format_cell(cell) == text


def test_pictures_say_what_they_are() -> None:
    html = full().render()
    assert html.count("data:image/png;base64,") == 2
    assert html.count("data:image/jpeg;base64,") == 1


def test_links_lead_to_headings_where_there_are_many() -> None:
    tags = read(full())
    ids = [attributes["id"] for tag, attributes in tags.found if tag == "h2"]
    assert [attributes["href"] for tag, attributes in tags.found if tag == "a"] == [f"#{each}" for each in ids]
    short = Page("t")
    short.heading("only one")
    assert "<nav" not in short.render()


def test_an_empty_page_and_an_empty_table() -> None:
    page = Page("nothing")
    page.pictures([])
    page.table(["a"], [])
    assert read(page).words == ["nothing", "nothing", "a"]


def test_a_row_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(ValueError, match="2 cells, one for each header, received 1"):
        Page("t").table(["a", "b"], [["x"]])


def test_written_whole_or_not_at_all(tmp_path: Path) -> None:
    page = full()
    assert page.write(tmp_path / "new" / "page.html").read_text("utf-8") == page.render()
    assert [each.name for each in (tmp_path / "new").iterdir()] == ["page.html"]
    (tmp_path / "taken").mkdir()
    with pytest.raises(LabelloopError, match="cannot be written"):
        page.write(tmp_path / "taken")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["new", "taken"]
    odd = Page("a name that is no UTF-8: \udcff")
    assert "a name that is no UTF-8: ?" in odd.write(tmp_path / "odd.html").read_text("utf-8")
