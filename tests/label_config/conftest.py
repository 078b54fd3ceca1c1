"""One Label Studio for all tests of the desk; each test has a data set, and so a project, of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from labelloop.datasets.schema import Sample
from labelloop.datasets.workspace import Workspace
from labelloop.label_config.client import Client
from labelloop.tools.label_studio import LabelStudio, ensure_label_studio
from tests.label_config.servers import Desk, copied, make_ledger

MakeDesk = Callable[[Sequence[Sample]], Desk]


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return copied(tmp_path_factory, tmp_path_factory.mktemp("desk") / "home")


@pytest.fixture(scope="session")
def server(workspace: Workspace) -> Iterator[LabelStudio]:
    with ensure_label_studio(workspace) as found:
        yield found


@pytest.fixture(scope="session")
def client(server: LabelStudio) -> Iterator[Client]:
    with Client(server.url, server.token) as found:
        yield found


@pytest.fixture
def make_desk(
    server: LabelStudio, client: Client, workspace: Workspace, tmp_path: Path, request: pytest.FixtureRequest
) -> MakeDesk:
    def make(samples: Sequence[Sample]) -> Desk:
        name = "".join(letter if letter.isalnum() else "-" for letter in request.node.name)[:60]
        return Desk(server, client, workspace, name, make_ledger(workspace, name, tmp_path, samples))

    return make
