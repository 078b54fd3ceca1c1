"""What the keys of annotation files are usually called: hints for the search, never its only evidence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .json_fields import Kind, Steps

LABEL_NAMES = (
    "label", "labels", "classname", "class", "categoryname", "category", "classtitle", "name", "title", "tag", "tags", "cls",
    "rectanglelabels", "labelname", "objectclass", "classid", "categoryid", "labelid", "value", "type", "text",
)  # fmt: skip
"""Names of a label's key, most telling first, in lower case without anything but letters and digits."""

UNLIKELY_LABELS = frozenset(
    [
        "id",
        "uuid",
        "guid",
        "shapetype",
        "geometrytype",
        "tool",
        "color",
        "colour",
        "fill",
        "stroke",
        "author",
        "user",
        "annotator",
        "worker",
        "source",
        "status",
        "state",
        "date",
        "time",
        "created",
        "createdat",
        "updated",
        "updatedat",
        "timestamp",
        "filename",
        "file",
        "image",
        "imagepath",
        "path",
        "url",
        "version",
        "difficulty",
        "occluded",
        "truncated",
        "comment",
        "note",
    ]
)
"""Names of text that repeats and is no label."""

_CORNERS = {
    "x1": "x1 x0 xmin minx xstart startx left leftx xleft l xtl xtopleft",
    "y1": "y1 y0 ymin miny ystart starty top topy ytop t ytl ytopleft",
    "x2": "x2 xmax maxx xend endx right rightx xright r xbr xbottomright",
    "y2": "y2 ymax maxy yend endy bottom bottomy ybottom b ybr ybottomright",
    "x": "x posx xpos",
    "y": "y posy ypos",
    "w": "w width bw boxwidth bboxwidth dx",
    "h": "h height bh boxheight bboxheight dy",
    "cx": "cx xc xcenter xcentre centerx centrex xmid midx",
    "cy": "cy yc ycenter ycentre centery centrey ymid midy",
}
_ROLES = {name: role for role, names in _CORNERS.items() for name in names.split()}
_PARENTS = {
    **dict.fromkeys(
        ["topleft", "upperleft", "tl", "lt", "min", "start", "from", "p1", "pt1", "point1", "lefttop", "lo", "low"], "1"
    ),
    **dict.fromkeys(
        [
            "bottomright",
            "lowerright",
            "br",
            "rb",
            "max",
            "end",
            "to",
            "p2",
            "pt2",
            "point2",
            "rightbottom",
            "hi",
            "high",
        ],
        "2",
    ),
    **dict.fromkeys(["center", "centre", "mid", "middle"], "c"),
    **dict.fromkeys(
        ["pos", "position", "origin", "size", "dim", "dims", "dimension", "dimensions", "extent", "extents"], ""
    ),
}
_SETS: tuple[tuple[Kind, tuple[tuple[str, ...], ...]], ...] = (
    ("xyxy", (("x1",), ("y1",), ("x2",), ("y2",))),
    ("cxcywh", (("cx",), ("cy",), ("w",), ("h",))),
    ("xywh", (("x", "x1"), ("y", "y1"), ("w",), ("h",))),
    ("cxcywh", (("x",), ("y",), ("w",), ("h",))),
)


def plain(name: str) -> str:
    """The name in lower case, letters and digits only."""
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def says_width(path: Steps) -> int:
    """1 where a path is called like a width, else 0; the first of a pair counts as one."""
    last = plain(path[-1]) if path else ""
    return int("width" in last or last in ("w", "imw", "imgw", "imagew", "sizex", "cols") or _index(path) == "0")


def says_height(path: Steps) -> int:
    """1 where a path is called like a height, else 0; the second of a pair counts as one."""
    last = plain(path[-1]) if path else ""
    return int("height" in last or last in ("h", "imh", "imgh", "imageh", "sizey", "rows") or _index(path) == "1")


def named_numbers(paths: Iterable[Steps]) -> Iterator[tuple[int, Kind, tuple[Steps, Steps, Steps, Steps]]]:
    """The ways to read single numbers as a box by their names, with their rank (lower is likelier).

    Four numbers of one object whose names say nothing are tried in the order in which they stand.
    """
    groups: dict[Steps, dict[str, Steps]] = {}
    siblings: dict[Steps, list[Steps]] = {}
    for path in paths:
        if not path:
            continue
        name = path[len(path) - 1]
        role = _ROLES.get(plain(name), "")
        parent = plain(path[-2]) if len(path) > 1 else ""
        if parent in _PARENTS:
            role = _within(role, name, _PARENTS[parent])
            groups.setdefault(path[:-2], {}).setdefault(role, path)
        else:
            groups.setdefault(path[:-1], {}).setdefault(role, path)
        siblings.setdefault(path[:-1], []).append(path)
    seen: set[Steps] = set()
    for roles in groups.values():
        for rank, (kind, choices) in enumerate(_SETS):
            four = [next((roles[role] for role in names if role in roles), ()) for names in choices]
            if all(four):
                seen.update(four)
                yield rank, kind, (four[0], four[1], four[2], four[3])
    for four in siblings.values():
        if len(four) == 4 and not seen.intersection(four) and not four[0][-1].isdecimal():
            for rank, kind in enumerate(("xyxy", "xywh", "cxcywh"), 7):
                yield rank, kind, (four[0], four[1], four[2], four[3])


def _within(role: str, name: str, parent: str) -> str:
    role = {"0": "x", "1": "y"}.get(name, role)
    if role in ("x", "y") and parent:
        return f"c{role}" if parent == "c" else f"{role}{parent}"
    return role


def _index(path: Steps) -> str:
    """The last step where it counts in a list that is called like a size."""
    if len(path) < 2 or not path[-1].isdecimal():
        return ""
    return path[-1] if any(word in plain(path[-2]) for word in ("size", "wh", "dim", "shape", "resolution")) else ""
