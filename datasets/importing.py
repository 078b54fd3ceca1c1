"""From a source into the ledger: what is new is added, what changed is merged, nothing comes twice."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path, PurePosixPath

from .errors import LabelloopError
from .fidelity import summary
from .findings import Finding, Findings
from .formats.labelme import embedded_image
from .hashing import hash_files
from .import_plan import TOOL, ImportPlan
from .json_values import storable
from .ledger import Commit, Ledger
from .reading import Progress, Reading
from .recipe import format_recipe
from .schema import Sample
from .workspace import Workspace


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did: the source's images by what became of them, each in one count, and what was found.

    `commit` is None where the ledger had everything already. `images` are all images of the
    source: `added` ones are new; `updated` ones got what their source says differently since
    the last import; `moved` ones only lie in another place now; `kept` ones stay as the ledger
    has them where it and the source contradict each other; `unchanged` ones say what they
    said; `left_out` ones could not be read. `gone` counts the images that the ledger has from
    this folder and the folder has no longer; they stay in the ledger.
    """

    name: str
    commit: Commit | None
    images: int
    added: int
    updated: int
    moved: int
    kept: int
    unchanged: int
    left_out: int
    gone: int
    findings: tuple[Finding, ...]


def import_source(
    workspace: Workspace,
    name: str,
    reading: Reading,
    *,
    author: str,
    message: str = "",
    skip_bad: bool = False,
    jobs: int = 2,
    progress: Progress | None = None,
) -> ImportReport:
    """Read a source into the ledger of a data set, which is made where there is none; says what was done.

    All of it is one commit: an import that is killed has done nothing, and run again it
    does the whole, without hashing the images again. An image that is there already is
    known by its key and by its bytes. Labels that changed in the source since the last
    import are merged three ways with what changed in the ledger. An image that was removed
    from the ledger and is still in the source is new again.

    Args:
        reading: the source, open.
        skip_bad: leave out the images that a finding stops, instead of importing nothing.

    Raises:
        LabelloopError: a finding stops the import (the text has the first ten), the class
            order contradicts the ledger's, or the ledger cannot be written.
    """
    folder = workspace.ledger(name)
    dataset = reading.dataset(progress)
    left_out = reading.left_out()
    images = len(dataset.samples) + len(left_out)
    _refuse_stopping(reading, skip_bad)
    samples = _extracted(_once(dataset.samples), workspace.media(name))
    hashed = _hashed(samples, workspace.cache / "hashes.sqlite", reading.findings, jobs, progress)
    _refuse_stopping(reading, skip_bad)
    ledger = Ledger.create(folder, author)
    base = ledger.version()
    classes = _joined_classes(ledger.classes(base), dataset.classes, pinned=bool(reading.recipe.classes))
    source, root = os.path.abspath(reading.root), os.path.abspath(reading.source.images.root)
    plan = ImportPlan(ledger, base, hashed, reading.findings)
    gone = plan.find_gone(root, {*left_out, *(sample.key for sample in samples)})
    commit = ledger.commit(
        plan.changed,
        base=base,
        author=author,
        tool=TOOL,
        message=message or f"import of {os.path.basename(source) or source}",
        classes=classes,
        roots=dict.fromkeys(plan.changed, root),
        findings=_by_image(reading, plan),
        said=plan.said,
        details={"source": source, "format": reading.format, "recipe": format_recipe(reading.recipe)},
    )
    counts = Counter(plan.outcomes.values())
    return ImportReport(
        name, commit, images, counts["added"], counts["updated"], counts["moved"], counts["kept"],
        counts["unchanged"], images - len(hashed), len(gone), tuple(reading.findings),
    )  # fmt: skip


def _refuse_stopping(reading: Reading, skip_bad: bool) -> None:
    stopping = reading.findings.stopping()
    if stopping and not skip_bad:
        advice = "labelloop check says more, and --skip-bad leaves these out"
        problems = [str(finding) for finding in stopping]
        raise LabelloopError(summary(f"{reading.root} cannot be imported as it is ({advice})", problems))


def _once(samples: Sequence[Sample]) -> list[Sample]:
    """The first sample of each key, in order; two of one key are a finding."""
    return list({sample.key: sample for sample in reversed(samples)}.values())[::-1]


def _extracted(samples: Iterable[Sample], media: Path) -> list[Sample]:
    """The samples, with images that label files carried written to files of their own.

    The place has the image's hash in it: another image under the same key lies elsewhere.
    """
    given: list[Sample] = []
    for sample in samples:
        if sample.embedded:
            data = embedded_image(sample.path)
            path = media / sha256(data).hexdigest() / PurePosixPath(sample.key).name
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                beside = path.with_name(f".{os.getpid()}.part")
                beside.write_bytes(data)
                os.replace(beside, path)
            sample = replace(sample, path=path, embedded=False)
        given.append(sample)
    return given


def _hashed(
    samples: Sequence[Sample], memory: Path, findings: Findings, jobs: int, progress: Progress | None
) -> list[Sample]:
    """The samples with the SHA-256 of their files; one that cannot be read is left out and found."""
    given: list[Sample] = []
    paths = [os.path.abspath(sample.path) for sample in samples]
    digests = hash_files(paths, memory, jobs=jobs, progress=progress)
    for sample, path, digest in zip(samples, paths, digests, strict=True):
        if digest:
            given.append(_storable(replace(sample, path=Path(path), sha256=digest), findings))
        else:
            findings.add("unreadable-image", sample.key, "image could not be read to its end")
    return given


def _storable(sample: Sample, findings: Findings) -> Sample:
    """The sample, with null for what JSON cannot say, and that found."""
    extra = storable(sample.extra)
    attributes = [storable(box.attributes) for box in sample.boxes]
    if extra is sample.extra and all(a is box.attributes for a, box in zip(attributes, sample.boxes, strict=True)):
        return sample
    findings.add("not-kept", sample.key, "NaN, infinite numbers and deep nesting beside the labels are kept as null")
    boxes = tuple(replace(box, attributes=a) for a, box in zip(attributes, sample.boxes, strict=True))
    return replace(sample, extra=extra, boxes=boxes)


def _joined_classes(ours: tuple[str, ...], theirs: tuple[str, ...], pinned: bool) -> tuple[str, ...]:
    """The ledger's class order with the source's new classes after it.

    Raises:
        LabelloopError: a recipe pins an order that this is not.
    """
    joined = (*ours, *(name for name in theirs if name not in ours))
    if pinned and theirs != tuple(name for name in joined if name in theirs):
        raise LabelloopError(
            f"class order must stay as it is in the ledger ({', '.join(ours)}), new classes after it;"
            f" the recipe has {', '.join(theirs)}"
        )
    return joined


def _by_image(reading: Reading, plan: ImportPlan) -> dict[str, list[str]]:
    """What was found about each image that changes: `kind: sentence`, by key in the ledger."""
    found: dict[str, list[str]] = {key: [] for key in plan.changed}
    places = {**reading.places, **{key: key for key in plan.outcomes}}
    for finding in reading.findings:
        place = finding.place
        while place and place not in places:
            place = place.rpartition(":")[0]  # labels/a.txt:7 is a place in labels/a.txt
        key = places.get(place, "")
        key = plan.renamed.get(key, key)
        if key in found:
            found[key].append(f"{finding.kind}: {finding.message}")
    return found
