"""Class folders: an image's class is the folder that it lies in, as Keras reads them; with or without splits.

`CLASS/x.jpg` or `SPLIT/CLASS/x.jpg`. Keras numbers the folders in alphabetical order,
so an export has every class in every split, `classes.txt` keeps the declared order, and
`README.txt` says how Keras is told it.

Reference: https://keras.io/api/data_loading/image/, `image_dataset_from_directory`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from unicodedata import normalize

from ..format import Export, Format, Holds, RawSample, Source
from ..label_files import read_lines
from ..schema import Sample
from ..split_names import SPLIT_OF
from ..tree import Tree, stem

_FOLDER_OF = {"val": "validation"}
_CLASSES, _README = "classes.txt", "README.txt"
_NOT_WALKED = frozenset(
    {"thumbs.db", "desktop.ini", "__macosx", "manifest.csv", "losses.txt", _CLASSES, _README.lower()}
)
_KERAS = frozenset({".jpg", ".jpeg", ".png", ".bmp"})
"""The suffixes that both image_dataset_from_directory and flow_from_directory read."""


def detect(tree: Tree) -> int:
    """How much a folder looks like class folders.

    70 where every image lies in one of at least two class folders; 30 where some json or
    XML lies about; 10 where images lie in the root too; 0 where label files stand beside images.
    """
    all_splits = _all_splits(tree)
    placed = [_place(key, (), all_splits) for key in tree.images]
    if len({label for _, label in placed if label is not None}) < 2:
        return 0
    stems = {stem(key) for key in tree.images}
    if any(stem(key) in stems for key in tree.with_suffix(".json", ".xml", ".txt")):
        return 0
    if any(label is None for _, label in placed):
        return 10
    return 30 if tree.with_suffix(".json", ".xml") else 70


def read(source: Source) -> Iterator[RawSample]:
    """The raw samples in the order of the images' keys; an image in no class folder is not labelled."""
    source.declared.extend(_read_classes(source))
    recipe = source.recipe
    # Keys are in NFC; a class is spelled as it was declared.
    spelled = {normalize("NFC", name): name for name in (*source.declared, *recipe.classes, *recipe.labels)}
    all_splits = _all_splits(source.images)
    for key in source.images.images:
        split, label = _place(key, spelled, all_splits)
        if label is not None:
            yield RawSample(key, key, "labelled", label=spelled.get(label, label), split=split)
            continue
        yield source.without_labels(key, "image lies in no class folder", split)


def image_place(sample: Sample) -> str:
    """`CLASS/NAME`, or `train/CLASS/NAME`, `validation/CLASS/NAME`, `test/CLASS/NAME` where it has a split.

    NAME is the key below its class folder where it has one, else the whole key, so that
    class folders read and written again stay what they were.

    Raises:
        ValueError: a sample without a class, or a class or split that cannot be a folder.
    """
    if sample.label is None:
        raise ValueError(f"image must have a class of its own to lie in class folders, received none for {sample.key}")
    label = _folder("class", sample.label)
    *folders, _ = sample.key.split("/")
    name = sample.key
    if label in folders:
        name = "/".join(sample.key.split("/")[folders.index(label) + 1 :])
    return "/".join([*_split_folder(sample.split), label, name])


def write(export: Export) -> None:
    """A folder for each class in each split, empty ones too, and `classes.txt` with the order.

    torchvision's `ImageFolder` takes the empty ones with `allow_empty=True`.

    Raises:
        ValueError: a class or split that cannot be a folder, or two classes that would share one.
    """
    folders = [_folder("class", name) for name in export.classes]
    if len(set(folders)) < len(folders):
        raise ValueError(f"classes must differ in Unicode NFC, received {', '.join(export.classes)}")
    for split in export.splits() or [None]:
        for folder in folders:
            export.folder.joinpath(*_split_folder(split), folder).mkdir(parents=True, exist_ok=True)
    (export.folder / _CLASSES).write_bytes("".join(f"{name}\n" for name in export.classes).encode())
    split = _split_folder(next(iter(export.splits()), None))
    (export.folder / _README).write_bytes(format_readme(folders, "/".join(split) or ".").encode())


def format_readme(folders: list[str], folder: str) -> str:
    """What an export says about the order of its classes, and how Keras is told it.

    Args:
        folders: the class folders in their declared order.
        folder: one that has them, relative to the export.
    """
    order = sorted(folders)
    if order == folders:
        said = "which is the order that was declared"
    else:
        said = f"not in the order that was declared, {', '.join(folders)}"
    return f"""\
Class folders. {_CLASSES} has the classes in the order that was declared.

Keras numbers folders in alphabetical order: {", ".join(order)};
{said}. Naming the classes gives that order in any case:

    names = open("{_CLASSES}", encoding="utf-8").read().splitlines()
    keras.utils.image_dataset_from_directory({folder!r}, class_names=names)
    ImageDataGenerator().flow_from_directory({folder!r}, classes=names)
"""


def _folder(what: str, name: str) -> str:
    """The name in Unicode NFC, if a folder of this name is found again by labelloop and by Keras.

    Raises:
        ValueError: it is not.
    """
    rule = ""
    if not name or "/" in name or "\0" in name:
        rule = "have a name without / and NUL"
    elif name.startswith("."):
        rule = "not start with a dot, which hides a folder from Keras"
    elif name != name.strip() or name.splitlines() != [name]:
        rule = f"be one line without outer spaces, to stand in {_CLASSES}"
    elif name.lower() in _NOT_WALKED:
        rule = "not be named like a file that an operating system or an export leaves there"
    elif len(name.encode(errors="replace")) > 255:
        rule = "have at most 255 bytes"
    if rule:
        raise ValueError(f"{what} must {rule}, to be a folder; received {name[:300]!r}")
    return normalize("NFC", name)


def _split_folder(split: str | None) -> list[str]:
    return [_FOLDER_OF.get(split, _folder("split", split))] if split else []


def _all_splits(tree: Tree) -> bool:
    """Whether all top folders that hold images have the names of splits."""
    tops = {key.partition("/")[0] for key in tree.images if "/" in key}
    return bool(tops) and all(top.lower() in SPLIT_OF for top in tops)


def _place(key: str, classes: Collection[str], all_splits: bool) -> tuple[str | None, str | None]:
    """The split and the class that an image's folders say.

    `classes` are those that are known, in NFC: they tell a class called `test` from the split, and a
    split called `field` from a class.
    """
    top, second = [*key.split("/")[:-1], "", ""][:2]
    is_split = all_splits
    if second in classes and (top not in classes or top.lower() in SPLIT_OF):
        is_split = True
    elif top in classes:
        is_split = False
    if is_split:
        return SPLIT_OF.get(top.lower(), top) or None, second or None
    return None, top or None


def _read_classes(source: Source) -> list[str]:
    path = source.tree.others.get(_CLASSES)
    if path is None:
        return []
    try:
        lines = read_lines(path, source.recipe.encoding)
    except ValueError as error:
        source.findings.add("unreadable-label-file", _CLASSES, str(error))
        return []
    names = [line.strip() for line in lines if line.strip()]
    if len({normalize("NFC", name) for name in names}) != len(names):
        source.findings.add("classes-differ", _CLASSES, "class names must each stand once")
    return names


FORMAT = Format(
    title="class folders, as Keras reads them",
    holds=Holds(boxes=False, image_labels=True, negatives=False, unlabelled=False, some_splits=False, suffixes=_KERAS),
    detect=detect,
    read=read,
    image_place=image_place,
    write=write,
    pairs_by_stem=False,
)
