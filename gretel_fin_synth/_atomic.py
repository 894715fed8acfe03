"""Files and folders that appear whole or not at all.

Everything is written beside its place and moved there once it is complete, so that an interrupted or failed
run leaves what stood there before, and nothing half-written.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from gretel_fin_synth.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

__all__ = ["check_replaceable", "new_file", "new_files"]


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Give a path to write to; when the block ends without an error it becomes `path`.

    Parameters
    ----------
    path : Path
        Where the file shall be; missing folders are made. A file that stands there is replaced.

    Yields
    ------
    Path
        A path that does not exist, in the same folder.

    Raises
    ------
    ParameterError
        If `path` is something that is not a plain file, such as a folder or a device.
    """
    if path.exists() and not path.is_file():
        msg = (
            f"{str(path)!r} is not a plain file.\n\nHint: give the path of a file, which need not exist yet."
        )
        raise ParameterError(msg)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    try:
        yield beside
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


@contextmanager
def new_files(folder: Path, *, whole: Collection[str] = ()) -> Iterator[Path]:
    """Give an empty folder to fill; when the block ends without an error its content moves into `folder`.

    Other content of `folder` stays. If one of the moves fails, those made before it are undone; signals
    wait until the last move is made.

    Parameters
    ----------
    folder : Path
        Where the content shall be; made if missing.
    whole : collection of str, optional
        Names of direct subfolders that replace as a whole what stands in their place, not file by file.

    Yields
    ------
    Path
        An empty folder, hidden inside `folder`, removed at the end.
    """
    folder.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=".partial-", dir=folder))
    staged = work / "new"
    staged.mkdir()
    try:
        yield staged
        with _signals_held():
            _move_all(staged, folder, aside=work / "previous", whole=whole)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def check_replaceable(folder: Path, *, marker: str) -> None:
    """Refuse a folder whose content is not ours to replace as a whole.

    Parameters
    ----------
    folder : Path
        A folder that :func:`new_files` shall replace.
    marker : str
        The name of a file that only our folders have.

    Raises
    ------
    ParameterError
        If `folder` is a file, or a folder that is neither empty nor has `marker`.
    """
    if not folder.exists():
        return
    if folder.is_dir() and ((folder / marker).is_file() or not any(folder.iterdir())):
        return
    what = "holds other files than a saved model" if folder.is_dir() else "is not a folder"
    msg = f"{str(folder)!r} {what}, and would be replaced.\n\nHint: give a folder that does not exist yet."
    raise ParameterError(msg)


def _move_all(staged: Path, folder: Path, *, aside: Path, whole: Collection[str]) -> None:
    """Move every unit of `staged` into `folder`, or none."""
    begun: list[tuple[Path, Path]] = []
    try:
        for unit in _units(staged, whole):
            place, kept = folder / unit, aside / unit
            place.parent.mkdir(parents=True, exist_ok=True)
            kept.parent.mkdir(parents=True, exist_ok=True)
            _set_aside(place, kept)
            begun.append((place, kept))
            os.replace(staged / unit, place)
    except BaseException:
        for place, kept in reversed(begun):
            _put_back(place, kept)
        raise


def _units(staged: Path, whole: Collection[str]) -> list[Path]:
    """Give what moves in one step: the folders in `whole`, and every file outside them."""
    folders = [Path(name) for name in whole if (staged / name).is_dir()]
    files = [
        path.relative_to(staged)
        for path in sorted(staged.rglob("*"))
        if path.is_file() and path.relative_to(staged).parts[0] not in whole
    ]
    return files + folders


def _set_aside(place: Path, kept: Path) -> None:
    """Keep what stands there: a file by a second name, its place is never empty; a folder by a move."""
    if place.is_dir() and not place.is_symlink():
        os.replace(place, kept)
    elif os.path.lexists(place):
        try:
            os.link(place, kept, follow_symlinks=False)
        except OSError:  # a file system without hard links
            os.replace(place, kept)


def _put_back(place: Path, kept: Path) -> None:
    """Undo one move: what was set aside stands in `place` again, or nothing if nothing stood there."""
    if os.path.lexists(kept):
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        os.replace(kept, place)
    elif place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)


@contextmanager
def _signals_held() -> Iterator[None]:
    """Let an interruption wait until the block has ended."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    waiting: list[int] = []
    held = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda number, _: waiting.append(number)) for number in held}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
    if waiting:
        signal.raise_signal(signal.Signals(waiting[0]))
