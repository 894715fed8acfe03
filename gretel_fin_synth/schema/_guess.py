"""What cells that cannot be read probably mean, so that a hint is code for these cells."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["date_format", "is_number", "number_hint"]

_DATE = re.compile(r"\s*(\d{1,4})([./\- ])(\d{1,2})\2(\d{2,4})(?:[ T](\d{1,2}:\d{2})(:\d{2})?)?\s*")
_THOUSANDS = re.compile(r"\s*[-+]?\d{1,3}(,\d{3})+(\.\d+)?\s*")
_COMMA = re.compile(r"\s*[-+]?\d+(\.\d{3})*,\d+\s*")
_MARK = re.compile(r"[\s'\u2019$€£¥₹]|EUR|USD|GBP|CHF|CZK|PLN|SEK|NOK|DKK")
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
    r"""Return code that reads numbers with separators or signs of a currency, None if the values have none.

    Examples
    --------
    >>> number_hint("amount", ["1,234.50"])
    'frame["amount"] = pandas.to_numeric(frame["amount"].str.replace(",", ""))'
    >>> number_hint("amount", ["$12.50"])
    'frame["amount"] = pandas.to_numeric(frame["amount"].str.replace(r"\\$", "", regex=True))'
    """
    texts = [value.strip() for value in list(values)[:_LOOKED_AT] if isinstance(value, str)]
    column = f'frame["{name}"].str'
    marks = sorted({r"\s" if mark.isspace() else re.escape(mark) for t in texts for mark in _MARK.findall(t)})
    if marks:
        column += f""".replace(r"{"|".join(marks)}", "", regex=True).str"""
        texts = [_MARK.sub("", text) for text in texts]
        if all(map(is_number, texts)):
            return f'frame["{name}"] = pandas.to_numeric({column.removesuffix(".str")})'
    if any(_THOUSANDS.fullmatch(text) for text in texts) and not any(map(_only_comma, texts)):
        return f'frame["{name}"] = pandas.to_numeric({column}.replace(",", ""))'
    if any(_COMMA.fullmatch(text) for text in texts):
        plain = f'{column}.replace(".", "").str.replace(",", ".")'
        return f'frame["{name}"] = pandas.to_numeric({plain})'
    return None


def is_number(value: Any) -> bool:
    """Say whether a cell is a number as it stands, or an empty cell."""
    if not isinstance(value, str) or not value.strip():
        return True
    try:
        float(value)
    except ValueError:
        return False
    return "_" not in value


def _only_comma(text: str) -> bool:
    """Say whether a comma can only be a decimal one."""
    return bool(_COMMA.fullmatch(text)) and not _THOUSANDS.fullmatch(text)
