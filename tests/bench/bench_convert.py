"""LabelMe pairs to YOLO and COCO, and `check` of them, against their peers in the same run.

    python tests/bench/bench_convert.py [--count 10000] [--rounds 3]

Every figure is that of a whole process: median seconds, images a second, and peak memory.
The images stay in place; labelloop's figure includes reading its own result back.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image

ROOT = Path(__file__).parent.parent.parent
PEERS = ROOT / ".venv-bench" / "bin"
BARE = "import json,os,sys\nfrom PIL import Image\nr=sys.argv[1]\nfor f in sorted(os.listdir(r)):\n p=os.path.join(r,f)\n if f.endswith('.json'):\n  with open(p) as h: json.load(h)\n else:\n  with Image.open(p) as i: i.size\n"
GLOBOX = "import sys\nfrom pathlib import Path\nfrom globox import AnnotationSet\na=AnnotationSet.from_labelme(Path(sys.argv[1]))\n"


def draw(folder: Path, count: int) -> None:
    """Pairs of a jpg (640x480, noise of its own) and a LabelMe json four times that size, 1 to 5 boxes."""
    folder.mkdir()
    rng = random.Random(0)
    noise = np.random.default_rng(0)
    for number in range(count):
        small = Image.fromarray(noise.integers(0, 255, (15, 20, 3), dtype=np.uint8))
        small.resize((640, 480)).save(folder / f"img_{number:06d}.jpg", quality=80)
        shapes = []
        for _ in range(rng.randint(1, 5)):
            x, y = rng.random() * 2000, rng.random() * 1500
            points = [[x, y], [x + rng.random() * 500 + 10, y + rng.random() * 400 + 10]]
            shapes.append(
                {
                    "line_color": None,
                    "fill_color": None,
                    "label": rng.choice("abcdefgh"),
                    "points": points,
                    "group_id": None,
                    "shape_type": "rectangle",
                    "flags": {},
                }
            )
        document = {
            "version": "4.5.7",
            "flags": {},
            "shapes": shapes,
            "imagePath": f"img_{number:06d}.jpg",
            "imageData": None,
            "imageHeight": 1920,
            "imageWidth": 2560,
        }
        (folder / f"img_{number:06d}.json").write_text(json.dumps(document))


def run(words: list[str]) -> tuple[float, float]:
    """Seconds and peak MB of a process."""
    started = time.perf_counter()
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    said = process.stderr.read().decode(errors="replace")
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) not in (0, 1):
        raise RuntimeError(f"{words[0]}: {said[-500:]}")
    return time.perf_counter() - started, usage.ru_maxrss / 1024


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    labelloop, peer = f"{sys.prefix}/bin/labelloop", f"{PEERS}/python"
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        source, out = str(work / "source"), str(work / "out")
        draw(work / "source", asked.count)
        recipe = work / "recipe.yaml"
        recipe.write_text("format: labelme\nclasses: [a, b, c, d, e, f, g, h]\naccept: [scaled]\n")
        convert = [labelloop, "convert", source, out, "--recipe", str(recipe), "--leave-images", "--format"]
        jobs: dict[str, dict[str, list[str]]] = {
            "check, headers only": {
                "labelloop": [labelloop, "check", source, "--recipe", str(recipe), "--headers-only"],
                "bare json.load and PIL loop": [sys.executable, "-c", BARE, source],
            },
            "LabelMe to COCO": {"labelloop": [*convert, "coco"]},
            "LabelMe to YOLO": {"labelloop": [*convert, "yolo"]},
        }
        if Path(peer).exists():
            jobs["LabelMe to COCO"] |= {
                "labelme2coco": [
                    peer,
                    "-c",
                    "import labelme2coco,sys; labelme2coco.convert(sys.argv[1], sys.argv[2])",
                    source,
                    out,
                ],
                "globox": [peer, "-c", f"{GLOBOX}a.save_coco(Path(sys.argv[2]),auto_ids=True)", source, f"{out}.json"],
                "supervision": [
                    peer,
                    "-c",
                    "import sys,supervision as sv; sv.DetectionDataset.from_labelme(sys.argv[1],sys.argv[1]).as_coco(annotations_path=sys.argv[2])",
                    source,
                    f"{out}.json",
                ],
            }
            jobs["LabelMe to YOLO"] |= {
                "globox": [
                    peer,
                    "-c",
                    f"{GLOBOX}a.save_yolo_v5(Path(sys.argv[2]),label_to_id=dict(zip('abcdefgh',range(8))))",
                    source,
                    out,
                ],
            }
        for title, contestants in jobs.items():
            print(f"\n{title}, {asked.count} images, {asked.rounds} rounds")
            times: dict[str, list[float]] = {name: [] for name in contestants}
            memory: dict[str, float] = {}
            for _ in range(asked.rounds):
                for who, words in contestants.items():
                    shutil.rmtree(out, ignore_errors=True)
                    Path(f"{out}.json").unlink(missing_ok=True)
                    try:
                        seconds, memory[who] = run(words)
                    except RuntimeError as error:
                        print(f"  {who}: failed: {error}")
                        continue
                    times[who].append(seconds)
            ours = median(times["labelloop"])
            for who, each in times.items():
                if each:
                    middle = median(each)
                    print(
                        f"  {who:28s} {middle:6.2f} s {asked.count / middle:8.0f} images/s {memory[who]:6.0f} MB"
                        f"   labelloop / this: {ours / middle:.2f}"
                    )


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    main()
