"""FiftyOne for a workspace: its MongoDB running, the environment set, labelloop's plugin in place."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from ..datasets.workspace import Workspace
from .mongod import Server, ensure_mongod, fiftyone_environment
from .output import progress_bar

PLUGIN = "labelloop"


@contextmanager
def fiftyone_session(workspace: Workspace, author: str) -> Generator[Server]:
    """FiftyOne ready to be used by this process and by those that it starts; let go at the end.

    Raises:
        LabelloopError: there is no MongoDB to be had; the text says what to do.
    """
    with progress_bar("starting MongoDB"):
        server = ensure_mongod(workspace)
    try:
        plugins = workspace.home / "fiftyone" / "plugins"
        os.environ.update(fiftyone_environment(workspace, server, plugins))
        os.environ.update(LABELLOOP_HOME=str(workspace.home), LABELLOOP_AUTHOR=author)
        _place_plugin(plugins / PLUGIN)
        yield server
    finally:
        from ..datasets.window import leave

        leave()
        server.close()


def _place_plugin(folder: Path) -> None:
    """Write the few lines by which FiftyOne finds the plugin; the plugin itself is in the package."""
    from .fiftyone_plugin.names import MANIFEST, MODULE, SCRIPT

    folder.mkdir(parents=True, exist_ok=True)
    script = Path(__file__).with_name("fiftyone_plugin").joinpath(SCRIPT).read_text(encoding="utf-8")
    for name, text in (("fiftyone.yml", MANIFEST), ("__init__.py", MODULE), (SCRIPT, script)):
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            beside = folder / f".{name}.{os.getpid()}"
            beside.write_text(text, encoding="utf-8")
            os.replace(beside, path)
    shutil.rmtree(folder / "__pycache__", ignore_errors=True)
