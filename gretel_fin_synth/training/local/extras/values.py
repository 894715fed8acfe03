"""Distinct values of a column with their type, and arrays made of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from gretel_fin_synth.training.local.extras.counting import Counted

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Values:
    """Values that may be generated.

    Parameters
    ----------
    items : ndarray of shape (values,)
        Of the dtype of the column: truth values, numbers, dates; objects for text and mixtures.
    nullable : bool
        Whether missing values may occur, which decides the dtype of what is made.
    """

    items: npt.NDArray[Any]
    nullable: bool

    def __len__(self) -> int:
        """Return the number of values."""
        return len(self.items)

    def make(self, code: IntArray) -> Any:
        """Return the values of codes; a code below 0 or above the values is a missing value.

        Returns
        -------
        array of shape (n,)
            Of the column's dtype; where missing values may occur, truth values and whole numbers come as
            pandas' nullable arrays and text comes with None.
        """
        missing = (code < 0) | (code >= len(self.items))
        if not len(self.items):
            return np.full(len(code), None, dtype=object)
        out = self.items[np.where(missing, 0, code)]
        if not self.nullable:
            return out
        if out.dtype.kind == "b":
            return pd.arrays.BooleanArray(out, missing)
        if out.dtype.kind in "iu":
            return pd.arrays.IntegerArray(out, missing)
        out[missing] = _NOTHING.get(out.dtype.kind)
        return out

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON; dates as whole numbers of their unit."""
        dated = self.items.dtype.kind in "mM"
        items = self.items.view(np.int64) if dated else self.items
        return {"items": items.tolist(), "dtype": self.items.dtype.str, "nullable": self.nullable}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Values:
        """Inverse of :meth:`to_dict`."""
        dtype = np.dtype(values["dtype"])
        if dtype.kind == "O":
            items = np.empty(len(values["items"]), dtype=object)
            items[:] = values["items"]
        else:
            items = np.array(values["items"], np.int64 if dtype.kind in "mM" else dtype).astype(dtype)
        return cls(items, values["nullable"])


_NOTHING = {"f": np.nan, "c": np.nan, "m": np.timedelta64("NaT", "ns"), "M": np.datetime64("NaT", "ns")}


def code_values(column: pd.Series[Any]) -> tuple[IntArray, npt.NDArray[Any]]:
    """Return a code for each cell (-1 for a missing one) and the distinct values, in a fixed order."""
    codes, found = pd.factorize(column, use_na_sentinel=True)
    items = _plain(found)
    order = np.array(sorted(range(len(items)), key=lambda i: _sort_key(items[i])), np.int64)
    place = np.empty(len(items) + 1, np.int64)
    place[order], place[-1] = np.arange(len(items)), -1
    return place[codes], items[order]


def shared_first(
    code: IntArray, items: npt.NDArray[Any], person: IntArray, k: int
) -> tuple[IntArray, npt.NDArray[Any], int]:
    """Renumber values so that those of at least k customers come first, in their order.

    Returns
    -------
    code : ndarray of shape (n,)
        The new codes; -1 stays.
    items : ndarray
        All values in the new order.
    n_kept : int
        How many of them k customers have.
    """
    present = code >= 0
    holders = np.zeros(len(items), np.int64)
    found = Counted.of(person[present], code[present])
    holders[code[present][found.first()]] = found.holders()
    order = np.argsort(holders < k, kind="stable")
    place = np.empty(len(items) + 1, np.int64)
    place[order], place[-1] = np.arange(len(items)), -1
    return place[code], items[order], int((holders >= k).sum())


def _plain(found: Any) -> npt.NDArray[Any]:
    """Turn distinct values into numpy; whatever JSON cannot hold becomes text."""
    dtype = found.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return _plain(found.categories.take(found.codes))
    if pd.api.types.is_bool_dtype(dtype):
        return np.asarray(found, dtype=np.bool_)
    if isinstance(dtype, np.dtype) and dtype.kind in "iufmM":
        return np.asarray(found)
    numpy_dtype = getattr(dtype, "numpy_dtype", None)
    if isinstance(numpy_dtype, np.dtype) and numpy_dtype.kind in "iuf":
        return np.asarray(found, dtype=numpy_dtype)
    items = np.empty(len(found), dtype=object)
    items[:] = [value if isinstance(value, (str, bool, int, float)) else str(value) for value in found]
    return items


def _sort_key(value: Any) -> tuple[str, Any]:
    return (type(value).__name__, value)
