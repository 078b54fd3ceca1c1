"""What a run or a search for suspects found, as fields of the window beside the labels.

No commit reads them: an edit is a change in one of `window_documents.EDITED`, and none of
these fields is among those. They are written in bulk, as the window itself is, and each
finding remembers its fields and views, so that showing it again replaces it and nothing is
left when it goes. A window that is built anew has none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from dataclasses import field as dataclass_field
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, Literal, cast

import polars as pl
from bson import ObjectId
from pymongo import UpdateOne

from .schema import Json
from .window_documents import CHUNK, EDITED, SHOWN, Document, sample_id
from .window_fiftyone import database, fiftyone, in_bulk
from .window_place import Window

Values = Literal["text", "texts", "number", "whole"]

_NOTE = "labelloop findings"
_BOX = ("key", "label", "x1", "y1", "x2", "y2", "score", "id")
"""The columns of a box that become parts of a Detection of their own; all others become its attributes."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What shows one finding, by its name such as `won-3`.

    `fields` are its top fields, `boxes` those of them with labels that the grid draws, `views` its saved
    views, `evaluation` the key of its evaluation or "". `facts` are for whoever shows more of it.
    """

    name: str
    fields: tuple[str, ...]
    boxes: tuple[str, ...]
    views: tuple[str, ...]
    evaluation: str = ""
    facts: Mapping[str, Json] = dataclass_field(default_factory=dict[str, Json])


def field_name(name: str) -> str:
    """A name as FiftyOne takes it for fields and evaluations: `won-3` is `won_3`."""
    plain = "".join(letter if f"a{letter}".isidentifier() else "_" for letter in name).strip("_") or "run"
    return plain if plain.isidentifier() and plain not in (*EDITED, *SHOWN) else f"run_{plain}"


def shown_findings(dataset: Any) -> dict[str, Shown]:
    """What is shown in a dataset, by name; as it is now, whichever process showed it."""
    found: Any = database().datasets.find_one({"_id": dataset._doc.id}, {"info": True})
    info = cast("dict[str, Any]", found.get("info") or {}) if found else {}
    noted = cast("list[dict[str, Any]]", info.get(_NOTE) or [])
    return {
        said["name"]: Shown(
            said["name"], tuple(said["fields"]), tuple(said["boxes"]), tuple(said["views"]), said["evaluation"], said["facts"]
        )
        for said in noted
    }  # fmt: skip


def remember(dataset: Any, shown: Shown) -> None:
    """Note what shows a finding; with it the finding is complete."""
    others = {name: each for name, each in shown_findings(dataset).items() if name != shown.name}
    _note(dataset, [*others.values(), shown])


def forget(dataset: Any, name: str) -> bool:
    """Take away everything that shows a finding; whether there was something."""
    known = shown_findings(dataset)
    shown = known.pop(name, None)
    if shown is None:
        return False
    dataset.reload()
    if shown.evaluation in dataset.list_evaluations():
        dataset.delete_evaluation(shown.evaluation)
    for view in shown.views:
        if dataset.has_saved_view(view):
            dataset.delete_saved_view(view)
    remove_fields(dataset, shown.fields)
    _note(dataset, known.values())
    return True


def _note(dataset: Any, findings: Iterable[Shown]) -> None:
    """Keep a list of findings: keys of FiftyOne's own dicts must not have a dot in them, as names may."""
    dataset.reload()
    dataset.info = {**dict(dataset.info or {}), _NOTE: [asdict(each) for each in findings]}
    dataset.save()


def remove_fields(dataset: Any, fields: Iterable[str]) -> None:
    """Remove those of these fields that are there."""
    there = [field for field in fields if dataset.has_field(field)]
    if there:
        dataset.delete_sample_fields(there)


def write_boxes(window: Window, field: str, keys: Sequence[str], rows: pl.DataFrame, texts: Mapping[str, str]) -> int:
    """Write boxes as Detections into a field; returns how many images of the window have it now.

    Args:
        keys: the images that were looked at; those without a row get an empty list, all others nothing.
        rows: key, label, x1, y1, x2, y2 in pixels of the upright image; `score` (null for none); `id`, the
            Detection's own, where it is to have a certain one; each further column becomes an attribute.
        texts: what is said of the field (under "") and of its attributes.
    """
    fo = fiftyone()
    dataset = window.dataset()
    remove_fields(dataset, [field])
    dataset.add_sample_field(
        field, fo.EmbeddedDocumentField, embedded_doc_type=fo.Detections, description=texts.get("")
    )
    attributes = [name for name in rows.columns if name not in _BOX]
    for name in attributes:
        kind = fo.FloatField if rows.schema[name].is_numeric() else fo.StringField
        kind = fo.BooleanField if rows.schema[name] == pl.Boolean else kind
        dataset.add_sample_field(f"{field}.detections.{name}", kind, description=texts.get(name))
    found: dict[str, list[dict[str, Any]]] = {key: [] for key in keys}
    for row in rows.iter_rows(named=True):
        if row["key"] in found:
            found[row["key"]].append(row)
    sizes = _sizes(window)
    written = {
        sample_id(key): {
            "_cls": "Detections",
            "detections": [_detection(field, at, row, sizes[key], attributes) for at, row in enumerate(found[key])],
        }
        for key in found
        if key in sizes
    }
    set_values(window, {own: {field: value} for own, value in written.items()})
    return len(written)


def box_id(field: str, key: str, at: int) -> str:
    """The id of the box that is the `at`-th of its image in a field that `write_boxes` wrote without ids."""
    return blake2b(f"{field}\0{key}\0{at}".encode(), digest_size=12).hexdigest()


def write_classes(
    window: Window, field: str, classes: Mapping[str, tuple[str, float]], labels: Mapping[str, str], text: str
) -> int:
    """Write (label, score) by key as Classifications into a field; returns how many images have it now.

    Args:
        labels: what each image is labelled as, by key: it becomes the attribute `truth_label`, and decides whether
            `kind` is correct or class.
    """
    fo = fiftyone()
    dataset = window.dataset()
    remove_fields(dataset, [field])
    dataset.add_sample_field(field, fo.EmbeddedDocumentField, embedded_doc_type=fo.Classification, description=text)
    for name in ("kind", "truth_label"):
        dataset.add_sample_field(f"{field}.{name}", fo.StringField)
    there = _sizes(window).keys() & classes.keys() & labels.keys()
    set_values(
        window,
        {
            sample_id(key): {
                field: {
                    "_id": ObjectId(box_id(field, key, 0)), "_cls": "Classification", "tags": [],
                    "label": classes[key][0], "confidence": classes[key][1], "truth_label": labels[key],
                    "kind": "correct" if classes[key][0] == labels[key] else "class",
                }
            }
            for key in there
        },
    )  # fmt: skip
    return len(there)


def write_values(window: Window, field: str, kind: Values, values: Mapping[str, object], text: str) -> None:
    """Write a value by key into a field of its own."""
    fo = fiftyone()
    dataset = window.dataset()
    remove_fields(dataset, [field])
    options = {"description": text}  # FiftyOne deletes no field that is read-only
    if kind == "texts":
        dataset.add_sample_field(field, fo.ListField, subfield=fo.StringField, **options)
    else:
        types = {"text": fo.StringField, "number": fo.FloatField, "whole": fo.IntField}
        dataset.add_sample_field(field, types[kind], **options)
    set_values(window, {sample_id(key): {field: value} for key, value in values.items()})


def set_values(window: Window, values: Mapping[ObjectId, Document]) -> None:
    """Set fields of samples by their ids; samples that the window does not have are passed over."""
    collection = in_bulk(window.collection())
    orders = [UpdateOne({"_id": own}, {"$set": fields}) for own, fields in values.items()]
    for start in range(0, len(orders), CHUNK):
        # The time of the last change stays, by which the App tells whether others edited a sample.
        collection.bulk_write(orders[start : start + CHUNK], ordered=False)


def detections_in(document: Document, field: str) -> list[dict[str, Any]]:
    """The Detections in a field of a document, none where it has no such field."""
    given = document.get(field)
    found = cast("Mapping[str, Any]", given).get("detections") if isinstance(given, Mapping) else None
    return cast("list[dict[str, Any]]", found or [])


def settle(window: Window) -> Any:
    """The dataset, once it knows what was written past it."""
    dataset = window.dataset()
    dataset._update_last_modified_at(datetime.now(UTC).replace(tzinfo=None))
    dataset.reload()
    fiftyone().Sample._reload_docs(dataset._sample_collection_name)
    return dataset


def _sizes(window: Window) -> dict[str, tuple[int, int]]:
    """Width and height of the upright images that the window has, by key."""
    wanted = {"key": True, "metadata.width": True, "metadata.height": True}
    return {
        each["key"]: (each["metadata"]["width"], each["metadata"]["height"])
        for each in window.collection().find({"key": {"$type": "string"}}, wanted, batch_size=CHUNK)
    }


def _detection(
    field: str, at: int, row: Mapping[str, Any], size: tuple[int, int], attributes: Sequence[str]
) -> Document:
    width, height = size
    own = row.get("id") or ""
    made: Document = {
        "_id": ObjectId(own if re.fullmatch("[0-9a-f]{24}", own) else box_id(field, row["key"], at)),
        "_cls": "Detection",
        "attributes": {},
        "tags": [],
        "label": row["label"],
        "bounding_box": [
            row["x1"] / width, row["y1"] / height, (row["x2"] - row["x1"]) / width, (row["y2"] - row["y1"]) / height,
        ],
    }  # fmt: skip
    if row.get("score") is not None:
        made["confidence"] = row["score"]
    made.update({name: row[name] for name in attributes if row[name] is not None})
    return made
