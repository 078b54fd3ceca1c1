"""Images where Label Studio can show them: linked one by one, or at an address of the team's.

Label Studio serves files under its media root to whoever is logged in and may see a
project whose storage covers their folder. It follows links, so the media root has a
folder for each data set and in it one link for each image that is or was a task: nothing
else can be reached, neither the label files beside an image nor its neighbours.

Reference: https://labelstud.io/guide/storage#Local-storage
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from ..datasets.errors import LabelloopError
from ..datasets.fidelity import summary
from ..datasets.schema import Sample
from .client import Client, DeskRefused

_NOTHING = "^$"
"""A storage's filter that no file name passes: it grants access and makes no tasks."""


class Images(Protocol):
    """A way for Label Studio to show images."""

    def url(self, sample: Sample) -> str:
        """The address that a task has for its image."""
        ...

    def prepare(self, client: Client, project: int, samples: Sequence[Sample]) -> None:
        """Make these images visible in a project.

        Raises:
            LabelloopError: the server cannot show them; the text says why.
        """
        ...

    def forget_all_but(self, keys: Iterable[str]) -> None:
        """Show only these images from now on, where that is ours to say."""
        ...


@dataclass(frozen=True, slots=True)
class LinkedImages:
    """Images of this machine, shown by a Label Studio of this machine: links under its media root."""

    root: Path
    dataset: str

    def url(self, sample: Sample) -> str:
        """The address of a link, its path quoted."""
        return "/data/local-files/?d=" + quote(f"{self.dataset}/{sample.key}")

    def prepare(self, client: Client, project: int, samples: Sequence[Sample]) -> None:
        """Link the images and let the project show them.

        Raises:
            LabelloopError: images are gone, or cannot be linked.
        """
        self.link(samples)
        folder = str(self.root / self.dataset)
        known = client.get("/api/storages/localfiles", project=project)
        if not any(each.get("path") == folder for each in known):
            body = {
                "project": project, "title": "images of labelloop", "path": folder, "use_blob_urls": False,
                "regex_filter": _NOTHING,
            }  # fmt: skip
            client.post("/api/storages/localfiles", body)

    def link(self, samples: Iterable[Sample]) -> None:
        """Make each image's link, or turn it to where the image lies now."""
        folder = self.root / self.dataset
        made: set[Path] = set()
        folder.mkdir(parents=True, exist_ok=True)
        gone: list[str] = []
        for sample in samples:
            target, link = os.path.abspath(sample.path), folder / sample.key
            if not os.path.isfile(target):
                gone.append(f"{sample.key}: no image at {target}")
                continue
            try:
                if link.parent not in made:
                    link.parent.mkdir(parents=True, exist_ok=True)
                    made.add(link.parent)
                _point(link, target, folder / ".new")
            except OSError as error:
                raise LabelloopError(
                    f"cannot link {sample.key}: {error}; {folder} holds nothing but such links, so it can be removed: the"
                    " next push makes them again"
                ) from error
        if gone:
            raise LabelloopError(summary("images are gone (importing the source again finds moved ones)", gone))

    def forget_all_but(self, keys: Iterable[str]) -> None:
        """Take away the links of all other images."""
        wanted = {str(self.root / self.dataset / key) for key in keys}
        for folder, _, names in os.walk(self.root / self.dataset):
            for name in names:
                path = os.path.join(folder, name)
                if path not in wanted and os.path.islink(path):
                    os.unlink(path)


@dataclass(frozen=True, slots=True)
class AddressedImages:
    """Images where the team's own Label Studio finds them.

    `template` is an address with `{key}` in it, which is replaced by the image's key:
    `https://host/photos/{key}`, `s3://bucket/photos/{key}` (with a storage for that bucket in
    the project) or `/data/local-files/?d=photos/{key}`. The key is quoted but for a bucket,
    since Label Studio takes what follows a bucket's name as it is.
    """

    template: str

    def url(self, sample: Sample) -> str:
        """The template with the key in it."""
        return self.template.replace("{key}", sample.key if self._is_bucket() else quote(sample.key))

    def prepare(self, client: Client, project: int, samples: Sequence[Sample]) -> None:
        """Return when the server can show the first image, as far as it can be asked.

        Raises:
            LabelloopError: no `{key}` in the template, or the server says that it cannot.
        """
        if "{key}" not in self.template:
            raise LabelloopError(f"an address of images must have {{key}} in it, received {self.template!r}")
        if self.template.startswith("/") and samples:
            address = self.url(samples[0])
            status = client.status(address)
            if status >= 400:
                raise LabelloopError(
                    f"{client.url} cannot show {samples[0].key}: {address} answers {status}; the project needs a"
                    f" storage that covers the folder, added at {_storages(client, project)}, and the server must be able to"
                    " read it"
                )
        elif self._is_bucket():
            self._refuse_without_storage(client, project)
            unsayable = [sample.key for sample in samples if "?" in self.url(sample)]
            if unsayable:
                reason = "Label Studio cannot find images in a bucket whose name has a question mark"
                raise LabelloopError(summary(reason, unsayable))

    def forget_all_but(self, keys: Iterable[str]) -> None:
        """Nothing: they are the team's own."""

    def _is_bucket(self) -> bool:
        return not self.template.startswith(("http://", "https://", "/"))

    def _refuse_without_storage(self, client: Client, project: int) -> None:
        """Raise where no storage of the project is for this kind of address."""
        scheme = self.template.partition("://")[0]
        kind = {"s3": "s3", "gs": "gcs", "azure-blob": "azure"}.get(scheme)
        if kind is None:
            raise LabelloopError(
                "an address of images must begin with http://, https://, s3://, gs://, azure-blob:// or /,"
                f" received {self.template!r}"
            )
        try:
            known = client.get(f"/api/storages/{kind}", project=project)
        except DeskRefused as error:
            raise LabelloopError(f"{client.url} knows no {scheme} storages: {error}") from error
        if not known:
            raise LabelloopError(
                f"the project at {client.url} has no {scheme} storage, so it cannot show {scheme}:// images: add one at"
                f" {_storages(client, project)} and push again"
            )


def _storages(client: Client, project: int) -> str:
    """The page of a project's storages."""
    return f"{client.url}/projects/{project}/settings/storage"


def _point(link: Path, target: str, beside: Path) -> None:
    try:
        os.symlink(target, link)
    except FileExistsError:
        if os.path.islink(link) and os.readlink(link) == target:
            return
        beside.unlink(missing_ok=True)
        os.symlink(target, beside)
        os.replace(beside, link)
