"""What each column may hold: one function per column that coerces what is safe and reports the rest.

They work on whole columns, and on the few distinct values of text columns, so a million rows take well under
a second. Every function returns the column (the same object if nothing had to change) and its problems.
"""

from __future__ import annotations

import datetime
import difflib
import re
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa

from gretel_fin_synth import _money
from gretel_fin_synth.schema._columns import AMOUNT, BALANCE, CREDIT, CUSTOMER, DEBIT, TYPE, TYPES
from gretel_fin_synth.schema._failures import Problem, of_column
from gretel_fin_synth.schema._guess import date_format, is_number, number_hint

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["inspect_amount", "inspect_balance", "inspect_date", "inspect_text", "inspect_type", "is_text"]

Column: TypeAlias = "pd.Series[Any]"
Inspected: TypeAlias = tuple[Column, list[Problem]]

_ISO = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?)?")
_SYNONYMS = {
    CREDIT: {"c", "cr", "+", "in", "income", "deposit", "haben", "incoming", "cred"},
    DEBIT: {"d", "dr", "-", "out", "expense", "withdrawal", "soll", "outgoing", "deb", "payment"},
}


def is_text(dtype: Any) -> bool:
    """Say whether a dtype can only hold text."""
    if isinstance(dtype, pd.ArrowDtype):
        kind = dtype.pyarrow_dtype
        return bool(
            pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
        )
    return isinstance(dtype, pd.StringDtype)


def inspect_text(column: Column) -> Inspected:
    """Ids and categories: text, neither missing nor blank; whole numbers become text."""
    name = str(column.name)
    text, problem = _as_text(column)
    if problem is not None:
        return column, [problem]
    if name == CUSTOMER:
        hint = f'frame[frame["{name}"].fillna("").str.strip() == ""] shows the rows; fill them, or drop them'
        hint += "; pandas.read_csv(path, dtype=str, keep_default_na=False) keeps ids like 'NA'"
    else:
        hint = (
            f'frame["{name}"] = frame["{name}"].astype(object).fillna("").str.strip().replace("", "unknown")'
        )

    def fault(value: Any) -> str | None:
        if not isinstance(value, str):
            return f"is {_article(value)}; write text, e.g. {str(value)!r}"
        return None if value.strip() else "is blank; every row needs a text"

    return text, _text_problems(text, fault, hint)


def inspect_type(column: Column) -> Inspected:
    """Types: exactly ``"credit"`` or ``"debit"``."""
    name = str(column.name)
    dtype = column.dtype
    if dtype.kind in "iufb" and not isinstance(dtype, pd.CategoricalDtype):
        hint = f'frame["{name}"] = frame["{name}"].map({{1: "credit", -1: "debit"}})'
        return column, [of_column(name, str(dtype), f"holds {dtype}; write 'credit' or 'debit'", hint)]
    text, problem = _as_text(column)
    if problem is not None:
        return column, [problem]

    def fault(value: Any) -> str | None:
        if isinstance(value, str) and value in TYPES:
            return None
        near = _near_type(value)
        return f"is not a type; write {near!r}" if near else "is not a type; write 'credit' or 'debit'"

    return text, _text_problems(text, fault, _type_hint(name, text))


def inspect_amount(column: Column, minor_units: int) -> Inspected:
    """Amounts: finite, above zero, at most `minor_units` decimals; the sign is in the type."""
    money, problems, codes = _inspect_money(column, minor_units, decimals=True)
    if codes is None:
        return money, problems
    numbers = f'pandas.to_numeric(frame["{AMOUNT}"])'
    zero, negative = np.flatnonzero(codes == 0), np.flatnonzero(codes < 0)
    if negative.size:
        values = column.iloc[negative].tolist()
        texts = [
            f"is negative; write {abs(value)!r} and put the sign into {TYPE!r} ('debit' takes money out)"
            for value in values
        ]
        hint = f'frame["{AMOUNT}"] = {numbers}.abs()  # if the types say which are debits'
        problems = [*problems, Problem(AMOUNT, negative, values, texts, hint)]
    if zero.size:
        texts = ["is zero; leave the row out, no money moved"] * zero.size
        hint = f"frame = frame[{numbers} != 0]"
        problems = [*problems, Problem(AMOUNT, zero, column.iloc[zero].tolist(), texts, hint)]
    return money, problems


def _type_hint(name: str, column: Column) -> str:
    """Return code that turns the words that stand in a column into the two types."""
    words = {value for value in column.tolist() if isinstance(value, str)}
    near = {word.strip().lower(): _near_type(word) for word in sorted(words)}
    meant = {word: kind for word, kind in near.items() if kind is not None and word != kind}
    code = f'frame["{name}"].str.strip().str.lower()'
    return f'frame["{name}"] = {code}' + (f".replace({meant!r})" if len(meant) else "")


def inspect_balance(column: Column, minor_units: int) -> Inspected:
    """Balances: finite numbers; how many decimals real ones have is theirs to know."""
    money, problems, _ = _inspect_money(column, minor_units, decimals=False)
    return money, problems


def inspect_date(column: Column) -> Inspected:
    """Dates and timestamps, all in one time zone or all without; ISO 8601 text becomes timestamps."""
    name = str(column.name)
    hint = f'frame["{name}"] = pandas.to_datetime(frame["{name}"], format="%d.%m.%Y")'
    if isinstance(column.dtype, pd.CategoricalDtype):
        plain, problems = inspect_date(column.astype(column.cat.categories.dtype))
        return (column, problems) if problems else (plain, [])
    if column.dtype.kind == "M" or _is_arrow_date(column.dtype):
        return column, _missing(column, name, hint)
    if not is_text(column.dtype) and column.dtype.kind != "O":
        text = f"holds {column.dtype}; dates, timestamps or ISO 8601 text are needed"
        hint = f'frame["{name}"] = pandas.to_datetime(frame["{name}"], unit="s") if it counts seconds'
        return column, [of_column(name, str(column.dtype), text, hint)]
    codes, uniques = pd.factorize(column)
    values = pd.Series(np.asarray(uniques, dtype=object), dtype=object)
    good = np.array([_is_date(value) for value in values], dtype=bool)
    problems = _missing(column, name, hint)
    if not good.all():
        guess = date_format(values[~good])
        hint = hint.replace("%d.%m.%Y", guess) if guess else hint
        return column, [*problems, _dates_problem(column, codes, good, hint)]
    zones = np.array([_zone(value) for value in values], dtype=object)
    if len(set(zones.tolist())) > 1:
        return column, [*problems, _zones_problem(column, codes, zones)]
    if problems:
        return column, problems
    return _parsed(column, values, codes, hint)


def _as_text(column: Column) -> tuple[Column, Problem | None]:
    """Text columns as they are, categories and whole numbers as text; else what is wrong with the column."""
    dtype, name = column.dtype, str(column.name)
    if isinstance(dtype, pd.CategoricalDtype):
        return _as_text(column.astype(dtype.categories.dtype))
    if isinstance(dtype, pd.ArrowDtype) and pa.types.is_dictionary(dtype.pyarrow_dtype):
        return _as_text(column.astype(pd.ArrowDtype(dtype.pyarrow_dtype.value_type)))
    if is_text(dtype):
        return column, None
    if dtype.kind == "O":
        if len(column) and pd.api.types.infer_dtype(column, skipna=False) == "integer":
            return column.astype(str), None
        return column, None
    if dtype.kind in "iu" and not column.isna().any():
        return column.astype(pd.ArrowDtype(pa.string()) if isinstance(dtype, pd.ArrowDtype) else str), None
    hint = f"pandas.read_csv(path, dtype={{{name!r}: str}}) keeps leading zeros and gaps as they are"
    return column, of_column(name, str(dtype), f"holds {dtype}; text is needed", hint)


def _text_problems(column: Column, fault: Callable[[Any], str | None], hint: str) -> list[Problem]:
    """Judge the distinct values of a column and report the rows of the bad ones."""
    name = str(column.name)
    problems = _missing(column, name, hint)
    codes: Any
    uniques: Any
    if column.dtype.kind == "O" and not (is_text(column.dtype) or _only_text(column)):
        # 1, 1.0 and True would fall together, and lists have no hash: judge every cell by itself.
        codes, uniques = np.where(column.isna(), -1, np.arange(len(column))), column.to_numpy(dtype=object)
    else:
        codes, uniques = pd.factorize(column)
    faults = [fault(value) for value in uniques]
    if any(text is not None for text in faults):
        bad = np.array([text is not None for text in faults] + [False])
        rows = np.flatnonzero(bad[codes]).astype(np.int64)
        texts = [str(faults[codes[row]]) for row in rows]
        problems.append(Problem(name, rows, column.iloc[rows].tolist(), texts, hint))
    return problems


def _missing(column: Column, name: str, hint: str) -> list[Problem]:
    rows = np.flatnonzero(column.isna().to_numpy(dtype=bool)).astype(np.int64)
    if not rows.size:
        return []
    return [
        Problem(name, rows, column.iloc[rows].tolist(), ["is missing; every row needs one"] * rows.size, hint)
    ]


def _article(value: Any) -> str:
    kind = type(value).__name__
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def _near_type(value: Any) -> str | None:
    """Guess which of the two types was meant."""
    if not isinstance(value, str):
        return None
    plain = value.strip().lower().rstrip(".")
    for word, synonyms in _SYNONYMS.items():
        if plain == word or plain in synonyms:
            return word
    near = difflib.get_close_matches(plain, TYPES, 1, 0.7)
    return near[0] if near else None


def _inspect_money(
    column: Column, minor_units: int, *, decimals: bool
) -> tuple[Column, list[Problem], np.ndarray[Any, Any] | None]:
    """Parse a column of money.

    Gives the coerced column, its problems, and its minor units (1 where there is a problem already) unless
    the column holds no numbers at all.
    """
    name, dtype = str(column.name), column.dtype
    if is_text(dtype) or dtype.kind in "bMm" or _only_text(column):
        cells = column.dropna().tolist()
        hint = number_hint(name, cells) or _not_numbers_hint(name, cells)
        held = "text" if is_text(dtype) or dtype.kind == "O" else str(dtype)
        odd = next((cell for cell in cells if not is_number(cell)), next(iter(cells), None))
        example = f", e.g. {odd!r}" if held == "text" and cells else ""
        return column, [of_column(name, held, f"holds {held}{example}; numbers are needed", hint)], None
    codes, faults = _money.parse_minor(column, minor_units)
    if not decimals:
        faults = np.where(faults == _money.DECIMALS, _money.OK, faults)
    problems = []
    for code in np.unique(faults[faults != _money.OK]).tolist():
        rows = np.flatnonzero(faults == code).astype(np.int64)
        texts = [_money.problem_text(code, minor_units)] * rows.size
        values = column.iloc[rows].tolist()
        hint = number_hint(name, values) or _money_hint(name, code, minor_units)
        problems.append(Problem(name, rows, values, texts, hint))
    if problems:
        return column, problems, np.where(faults == _money.OK, codes, 1)
    return _as_float(column, codes, minor_units, exact=decimals), [], codes


def _not_numbers_hint(name: str, cells: Sequence[Any]) -> str:
    """Return code that reads text as numbers; where that fails, code that shows what is none."""
    if all(is_number(cell) for cell in cells):
        return f'frame["{name}"] = pandas.to_numeric(frame["{name}"])'
    return f'frame[pandas.to_numeric(frame["{name}"], errors="coerce").isna()] shows the rows'


def _money_hint(name: str, code: int, minor_units: int) -> str:
    numbers = f'pandas.to_numeric(frame["{name}"])'
    if code == _money.DECIMALS:
        return f'frame["{name}"] = {numbers}.round({minor_units})  # or another minor_units='
    if code == _money.MISSING and name == BALANCE:
        return f'frame = frame.drop(columns="{BALANCE}"), or reconstruct_balance(frame) to make them anew'
    if code == _money.TOO_LARGE:
        return f'frame["{name}"] = {numbers} / 10**{minor_units}  # if it is in minor units'
    return f'frame = frame[numpy.isfinite(pandas.to_numeric(frame["{name}"], errors="coerce"))]'


def _as_float(column: Column, codes: Any, minor_units: int, *, exact: bool) -> Column:
    """Return the column as 64-bit floats, each the nearest to its decimal literal if `exact`."""
    dtype = column.dtype
    target: Any = np.dtype(np.float64)
    if isinstance(dtype, pd.ArrowDtype):
        target = pd.ArrowDtype(pa.float64())
    elif isinstance(dtype, pd.Float64Dtype):
        target = dtype
    if not exact:
        if dtype == target:
            return column
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
        return _series(values, column, target)
    amounts = _money.from_minor(codes, minor_units)
    if dtype == target and np.array_equal(column.to_numpy(dtype=np.float64), amounts):
        return column
    return _series(amounts, column, target)


def _series(values: Any, like: Column, dtype: Any) -> Column:
    made: Column = pd.Series(values, index=like.index, name=like.name, dtype=dtype)
    return made


def _only_text(column: Column) -> bool:
    return bool(column.dtype.kind == "O" and pd.api.types.infer_dtype(column, skipna=True) == "string")


def _is_arrow_date(dtype: Any) -> bool:
    if not isinstance(dtype, pd.ArrowDtype):
        return False
    kind = dtype.pyarrow_dtype
    return bool(pa.types.is_date(kind) or pa.types.is_timestamp(kind))


def _is_date(value: Any) -> bool:
    """Say whether one value is a date; text has to be ISO 8601 and to exist in the calendar."""
    if isinstance(value, (datetime.date, np.datetime64)):
        return True
    if not isinstance(value, str) or _ISO.fullmatch(value) is None:
        return False
    try:
        datetime.datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _zone(value: Any) -> str:
    """Offset from UTC as text, empty for local times."""
    if isinstance(value, str):
        value = datetime.datetime.fromisoformat(value)
    zone = getattr(value, "tzinfo", None)
    if zone is None:
        return ""
    return str(getattr(zone, "key", None) or value.strftime("%z"))


def _dates_problem(column: Column, codes: Any, good: Any, hint: str) -> Problem:
    rows = np.flatnonzero(~np.append(good, True)[codes]).astype(np.int64)
    values = column.iloc[rows].tolist()
    texts = [
        "is no date; write ISO 8601, e.g. '2024-03-31' or '2024-03-31T12:00:00'"
        if isinstance(value, str)
        else f"is {_article(value)}, no date; write a date, a timestamp or ISO 8601 text"
        for value in values
    ]
    return Problem(str(column.name), rows, values, texts, hint)


def _zones_problem(column: Column, codes: Any, zones: Any) -> Problem:
    """Report the rows whose time zone is not that of the first row that has a date."""
    name = str(column.name)
    zone = np.append(zones, zones[0])[codes]
    rows = np.flatnonzero(zone != zones[0]).astype(np.int64)
    first = zones[0] or "no time zone"
    texts = [
        f"has {zone[row] or 'no time zone'}, other rows {first}; write all in one time zone" for row in rows
    ]
    hint = f'frame["{name}"] = pandas.to_datetime(frame["{name}"], utc=True).dt.tz_localize(None)'
    return Problem(name, rows, column.iloc[rows].tolist(), texts, hint)


def _parsed(column: Column, values: Column, codes: Any, hint: str) -> Inspected:
    """Turn distinct values that all are dates of one time zone into timestamps."""
    try:
        parsed = _to_datetime(values)
    except (ValueError, OverflowError):
        good = np.array([_fits(value) for value in values], dtype=bool)
        return column, [_dates_problem(column, codes, good, hint)]
    dates = pd.Series(parsed.take(codes), index=column.index, name=column.name)
    if isinstance(column.dtype, pd.ArrowDtype):
        dates = dates.astype(pd.ArrowDtype(pa.array(dates).type))
    return dates, []


def _to_datetime(values: Column) -> pd.DatetimeIndex:
    """Timestamps of the resolution that pandas gives ISO text, or a finer one."""
    usual = pd.DatetimeIndex(pd.to_datetime(["2000-01-01"], format="ISO8601"))
    if not len(values):
        return usual[:0]
    if all(isinstance(value, str) for value in values):
        return pd.DatetimeIndex(pd.to_datetime(values, format="ISO8601"))
    index = pd.DatetimeIndex([pd.Timestamp(value) for value in values])
    return index.as_unit(usual.unit) if index.unit in ("s", "ms") else index


def _fits(value: Any) -> bool:
    try:
        return not pd.isna(pd.DatetimeIndex([pd.Timestamp(value)])[0])
    except (ValueError, OverflowError):
        return False
