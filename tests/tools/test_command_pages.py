"""The pages of the commands say what the commands say."""

from __future__ import annotations

from pathlib import Path

from labelloop.tools.command_pages import format_pages, write_pages

FOLDER = Path(__file__).parents[2] / "docs" / "commands"


def test_every_command_has_its_page_as_it_is_now() -> None:
    there = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md")}
    pages = format_pages()
    assert sorted(there) == sorted(pages), "make docs writes them"
    assert [name for name in pages if there[name] != pages[name]] == [], "make docs writes them"


def test_pages_of_commands_that_are_gone_are_taken_away(tmp_path: Path) -> None:
    (tmp_path / "gone.md").write_text("gone")
    write_pages(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(format_pages())


def test_a_page_shows_help_as_markdown() -> None:
    page = format_pages()["runs.md"]
    for heading in ("# labelloop runs", "## labelloop runs list", "## labelloop runs compare"):
        assert f"{heading}\n" in page
    assert "```sh\nlabelloop runs" in page
    assert "\b" not in "".join(format_pages().values())
