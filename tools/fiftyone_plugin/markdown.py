"""Text as Markdown shows it: what comes from files and labels is never taken for its marks."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote


def markdown_list(text: str) -> str:
    """The lines of a text as a list in Markdown."""
    return "\n".join(f"- {cell(line.strip())}" for line in text.splitlines())


def cell(text: str) -> str:
    """Text that Markdown shows as it is."""
    return "".join("\\" + character if character in "\\`*_[]<>|#" else character for character in text)


def file_address(path: Path) -> str:
    """The address of a file of this machine by the App's own door to them; what has the time in it is loaded anew after a change."""
    return f"/media?filepath={quote(str(path), safe='')}&t={path.stat().st_mtime_ns}"
