"""The file beside a backend's own that says what a saved synthesizer is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gretel_fin_synth._secrets import Secret, is_secret
from gretel_fin_synth.errors import ParameterError

if TYPE_CHECKING:
    from os import PathLike

FORMAT = 3
STATE = "synthesizer.json"


def folder_for(directory: str | PathLike[str]) -> Path:
    """Return the folder to write into; refuse a file."""
    folder = Path(directory)
    if folder.exists() and not folder.is_dir():
        msg = f"{str(directory)!r} is a file.\n\nHint: give the path of a folder, which need not exist yet"
        raise ParameterError(msg)
    return folder


def plain_options(options: dict[str, Any]) -> dict[str, Any]:
    """Return options as they will be read back from JSON; refuse what JSON cannot hold."""
    plain: dict[str, Any] = {}
    for name, value in options.items():
        if is_secret(name) or isinstance(value, Secret):
            continue
        try:
            plain[name] = json.loads(json.dumps(value, default=_number))
        except (TypeError, ValueError) as error:
            msg = f"option {name}={value!r} cannot be saved: {error}.\n\nHint: give numbers, text or lists"
            raise ParameterError(msg) from error
    return plain


def _number(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    msg = f"a {type(value).__name__} has no place in JSON"
    raise TypeError(msg)


def read_state(folder: Path) -> dict[str, Any]:
    """Read the file that says what is saved in the folder."""
    try:
        state = json.loads((folder / STATE).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        msg = f"{str(folder)!r} holds no saved synthesizer.\n\nHint: give the folder that save() wrote"
        raise ParameterError(msg) from error
    found = state.get("format") if isinstance(state, dict) else None
    if found != FORMAT:
        msg = (
            f"{str(folder)!r} holds a model of format {found!r}, and this version reads format {FORMAT}."
            "\n\nHint: fit again, or install the version that wrote it"
        )
        raise ParameterError(msg)
    return dict(state)
