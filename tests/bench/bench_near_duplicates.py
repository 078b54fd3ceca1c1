"""Recall, precision and speed of the near-duplicate search, beside a perceptual hash and the embedding alone.

Copies of real photos are made in seven kinds and hidden among other photos:

    python tests/bench/bench_near_duplicates.py --photos DIR [--others DIR ...] [--count 200] [--sheet FILE]

A pair of images made from one photo counts as true. Any other pair counts as false,
although real folders hold real near-duplicates: `--sheet` draws those pairs, so look at
them before believing the precision. Use photos that the thresholds were not chosen on.
"""

from __future__ import annotations

import argparse
import io
import random
import resource
import tempfile
import time
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from labelloop.datasets.embeddings import load_embedder
from labelloop.datasets.groups import find_groups
from labelloop.datasets.near_duplicates import find_near_duplicates
from labelloop.datasets.passes import each
from labelloop.datasets.upright import read_upright

SUFFIXES = {".jpg", ".jpeg", ".png"}
Pairs = set[tuple[int, int]]


def make_copies(photo: Image.Image, rng: random.Random) -> dict[str, Image.Image]:
    """One copy of each kind, its strength drawn at random."""
    width, height = photo.size
    quarter = rng.choice([Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270])
    buffer = io.BytesIO()
    photo.resize((width // 2, height // 2)).save(buffer, "JPEG", quality=rng.choice([15, 25, 40]))
    crop = _crop(photo, rng.uniform(0.6, 0.85), rng)
    everything = ImageOps.mirror(_crop(photo, 0.75, rng)).transpose(quarter)
    return {
        "turned 90": photo.transpose(quarter),
        "turned 15": photo.rotate(rng.choice([-1, 1]) * rng.uniform(10, 15), Image.Resampling.BILINEAR),
        "cropped": crop,
        "flipped": ImageOps.mirror(photo) if rng.random() < 0.5 else ImageOps.flip(photo),
        "brighter": ImageEnhance.Brightness(photo).enhance(rng.uniform(1.4, 1.8)),
        "darkened": ImageEnhance.Brightness(photo).enhance(rng.uniform(0.35, 0.6)),
        "recompressed": Image.open(io.BytesIO(buffer.getvalue())).convert("RGB"),
        "all at once": ImageEnhance.Brightness(everything).enhance(0.6),
    }


def _crop(photo: Image.Image, part: float, rng: random.Random) -> Image.Image:
    width, height = round(photo.width * part), round(photo.height * part)
    left, top = rng.randint(0, photo.width - width), rng.randint(0, photo.height - height)
    return photo.crop((left, top, left + width, top + height))


def find_by_hash(paths: list[Path], distance: int = 10) -> Pairs:
    """Pairs whose perceptual hashes (64 bits of a DCT) differ in at most so many bits: imagededup's default."""
    hashes = np.stack(list(each(_perceptual_hash, paths, jobs=-1)))
    found: Pairs = set()
    for first in range(len(hashes) - 1):
        near = (hashes[first + 1 :] != hashes[first]).sum(axis=1) <= distance
        found.update((first, first + 1 + int(offset)) for offset in np.nonzero(near)[0])
    return found


def _perceptual_hash(path: Path) -> np.ndarray:
    gray = read_upright(path, 128).convert("L").resize((32, 32), Image.Resampling.LANCZOS)
    low = cv2.dct(np.asarray(gray, np.float32))[:8, :8].reshape(-1)
    return low > np.median(low)


def find_by_cosine(vectors: np.ndarray, cosine: float) -> Pairs:
    """Pairs whose embeddings are at least so near."""
    table = np.triu(vectors @ vectors.T >= cosine, 1)
    return {(int(first), int(second)) for first, second in np.argwhere(table)}


def report(name: str, pairs: Pairs, made: list[tuple[int, str]], seconds: float) -> Pairs:
    """Print one row and return the pairs that are false, or real duplicates that nobody planted."""
    same = {pair for pair in pairs if made[pair[0]][0] == made[pair[1]][0]}
    # Pairs of two other photos are left out: nobody knows which of them are true.
    other = {pair for pair in pairs - same if "other" not in (made[pair[0]][1], made[pair[1]][1])}
    mixed = {pair for pair in pairs - same - other if {made[index][1] for index in pair} != {"other"}}
    wrong = other | mixed
    first = {photo: index for index, (photo, kind) in enumerate(made) if kind == "photo"}
    kinds = list(dict.fromkeys(kind for _, kind in made if kind not in {"photo", "other"}))
    cells = []
    for kind in kinds:
        wanted = [(first[photo], index) for index, (photo, made_as) in enumerate(made) if made_as == kind]
        cells.append(f"{sum(pair in pairs for pair in wanted) / len(wanted):.3f}")
    size = len(kinds) + 1
    recall = len(same) / (len(first) * size * (size - 1) / 2)
    precision = len(same) / max(len(same) + len(wrong), 1)
    speed = f"{seconds:.1f} s, {len(made) / seconds:.0f}/s" if seconds else ""
    print(f"| {name} | {' | '.join(cells)} | {recall:.3f} | {precision:.4f} ({len(wrong)}) | {speed} |")
    return wrong


def draw_sheet(paths: list[Path], made: list[tuple[int, str]], pairs: Pairs, target: Path, side: int = 130) -> None:
    """Draw the false pairs beside each other, one for each two photos and up to 120, for a person to judge."""
    by_photos = {(made[first][0], made[second][0]): (first, second) for first, second in sorted(pairs, reverse=True)}
    shown = sorted(by_photos.values())[:120]
    print(f"false pairs are of {len(by_photos)} pairs of photos")
    sheet = Image.new("RGB", (4 * (2 * side + 10), max(1, -(-len(shown) // 4)) * (side + 6)), "white")
    for place, pair in enumerate(shown):
        for offset, index in enumerate(pair):
            at = place % 4 * (2 * side + 10) + offset * side, place // 4 * (side + 6)
            sheet.paste(read_upright(paths[index], side - 2), at)
    sheet.save(target)


def _images(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)


def main() -> None:
    """Make the copies, search, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True, help="folder of photos to copy")
    parser.add_argument("--others", type=Path, action="append", default=[], help="folder of photos to hide them among")
    parser.add_argument("--count", type=int, default=200, help="how many photos to copy")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", help="as for load_embedder")
    parser.add_argument("--sheet", type=Path, help="picture of the false pairs to write")
    options = parser.parse_args()

    rng = random.Random(options.seed)
    photos = _images(options.photos)
    rng.shuffle(photos)
    others = [path for folder in options.others for path in _images(folder)]
    with tempfile.TemporaryDirectory() as folder:
        paths: list[Path] = []
        made: list[tuple[int, str]] = []
        for number, photo in enumerate(photos[: options.count]):
            whole = read_upright(photo, 1600)
            paths.append(photo)
            made.append((number, "photo"))
            for kind, copy in make_copies(whole, rng).items():
                path = Path(folder) / f"{number}-{kind}.jpg"
                copy.save(path, quality=90)
                paths.append(path)
                made.append((number, kind))
        start = len(made)
        paths += [*photos[options.count :], *others]
        made += [(number, "other") for number in range(start, start + len(paths) - len(made))]
        print(
            f"{len(paths)} files: {min(len(photos), options.count)} photos in 8 kinds of copies, {len(paths) - start} others"
        )
        kinds = list(dict.fromkeys(kind for _, kind in made if kind not in {"photo", "other"}))
        print(f"| recall | {' | '.join(kinds)} | all pairs | precision (false pairs) | time |")
        print("|---" * (len(kinds) + 4) + "|")

        embedder = load_embedder(options.model)
        began = time.perf_counter()
        result = find_near_duplicates(paths, embedder=embedder)
        seconds = time.perf_counter() - began
        found = {(pair.first, pair.second) for pair in result.pairs}
        wrong = report("labelloop, pairs", found, made, seconds)
        grouped = {pair for group in result.groups for pair in combinations(group, 2)}
        report("labelloop, groups", grouped, made, 0)
        peak = sum(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024

        began = time.perf_counter()
        vectors = embedder.embed(paths).vectors
        seconds = time.perf_counter() - began
        for cosine in (0.85, 0.9, 0.95):
            report(f"the embedding alone, cosine {cosine}", find_by_cosine(vectors, cosine), made, seconds)
        began = time.perf_counter()
        hashed = find_by_hash(paths)
        report("perceptual hash, 10 of 64 bits", hashed, made, time.perf_counter() - began)
        print(f"peak {peak:.0f} MB (this process and its largest child); pairs among others: ", end="")
        print(sum(made[first][1] == made[second][1] == "other" for first, second in found))
        print(f"groups: {len(find_groups(found))}, the largest {max(map(len, result.groups), default=0)}")
        if options.sheet:
            draw_sheet(paths, made, wrong, options.sheet)


if __name__ == "__main__":
    main()
