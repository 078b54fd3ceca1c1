"""A Label Studio that runs elsewhere: by its address, a token of either kind, and images that it reads itself."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from labelloop.datasets.schema import Box
from labelloop.datasets.workspace import Workspace
from labelloop.label_config.client import Client
from labelloop.tools.cli import verbs
from labelloop.tools.label_studio import LabelStudio
from tests.label_config.servers import Desk, make_ledger, sample

pytestmark = pytest.mark.slow

MINA = "mina@example.org"
KEY = "한글 이름/빈 #%&+.png"
THERE = "/data/local-files/?d=the%20team/{key}"


def run(*words: str | Path, status: int = 0) -> Result:
    done = CliRunner().invoke(verbs, [str(word) for word in words])
    text = f"{done.output}\n{done.exception!r}"
    assert (done.exit_code if done.exception is None or isinstance(done.exception, SystemExit) else 1) == status, text
    return done


def test_the_teams_server(server: LabelStudio, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Workspace(tmp_path / "home")
    ledger = make_ledger(home, "team", tmp_path, [sample(tmp_path, KEY, Box("10", 1, 2, 30, 40, f"{1:024x}"))])
    folder = server.media / "the team"
    monkeypatch.setenv("LABEL_STUDIO_URL", server.url)
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", server.token)
    push = ("push", "team", "--home", home.home, "--json")
    refused = run(*push, status=1)
    assert "runs elsewhere and cannot read images of this machine: --image-address says" in str(refused.exception)
    for template, said in (
        (THERE, "answers 404; the project needs a storage that covers the folder"),
        ("https://photos.example.org/all", "must have {key} in it"),
        ("s3://bucket/{key}", "has no s3 storage, so it cannot show s3:// images"),
        ("ftp://host/{key}", "must begin with http://"),
    ):
        assert said in str(run(*push, "--image-address", template, status=1).exception), template
    # The team's administrator puts the images there and gives the project a storage.
    shutil.copytree(tmp_path / Path(KEY).parent, folder / Path(KEY).parent)
    (project,) = (each["id"] for each in client.projects() if each["title"] == "team")
    client.post(
        "/api/storages/localfiles",
        {"project": project, "path": str(folder), "use_blob_urls": False, "regex_filter": "^$"},
    )
    assert json.loads(run(*push, "--image-address", THERE).stdout)["made"] == 1
    desk = Desk(server, client, home, "team", ledger)
    assert client.status(desk.task(project, KEY)["data"]["image"]) in (200, 206)
    desk.answer(project, KEY, MINA, [])
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", client.post("/api/token/", {})["token"])
    pulled = json.loads(run("pull", "team", "--home", home.home, "--json").stdout)
    assert (pulled["edited"], pulled["commits"][0]["author"]) == (1, MINA)
    assert desk.sample(KEY).state == "negative"
    again = run("pull", "team", "--home", home.home)
    assert "known" in again.stderr
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", "0" * 40)
    assert "does not know the legacy token" in str(run("pull", "team", "--home", home.home, status=1).exception)
    assert not (home.home / "label-studio" / "data").exists(), "no server of our own was started"
