"""What the peers do, one function each: `python conversion_peers.py NAME SOURCE TARGET`, in the peer's own environment.

Each is asked for the labels alone, with the images left where they are; where a tool can be
told the order of the classes, it is told.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

# Not imported from conversion_data: numpy and Pillow would be on the peers' bills.
CLASSES = ["10", "50", "100", "500", "1000", "5000", "10000", "50000"]


def labelme2coco_to_coco(source: str, target: str) -> None:
    import labelme2coco

    labelme2coco.convert(source, target, category_id_start=1)


def globox_to_coco(source: str, target: str) -> None:
    ids = {name: number for number, name in enumerate(CLASSES, start=1)}
    names = sorted(path.name for path in Path(source).glob("*.jpg"))
    images = {name: number for number, name in enumerate(names, start=1)}
    _globox(source).save_coco(Path(f"{target}.json"), label_to_id=ids, imageid_to_id=images)


def globox_to_yolo(source: str, target: str) -> None:
    _globox(source).save_yolo_v5(Path(target), label_to_id={name: number for number, name in enumerate(CLASSES)})


def _globox(source: str):
    from globox import AnnotationSet

    # `recursive=True` stops with an AssertionError at the second image of one name.
    return AnnotationSet.from_labelme(Path(source))


def supervision_to_coco(source: str, target: str) -> None:
    import supervision

    supervision.DetectionDataset.from_labelme(source, source).as_coco(annotations_path=f"{target}.json")


def supervision_to_yolo(source: str, target: str) -> None:
    import supervision

    supervision.DetectionDataset.from_labelme(source, source).as_yolo(
        annotations_directory_path=f"{target}/labels", data_yaml_path=f"{target}/data.yaml"
    )


def datumaro_to_coco(source: str, target: str) -> None:
    # Its "label_me" is the XML of the LabelMe web tool: it cannot read these jsons, so from YOLO.
    import datumaro

    datumaro.Dataset.import_from(source, "yolo").export(target, "coco_instances", save_media=False)


def datumaro_to_yolo(source: str, target: str) -> None:
    import datumaro

    datumaro.Dataset.import_from(source, "coco_instances").export(target, "yolo", save_media=False)


def hotcoco_to_coco(source: str, target: str) -> None:
    # It reads YOLO and COCO, not LabelMe; without the images it would write sizes of 0x0.
    from hotcoco import COCO

    labels = f"{source}/obj_train_data"
    COCO.from_yolo(labels, images_dir=labels).save(f"{target}.json")


def hotcoco_to_yolo(source: str, target: str) -> None:
    from hotcoco import COCO

    COCO(f"{source}/annotations/instances_train.json").to_yolo(target)


def fiftyone_to_coco(source: str, target: str) -> None:
    import fiftyone

    _fiftyone(source).export(
        labels_path=f"{target}.json",
        dataset_type=fiftyone.types.COCODetectionDataset,
        label_field="ground_truth",
        classes=CLASSES,
        export_media=False,
        rel_dir=source,
        progress=False,
    )


def fiftyone_to_yolo(source: str, target: str) -> None:
    import fiftyone

    _fiftyone(source).export(
        export_dir=target,
        dataset_type=fiftyone.types.YOLOv5Dataset,
        label_field="ground_truth",
        classes=CLASSES,
        split="train",
        export_media=False,
        rel_dir=source,
        progress=False,
    )


def _fiftyone(source: str):
    """It has no importer for LabelMe: its own classes, filled from the parsed jsons as its documentation shows."""
    import fiftyone

    samples: list[fiftyone.Sample] = []
    for path in sorted(Path(source).rglob("*.json")):
        document = json.loads(path.read_text())
        width, height = document["imageWidth"], document["imageHeight"]
        detections: list[fiftyone.Detection] = []
        for shape in document["shapes"]:
            (xa, ya), (xb, yb) = shape["points"]
            corner = [min(xa, xb) / width, min(ya, yb) / height]
            box = [*corner, abs(xb - xa) / width, abs(yb - ya) / height]
            detections.append(fiftyone.Detection(label=shape["label"], bounding_box=box))
        sample = fiftyone.Sample(filepath=str(path.parent / document["imagePath"]))
        sample["ground_truth"] = fiftyone.Detections(detections=detections)
        samples.append(sample)
    dataset = fiftyone.Dataset()
    dataset.add_samples(samples, progress=False)
    return dataset


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
