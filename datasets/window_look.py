"""How a window looks when it opens: colours by class, the sidebar's groups and the saved views."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .palette import COLOURS, class_colour
from .quality import MEASURES
from .window_documents import GROUND_TRUTH, LABEL, Shape
from .window_fiftyone import fiftyone
from .window_findings import Shown, shown_findings

_STATES = {"labelled": "#009E73", "negative": "#0072B2", "unlabelled": "#E69F00"}
_MOST_SPLITS = 20
_POOL = 16
"""Colours for everything that has none of its own."""

UNLABELLED = "unlabelled"
NEGATIVE = "looked at, nothing there"
GROUPS = "groups of several images"
FINDINGS = "with findings"


def set_look(dataset: Any, classes: Sequence[str], shape: Shape) -> None:
    """Give the dataset its colours by class, in the declared order, and its sidebar."""
    fo = fiftyone()
    fields = [name for name, there in ((GROUND_TRUTH, shape.boxes), (LABEL, shape.labels)) if there]
    values = [{"value": name, "color": class_colour(index)} for index, name in enumerate(classes)]
    states = [{"value": state, "color": colour} for state, colour in _STATES.items()]
    findings = list(shown_findings(dataset).values())
    found = [field for shown in findings for field in shown.boxes]
    dataset.app_config.color_scheme = fo.ColorScheme(
        color_by="value",
        color_pool=list(COLOURS[:_POOL]),
        fields=[
            *({"path": name, "colorByAttribute": "label", "valueColors": values} for name in (*fields, *found)),
            {"path": "state", "valueColors": states},
        ],
    )
    group = fo.SidebarGroupDocument
    dataset.app_config.sidebar_groups = [
        group(name="labels", paths=fields, expanded=True),
        *(group(name=shown.name, paths=_there(dataset, shown.fields), expanded=True) for shown in findings),
        group(name="tags", paths=["tags", "_label_tags"], expanded=True),
        group(name="split", paths=["split", "state"], expanded=True),
        group(name="group", paths=["group", "group_size"], expanded=True),
        group(
            name="size",
            paths=["size", *(f"metadata.{name}" for name in ("width", "height", "size_bytes", "mime_type", "num_channels"))],
            expanded=False,
        ),
        *([group(name="quality", paths=list(MEASURES), expanded=True)] if dataset.has_field(MEASURES[0]) else []),
        group(name="findings", paths=["finding_kinds", "findings"], expanded=True),
        group(
            name="metadata",  # the App adds an empty group of this name where there is none
            paths=[
                "key", "filepath", "version", "id", "created_at", "last_modified_at",
                *(field for shown in findings for field in _there(dataset, _marks(shown))),
            ],
            expanded=False,
        ),
    ]  # fmt: skip
    # Without findings FiftyOne draws every field of labels, as it does by itself; a run's copy of the labels is in the way.
    dataset.app_config.active_fields = fo.ActiveFields(paths=[*fields, *found]) if findings else None
    dataset.save()


def save_views(dataset: Any, splits: Sequence[str]) -> None:
    """Save the views that are not there yet, one for each split among them; a user's own stay as they are."""
    fo = fiftyone()
    where, slug = fo.ViewField, fo.core.utils.to_slug
    views: list[tuple[str, Any, str]] = [
        (UNLABELLED, where("state") == "unlabelled", "Nobody has looked at these yet"),
        (NEGATIVE, where("state") == "negative", "Somebody looked, and nothing is there"),
        (GROUPS, where("group_size") > 1, "Group by group"),
        (FINDINGS, where("findings").length() > 0, "Something was found at the import"),
        *(
            (f"split {name}", where("split") == name, f"The images of the split {name}")
            for name in splits[:_MOST_SPLITS]
        ),
    ]
    taken = {slug(name) for name in dataset.list_saved_views()}
    for name, condition, text in views:
        if slug(name) not in taken:
            taken.add(slug(name))
            view = dataset.match(condition)
            dataset.save_view(name, view.sort_by("group") if name == GROUPS else view, description=text)


def _there(dataset: Any, fields: Sequence[str]) -> list[str]:
    return [field for field in fields if dataset.has_field(field)]


def _marks(shown: Shown) -> list[str]:
    """The fields that FiftyOne's own evaluation counts in; whoever looks has the kinds of error instead."""
    evaluation = shown.evaluation
    return [evaluation, *(f"{evaluation}_{name}" for name in ("tp", "fp", "fn"))] if evaluation else []
