"""The Embeddings panel: the split's vectors are found again and flattened once; nothing is embedded unasked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from labelloop.datasets.embedding_cache import VectorCache
from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.window import Window, build_window
from labelloop.datasets.window_embeddings import BRAIN_KEY, show_embeddings
from tests.datasets.window_runs import new_ledger, sample

COUNT = 12


def make_window(name: str, count: int = COUNT) -> Window:
    return build_window(new_ledger(name, [sample(f"{number:02}.jpg") for number in range(count)]))


def remember(window: Window, cache: Path, count: int = COUNT) -> None:
    """Vectors as a split would have left them: along a line, so that PCA must find that line."""
    made = VectorCache.open(cache / "network")
    for number, each in enumerate(window.ledger.samples()[:count]):
        made.add(each.sha256, np.array([number, 2 * number, -number, 0], np.float32))
    made.flush()


@pytest.mark.slow
def test_what_a_split_embedded_is_shown(tmp_path: Path) -> None:
    window = make_window("embedded")
    remember(window, tmp_path)
    assert show_embeddings(window, tmp_path) == COUNT
    dataset = window.dataset()
    points = dataset.load_brain_results(BRAIN_KEY).points
    steps = np.diff(points[:, 0])
    assert np.abs(steps) == pytest.approx(np.full(COUNT - 1, 6**0.5), rel=1e-4), "in the order of the samples"
    assert points[:, 1] == pytest.approx(np.zeros(COUNT), abs=1e-3)

    dataset.reload()
    first = dataset.get_brain_info(BRAIN_KEY).timestamp
    assert show_embeddings(window, tmp_path) == COUNT
    dataset.reload()
    assert dataset.get_brain_info(BRAIN_KEY).timestamp == first, "the same images are not flattened again"

    window.ledger.commit({"00.jpg": None}, base=1, author="ann", tool="import", message="one less")
    again = build_window(window.ledger)
    assert show_embeddings(again, tmp_path) == COUNT - 1


@pytest.mark.slow
def test_nothing_is_embedded_unasked(tmp_path: Path) -> None:
    window = make_window("not-embedded")
    assert show_embeddings(window, tmp_path / "none") == 0
    remember(window, tmp_path, COUNT - 1)
    assert show_embeddings(window, tmp_path) == 0, "a twelfth of the images is not known"
    assert window.dataset().list_brain_runs() == []


def test_two_images_are_too_few(tmp_path: Path) -> None:
    window = make_window("few", 2)
    remember(window, tmp_path, 2)
    assert show_embeddings(window, tmp_path) == 0
    with pytest.raises(LabelloopError, match="3 images at least, received 2"):
        show_embeddings(window, tmp_path, compute=True)
