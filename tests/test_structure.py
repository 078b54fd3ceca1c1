"""Guards of the layout: each of these has a reason in docs/adr/."""

from __future__ import annotations

import ast
import configparser
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
ROOMS = ("datasets", "label_config", "training", "tools")
MAY_IMPORT = {
    "tools": {"training", "label_config", "datasets"},
    "training": {"datasets"},
    "label_config": {"datasets"},
    "datasets": set(),
}


def _modules() -> list[Path]:
    return sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))


def test_setup_cfg_lists_every_package_on_disk() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    listed = set(config["options"]["packages"].split())
    folders = {path.parent for path in _modules()} | {ROOT / "datasets" / "recipes"}
    assert listed == {"labelloop"} | {"labelloop." + ".".join(folder.relative_to(ROOT).parts) for folder in folders}


def test_the_folder_datasets_does_not_shadow_hugging_face(tmp_path: Path) -> None:
    """Cleanlab imports Hugging Face's `datasets`, and fails silently when it gets ours."""
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "__init__.py").write_text("REAL = True\n")
    code = f"import sys; sys.path.append({str(tmp_path)!r}); import datasets; print(datasets.REAL)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "True", done.stderr
    assert not (ROOT / "datasets" / "__init__.py").exists()


def test_imports_point_one_way() -> None:
    wrong: list[str] = []
    for path in _modules():
        room = path.relative_to(ROOT).parts[0]
        depth = len(path.relative_to(ROOT).parts)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.ImportFrom):
                continue
            assert not (node.module or "").startswith("labelloop"), f"{path}: imports inside are relative"
            if node.level == depth and node.module:
                other = node.module.split(".")[0]
                if other in ROOMS and other != room and other not in MAY_IMPORT[room]:
                    wrong.append(f"{path.relative_to(ROOT)} imports {other}")
    assert not wrong


def test_no_file_is_a_god_file() -> None:
    long = [(path, count) for path in _modules() if (count := len(path.read_text(encoding="utf-8").splitlines())) > 400]
    assert not long


def test_help_needs_no_heavy_library() -> None:
    heavy = ("numpy", "cv2", "torch", "tensorflow", "fiftyone", "ultralytics", "albumentations", "label_studio_sdk",
             "cleanlab", "polars", "deltalake", "PIL", "joblib", "rich")  # fmt: skip
    code = f"""
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {heavy!r}:
            raise ImportError(name)
sys.meta_path.insert(0, Refuse())
sys.argv = ["labelloop", "--help"]
from labelloop.tools.cli import main
main()
"""
    done = subprocess.run([sys.executable, "-c", code], cwd="/", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "check" in done.stdout


def test_the_project_speaks_of_itself_alone() -> None:
    for path in [
        *_modules(),
        ROOT / "README.md",
        ROOT / "CHANGELOG.md",
        ROOT / "CONTRIBUTING.md",
        *sorted((ROOT / "docs").rglob("*.md")),
    ]:
        text = path.read_text(encoding="utf-8")
        assert "/work/" not in text, path
