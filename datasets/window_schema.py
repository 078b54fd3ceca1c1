"""The fields of a window, declared to FiftyOne as it would declare them itself, and what may be edited in its App."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from .window_attributes import ADDED, MORE, Kind, field_kinds
from .window_documents import GROUND_TRUTH, LABEL, Shape
from .window_fiftyone import fiftyone

_TEXTS = {
    "key": "The image's path under the data set's root; labelloop knows it by this",
    "split": "train, val, test, or whatever the split is called",
    "group": "Images of one group stay on one side of a split",
    "state": "labelled, negative (somebody looked, nothing is there) or unlabelled (nobody has looked)",
    "size": "Width and height of the upright image in pixels",
    "findings": "What was found about the image when it was imported",
    "finding_kinds": "The kinds of these findings",
    "group_size": "How many images are in the image's group",
    "version": "The version of the ledger in which the image last changed",
}
_SHOWN_ONLY = ("key", "size", "findings", "finding_kinds", "group_size", "version")
_LISTS = ("findings", "finding_kinds")
_NUMBERS = ("group_size", "version")
_OF_BOXES = {
    "author": "Who changed the box last",
    "tool": "With which tool the box was changed last",
    "size": "COCO's sizes: small under 32x32 pixels, medium under 96x96, else large",
    MORE: "Attributes that cannot be fields of their own, as JSON",
}


def needed_shape(rows: pl.DataFrame, known: Shape = Shape(False, False)) -> Shape:  # noqa: B008 - a frozen value
    """Which fields for labels these rows need, with those that are there already."""
    labels = known.labels or rows["label"].null_count() < rows.height
    return Shape(known.boxes or bool(rows["boxes"].list.len().sum()) or not labels, labels)


def declare_fields(dataset: Any, rows: pl.DataFrame, shape: Shape) -> None:
    """Declare to the dataset every field that these rows need and that it does not have yet."""
    fo = fiftyone()
    schema = dataset.get_field_schema(flat=True)
    if shape.boxes and GROUND_TRUTH not in schema:
        text = "The boxes, in the version that the window shows and as edited since"
        dataset.add_sample_field(
            GROUND_TRUTH, fo.EmbeddedDocumentField, embedded_doc_type=fo.Detections, description=text
        )
    if shape.labels and LABEL not in schema:
        text = "The class of the image as a whole"
        dataset.add_sample_field(LABEL, fo.EmbeddedDocumentField, embedded_doc_type=fo.Classification, description=text)
    for name, text in _TEXTS.items():
        if name in schema:
            continue
        options = {"description": text, "read_only": name in _SHOWN_ONLY}
        if name in _LISTS:
            dataset.add_sample_field(name, fo.ListField, subfield=fo.StringField, **options)
        else:
            dataset.add_sample_field(name, fo.IntField if name in _NUMBERS else fo.StringField, **options)
    if shape.boxes:
        _declare_attributes(dataset, rows, schema)
    if "metadata.width" not in schema:
        dataset.add_sample_field("metadata", fo.EmbeddedDocumentField, embedded_doc_type=fo.ImageMetadata)


def declare_label_schemas(dataset: Any, classes: Sequence[str], shape: Shape) -> None:
    """Switch on editing in the App: boxes and labels with their classes in the declared order, state and split."""
    fields = [name for name, there in ((GROUND_TRUTH, shape.boxes), (LABEL, shape.labels)) if there]
    schemas = dataset.generate_label_schemas(fields=[*fields, "state", "split", "tags"], scan_samples=False)
    for name in fields:
        schema = schemas[name]
        if classes:
            schema["classes"] = list(classes)
            schema["component"] = "dropdown" if len(classes) > 1 else "radio"
        schema["attributes"] = [
            each
            for each in schema["attributes"]
            if each["name"] not in (*ADDED, MORE, "index", "mask_path", "confidence")
        ]
    schemas["state"].update(component="radio", values=["labelled", "negative", "unlabelled"])
    dataset.set_label_schemas(schemas)
    dataset.active_label_schemas = [*fields, "state", "split", "tags"]


def _declare_attributes(dataset: Any, rows: pl.DataFrame, schema: Any) -> None:
    texts = rows.select(pl.col("boxes").explode(empty_as_null=False)).to_series().struct.field("attributes").unique()
    fo = fiftyone()
    types = {"bool": fo.BooleanField, "int": fo.IntField, "float": fo.FloatField, "str": fo.StringField}
    kinds: dict[str, Kind] = {**field_kinds(texts.sort().to_list()), **dict.fromkeys(ADDED, "str")}
    for name, kind in kinds.items():
        path = f"{GROUND_TRUTH}.detections.{name}"
        if path in schema:
            continue
        text = _OF_BOXES.get(name)
        if kind in types:
            dataset.add_sample_field(path, types[kind], description=text)
        else:
            dataset.add_sample_field(path, fo.ListField, subfield=types[kind[:-1]], description=text)
