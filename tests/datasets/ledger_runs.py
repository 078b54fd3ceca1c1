"""Processes that import and commit, to be killed or to meet; run as `python -m tests.datasets.ledger_runs WHAT ...`."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def start(*words: str) -> subprocess.Popen[str]:
    """A process that does one of the jobs below."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.datasets.ledger_runs", *words], cwd=ROOT, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def say(what: object) -> None:
    """One line on stdout, at once."""
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


def wait_for(path: Path) -> None:
    """Return when a file is there: two processes start at once that way."""
    while not path.exists():
        time.sleep(0.001)


def import_photos(home: Path, source: Path, ready: Path) -> None:
    from labelloop.datasets.importing import import_source
    from labelloop.datasets.reading import open_source
    from labelloop.datasets.workspace import Workspace

    ready.touch()
    import_source(Workspace(home), "pets", open_source(source), author="ann")


def commit_each(folder: Path, author: str, go: Path, keys: list[str]) -> None:
    """One commit for each image: its box moves by a pixel."""
    from labelloop.datasets.ledger import Ledger

    ledger = Ledger(folder)
    wait_for(go)
    for key in keys:
        base = ledger.version()
        (there,) = ledger.samples(base, keys=[key])
        moved = replace(there.boxes[0], x2=there.boxes[0].x2 + 1)
        ledger.commit(
            {key: replace(there, boxes=(moved,))}, base=base, author=author, tool="edit", message=f"{author} {key}"
        )
        say(key)


def commit_once(folder: Path, author: str, go: Path, base: int, key: str, box: int, by: float) -> None:
    """One commit that moves one box of an image as it was at a version; says `won` or the conflict."""
    from labelloop.datasets.ledger import CommitConflict, Ledger

    ledger = Ledger(folder)
    (there,) = ledger.samples(base, keys=[key])
    boxes = list(there.boxes)
    boxes[box] = replace(boxes[box], x2=boxes[box].x2 + by)
    wait_for(go)
    try:
        changed = {key: replace(there, boxes=tuple(boxes))}
        ledger.commit(changed, base=base, author=author, tool="edit", message="m")
    except CommitConflict as conflict:
        say(conflict)
    else:
        say("won")


def commit_for_ever(folder: Path) -> None:
    """Commits that move the boxes of all images by a pixel, one after the other."""
    from labelloop.datasets.ledger import Ledger

    ledger = Ledger(folder)
    while True:
        there = ledger.samples()
        changed = {
            each.key: replace(each, boxes=tuple(replace(box, x2=box.x2 + 1) for box in each.boxes)) for each in there
        }
        ledger.commit(dict(changed), base=ledger.version(), author="ann", tool="edit", message="m")
        say(ledger.version())


if __name__ == "__main__":
    what, *words = sys.argv[1:]
    if what == "import":
        import_photos(Path(words[0]), Path(words[1]), Path(words[2]))
    elif what == "each":
        commit_each(Path(words[0]), words[1], Path(words[2]), words[3:])
    elif what == "once":
        commit_once(Path(words[0]), words[1], Path(words[2]), int(words[3]), words[4], int(words[5]), float(words[6]))
    else:
        commit_for_ever(Path(words[0]))
