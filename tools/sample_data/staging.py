"""A folder that appears all at once, or not at all."""

import os
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ...datasets.errors import LabelloopError


@dataclass(frozen=True, slots=True)
class Stage:
    """Where to write until everything is there.

    `folder` becomes the target; `truth`, if it gets written, the file beside it.
    """

    folder: Path
    truth: Path


def truth_file_of(target: Path) -> Path:
    """The file beside a data set's folder that holds its true labels."""
    target = target.absolute()
    return target.with_name(f"{target.name}.truth.json")


@contextmanager
def staged(target: Path) -> Generator[Stage, None, None]:
    """A stage beside `target` that is renamed to it when the block ends well.

    When the block raises, or is interrupted, nothing stays behind: not the stage, and
    not the parent folders made for it.

    Raises:
        LabelloopError: `target` is a file or holds something, or a file with the truth
            of an earlier data set lies beside it.
    """
    target = target.absolute()
    truth = truth_file_of(target)
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise LabelloopError(f"{target} is in the way: name a folder that is new or empty")
    if target.is_dir() and any(target.iterdir()):
        raise LabelloopError(f"{target} is not empty: name a folder that is new or empty")
    if truth.exists():
        raise LabelloopError(
            f"{truth} belongs to an earlier data set of this name: move it away or choose another name."
        )

    made = [parent for parent in target.parents if not parent.exists()]
    done = False
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as temporary:
            # A folder inside, since the outer one is closed to other users.
            stage = Stage(Path(temporary) / target.name, Path(temporary) / truth.name)
            stage.folder.mkdir()
            yield stage
            if stage.truth.exists():
                os.replace(stage.truth, truth)
            try:
                os.replace(stage.folder, target)
            except BaseException:
                truth.unlink(missing_ok=True)
                raise
        done = True
    except OSError as error:
        raise LabelloopError(f"cannot write {target}: {error.strerror or error}") from error
    finally:
        if not done:
            for parent in made:
                with suppress(OSError):
                    parent.rmdir()
