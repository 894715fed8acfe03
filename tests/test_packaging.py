"""What surrounds the package agrees with it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

import gretel_fin_synth as fs

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def test_the_version_is_semantic_and_said_once() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", fs.__version__)
    assert metadata.version("gretel-fin-synth") == fs.__version__
    assert "version" in PROJECT["dynamic"]


def test_the_licence_is_whole_and_the_types_are_shipped() -> None:
    licence = (ROOT / "LICENSE").read_text()
    assert "Apache License" in licence
    assert "END OF TERMS AND CONDITIONS" in licence
    assert (ROOT / "gretel_fin_synth" / "py.typed").exists()


def test_the_core_needs_no_backend() -> None:
    core = {re.split(r"[\[><=]", requirement)[0] for requirement in PROJECT["dependencies"]}
    assert not core & {"torch", "gretel-client", "polars", "duckdb", "pyspark", "hypothesis", "pytest"}
    extras = PROJECT["optional-dependencies"]
    assert {"local", "gretel", "polars", "duckdb", "spark", "docs", "test"} <= set(extras)
    assert extras["gretel"] == ["gretel-client>=0.30.1,<0.31"]


def test_the_first_screen_has_the_two_commands() -> None:
    first_screen = (ROOT / "README.md").read_text().splitlines()[:40]
    assert any(line.startswith("$ make demo") for line in first_screen)
    assert any(line.startswith("$ make test") for line in first_screen)


def test_the_readme_shows_the_example_that_is_run() -> None:
    shown = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL)
    assert shown is not None
    code = (ROOT / "examples" / "quickstart.py").read_text()
    assert code.split('"""\n\n', maxsplit=1)[1] == shown.group(1)


def test_the_changelog_has_the_section_that_changes_go_into() -> None:
    assert "\n## [Unreleased]\n" in (ROOT / "CHANGELOG.md").read_text()


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", ".ci/run"])
def test_every_make_command_that_is_written_about_exists(document: str) -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    text = (ROOT / document).read_text()
    for words in re.findall(r"\bmake ((?:--\S+ )?[a-z0-9-]+(?: [a-z-]+)*)", text):
        spoken = [word for word in words.split() if not word.startswith("--")]
        assert spoken[0] in targets, words


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(
        ["make", *arguments], cwd=folder, env=clean, capture_output=True, text=True, check=False
    )


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Give a folder with the Makefile, the requirements, and an environment whose pip only notes calls."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, folder)
    program(folder / ".venv" / "bin" / "python", 'if [ "$2" = pip ]; then echo "$@" >> pip-calls; fi')
    program(folder / ".venv" / "bin" / "gretel-fin-synth", 'echo "ran $@"')
    return folder


@needs_make
def test_an_old_python_is_named_with_what_to_type(checkout: Path) -> None:
    old = program(checkout / "python3.9", 'if [ "$1" = -c ]; then exit 1; fi; echo "Python 3.9.18"')
    done = make(checkout, "demo", f"PYTHON={old}")
    assert done.returncode != 0
    assert f"gretel_fin_synth needs Python 3.11 or later; '{old}' is Python 3.9.18." in done.stderr
    assert "Hint: make demo PYTHON=python3.11" in done.stderr


@needs_make
def test_an_environment_is_filled_once_and_again_when_the_requirements_change(checkout: Path) -> None:
    python = f"PYTHON={program(checkout / 'python3', 'true')}"
    for _ in range(2):
        done = make(checkout, "demo", python)
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[-1] == "ran run --output output"
    calls = (checkout / "pip-calls").read_text().splitlines()
    assert len(calls) == 1
    assert "-c constraints.txt -e .[local]" in calls[0]

    later = (checkout / ".venv" / ".with-local").stat().st_mtime + 5
    os.utime(checkout / "constraints.txt", (later, later))
    assert "Installing" in make(checkout, "demo", python).stdout
    assert len((checkout / "pip-calls").read_text().splitlines()) == 2


@needs_make
def test_an_environment_that_is_missing_is_made(checkout: Path) -> None:
    shutil.rmtree(checkout / ".venv")
    venv = 'if [ "$2" = venv ]; then mkdir -p .venv/bin; cp "$0" .venv/bin/python; fi'
    done = make(checkout, ".venv/.with-local", f"PYTHON={program(checkout / 'python3', venv)}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Making the virtual environment .venv\nInstalling")


@needs_make
def test_a_failed_installation_shows_why_and_is_tried_again(checkout: Path) -> None:
    program(checkout / ".venv" / "bin" / "python", 'if [ "$2" = pip ]; then echo "No matching"; exit 1; fi')
    python = program(checkout / "python3", "true")
    for _ in range(2):
        done = make(checkout, "test", f"PYTHON={python}")
        assert done.returncode != 0
        assert "No matching" in done.stderr
