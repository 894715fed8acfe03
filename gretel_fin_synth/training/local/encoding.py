"""A table of transactions turned into sequences of whole numbers, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from gretel_fin_synth.training.local.amounts import AmountTable
from gretel_fin_synth.training.local.calendar import Calendar
from gretel_fin_synth.training.local.examples import Sequences
from gretel_fin_synth.training.local.habits import Habits
from gretel_fin_synth.training.local.order import OrderTable
from gretel_fin_synth.training.local.profiles import last_balances, repeats, running_balances, swings
from gretel_fin_synth.training.local.schedules import comes_in_cycles, few_a_month, slots_needed
from gretel_fin_synth.training.local.shares import OWN, ShareTable, bases_of
from gretel_fin_synth.training.local.world import Scales, World

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Encoded:
    """Customers with a kept row: starting amounts (minor units), seconds of the day, places in the table."""

    sequences: Sequences
    start: IntArray
    seconds: IntArray
    positions: IntArray


def customers_of(frame: pd.DataFrame, kinds: pd.DataFrame, first: np.datetime64, minor_units: int) -> Encoded:
    """Encode a chronological table with contiguous customers; rows of unknown kinds are left out."""
    lookup = {pair: i for i, pair in enumerate(zip(kinds["type"], kinds["category"], strict=True))}
    pairs = zip(frame["transaction_type"], frame["transaction_category"], strict=True)
    kind = np.array([lookup.get(pair, -1) for pair in pairs], dtype=np.int64)
    kept = kind >= 0
    customer = pd.factorize(frame["customer_id"])[0][kept]
    moment = frame["transaction_date"].to_numpy().astype("datetime64[s]")
    date = moment.astype("datetime64[D]")
    day, seconds = date - first.astype("datetime64[D]"), (moment - date).astype(np.int64)[kept]
    scale = 10**minor_units
    cents = np.rint(frame["transaction_amount"].to_numpy(dtype=float) * scale).astype(np.int64)[kept]
    start = np.rint(frame["starting_amount"].to_numpy(dtype=float) * scale).astype(np.int64)[kept]
    _, first_row, length = np.unique(customer, return_index=True, return_counts=True)
    order = np.argsort(-length, kind="stable")
    rows = np.concatenate([np.arange(first_row[c], first_row[c] + length[c]) for c in order])
    offset = np.r_[0, np.cumsum(length[order])]
    days = day.astype(np.int64)[kept]
    sequences = Sequences(kind[kept][rows], days[rows], cents[rows], offset)
    return Encoded(sequences, start[first_row[order]], seconds[rows], np.flatnonzero(kept)[rows])


def common_kinds(frame: pd.DataFrame, k: int) -> pd.DataFrame:
    """Return the pairs of type and category that at least k customers have, in fixed order."""
    holders = (
        frame.groupby(["transaction_type", "transaction_category"], observed=True)["customer_id"]
        .nunique()
        .reset_index()
    )
    kept = holders.loc[holders["customer_id"] >= k]
    return (
        kept.rename(columns={"transaction_type": "type", "transaction_category": "category"})[
            ["type", "category"]
        ]
        .sort_values(["type", "category"])
        .reset_index(drop=True)
    )


def build_world(
    data: Sequences, start: IntArray, kinds: pd.DataFrame, calendar: Calendar, k: int, *, shares: bool = True
) -> World:
    """Learn the fixed parts of a table: cells of amounts, scales of balances."""
    sign = np.where(kinds["type"] == "credit", 1, -1)
    amounts = AmountTable.fit(data.kind, data.cents, data.customer, len(kinds), k)
    scales = Scales.fit(running_balances(data, start, sign))
    rows = np.bincount(data.kind, minlength=len(kinds))
    again = repeats(data)
    repeated = np.bincount(data.kind, again, minlength=len(kinds)) / np.maximum(rows, 1)
    limits = (amounts.low.min(axis=1, where=amounts.mass > 0, initial=2**62), amounts.high.max(axis=1))
    bases = bases_of(data, start, sign) * float(shares)
    bases[again, OWN] = 0.0  # what repeats to the cent is copied, not drawn near the mean
    table = ShareTable.fit(data.kind, data.cents, data.customer, bases, limits, k)
    order = OrderTable.fit(data, len(kinds), k)
    habits = Habits.fit(data, len(kinds))
    few, in_cycles = few_a_month(data, calendar, len(kinds)), comes_in_cycles(data, len(kinds))
    n_slots = slots_needed(data, calendar)
    return World(calendar, amounts, scales, table, order, habits, sign, repeated, few, in_cycles, n_slots)


def exact_parts(data: Sequences, start: IntArray, sign: IntArray, n_days: int) -> npt.NDArray[np.float64]:
    """Return first day, days without rows at the end, starting amount, last balance, swing, floor; (n, 6)."""
    first, last = data.day[data.offset[:-1]], data.day[data.offset[1:] - 1]
    balance = running_balances(data, start, sign)
    end, lowest = last_balances(data, balance), np.minimum.reduceat(balance, data.offset[:-1])
    away = swings(data, start, end, sign)
    return np.column_stack([first, n_days - 1 - last, start, end, away, lowest]).astype(float)


def world_to_dict(world: World) -> dict[str, Any]:
    """Return plain values, for JSON."""
    return {
        "first": str(world.calendar.first),
        "n_days": world.calendar.n_days,
        "amounts": world.amounts.to_dict(),
        "shares": world.shares.to_dict(),
        "order": world.order.to_list(),
        "habits": world.habits.to_dict(),
        "sign": world.sign.tolist(),
        "repeat_share": world.repeat_share.tolist(),
        "few_a_month": world.few_a_month.tolist(),
        "in_cycles": world.in_cycles.tolist(),
        "n_slots": world.n_slots,
        "scales": {
            "typical": world.scales.typical,
            "balance_knots": world.scales.balance_knots.tolist(),
            "after_edges": world.scales.after_edges.tolist(),
        },
    }


def world_from_dict(values: dict[str, Any]) -> World:
    """Inverse of :func:`world_to_dict`."""
    scales = values["scales"]
    return World(
        Calendar(np.datetime64(values["first"]), values["n_days"]),
        AmountTable.from_dict(values["amounts"]),
        Scales(scales["typical"], np.array(scales["balance_knots"]), np.array(scales["after_edges"])),
        ShareTable.from_dict(values["shares"]),
        OrderTable.from_list(values["order"]),
        Habits.from_dict(values["habits"]),
        np.array(values["sign"]),
        np.array(values["repeat_share"]),
        np.array(values["few_a_month"], bool),
        np.array(values["in_cycles"], bool),
        values["n_slots"],
    )
