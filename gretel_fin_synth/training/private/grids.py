"""Public grids: cells that are the same for every table, and so cost nothing."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

#: Months from 1900 to 2199, as the schema allows them.
N_EPOCH_MONTHS = 12 * 300
FIRST_EPOCH_MONTH = -12 * 70

PER_DECADE = 12
AMOUNT_BINS = PER_DECADE * 13
#: Rows of a customer: few cells, because the less they are spread, the less noise hides them.
COUNT_EDGES = 2.0 ** np.arange(1, 15)
PACE_EDGES = np.geomspace(0.5, 200, 36)
MONEY_EDGES = 10 ** np.arange(2, 12.01, 1 / 6)
N_MONEY = 2 * len(MONEY_EDGES) + 3
#: What is left of all income, in incomes of a month: even steps around 0, and even ratios far from it.
LEFT_STEPS = np.arange(-7.0, 7.01, 0.25)
LEFT_UNIT = 0.1
FLOW_SHAPE = (len(MONEY_EDGES) + 1, len(LEFT_STEPS) + 1)
#: Income by halves of a decade, and where what is left is cut, to see whether those who earn more save more.
INCOME_STEP = 3
THRIFT = np.searchsorted(LEFT_STEPS, np.arcsinh(np.array([-1.0, -0.3, 0.0, 0.3, 1.0, 2.5]) / LEFT_UNIT))
THRIFT_SHAPE = (-(-FLOW_SHAPE[0] // INCOME_STEP), len(THRIFT) + 1)
SPREAD_EDGES = np.array([0.01, 0.05, 0.12, 0.25, 0.45, 0.7, 1.0, 1.5])
SPREADS = np.array([0.003, 0.03, 0.08, 0.18, 0.35, 0.57, 0.85, 1.25, 1.8])
GAP_EDGES = np.array([1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 18, 22, 27, 33, 45, 65, 100])
LAG_EDGES = np.array([0, 1, 2, 4, 7, 12])
LAG_LOW = np.array([0, 1, 2, 3, 5, 8, 13])
LAG_HIGH = np.array([0, 1, 2, 4, 7, 12, 24])
#: Standard deviation of balances, in mean sizes of payments.
SWING_EDGES = np.geomspace(0.2, 50, 24)
BELOW_EDGES = np.array([0.0, 0.05, 0.2, 0.5])

#: Rows a month of kinds that come monthly, and of the others.
MANY_EDGES = np.array([1.25, 2.5, 4.5, 8.0])
RATE_EDGES = np.array([0.15, 0.3, 0.6, 0.9, 1.4, 2.5])
N_MANY = len(MANY_EDGES) + 1
N_RATES = len(RATE_EDGES) + 1
#: Monthly, by whether the amount comes back (3), and the day, nearly (1) or as it is (2); then the others, by
#: whether amounts do.
DAY_SORTS = 3
MONTHLY = 2 * DAY_SORTS
N_SORTS = MONTHLY + 2

#: Classes of roundness, coarsest first: multiples of a number of minor units, endings, everything else.
ROUND = (
    (100_000, 0),
    (10_000, 0),
    (5_000, 0),
    (1_000, 0),
    (500, 0),
    (100, 0),
    (100, 99),
    (100, 50),
    (100, 90),
    (100, 95),
    (10, 0),
    (1, 0),
)
STEPS = np.array([step for step, _ in ROUND])
RESTS = np.array([rest for _, rest in ROUND])


def round_class(cents: IntArray) -> IntArray:
    """Return the coarsest class of each amount.

    Examples
    --------
    >>> round_class(np.array([200_000, 1999, 1234])).tolist()
    [0, 6, 11]
    """
    out = np.full(len(cents), len(ROUND) - 1)
    for index in range(len(ROUND) - 2, -1, -1):
        step, rest = ROUND[index]
        out[cents % step == rest] = index
    return out


def amount_bin(cents: IntArray) -> IntArray:
    """Return the cell of each amount on a logarithmic grid."""
    cell = np.floor(np.log10(np.maximum(cents, 1)) * PER_DECADE + 1e-9).astype(np.int64)
    return np.clip(cell, 0, AMOUNT_BINS - 1)


def money_bin(cents: IntArray) -> IntArray:
    """Return the cell of amounts of either sign, of N_MONEY; zero has one of its own, in the middle."""
    middle = N_MONEY // 2
    size = 1 + np.searchsorted(MONEY_EDGES, np.abs(cents))
    return middle + np.sign(cents) * size


def left_cell(left: FloatArray) -> IntArray:
    """Return the cell of what is left, in incomes of a month."""
    return np.searchsorted(LEFT_STEPS, np.arcsinh(left / LEFT_UNIT))


def left_of(cell: IntArray, rng: np.random.Generator) -> FloatArray:
    """Draw what is left from cells."""
    ends = np.r_[LEFT_STEPS[0] - 0.25, LEFT_STEPS, LEFT_STEPS[-1] + 0.25]
    place = ends[cell] + rng.random(len(cell)) * (ends[cell + 1] - ends[cell])
    return np.asarray(LEFT_UNIT * np.sinh(place))


def thrift_cell(income: IntArray, left: IntArray) -> IntArray:
    """Return the coarse cell of cells of income and of what is left of it."""
    return income // INCOME_STEP * THRIFT_SHAPE[1] + np.searchsorted(THRIFT, left, side="right")


def between(
    edges: FloatArray, cell: IntArray, low: float, high: float, rng: np.random.Generator
) -> FloatArray:
    """Draw numbers from cells between edges, as likely as any other on the logarithmic scale."""
    ends = np.log(np.r_[low, edges, high])
    return np.asarray(np.exp(ends[cell] + rng.random(len(cell)) * (ends[cell + 1] - ends[cell])))
