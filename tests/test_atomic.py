"""What is written appears whole or not at all."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from gretel_fin_synth import _atomic
from gretel_fin_synth._atomic import check_replaceable, new_file, new_files
from gretel_fin_synth.errors import ParameterError

if TYPE_CHECKING:
    from pathlib import Path


def tree(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def fill(folder: Path, word: str) -> None:
    for name in ("data/a.csv", "data/b.csv", "report/r.html", "model/weights", f"model/only_{word}"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(word)


def test_a_new_file_replaces_the_old_one_at_the_end(tmp_path: Path) -> None:
    place = tmp_path / "deep" / "table.csv"
    with new_file(place) as beside:
        assert beside.parent == place.parent
        beside.write_text("old")
    with new_file(place) as beside:
        beside.write_text("new")
        assert place.read_text() == "old"
    assert tree(tmp_path) == {"deep/table.csv": "new"}


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, ValueError])
def test_an_interrupted_file_leaves_the_old_one(tmp_path: Path, error: type[BaseException]) -> None:
    place = tmp_path / "table.csv"
    place.write_text("old")

    def write() -> None:
        with new_file(place) as beside:
            beside.write_text("half")
            raise error

    with pytest.raises(error):
        write()
    assert tree(tmp_path) == {"table.csv": "old"}


def test_a_new_file_refuses_the_place_of_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="is not a plain file"), new_file(tmp_path):
        pass


def test_a_new_file_has_the_permissions_that_the_user_asks_for(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_text("")
    with new_file(tmp_path / "table.csv") as beside:
        beside.write_text("")
    assert (tmp_path / "table.csv").stat().st_mode == plain.stat().st_mode


def test_new_files_replace_files_one_by_one_and_folders_as_a_whole(tmp_path: Path) -> None:
    fill(tmp_path, "old")
    (tmp_path / "data" / "mine.txt").write_text("mine")
    with new_files(tmp_path, whole=["model"]) as folder:
        fill(folder, "new")
    assert tree(tmp_path) == {
        "data/a.csv": "new",
        "data/b.csv": "new",
        "data/mine.txt": "mine",
        "model/only_new": "new",
        "model/weights": "new",
        "report/r.html": "new",
    }


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, ValueError])
def test_interrupted_new_files_leave_the_old_ones(tmp_path: Path, error: type[BaseException]) -> None:
    fill(tmp_path, "old")
    before = tree(tmp_path)

    def write() -> None:
        with new_files(tmp_path, whole=["model"]) as folder:
            fill(folder, "new")
            raise error

    with pytest.raises(error):
        write()
    assert tree(tmp_path) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "model", "report"]


@pytest.mark.parametrize("stood", [True, False])
@pytest.mark.parametrize("links", [True, False])
@pytest.mark.parametrize("nth", range(8))
def test_a_move_that_fails_undoes_those_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nth: int, links: bool, stood: bool
) -> None:
    if stood:
        fill(tmp_path, "old")
    before, calls, replace = tree(tmp_path), iter(range(100)), os.replace

    def failing(source: Path, target: Path) -> None:
        if next(calls) == nth:
            raise OSError(28, "No space left on device")
        replace(source, target)

    def no_links(*_: object, **__: object) -> None:
        raise OSError(95, "Operation not supported")

    if not links:
        monkeypatch.setattr(os, "link", no_links)
    monkeypatch.setattr(os, "replace", failing)
    failed = False
    try:
        with new_files(tmp_path, whole=["model"]) as folder:
            fill(folder, "new")
    except OSError:
        failed = True
    monkeypatch.undo()
    moves = (
        4 + (stood and 1) + (0 if links or not stood else 3)
    )  # into place, the folder aside, the files aside
    assert failed is (nth < moves)
    if failed:
        assert tree(tmp_path) == before
    else:
        assert set(tree(tmp_path).values()) == {"new"}


def test_an_interruption_waits_until_everything_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path, "old")
    replace = os.replace

    def interrupted(source: Path, target: Path) -> None:
        signal.raise_signal(signal.SIGINT)
        replace(source, target)

    monkeypatch.setattr(_atomic.os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt), new_files(tmp_path, whole=["model"]) as folder:
        fill(folder, "new")
    assert set(tree(tmp_path).values()) == {"new"}


def test_only_our_own_folders_are_replaced(tmp_path: Path) -> None:
    model = tmp_path / "model"
    check_replaceable(model, marker="mark")
    model.mkdir()
    check_replaceable(model, marker="mark")
    (model / "thesis.tex").write_text("years of work")
    with pytest.raises(ParameterError, match="holds other files than a saved model"):
        check_replaceable(model, marker="mark")
    (model / "mark").write_text("")
    check_replaceable(model, marker="mark")
    with pytest.raises(ParameterError, match="is not a folder"):
        check_replaceable(model / "mark", marker="mark")
