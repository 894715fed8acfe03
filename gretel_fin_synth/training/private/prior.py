"""What is public before any table is looked at: how invented banks pay, kind by kind.

The library's own stand-in draws customers of four invented banks (:func:`make_transactions`). What the
queries say of those is free. It is where estimates go when noise leaves little of the table's own figures.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gretel_fin_synth.standin import make_transactions
from gretel_fin_synth.training._prepare import prepare
from gretel_fin_synth.training.private import queries, rhythms
from gretel_fin_synth.training.private.customers import bounded
from gretel_fin_synth.training.private.grids import AMOUNT_BINS, FLOW_SHAPE, N_MANY, N_SORTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from gretel_fin_synth.training.private.customers import Customers
    from gretel_fin_synth.training.private.gateway import Cells

__all__ = ["BY_KIND", "WORLDS", "Prior", "prior_for"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

WORLDS = ("retail", "cards", "business", "passbook")
N_CUSTOMERS = 120  # of each invented bank
LONGEST = 24  # months that are invented, at most
SEED = 20_240_101
LEAST_ROWS = 30  # of a kind that is worth learning from
SMALL = 0.5  # rows or customers that every cell has besides its own

#: Tables with one row for each kind, as distributions.
BY_KIND = ("rounding", "days", "weekdays", "sorts", "many", "seldom", "early", "late", "spreads")


@dataclass(frozen=True, eq=False)
class Prior:
    """T kinds of invented banks, and W invented banks.

    Parameters
    ----------
    sign, hold, rows, centre, width : ndarray (T,)
        1 for credits; share of customers with the kind; rows, 1 being those of a bank divided by its kinds;
        mean of the amounts in cells above that of the bank, and their standard deviation in cells.
    tables : dict of str to ndarray (T, cells)
        Distributions of each kind, by the names of BY_KIND.
    banks : dict of str to ndarray (W, cells)
        Distributions of each bank: paces, income, left, starts, swings, below_zero, gaps, cents, n_held.
    """

    sign: IntArray
    hold: FloatArray
    rows: FloatArray
    centre: FloatArray
    width: FloatArray
    tables: dict[str, FloatArray]
    banks: dict[str, FloatArray]


def prior_for(first_month: int, n_months: int) -> Prior:
    """Return what invented banks do in a window of so many months, at most LONGEST."""
    return _prior(first_month, n_months, WORLDS)


@lru_cache(maxsize=4)
def _prior(first_month: int, n_months: int, worlds: tuple[str, ...]) -> Prior:
    months = np.arange(first_month, first_month + min(n_months, LONGEST) + 1).astype("datetime64[M]")
    first, last = months[0].astype("datetime64[D]"), months[-1].astype("datetime64[D]") - 1
    kinds: dict[str, list[FloatArray]] = {}
    banks: dict[str, list[FloatArray]] = {}
    for world in worlds:
        table = _invented(world, first, last)
        _add_bank(banks, *table)
        _add_kinds(kinds, *table)
    own = {name: np.concatenate(parts) for name, parts in kinds.items()}
    widest = max(len(held) for held in banks["n_held"])
    banks["n_held"] = [np.pad(held, (0, widest - len(held))) for held in banks["n_held"]]
    return Prior(
        sign=own["sign"].astype(np.int64),
        **{name: own[name] for name in ("hold", "rows", "centre", "width")},
        tables={name: own[name] for name in BY_KIND},
        banks={name: np.stack(parts) for name, parts in banks.items()},
    )


def _invented(world: str, first: np.datetime64, last: np.datetime64) -> tuple[Customers, queries.Known]:
    made = make_transactions(N_CUSTOMERS, start=first, end=last, seed=SEED, world=world)  # type: ignore[arg-type]
    table = bounded(prepare(made, (), 2).table, 10**9)
    kinds = sorted(set(zip(table.type, table.category, strict=True)))
    begin = int(table.month.min())
    known = queries.Known(
        np.array([1 if kind == "credit" else -1 for kind, _ in kinds]),
        begin,
        int(table.month.max()) - begin + 1,
    )
    return table.with_kinds(kinds), known


def _counted(cells: Cells) -> FloatArray:
    counts = np.bincount(cells.cell, cells.weight, minlength=int(np.prod(cells.shape)))
    return np.asarray(counts.reshape(cells.shape), dtype=np.float64)


def _shares(counts: FloatArray) -> FloatArray:
    """Return distributions along the last axis, no cell quite empty."""
    more = counts + SMALL / counts.shape[-1]
    return np.asarray(more / more.sum(axis=-1, keepdims=True))


def _add_bank(banks: dict[str, list[FloatArray]], table: Customers, known: queries.Known) -> None:
    asked: dict[str, Callable[[Customers, queries.Known], Cells]] = {
        "paces": rhythms.paces,
        "starts": rhythms.starts,
        "swings": rhythms.swings,
        "below_zero": rhythms.below_zero,
        "gaps": rhythms.gaps,
        "cents": queries.cents,
        "n_held": queries.n_kinds_held,
    }
    found = {name: _counted(query(table, known)) for name, query in asked.items()}
    found["openings"] = _counted(rhythms.openings(table, known))[known.n_kinds :]
    flows = _counted(rhythms.flows(table, known))
    found |= {"income": flows[: FLOW_SHAPE[0]], "left": flows[FLOW_SHAPE[0] :]}
    for name, counts in found.items():
        banks.setdefault(name, []).append(_shares(counts))


def _add_kinds(kinds: dict[str, list[FloatArray]], table: Customers, known: queries.Known) -> None:
    rows = _counted(queries.kind_rows(table, known))
    holders = _counted(queries.kind_holders(table, known))
    amounts = _counted(queries.kind_amounts(table, known))
    habits = _counted(rhythms.habits(table, known))
    absences = _counted(rhythms.absences(table, known))
    place = np.arange(AMOUNT_BINS)
    centre = amounts @ place / np.maximum(rows, 1)
    square = amounts @ place**2 / np.maximum(rows, 1)
    found = {
        "sign": known.sign.astype(np.float64),
        "hold": holders / len(table),
        "rows": rows / rows.sum() * len(rows),
        "centre": centre - float(rows @ centre / rows.sum()),
        "width": np.sqrt(np.maximum(square - centre**2, 0.3)),
        "rounding": _shares(_counted(queries.kind_rounding(table, known))),
        "days": _shares(_counted(queries.kind_days(table, known))),
        "weekdays": _shares(_counted(queries.kind_weekdays(table, known))),
        "sorts": _shares(habits[:, :N_SORTS]),
        "many": _shares(habits[:, N_SORTS : N_SORTS + N_MANY]),
        "seldom": _shares(habits[:, N_SORTS + N_MANY :]),
        "early": _shares(absences[0]),
        "late": _shares(absences[1]),
        "spreads": _shares(_counted(rhythms.spreads(table, known))),
    }
    kept = rows >= LEAST_ROWS
    for name, values in found.items():
        kinds.setdefault(name, []).append(values[kept])
