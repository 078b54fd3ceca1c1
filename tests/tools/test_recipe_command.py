"""`labelloop recipe`: what it prints, asks and writes."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.recipe import parse_recipe, read_recipe
from labelloop.tools.commands import recipe as module
from tests.datasets.json_sources import draw, nested, truths


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Jsons of an unknown schema beside their images."""
    return draw(tmp_path / "photos", truths(), nested)


def run(*arguments: str | Path, answers: str | None = None) -> Result:
    return CliRunner().invoke(module.command, [str(each) for each in arguments], input=answers)


def test_the_proposal_goes_to_stdout_and_the_reasons_to_stderr(source: Path) -> None:
    result = run(source)
    assert result.exit_code == 0
    assert parse_recipe(result.stdout).format == "jsons"
    for part in ("Why:", "geometry: `bbox` read as xyxy", "shot000.jpg", "It reads: images 14 labelled"):
        assert part in result.stderr


def test_nothing_is_written_unless_a_file_is_named(source: Path, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    run(source, "--yes")
    assert sorted(tmp_path.rglob("*")) == before
    target = tmp_path / "mine.yaml"
    assert run(source, "--yes", "--save", target).exit_code == 0
    assert read_recipe(str(target)).fields["geometry"] == "bbox"


def test_yes_replaces_no_file(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "mine.yaml"
    target.write_text("mine")
    result = run(source, "--yes", "--save", target)
    assert isinstance(result.exception, LabelloopError)
    assert target.read_text() == "mine"


def test_one_json_object(source: Path) -> None:
    result = run(source, "--json")
    answer = orjson.loads(result.stdout)
    assert result.stderr == ""
    assert answer["recipe"]["classes"] == ["cat", "dog", "owl"]
    assert answer["preview"]["images"] == {"labelled": 14}
    assert len(answer["preview"]["samples"]) == 5
    assert answer["saved"] is None


def test_findings_that_stop_an_import_exit_with_1(source: Path) -> None:
    (source / "shot003.json").write_text("{")
    result = run(source, "--yes")
    assert result.exit_code == 1
    assert "shot003.json" in result.stderr


def test_in_a_terminal_it_asks_and_asks_again(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "is_terminal", lambda: True)
    target = tmp_path / "mine.yaml"
    fields = ["", "", "", "oval", "", ""]  # kind: oval is refused, so all fields are asked again
    again = ["", "", "", "xyxy", "", ""]
    rest = ["owl, dog, cat", "([", r"shot(\d\d)", "-", "negative", str(target)]
    result = run(source, answers="\n".join([*fields, *again, *rest]) + "\n")
    assert result.exit_code == 0, result.output
    recipe = read_recipe(str(target))
    assert recipe.classes == ("owl", "dog", "cat")
    assert recipe.group == (r"shot(\d\d)",)
    assert recipe.agree == ()
    assert recipe.missing == "negative"
    assert "received 'oval'" in result.stderr
    assert "received '(['" in result.stderr


def test_in_a_terminal_a_file_is_replaced_when_you_say_so(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "is_terminal", lambda: True)
    target = tmp_path / "mine.yaml"
    target.write_text("mine")
    enters = [""] * 10
    assert isinstance(run(source, "--save", target, answers="\n".join([*enters, "n"]) + "\n").exception, LabelloopError)
    assert target.read_text() == "mine"
    assert run(source, "--save", target, answers="\n".join([*enters, "y"]) + "\n").exit_code == 0
    assert read_recipe(str(target)).classes == ("cat", "dog", "owl")


def test_control_characters_in_names_do_not_reach_the_terminal(tmp_path: Path) -> None:
    images = [each._replace(key=f"\x1b[31m{each.key}") for each in truths()]
    result = run(draw(tmp_path / "photos", images, nested))
    assert "\x1b" not in result.stderr
    assert "\\x1b[31mshot000.jpg" in result.stderr


def test_a_source_that_is_no_folder_is_a_usage_error(tmp_path: Path) -> None:
    assert run(tmp_path / "nothing").exit_code == 2


def test_the_help_ends_with_an_example() -> None:
    text = run("--help").stdout.partition("Options:")[0].rstrip()
    assert text.endswith("labelloop check photos --recipe photos.yaml")
