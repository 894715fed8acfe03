"""Columns as the text of a CSV file, and back, whatever the file went through on its way.

Programs that read CSV files turn ``007`` into 7 and ``NA`` into nothing. What comes back is therefore
compared with what was in the table, also in the forms that such programs give it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from gretel_fin_synth._money import parse_minor

__all__ = ["Decoded", "Field", "encode", "plain_number"]

Role = Literal["text", "number", "datetime", "money"]
NOTHING = frozenset({"", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "none", "n/a", "<NA>"})

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Decoded:
    """A column that came back: its cells, and which of them can be used."""

    cells: Any
    sound: BoolArray


@dataclass(frozen=True)
class Field:
    """A column of the table that is sent.

    Parameters
    ----------
    name : str
        Its name.
    role : {"text", "number", "datetime", "money"}
        How it is written.
    dtype : str
        Its dtype in the training table.
    values : tuple of str
        What a column of text holds.
    missing : bool
        Whether cells are missing in it.
    """

    name: str
    role: Role
    dtype: str
    values: tuple[str, ...] = ()
    missing: bool = False

    @classmethod
    def of(cls, column: pd.Series[Any], role: Role) -> Field:
        """Describe a column."""
        dtype = "str" if isinstance(column.dtype, pd.CategoricalDtype) else str(column.dtype)
        values: tuple[str, ...] = ()
        if role == "text":
            values = tuple(sorted({_as_text(value) for value in column.dropna().unique()}))
        return cls(str(column.name), role, dtype, values, bool(column.isna().any()))

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {**asdict(self), "values": list(self.values)}

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Field:
        """Inverse of :meth:`to_dict`."""
        return cls(**{**plain, "values": tuple(plain["values"])})

    def decode(self, texts: pd.Series[str], minor_units: int) -> Decoded:
        """Read a column that came back.

        Parameters
        ----------
        texts : pandas.Series of str
            Its cells, empty for missing.
        minor_units : int
            Decimals of the currency, for money.
        """
        if self.role == "money":
            return _money(texts, minor_units)
        if self.role == "number":
            return self._numbers(texts)
        if self.role == "datetime":
            return self._dates(texts)
        return self._texts(texts)

    def _numbers(self, texts: pd.Series[str]) -> Decoded:
        numbers = pd.to_numeric(texts, errors="coerce").to_numpy(dtype=np.float64)
        empty = texts.isin(NOTHING).to_numpy()
        sound = np.isfinite(numbers) | (empty & self.missing)
        if self.dtype.startswith(("int", "uint")):
            whole = np.where(np.isfinite(numbers), np.rint(numbers), 0)
            return Decoded(whole.astype(self.dtype), sound & np.isfinite(numbers))
        return Decoded(np.where(np.isfinite(numbers), numbers, np.nan), sound)

    def _dates(self, texts: pd.Series[str]) -> Decoded:
        dates = pd.to_datetime(texts.where(texts != "", None), errors="coerce", format="ISO8601")
        sound = dates.notna().to_numpy() | ((texts == "").to_numpy() & self.missing)
        if dates.dt.tz is not None:
            dates = dates.dt.tz_localize(None)
        dtype: Any = self.dtype if self.dtype.startswith("datetime64") else "datetime64[ns]"
        return Decoded(dates.astype(dtype), sound)

    def _texts(self, texts: pd.Series[str]) -> Decoded:
        known = self._forms()
        found = [known.get(text) for text in texts]
        sound = np.array([value is not None for value in found], dtype=bool)
        if self.missing:
            sound = sound | (texts == "").to_numpy(dtype=bool)
        return Decoded(_from_text(found, self.dtype), sound)

    def _forms(self) -> dict[str, str]:
        """From the forms that a value may come back in to the value; forms of two values are of none."""
        forms: dict[str, str | None] = {}
        for value in self.values:
            for form in {value.strip(), plain_number(value), f"{plain_number(value)}.0"} - {value}:
                forms[form] = None if form in forms else value
        nothing = [value for value in self.values if value in NOTHING]
        if len(nothing) == 1 and not self.missing:
            forms[""] = nothing[0]
        return {form: value for form, value in forms.items() if value is not None} | {
            value: value for value in self.values
        }


def encode(column: pd.Series[Any], role: Role, minor_units: int) -> pd.Series[str]:
    """Write a column as text; missing cells are empty."""
    empty = column.isna().to_numpy()
    if role == "money":
        texts = [f"{value:.{minor_units}f}" for value in column.to_numpy(dtype=np.float64)]
    elif role == "datetime":
        dates = column.astype("datetime64[ns]")
        whole = (dates.dropna() == dates.dropna().dt.normalize()).all()
        texts = [
            "" if pd.isna(date) else date.strftime("%Y-%m-%d") if whole else date.isoformat(sep=" ")
            for date in dates
        ]
    elif role == "number":
        texts = ["" if gone else repr(_plain(value)) for value, gone in zip(column, empty, strict=True)]
    else:
        texts = ["" if gone else _as_text(value) for value, gone in zip(column, empty, strict=True)]
    return pd.Series(texts, index=column.index, dtype=object, name=column.name)


def plain_number(text: str) -> str:
    """Return the form that a program gives a text which it takes for a whole number; others as they are."""
    digits = text.strip()
    return str(int(digits)) if digits.isascii() and digits.isdigit() else digits


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else str(_plain(value))


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) and not isinstance(value, np.datetime64) else value


def _from_text(texts: list[str | None], dtype: str) -> Any:
    """Give text the dtype that it had in the table; what does not take it stays text."""
    gone = any(text is None for text in texts)
    kind: Any = dtype
    if dtype == "bool":
        flags = [None if text is None else text == "True" for text in texts]
        return pd.array(flags, dtype="boolean" if gone else "bool")
    if dtype.startswith(("int", "uint", "float", "Int", "UInt", "Float", "datetime64")):
        kept = pd.Series([text if text is not None else None for text in texts], dtype=object)
        if dtype.startswith("datetime64"):
            return pd.to_datetime(kept, errors="coerce").astype(kind).array
        numbers = pd.to_numeric(kept, errors="coerce")
        return numbers.array if gone else numbers.astype(kind).array
    return pd.Series(texts, dtype="str" if not gone else None).array


def _money(texts: pd.Series[str], minor_units: int) -> Decoded:
    numbers = pd.to_numeric(texts, errors="coerce").to_numpy(dtype=np.float64)
    codes, problems = parse_minor(numbers, minor_units)
    return Decoded(codes, np.isfinite(numbers) & (problems == 0))
