"""The documentation holds together: links and anchors lead somewhere, every page is found, and every option exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTEXT.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
NAMED = {page.relative_to(ROOT).as_posix(): page.read_text(encoding="utf-8") for page in PAGES}
ELSEWHERE = {
    *("--no-deps", "--backend-store-uri", "--logdir", "--append"),
    *("--no-browser", "--internal-host", "--data-dir"),
}
"""Options of other programs: pip, mlflow, tensorboard, wandb, Label Studio."""


def prose(text: str) -> str:
    """A page without its blocks of code, in which brackets are no links and `#` begins no heading."""
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    found: dict[str, int] = {}
    made: set[str] = set()
    for heading in re.findall(r"^#+ (.+)$", prose(text), re.MULTILINE):
        plain = re.sub(r"\[([^]]*)\]\([^)]*\)|[`*]", lambda match: match[1] or "", heading).strip().lower()
        slug = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        made.add(f"{slug}-{found[slug]}" if slug in found else slug)
        found[slug] = found.get(slug, 0) + 1
    return made


def links(name: str) -> list[str]:
    """The links of a page that do not lead out of the project."""
    return [link for link in re.findall(r"\]\(([^)\s]+)\)", prose(NAMED[name])) if "://" not in link]


@pytest.mark.parametrize("name", NAMED)
def test_links_and_anchors_lead_somewhere(name: str) -> None:
    for link in links(name):
        path, _, anchor = link.partition("#")
        target = (ROOT / name).parent.joinpath(path).resolve() if path else ROOT / name
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target.read_text(encoding="utf-8")), link


def test_every_page_and_every_picture_is_found_from_the_readme() -> None:
    seen, waiting = set[Path](), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in seen:
            continue
        seen.add(page)
        if page.is_dir():
            waiting += page.glob("*.md")
        elif page in PAGES:
            name = page.relative_to(ROOT).as_posix()
            waiting += [
                page.parent.joinpath(link.partition("#")[0]).resolve() for link in links(name) if link[0] != "#"
            ]
    pictures = set((ROOT / "docs" / "pictures").iterdir())
    assert sorted(path.name for path in {*PAGES, *pictures} - seen) == []


def test_every_option_that_a_page_names_is_an_option_of_some_command() -> None:
    there = set(
        re.findall(r"--[a-z][a-z-]*", "".join(NAMED[name] for name in NAMED if name.startswith("docs/commands/")))
    )
    for name, text in NAMED.items():
        if name == "CHANGELOG.md":  # it names what there was
            continue
        said = re.findall(r"`[^`\n]*`|^.*labelloop .*$", text, re.MULTILINE)
        typed = " ".join(each for each in said if "bench" not in each)  # benchmarks have options of their own
        named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+\b", typed))
        assert sorted(named - there - ELSEWHERE) == [], name


def test_anchors_are_made_as_on_github() -> None:
    text = "# A b's `c` (d)\n## A b's c d\n```\n# no heading\n```\n## [Link](x.md), *two* & 3\n"
    assert anchors(text) == {"a-bs-c-d", "a-bs-c-d-1", "link-two--3"}
