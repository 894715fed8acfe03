"""The README says of peers what the benchmarks say, and its pictures and links are there."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_table_of_peers_is_that_of_the_benchmarks() -> None:
    spec = importlib.util.spec_from_file_location("readme", ROOT / "benchmarks" / "readme.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.renewed(README) == README, "python benchmarks/readme.py renews it"
    assert "this library" in module.peers()


def test_a_package_index_shows_no_link_that_leads_nowhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    hook = project["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]
    assert hook["fragments"] == [{"path": "README.md"}]
    shown = README
    for change in hook["substitutions"]:
        shown = re.sub(change["pattern"], change["replacement"], shown)
    nowhere = re.compile(r"\]\((?!https?://)[^)]*\)")
    assert nowhere.findall(README)
    assert not nowhere.findall(shown)
    assert "one page of pandas to copy (`docs/how_to/use_your_own_table.md`)" in shown
    assert len(shown.splitlines()) > len(README.splitlines()) - 5


def test_anchors_within_the_readme_are_headings() -> None:
    headings = {
        line.lstrip("# ").lower().replace(" ", "-") for line in README.splitlines() if line[:1] == "#"
    }
    anchors = re.findall(r"\]\(#([^)]+)\)", README)
    assert anchors
    assert set(anchors) <= headings


def test_every_file_that_is_linked_is_there() -> None:
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", README)
    assert len(targets) > 5
    for target in targets:
        assert (ROOT / target).exists(), target


def test_pictures_are_small() -> None:
    pictures = list((ROOT / "docs" / "_static").iterdir())
    assert sum(picture.stat().st_size for picture in pictures) < 1_000_000
    assert (ROOT / "docs" / "_static" / "report.png").stat().st_size < 200_000
