"""Reports as one HTML page that holds all it shows: no network, no script, the same when opened in ten years."""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypedDict

from ..datasets.errors import LabelloopError

Cell: TypeAlias = "str | int | float | None"

Kind = Literal["heading", "text", "note", "table", "figure", "pictures"]

_CONTENTS_FROM = 4
"""With so many headings a page begins with links to them."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of a grid, JPEG or PNG, with a line in bold and some words below it."""

    jpeg: bytes
    title: str
    text: str = ""


class Page:
    """A page that is filled from top to bottom and then written.

    All text is text: what looks like HTML in it is shown as it is typed.

    Args:
        title: the first line, and the name of the browser's tab.
        subtitle: smaller, below it.
    """

    def __init__(self, title: str, subtitle: str = "") -> None:
        self._title = title
        self._subtitle = subtitle
        self._parts: list[_Part] = []

    def heading(self, text: str) -> None:
        """Begin a section."""
        self._add("heading", text=text, anchor=f"part-{len(self._parts)}")

    def text(self, text: str) -> None:
        """Add a paragraph."""
        self._add("text", text=text)

    def note(self, text: str) -> None:
        """Add a sentence that is not to be overlooked, such as a verdict."""
        self._add("note", text=text)

    def table(self, headers: Sequence[str], rows: Sequence[Sequence[Cell]], caption: str = "") -> None:
        """Add a table; columns of numbers stand to the right, None is a dash, one wider than the page scrolls.

        Raises:
            ValueError: a row has more or fewer cells than there are headers.
        """
        for row in rows:
            if len(row) != len(headers):
                raise ValueError(f"a row must have {len(headers)} cells, one for each header, received {len(row)}")
        numeric = [_is_numeric([row[at] for row in rows]) for at in range(len(headers))]
        self._add(
            "table", caption=caption, headers=list(zip(headers, numeric, strict=True)),
            rows=[[(format_cell(cell), number) for cell, number in zip(row, numeric, strict=True)] for row in rows],
        )  # fmt: skip

    def figure(self, png: bytes, alt: str, caption: str = "") -> None:
        """Add a plot.

        Args:
            alt: what it shows, for those who cannot see it.
        """
        self._add("figure", source=_data_uri(png), alt=alt, caption=caption)

    def pictures(self, pictures: Sequence[Picture]) -> None:
        """Add a grid of pictures, in their order; nothing for none."""
        if pictures:
            shown = [(_data_uri(each.jpeg), each.title, each.text) for each in pictures]
            self._add("pictures", shown=shown)

    def render(self) -> str:
        """The page as HTML.

        Raises:
            LabelloopError: jinja2 is not installed.
        """
        headings = [part for part in self._parts if part["kind"] == "heading"]
        return _template().render(
            title=self._title, subtitle=self._subtitle, parts=self._parts,
            contents=headings if len(headings) >= _CONTENTS_FROM else [],
        )  # fmt: skip

    def write(self, path: Path) -> Path:
        """The file, written beside its place and renamed over it.

        Raises:
            LabelloopError: it cannot be written.
        """
        beside = path.with_name(f".{path.name}.{os.getpid()}.new")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            beside.write_text(self.render(), "utf-8", errors="replace")
            os.replace(beside, path)
        except OSError as error:
            beside.unlink(missing_ok=True)
            raise LabelloopError(f"the page cannot be written to {path}: {error.strerror or error}") from error
        return path

    def _add(self, kind: Kind, **values: Any) -> None:
        self._parts.append({"kind": kind, "values": values})


class _Part(TypedDict):
    kind: Kind
    values: dict[str, Any]


def format_cell(cell: Cell) -> str:
    """A value as a table shows it: thousands apart, three digits behind the point below 100, a dash for None."""
    if cell is None or cell != cell:  # NaN differs from itself
        return "\N{EN DASH}"
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, int):
        return f"{cell:,}"
    if isinstance(cell, float):
        return f"{cell:.3f}" if abs(cell) < 100 else f"{cell:,.1f}"
    return cell


def _is_numeric(cells: Sequence[Cell]) -> bool:
    known = [cell for cell in cells if cell is not None]
    return bool(known) and all(isinstance(cell, int | float) and not isinstance(cell, bool) for cell in known)


def _data_uri(image: bytes) -> str:
    kind = "png" if image.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(image).decode('ascii')}"


@lru_cache(maxsize=1)
def _template() -> Any:
    try:
        import jinja2
    except ModuleNotFoundError as error:
        raise LabelloopError("pages need jinja2, which is not installed: pip install jinja2") from error
    made = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined)
    return made.from_string(_TEMPLATE)


_TEMPLATE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="labelloop">
<title>{{ title }}</title>
<style>
:root {
  --paper: #ffffff; --ink: #1c1e21; --faint: #62676f; --line: #dfe2e6; --stripe: #f6f7f9; --accent: #0b66a8;
  --note: #eef5fb; --mat: #ffffff;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #16181b; --ink: #e4e6ea; --faint: #9aa1ab; --line: #33373d; --stripe: #1e2125; --accent: #6cb6ee;
    --note: #182634; --mat: #f4f4f4;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0 auto; padding: 2.5rem 1.25rem 4rem; max-width: 70rem; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Apple SD Gothic Neo", "Malgun Gothic",
    "Noto Sans KR", "NanumGothic", sans-serif;
  overflow-wrap: anywhere;
}
h1 { margin: 0; font-size: 1.75rem; line-height: 1.25; font-weight: 650; letter-spacing: -.01em; }
h2 {
  margin: 2.75rem 0 .75rem; padding-top: 1.1rem; border-top: 1px solid var(--line); font-size: 1.2rem;
  line-height: 1.3; font-weight: 650;
}
p { margin: .6rem 0; max-width: 46rem; }
.subtitle { margin: .35rem 0 1.5rem; color: var(--faint); }
.note {
  margin: .75rem 0; padding: .6rem .95rem; border-left: 4px solid var(--accent); border-radius: 0 4px 4px 0;
  background: var(--note);
}
nav { margin: 1.5rem 0 0; font-size: .9rem; color: var(--faint); }
nav a { margin-right: 1.1rem; color: var(--accent); text-decoration: none; white-space: nowrap; }
nav a:hover { text-decoration: underline; }
.wide { max-width: 100%; overflow-x: auto; }
table { border-collapse: collapse; min-width: min(26rem, 100%); font-size: .9rem; word-break: keep-all; font-variant-numeric: tabular-nums; overflow-wrap: normal; }
th, td { padding: .32rem .85rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th:first-child, td:first-child { padding-left: .4rem; }
th { color: var(--faint); font-weight: 600; white-space: nowrap; border-bottom-width: 2px; }
tbody tr:nth-child(even) { background: var(--stripe); }
td { max-width: 32rem; min-width: 3rem; }
.number { text-align: right; white-space: nowrap; }
figure { margin: 1.1rem 0; }
figcaption { margin-top: .45rem; color: var(--faint); font-size: .85rem; max-width: 46rem; }
figure > img {
  display: block; max-width: 100%; height: auto; background: var(--mat); border: 1px solid var(--line);
  border-radius: 4px;
}
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(13.5rem, 100%), 1fr)); gap: 1.1rem .9rem; margin: 1rem 0; }
.grid figure { margin: 0; break-inside: avoid; }
.grid figure > img { width: 100%; object-fit: contain; aspect-ratio: 1; background: var(--stripe); }
.grid strong { display: block; color: var(--ink); font-weight: 600; }
@media (max-width: 32rem) {
  body { padding: 1.5rem .9rem 3rem; }
  h1 { font-size: 1.4rem; }
  th, td { padding: .3rem .55rem; }
  .grid { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: .9rem .6rem; }
}
@media print {
  :root {
    --paper: #ffffff; --ink: #000000; --faint: #444444; --line: #bbbbbb; --stripe: #ffffff; --accent: #000000;
    --note: #ffffff; --mat: #ffffff;
  }
  @page { margin: 16mm; }
  body { padding: 0; max-width: none; font-size: 10pt; }
  nav { display: none; }
  h2 { break-after: avoid; margin-top: 1.5rem; }
  tr, .note, figure { break-inside: avoid; }
  thead { display: table-header-group; }
  .wide { overflow: visible; }
  table { font-size: 7pt; min-width: 0; }
  th, td, th:first-child, td:first-child { min-width: 0; padding: .15rem .25rem; white-space: normal; }
  .note { border: 1px solid var(--line); border-left: 4px solid #000000; }
  .grid { grid-template-columns: repeat(4, 1fr); }
}
</style>
</head>
<body>
<header>
<h1>{{ title }}</h1>
{% if subtitle %}
<p class="subtitle">{{ subtitle }}</p>
{% endif %}
</header>
<main>
{% for part in parts %}
{% set given = part["values"] %}
{% if contents and part is sameas contents[0] %}
<nav aria-label="Contents">{% for each in contents %}<a href="#{{ each["values"].anchor }}">{{ each["values"].text }}</a>{% endfor %}</nav>
{% endif %}
{% if part.kind == "heading" %}
<h2 id="{{ given.anchor }}">{{ given.text }}</h2>
{% elif part.kind == "text" %}
<p>{{ given.text }}</p>
{% elif part.kind == "note" %}
<p class="note">{{ given.text }}</p>
{% elif part.kind == "table" %}
<figure><div class="wide" tabindex="0"><table>
<thead><tr>{% for text, number in given.headers %}<th scope="col"{% if number %} class="number"{% endif %}>{{ text }}</th>{% endfor %}</tr></thead>
<tbody>
{% for row in given.rows %}
<tr>{% for text, number in row %}<td{% if number %} class="number"{% endif %}>{{ text }}</td>{% endfor %}</tr>
{% endfor %}
</tbody>
</table></div>{% if given.caption %}<figcaption>{{ given.caption }}</figcaption>{% endif %}</figure>
{% elif part.kind == "figure" %}
<figure><img src="{{ given.source }}" alt="{{ given.alt }}">{% if given.caption %}<figcaption>{{ given.caption }}</figcaption>{% endif %}</figure>
{% elif part.kind == "pictures" %}
<div class="grid">
{% for source, heading, text in given.shown %}
<figure><img src="{{ source }}" alt="{{ heading }}"><figcaption><strong>{{ heading }}</strong>{{ text }}</figcaption></figure>
{% endfor %}
</div>
{% endif %}
{% endfor %}
</main>
</body>
</html>
"""
