"""What an extra column may hold: four kinds that backends know, and others that are read into one of them."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from gretel_fin_synth.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    Convert = Callable[[pd.Series[Any]], pd.Series[Any]]

__all__ = ["KINDS", "ColumnKind", "Kind", "base_of", "check_kind", "own_kind", "register_column_kind"]

Kind = Literal["category", "number", "datetime", "constant"]
KINDS: tuple[str, ...] = get_args(Kind)


@dataclass(frozen=True)
class ColumnKind:
    """A kind that was added: the one it rests on, and the way there and back."""

    base: str
    read: Convert
    write: Convert


_KINDS: dict[str, ColumnKind] = {}


def register_column_kind(name: str, *, base: Kind, read: Convert, write: Convert) -> None:
    """Add a kind of extra columns, for values that are none of the four kinds as they stand.

    Backends learn what `read` makes of a column, as the kind `base`, and `write` turns what they draw into
    the form of the table again. So it works with every backend, and with a guarantee of privacy too.

    Parameters
    ----------
    name : str
        What users write as ``ExtraColumn("...", kind=name)``; a kind that was added before is replaced.
    base : {"category", "number", "datetime", "constant"}
        As what the column is learned.
    read : callable
        From the column to values of the kind `base`, row by row: a Series of the same length and index. What
        cannot be read becomes missing, and is reported with its row and value unless it was missing before.
    write : callable
        From such values, missing ones included, back to the form of the column.

    Raises
    ------
    ParameterError
        If the name is taken by one of the four or is no text, the base is none of them, or a function cannot
        be called.

    Notes
    -----
    A saved model knows the kind by its name: register it before ``load``, and in worker processes.

    Examples
    --------
    >>> import pandas as pd
    >>> from gretel_fin_synth import ExtraColumn, register_column_kind
    >>> register_column_kind(
    ...     "yes or no",
    ...     base="category",
    ...     read=lambda column: column.map({"y": True, "n": False}),
    ...     write=lambda column: column.map({True: "y", False: "n"}),
    ... )
    >>> ExtraColumn("contactless", kind="yes or no")
    ExtraColumn(name='contactless', kind='yes or no')
    """
    hint = "\n\nHint: register_column_kind('duration', base='number', read=to_minutes, write=to_text)"
    if not isinstance(name, str) or not name.strip() or name in KINDS:
        msg = f"{name!r} can't be the name of a kind of columns: it must be text, and none of {KINDS}.{hint}"
        raise ParameterError(msg)
    if base not in KINDS:
        msg = f"kind {name!r} has the base {base!r}; allowed are {', '.join(KINDS)}.{hint}"
        raise ParameterError(msg)
    for what, function in (("read", read), ("write", write)):
        if not callable(function):
            msg = f"kind {name!r} has {what}={function!r}, which can't be called.{hint}"
            raise ParameterError(msg)
    _KINDS[name] = ColumnKind(base, read, write)


def check_kind(column: str, kind: object) -> None:
    """Refuse a kind that is neither one of the four nor was added."""
    if kind in KINDS or kind in _KINDS:
        return
    known = (*KINDS, *_KINDS)
    near = difflib.get_close_matches(str(kind), known, 1, 0.0)
    msg = f"extra column {column!r} has the kind {kind!r}; allowed are {', '.join(known)}.\n\n"
    raise ParameterError(
        f"{msg}Hint: ExtraColumn({column!r}, kind={near[0]!r}), or register_column_kind({kind!r}, ...)"
    )


def own_kind(kind: str) -> ColumnKind | None:
    """Return a kind that was added, None for one of the four."""
    if kind in KINDS:
        return None
    check_kind("of a model", kind)
    return _KINDS[kind]


def base_of(kind: str) -> str:
    """Return the one of the four kinds as which a column is learned."""
    own = own_kind(kind)
    return kind if own is None else own.base
