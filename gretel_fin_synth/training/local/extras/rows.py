"""The transactions that extra columns belong to, and what of them a column may depend on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gretel_fin_synth.training.local.extras.counting import Counted, count_distinct, dense, lower_quantiles

if TYPE_CHECKING:
    from gretel_fin_synth.training.local.examples import Sequences

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

COLUMN = "column:"  # begins the names of contexts that are columns of the table
SECONDS = 86_400
WEEK = 7
N_QUANTILES = 8
MAX_EXACT = 16
MIN_SHARE = 0.01


@dataclass(frozen=True)
class Rows:
    """Transactions, customers contiguous and each in chronological order.

    Parameters
    ----------
    kind, customer : ndarray of shape (n,)
        Codes of the kind of transaction and of the customer.
    day : ndarray of shape (n,)
        Days since `first`.
    cents : ndarray of shape (n,)
        Amounts in minor units, above 0.
    seconds : ndarray of shape (n,)
        Seconds since midnight.
    first : numpy.datetime64
        Date of day 0.
    n_kinds : int
        Number of kinds of transactions.
    """

    kind: IntArray
    customer: IntArray
    day: IntArray
    cents: IntArray
    seconds: IntArray
    first: np.datetime64
    n_kinds: int

    @classmethod
    def of(cls, data: Sequences, seconds: IntArray, first: np.datetime64, n_kinds: int) -> Rows:
        """Return the rows of sequences of customers."""
        customer = data.customer
        return cls(data.kind, customer, data.day, data.cents, seconds, first, n_kinds)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.kind)

    @cached_property
    def person(self) -> IntArray:
        """Customers renumbered 0, 1, ... in the order of their codes."""
        return dense(self.customer)[0]

    @cached_property
    def n_customers(self) -> int:
        """Number of customers."""
        return int(self.person.max(initial=-1)) + 1

    @property
    def moment(self) -> IntArray:
        """Seconds since midnight of day 0."""
        return self.day * SECONDS + self.seconds

    def take(self, chosen: BoolArray) -> Rows:
        """Return some of the rows."""
        return Rows(
            self.kind[chosen],
            self.customer[chosen],
            self.day[chosen],
            self.cents[chosen],
            self.seconds[chosen],
            self.first,
            self.n_kinds,
        )


class Context(NamedTuple):
    """What a column may depend on: a code for each row, from 0 to ``size`` - 1."""

    code: IntArray
    size: int


Contexts = dict[str, Context]


def take_contexts(contexts: Contexts, chosen: BoolArray) -> Contexts:
    """Return the contexts of some of the rows."""
    return {name: Context(context.code[chosen], context.size) for name, context in contexts.items()}


@dataclass(frozen=True)
class AmountBins:
    """Bins of the amounts of each kind: exact values that many customers share, and quantiles.

    Parameters
    ----------
    edges : tuple of ndarray
        One sorted array per kind, in minor units; a bin holds what lies from one edge up to the next.
    """

    edges: tuple[IntArray, ...]

    @classmethod
    def fit(cls, rows: Rows, k: int) -> AmountBins:
        """Learn the bins; an exact value needs k customers, a quantile k customers below and above."""
        edges = []
        for kind in range(rows.n_kinds):
            here = rows.kind == kind
            edges.append(_edges(rows.cents[here], rows.person[here], k))
        return cls(tuple(edges))

    def context(self, rows: Rows) -> Context:
        """Return the bin of each row's amount in its kind."""
        size = max((len(edges) for edges in self.edges), default=0) + 1
        code = np.zeros(len(rows), np.int64)
        order = np.argsort(rows.kind, kind="stable")
        bounds = np.searchsorted(rows.kind[order], np.arange(rows.n_kinds + 1))
        for kind, edges in enumerate(self.edges):
            here = order[bounds[kind] : bounds[kind + 1]]
            code[here] = np.searchsorted(edges, rows.cents[here], side="right")
        return Context(code, size)

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists, for JSON."""
        return {"edges": [edges.tolist() for edges in self.edges]}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> AmountBins:
        """Inverse of :meth:`to_dict`."""
        return cls(tuple(np.array(edges, np.int64) for edges in values["edges"]))


def row_contexts(rows: Rows, bins: AmountBins) -> Contexts:
    """Return what every table has: the bin of the amount and the day of the week."""
    return {"amount": bins.context(rows), "weekday": Context(rows.day % WEEK, WEEK)}


def _edges(cents: IntArray, person: IntArray, k: int) -> IntArray:
    if not len(cents):
        return np.zeros(0, np.int64)
    found = Counted.of(person, cents)
    values, count = cents[found.first()], found.size()
    shared = np.flatnonzero((found.holders() >= k) & (count >= MIN_SHARE * len(cents)))
    exact = values[shared[np.argsort(-count[shared], kind="stable")][:MAX_EXACT]]
    n_customers = count_distinct(person)
    n_quantiles = int(np.clip(n_customers // (2 * k), 1, N_QUANTILES))
    quantiles = lower_quantiles(cents, np.linspace(0, 1, n_quantiles + 1)[1:-1])
    return np.unique(np.r_[exact, exact + 1, quantiles])
