"""Images where Label Studio can show them: one link for each, and none for any other."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse

import pytest

from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.schema import Sample, Size
from labelloop.label_config.media import AddressedImages, LinkedImages

NASTY = ("한글 이름/빈 #%&+;.png", "2023.03.20. 미니 (1).png", "one/x.png", "two/x.png", "a'b\"c?d.png")


def samples(photos: Path, *keys: str) -> list[Sample]:
    for key in keys:
        (photos / key).parent.mkdir(parents=True, exist_ok=True)
        (photos / key).write_text(key)
    return [Sample(key, photos / key, Size(1, 1), state="unlabelled") for key in keys]


def links(root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_symlink()}


def test_each_image_has_a_link_under_its_key(tmp_path: Path) -> None:
    images = LinkedImages(tmp_path / "media", "won")
    given = samples(tmp_path / "photos", *NASTY)
    images.link(given)
    for sample in given:
        (path,) = parse_qs(urlparse(images.url(sample)).query)["d"]
        assert (tmp_path / "media" / path).read_text() == sample.key


def test_a_link_follows_an_image_that_moved_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    images = LinkedImages(tmp_path / "media", "won")
    images.link(samples(tmp_path / "photos", "a/x.png"))
    images.link(samples(tmp_path / "elsewhere", "a/x.png"))
    assert os.readlink(tmp_path / "media/won/a/x.png") == str(tmp_path / "elsewhere/a/x.png")
    assert links(tmp_path / "media") == {"won/a/x.png"}


def test_an_image_that_is_gone_is_said(tmp_path: Path) -> None:
    images = LinkedImages(tmp_path / "media", "won")
    given = samples(tmp_path / "photos", "a.png", "b.png")
    (tmp_path / "photos/a.png").unlink()
    with pytest.raises(LabelloopError, match=r"a\.png: no image at"):
        images.link(given)


def test_all_links_go_but_those_of_these_images(tmp_path: Path) -> None:
    root = tmp_path / "media"
    images, other = LinkedImages(root, "won"), LinkedImages(root, "coins")
    images.link(samples(tmp_path / "photos", *NASTY, "two/deep/x.png"))
    other.link(samples(tmp_path / "coins", "x.png"))
    (root / "won" / "a team's own.png").write_text("no link of ours")
    kept = [NASTY[0], "one/x.png"]
    images.forget_all_but(iter(kept))
    assert links(root) == {*(f"won/{key}" for key in kept), "coins/x.png"}
    assert (root / "won" / "a team's own.png").read_text() == "no link of ours"
    assert (tmp_path / "photos" / "two/x.png").read_text() == "two/x.png", "the images stay"
    images.forget_all_but([])
    assert links(root) == {"coins/x.png"}
    LinkedImages(root, "never pushed").forget_all_but([])


def test_a_folder_that_became_an_image_is_a_sentence(tmp_path: Path) -> None:
    images = LinkedImages(tmp_path / "media", "won")
    images.link(samples(tmp_path / "one", "a/x.png"))
    now = samples(tmp_path / "two", "a")
    with pytest.raises(LabelloopError, match=r"cannot link a: .*holds nothing but such links, so it can be removed"):
        images.link(now)
    images.forget_all_but([])
    (tmp_path / "media/won/a").rmdir()
    images.link(now)
    with pytest.raises(LabelloopError, match=r"cannot link a/x\.png"):
        images.link(samples(tmp_path / "one", "a/x.png"))


def test_a_long_name_can_be_turned_elsewhere(tmp_path: Path) -> None:
    images = LinkedImages(tmp_path / "media", "won")
    key = "한" * 83 + ".png"  # 253 bytes of 255
    for place in ("one", "two"):
        images.link(samples(tmp_path / place, key))
    assert links(tmp_path / "media") == {f"won/{key}"}


class NoServer:
    """A team's server with storages of some kinds."""

    url = "https://label.example.org"

    def __init__(self, *kinds: str) -> None:
        self.kinds = kinds

    def get(self, path: str, **_: Any) -> list[object]:
        return [object()] if path.rpartition("/")[2] in self.kinds else []


def test_a_buckets_address_names_the_file_as_it_is(tmp_path: Path) -> None:
    images = AddressedImages("s3://bucket/photos/{key}")
    given = samples(tmp_path, *NASTY[:4])
    server: Any = NoServer("s3")
    images.prepare(server, 1, given)
    for sample in given:  # as Label Studio's own resolve_s3_url takes it apart
        address = urlparse(images.url(sample), allow_fragments=False)
        assert (address.netloc, address.path.lstrip("/")) == ("bucket", f"photos/{sample.key}")
    with pytest.raises(LabelloopError, match="question mark"):
        images.prepare(server, 1, samples(tmp_path, NASTY[4]))
    with pytest.raises(LabelloopError, match="has no gs storage"):
        AddressedImages("gs://bucket/{key}").prepare(server, 1, given)


def test_an_address_on_the_web_is_quoted(tmp_path: Path) -> None:
    (sample,) = samples(tmp_path, NASTY[0])
    assert AddressedImages("https://host/{key}").url(sample).isascii()
    assert AddressedImages("/data/local-files/?d=photos/{key}").url(sample).count("?") == 1
