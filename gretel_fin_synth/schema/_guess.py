"""What cells that cannot be read probably mean, so that a hint is code for these cells."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["date_format", "number_hint"]

_DATE = re.compile(r"\s*(\d{1,4})([./\- ])(\d{1,2})\2(\d{2,4})(?:[ T](\d{1,2}:\d{2})(:\d{2})?)?\s*")
_THOUSANDS = re.compile(r"\s*[-+]?\d{1,3}(,\d{3})+(\.\d+)?\s*")
_COMMA = re.compile(r"\s*[-+]?\d+(\.\d{3})*,\d+\s*")
_LOOKED_AT = 10_000


def date_format(values: Iterable[Any]) -> str | None:
    """Return the format of dates such as 31.12.2024 or 12/31/24, None if there is none that fits all.

    Where days and months cannot be told apart, the day comes first.

    Examples
    --------
    >>> date_format(["03/04/2024", "03/31/2024"])
    '%m/%d/%Y'
    >>> date_format(["3.4.24 09:15"])
    '%d.%m.%y %H:%M'
    """
    found = [_DATE.fullmatch(value) for value in list(values)[:_LOOKED_AT] if isinstance(value, str)]
    if not found or None in found:
        return None
    parts = [match.groups() for match in found if match is not None]
    shapes = {(mark, len(year) > 2, bool(clock), bool(seconds)) for _, mark, _, year, clock, seconds in parts}
    first, second = (max(int(part[place]) for part in parts) for place in (0, 2))
    if len(shapes) != 1 or first > 31 or second > 31 or min(first, second) > 12:
        return None
    mark, long, clock, seconds = shapes.pop()
    days = ("%m", "%d") if second > 12 else ("%d", "%m")
    time = f" %H:%M{':%S' if seconds else ''}" if clock else ""
    return mark.join([*days, "%Y" if long else "%y"]) + time


def number_hint(name: str, values: Iterable[Any]) -> str | None:
    """Return code that reads numbers with separators, None if the values have none.

    Examples
    --------
    >>> number_hint("amount", ["1,234.50"])
    'frame["amount"] = pandas.to_numeric(frame["amount"].str.replace(",", ""))'
    """
    texts = [value for value in list(values)[:_LOOKED_AT] if isinstance(value, str)]
    column = f'frame["{name}"].str'
    if any(_THOUSANDS.fullmatch(text) for text in texts) and not any(map(_only_comma, texts)):
        return f'frame["{name}"] = pandas.to_numeric({column}.replace(",", ""))'
    if any(_COMMA.fullmatch(text) for text in texts):
        plain = f'{column}.replace(".", "").str.replace(",", ".")'
        return f'frame["{name}"] = pandas.to_numeric({plain})'
    return None


def _only_comma(text: str) -> bool:
    """Say whether a comma can only be a decimal one."""
    return bool(_COMMA.fullmatch(text)) and not _THOUSANDS.fullmatch(text)
