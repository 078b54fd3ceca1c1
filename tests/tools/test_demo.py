"""The demo: every step does what it says, a second run passes over what is there, and both pages are up at its end."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest

from labelloop.datasets.ledger import Ledger
from labelloop.datasets.workspace import Workspace
from labelloop.label_config.desk import desk_folder, read_counts
from labelloop.tools.demo import steps
from tests.browser.servers import environment, until
from tests.label_config.servers import copied

pytestmark = pytest.mark.slow

# A shell that starts tests in the background has them ignore Ctrl-C, and their children too.
_AS_IN_A_TERMINAL = (
    "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL);"
    "os.execv(sys.executable, [sys.executable, '-m', 'labelloop', *sys.argv[1:]])"
)


@pytest.mark.timeout(900)
def test_the_demo_goes_from_nothing_to_both_pages_and_on_from_there(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    pytest.importorskip("skimage", reason="sample data is drawn on scikit-image's photos")
    pytest.importorskip("fiftyone", reason="there is no FiftyOne to serve")
    folder = tmp_path / "demo"
    home = copied(tmp_path_factory, folder / ".labelloop")
    command = [sys.executable, "-c", _AS_IN_A_TERMINAL, "demo", "--quick", "--to", str(folder)]
    nothing = subprocess.run([*command, "--serve"], capture_output=True, text=True, check=False)
    assert (nothing.returncode, "no demo in" in nothing.stderr) == (1, True)
    done = subprocess.run(
        [*command, "--no-serve"],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env=environment(),
    )
    assert done.returncode == 0, done.stderr
    todo = steps(quick=True)
    left = [step.leaves for step in todo if step.leaves]
    assert all((folder / name).exists() for name in left)
    assert f"[{len(todo)}/{len(todo)}]" in done.stderr
    counts = read_counts(desk_folder(Workspace(home.home), "won"))
    assert counts["waiting"] == 0
    assert counts["done"] == 12
    authors = {commit.author for commit in Ledger(Workspace(home.home).ledger("won")).commits()}
    assert "scripted-annotator@example.org" in authors

    log = tmp_path / "log"
    with log.open("wb") as file:
        again = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True, env=environment()
        )
    try:
        until("both pages are there", lambda: "Ctrl-C stops" in log.read_text() or again.poll() is not None, 300)
        said = log.read_text()
        assert said.count("is there already") == len(left)
        addresses = re.findall(r"^http://127\.0\.0\.1:[0-9]+", said, re.MULTILINE)
        assert len(set(addresses)) == 2, said
        for address in addresses:
            with urlopen(address, timeout=30) as answer:
                assert answer.status == 200
    finally:
        if again.poll() is None:
            os.killpg(again.pid, signal.SIGINT)
        assert again.wait(120) == 0, log.read_text()
    assert "Traceback" not in log.read_text()
