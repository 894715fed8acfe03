"""The order within one day in which balances chain.

Exports often have dates without times, and list the transactions of a day in another order than they were
booked. The balances remember it: a row takes the balance *before* it to the balance *after* it, so the
rows of a day are the edges of a graph whose nodes are balances, and an order in which all of them add up
is a trail that uses every edge once (Hierholzer's algorithm, linear in the rows). Where no such trail
exists, because the bank rounded or a row is missing, the fewest possible trails are laid one after the other.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from gretel_fin_synth import _money
from gretel_fin_synth.balance._entries import Entries, read_entries
from gretel_fin_synth.schema import BALANCE, DATE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from numpy.typing import NDArray

__all__ = ["best_order", "chain_order"]

_NO_ROW = -1

# The edges that lead away from each balance: row and balance after it, the next to take last.
Leaving: TypeAlias = "defaultdict[int, list[tuple[int, int]]]"


def chain_order(frame: Any, *, order_by: Sequence[str] = (DATE,), minor_units: int = 2) -> NDArray[np.int64]:
    """Positions of the rows, customer by customer, in the order in which balances chain.

    Parameters
    ----------
    frame : pandas, polars or pyarrow frame
        Transactions with ``account_balance``, of n rows.
    order_by : sequence of str, default ("transaction_date",)
        Columns whose order stands; only rows that agree in all of them change places.
    minor_units : int, default 2
        Decimals of the currency.

    Returns
    -------
    ndarray of int64, shape (n,)
        Customers in order of first appearance. Rows that tie keep the order of the frame where that chains as
        well as any other.

    Raises
    ------
    SchemaViolation
        If a column is missing or holds what cannot be added up or put in order.
    """
    entries = read_entries(frame, order_by=order_by, minor_units=minor_units, balance=True)
    ledger, n_rows = entries.ledger, entries.ledger.n_rows
    places = np.arange(n_rows, dtype=np.int64)
    if n_rows:
        codes, _ = _money.parse_minor(entries.frame[BALANCE], minor_units)
        after = ledger.arrange(codes)
        before = after - entries.signed
        groups = np.flatnonzero(~_ties(entries)).astype(np.int64)
        for start, end in _unchained(before, after, ledger.starts, groups):
            first, last = np.searchsorted(groups, [start, end])
            _repair(places, before, after, [*groups[first:last].tolist(), end])
    return ledger.positions(places)


def _ties(entries: Entries) -> NDArray[np.bool_]:
    """Say for each place in the ledger whether its row ties with the one before."""
    tied = np.ones(entries.ledger.n_rows, dtype=bool)
    for key in entries.keys:
        in_order = entries.ledger.arrange(key)
        tied[1:] &= in_order[1:] == in_order[:-1]
    tied[entries.ledger.starts] = False
    return tied


def _unchained(
    before: NDArray[np.int64], after: NDArray[np.int64], starts: NDArray[np.int64], groups: NDArray[np.int64]
) -> list[tuple[int, int]]:
    """Where customers begin and end that have ties and whose balances do not chain as they lie."""
    breaks = np.zeros(before.size, dtype=np.int64)
    breaks[1:] = before[1:] != after[:-1]
    breaks[starts] = 0
    ends = np.append(starts[1:], before.size)
    has_ties = np.searchsorted(groups, ends) - np.searchsorted(groups, starts) < ends - starts
    worth = (np.add.reduceat(breaks, starts) > 0) & has_ties
    return list(zip(starts[worth].tolist(), ends[worth].tolist(), strict=True))


def _repair(
    places: NDArray[np.int64], before: NDArray[np.int64], after: NDArray[np.int64], bounds: list[int]
) -> None:
    """Put the tied rows of one customer in order; `bounds` are where its groups begin, and its end."""
    closing: int | None = None
    for number, (start, end) in enumerate(pairwise(bounds)):
        order = [0]
        if end - start > 1:
            upcoming = None
            if number + 2 < len(bounds):
                upcoming = _only_opening(before[end : bounds[number + 2]], after[end : bounds[number + 2]])
            order = best_order(before[start:end].tolist(), after[start:end].tolist(), closing, upcoming)
            places[start:end] = start + np.array(order, dtype=np.int64)
        closing = int(after[start + order[-1]])


def _only_opening(before: NDArray[np.int64], after: NDArray[np.int64]) -> int | None:
    """Balance before a group of rows, if only one is possible."""
    opening = set(before.tolist()) - set(after.tolist())
    return opening.pop() if len(opening) == 1 else None


def best_order(
    before: list[int], after: list[int], opening: int | None = None, upcoming: int | None = None
) -> list[int]:
    """Order tied rows so that as few balances as possible break.

    Parameters
    ----------
    before, after : list of int, length k
        Balances before and after each row, in minor units.
    opening : int, optional
        Balance from which the first row should set out; None if it is not known.
    upcoming : int, optional
        Balance at which the last row should arrive, if that is known.

    Returns
    -------
    list of int, length k
        Positions; the given order where no other has fewer breaks.
    """
    given = list(range(len(before)))
    breaks_given = _breaks(given, before, after, opening, upcoming)
    if not breaks_given:
        return given
    order = _joined(_trails(before, after, opening, upcoming), before, after, opening)
    return order if _breaks(order, before, after, opening, upcoming) < breaks_given else given


def _breaks(
    order: list[int], before: list[int], after: list[int], opening: int | None, upcoming: int | None
) -> int:
    count = sum(before[b] != after[a] for a, b in pairwise(order))
    count += opening is not None and before[order[0]] != opening
    return count + (upcoming is not None and after[order[-1]] != upcoming)


def _trails(
    before: list[int], after: list[int], opening: int | None, upcoming: int | None
) -> list[list[int]]:
    """Cover all edges with as few trails as possible."""
    excess: defaultdict[int, int] = defaultdict(int)
    for tail, head in zip(before, after, strict=True):
        excess[tail] += 1
        excess[head] -= 1
    leaving: Leaving = defaultdict(list)
    for row in range(len(before) - 1, -1, -1):
        leaving[before[row]].append((row, after[row]))
    trails: list[list[int]] = []
    for nodes in _components(before, after):
        surplus = [node for node in nodes for _ in range(excess[node])]
        deficit = [node for node in nodes for _ in range(-excess[node])]
        candidates = surplus or nodes
        wishes = [opening] if surplus else [opening, upcoming]  # what closes a circle ends where it began
        start = next((node for node in wishes if node in candidates), candidates[0])
        if surplus:
            surplus.remove(start)
        # Where a trail ends, an edge that no row stands for leads to where the next begins.
        for end, beginning in zip(deficit, surplus, strict=False):
            leaving[end].insert(0, (_NO_ROW, beginning))
        trails += _cut(_eulerian_path(leaving, start))
    return trails


def _components(before: list[int], after: list[int]) -> list[list[int]]:
    """Group the balances that rows connect, all in order of first appearance."""
    neighbours: defaultdict[int, list[int]] = defaultdict(list)
    for tail, head in zip(before, after, strict=True):
        neighbours[tail].append(head)
        neighbours[head].append(tail)
    seen: set[int] = set()
    components = []
    for root in neighbours:
        if root in seen:
            continue
        seen.add(root)
        nodes = [root]
        for node in nodes:  # grows while it is walked
            for neighbour in neighbours[node]:
                if neighbour not in seen:
                    seen.add(neighbour)
                    nodes.append(neighbour)
        components.append(nodes)
    return components


def _eulerian_path(leaving: Leaving, start: int) -> list[int]:
    """Rows on a path from `start` over every edge that can be reached; takes the edges out of `leaving`."""
    path: list[int] = []
    stack = [(start, _NO_ROW)]
    while stack:
        node, came_by = stack[-1]
        if leaving[node]:
            row, head = leaving[node].pop()
            stack.append((head, row))
        else:
            stack.pop()
            path.append(came_by)
    return path[-2::-1]


def _cut(path: list[int]) -> list[list[int]]:
    """Cut a path at the edges that no row stands for."""
    trails: list[list[int]] = [[]]
    for row in path:
        if row == _NO_ROW:
            trails.append([])
        else:
            trails[-1].append(row)
    return [trail for trail in trails if trail]


def _joined(trails: list[list[int]], before: list[int], after: list[int], opening: int | None) -> list[int]:
    """Lay trails one after the other, each as near as possible to where the one before ended."""
    if opening is None:
        opening = before[min(trails, key=min)[0]]
    waiting = sorted((before[trail[0]], number) for number, trail in enumerate(trails))
    order: list[int] = []
    balance = opening
    while waiting:
        place = bisect_left(waiting, (balance, -1))
        below = place - 1
        if place == len(waiting) or (
            below >= 0 and balance - waiting[below][0] < waiting[place][0] - balance
        ):
            place = below
        _, number = waiting.pop(place)
        order += trails[number]
        balance = after[order[-1]]
    return order
