"""Money as integers: exact conversion to and from minor units (cents), and the running balance over them.

Between minor units and the nearest double of their decimal literal nothing is lost as long as the number
of minor units stays below ``LIMIT``: the product with the power of ten is then less than half a unit off,
and no two numbers share a double. Larger amounts are refused rather than blurred.
"""

from __future__ import annotations

from decimal import Context, Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from gretel_fin_synth._chunks import whole_numpy
from gretel_fin_synth._cores import in_blocks
from gretel_fin_synth.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = [
    "LIMIT",
    "OK",
    "check_minor_units",
    "from_minor",
    "largest",
    "parse_minor",
    "problem_text",
    "running_balance",
    "to_minor",
    "too_large",
]

LIMIT = 2**50
"""Largest number of minor units (11 trillion in major units of two decimals) that is read from floats.

The double nearest to c / 10**k is off by at most 2**-53 of it, the product with 10**k by another half
unit in the last place: together under 0.2 minor units below 2**50, so that rounding always finds c again.
"""

# Every whole number up to here is a float64.
_WHOLE_FLOATS = 2**53

MAX_MINOR_UNITS = 8

# Codes of what can be wrong with a cell that should hold money; 0 means that nothing is.
OK, MISSING, INFINITE, DECIMALS, TOO_LARGE, NOT_A_NUMBER = range(6)

# How far, in minor units, a float may lie from a whole number and still count as its binary image: enough for
# sums that were carried out in floats, far below the 0.1 of a third decimal.
_SLACK = 1e-6
_MAX_SLACK = 0.05

# A Decimal with more decimals than this is cut before it is turned into a fraction of huge integers.
_MOST_DECIMALS = 60
_WIDE = Context(prec=_MOST_DECIMALS + 20)


def check_minor_units(minor_units: int) -> int:
    """Return `minor_units` if it is a whole number that works, else raise ``ParameterError``."""
    is_whole = isinstance(minor_units, (int, np.integer)) and not isinstance(minor_units, bool)
    if not is_whole or not 0 <= minor_units <= MAX_MINOR_UNITS:
        msg = (
            f"minor_units is {minor_units!r}; it is the number of decimals of the currency, a whole number "
            f"from 0 to {MAX_MINOR_UNITS}.\n\n"
            "Hint: minor_units=2 for euros and dollars, minor_units=0 for yen"
        )
        raise ParameterError(msg)
    return int(minor_units)


def largest(minor_units: int) -> float:
    """Return the largest amount that is accepted, in major units."""
    return float(LIMIT / 10**minor_units)


def problem_text(code: int, minor_units: int) -> str:
    """Say in words what `code` (as :func:`parse_minor` gives it) means."""
    decimals = "a whole number" if minor_units == 0 else f"at most {minor_units} decimals"
    return {
        MISSING: "is missing; every row needs a number",
        INFINITE: "is not finite; write a number",
        DECIMALS: f"has too many decimals; write {decimals}, e.g. with .round({minor_units})",
        TOO_LARGE: f"is beyond {largest(minor_units):,.{minor_units}f}, the most that is exact in floats",
        NOT_A_NUMBER: "is not a number; write an int, a float or a Decimal",
    }[code]


def parse_minor(values: Any, minor_units: int = 2) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
    """Convert amounts to whole minor units and say for each what is wrong with it.

    Parameters
    ----------
    values : array-like of shape (n,)
        Numbers in major units: floats, integers, ``Decimal``; numpy arrays, lists and pandas Series of any
        numeric dtype (nullable and pyarrow-backed ones too). Text and booleans are not numbers.
    minor_units : int, default 2
        Decimals of the currency.

    Returns
    -------
    codes : ndarray of int64, shape (n,)
        Minor units. Where there are too many decimals, the nearest whole number; 0 at other problems.
    problems : ndarray of int8, shape (n,)
        0 (``OK``) or the code of a problem.
    """
    array = _plain_array(values)
    if array.dtype.kind in "iu":
        return _parse_integers(array, minor_units)
    if array.dtype.kind == "f":
        return _parse_floats(array, minor_units)
    return _parse_objects(array, minor_units)


def to_minor(values: Any, minor_units: int = 2) -> NDArray[np.int64]:
    """Convert amounts to whole minor units, exactly.

    Parameters
    ----------
    values : array-like of shape (n,)
        See :func:`parse_minor`.
    minor_units : int, default 2
        Decimals of the currency.

    Returns
    -------
    ndarray of int64, shape (n,)

    Raises
    ------
    ParameterError
        If a value is missing, infinite, no number, has more than `minor_units` decimals or is too large. The
        message has the positions.

    Examples
    --------
    >>> from gretel_fin_synth._money import to_minor
    >>> to_minor([12.3, 0.1 + 0.2, 7])
    array([1230,   30,  700])
    """
    minor_units = check_minor_units(minor_units)
    codes, problems = parse_minor(values, minor_units)
    bad = np.flatnonzero(problems)
    if bad.size:
        shown = _plain_array(values)[bad[:5]].tolist()
        lines = [
            f"  position {position}: {value!r} {problem_text(int(problems[position]), minor_units)}"
            for position, value in zip(bad.tolist(), shown, strict=False)
        ]
        more = [f"  ... and {bad.size - 5} more"] if bad.size > 5 else []
        hint = f"Hint: values = np.round(values, {minor_units}) if the rest is noise"
        raise ParameterError("\n".join([f"{bad.size} of {len(codes)} amounts:", *lines, *more, "", hint]))
    return codes


def from_minor(codes: NDArray[np.int64], minor_units: int = 2) -> NDArray[np.float64]:
    """Convert minor units to the doubles that their decimal literals have.

    Parameters
    ----------
    codes : ndarray of int64, shape (n,)
        Minor units.
    minor_units : int, default 2
        Decimals of the currency.

    Returns
    -------
    ndarray of float64, shape (n,)
        Correctly rounded also beyond 2**53, where neighbours may coincide.

    Examples
    --------
    >>> import numpy as np
    >>> from gretel_fin_synth._money import from_minor
    >>> from_minor(np.array([30, -1230])).tolist()
    [0.3, -12.3]
    """
    codes = np.asarray(codes, dtype=np.int64)
    amounts = np.empty(codes.shape, dtype=np.float64)

    def convert(rows: slice) -> None:
        part = codes[rows]
        np.true_divide(part, 10**minor_units, out=amounts[rows])
        if _farthest(part) > _WHOLE_FLOATS:
            for position in np.flatnonzero((part > _WHOLE_FLOATS) | (part < -_WHOLE_FLOATS)):
                amounts[rows.start + position] = int(part[position]) / 10**minor_units

    in_blocks(codes.size, convert)
    return amounts


def _farthest(codes: NDArray[np.int64]) -> int:
    """Distance from zero of the number that is the farthest from it."""
    return max(int(codes.max(initial=0)), -int(codes.min(initial=0)))


def running_balance(
    signed: NDArray[np.int64], starts: NDArray[np.int64], opening: NDArray[np.int64] | int
) -> NDArray[np.int64]:
    """Compute running balances of customers whose rows lie one after the other, in one pass.

    Parameters
    ----------
    signed : ndarray of int64, shape (n,)
        Signed amounts in minor units, the rows of each customer together and in their order.
    starts : ndarray of int64, shape (m,)
        Position of the first row of each customer, increasing, the first 0.
    opening : ndarray of int64, shape (m,), or int
        Minor units before the first row.

    Returns
    -------
    ndarray of int64, shape (n,)
        Balance after each row, in minor units.

    Raises
    ------
    ParameterError
        If a balance leaves the range in which floats hold every minor unit.

    Notes
    -----
    One cumulative sum over the whole table, less what it was before each customer. Sums that pass 2**63 on
    the way wrap around and cancel in the difference; only a single customer's own sum must stay in range,
    which is checked in floats first.
    """
    if not signed.size:
        return np.empty(0, dtype=np.int64)
    lengths = np.full(starts.size, signed.size, dtype=np.int64)  # np.diff takes longer for few customers
    lengths[:-1] = starts[1:]
    lengths -= starts
    _check_range(signed, starts, opening)
    balance = np.cumsum(signed)
    base = balance[starts] - signed[starts] - opening
    balance -= np.repeat(base, lengths)
    if _farthest(balance) > LIMIT:
        raise too_large()
    return balance


def _check_range(
    signed: NDArray[np.int64], starts: NDArray[np.int64], opening: NDArray[np.int64] | int
) -> None:
    """Refuse sums of one customer that could wrap around."""
    if _farthest(signed) * signed.size < 2**62 and int(np.max(np.abs(opening), initial=0)) <= LIMIT:
        return
    moved = np.add.reduceat(np.abs(signed).astype(np.float64), starts) + np.abs(opening)
    if float(moved.max()) > 2.0**62:
        raise too_large()


def too_large(customer: Any = None) -> ParameterError:
    """Make the error of a balance that a float cannot hold."""
    whose = "" if customer is None else f" of customer {customer!r}"
    return ParameterError(
        f"a running balance{whose} passes {LIMIT} minor units, where floats lose track of the last one.\n\n"
        "Hint: are the amounts already in minor units? Then divide them, or use minor_units=0"
    )


def _plain_array(values: Any) -> NDArray[Any]:
    """Return a numpy array of integers, floats or objects; missing values as NaN or None."""
    if isinstance(values, pd.Series):
        return _plain_series(values)
    if isinstance(values, np.ndarray):
        return values.astype(object) if values.dtype.kind not in "iufO" else values
    return _plain_series(pd.Series(list(values), dtype=object).infer_objects())


def _plain_series(series: pd.Series[Any]) -> NDArray[Any]:
    if isinstance(series.dtype, np.dtype) and series.dtype.kind in "iufO":
        return series.to_numpy()
    kind = series.dtype.kind
    if isinstance(series.dtype, pd.ArrowDtype) and kind == "f" and not series.hasnans:
        return whole_numpy(pa.array(series))
    if isinstance(series.dtype, pd.CategoricalDtype):
        return _plain_series(series.astype(series.cat.categories.dtype))
    if kind in "iuf":
        if series.hasnans or kind == "f":
            width = getattr(series.dtype, "itemsize", 8) if kind == "f" else 8
            return series.to_numpy(dtype=np.dtype(f"f{width}"), na_value=np.nan)
        return series.to_numpy(dtype=np.dtype(f"{kind}8"))
    return series.to_numpy(dtype=object)


def _parse_integers(array: NDArray[Any], minor_units: int) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
    scale, bound = 10**minor_units, LIMIT // 10**minor_units
    problems = np.zeros(array.size, dtype=np.int8)
    if array.size and (int(array.max()) > bound or int(array.min()) < -bound):
        outside = array > bound
        if array.dtype.kind == "i":
            outside |= array < -bound
        problems[outside] = TOO_LARGE
        array = np.where(outside, 0, array)
    return array.astype(np.int64) * scale, problems


def _parse_floats(values: NDArray[Any], minor_units: int) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
    codes = np.empty(values.size, dtype=np.int64)
    problems = np.zeros(values.size, dtype=np.int8)

    def parse(rows: slice) -> None:
        if not _are_plain(values[rows], minor_units, codes[rows]):
            codes[rows], problems[rows] = _parse_any_floats(values[rows], minor_units)

    in_blocks(values.size, parse)
    return codes, problems


def _are_plain(values: NDArray[Any], minor_units: int, codes: NDArray[np.int64]) -> bool:
    """Fill in the minor units of floats, and say whether each is the double of its decimal literal."""
    if values.dtype != np.float64:
        return False
    scale = float(10**minor_units)
    with np.errstate(over="ignore", invalid="ignore"):
        nearest = values * scale
        np.rint(nearest, out=nearest)
        if not (nearest / scale == values).all() or not -LIMIT <= nearest.min() <= nearest.max() <= LIMIT:
            return False
    codes[...] = nearest
    return True


def _parse_any_floats(values: NDArray[Any], minor_units: int) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
    scale, array = 10**minor_units, values.astype(np.float64, copy=False)
    with np.errstate(over="ignore", invalid="ignore"):
        nearest = np.rint(array * scale)
        exact = (nearest / scale).astype(values.dtype, copy=False) == values
        problems = np.zeros(array.size, dtype=np.int8)
        if not exact.all():
            spread = np.minimum(_SLACK + 8 * np.spacing(np.abs(array * scale)), _MAX_SLACK)
            problems[~exact & ~(np.abs(array * scale - nearest) <= spread)] = DECIMALS
        problems[np.abs(nearest) > LIMIT] = TOO_LARGE
        problems[np.isinf(array)] = INFINITE
        problems[np.isnan(array)] = MISSING
    keep = (problems == OK) | (problems == DECIMALS)
    return np.where(keep, nearest, 0.0).astype(np.int64), problems


def _parse_objects(array: Sequence[Any] | NDArray[Any], minor_units: int) -> tuple[Any, NDArray[np.int8]]:
    codes = np.zeros(len(array), dtype=np.int64)
    problems = np.zeros(len(array), dtype=np.int8)
    for position, value in enumerate(array):
        codes[position], problems[position] = _parse_one(value, minor_units)
    return codes, problems


def _parse_one(value: Any, minor_units: int) -> tuple[int, int]:
    if value is None or value is pd.NA or value is pd.NaT:
        return 0, MISSING
    if isinstance(value, (bool, np.bool_)):
        return 0, NOT_A_NUMBER
    if isinstance(value, Decimal):
        return _parse_decimal(value, minor_units)
    if isinstance(value, (int, np.integer)):
        whole = int(value) * 10**minor_units
        return (whole, OK) if abs(whole) <= LIMIT else (0, TOO_LARGE)
    if isinstance(value, (float, np.floating)):
        codes, problems = _parse_floats(np.array([value], dtype=np.float64), minor_units)
        return int(codes[0]), int(problems[0])
    return 0, NOT_A_NUMBER


def _parse_decimal(value: Decimal, minor_units: int) -> tuple[int, int]:
    if not value.is_finite():
        return 0, MISSING if value.is_nan() else INFINITE
    if value.copy_abs() > LIMIT:
        return 0, TOO_LARGE
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -_MOST_DECIMALS:
        cut = value.quantize(Decimal(1).scaleb(-_MOST_DECIMALS), context=_WIDE)
        if cut != value:
            return round(cut * 10**minor_units), DECIMALS
        value = cut
    numerator, denominator = value.as_integer_ratio()
    whole, rest = divmod(numerator * 10**minor_units, denominator)
    whole += 2 * rest > denominator
    if abs(whole) > LIMIT:
        return 0, TOO_LARGE
    return whole, DECIMALS if rest else OK
