"""Everything about a table that is decided before the network is trained."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gretel_fin_synth.errors import ParameterError
from gretel_fin_synth.training.local.calendar import Calendar
from gretel_fin_synth.training.local.clock import SECONDS, Clock
from gretel_fin_synth.training.local.closing import Closing
from gretel_fin_synth.training.local.encoding import (
    build_world,
    common_kinds,
    customers_of,
    exact_parts,
)
from gretel_fin_synth.training.local.examples import Examples, Sequences, record
from gretel_fin_synth.training.local.extras import ExtraModels, Rows
from gretel_fin_synth.training.local.model import Model
from gretel_fin_synth.training.local.network import Sizes, TransactionLSTM
from gretel_fin_synth.training.local.order import fold_of
from gretel_fin_synth.training.local.plans import PlanModel, Plans
from gretel_fin_synth.training.local.profiles import Profiler

if TYPE_CHECKING:
    import pandas as pd

    from gretel_fin_synth.training.backend import TrainingTable
    from gretel_fin_synth.training.local.options import LSTMOptions
    from gretel_fin_synth.training.local.world import World

IntArray = npt.NDArray[np.int64]

MIN_CUSTOMERS = 4
FEW_CUSTOMERS = 30
MIN_GAPS = 40
MAX_GAPS = 400


@dataclass(frozen=True)
class Blueprint:
    """What training starts from; see :class:`Model` and :class:`Examples` for the parts.

    ``swing`` (customers,) is how far each balance strays from its line, minor units.
    """

    kinds: list[tuple[str, str]]
    world: World
    data: Sequences
    start: IntArray
    swing: npt.NDArray[np.float64]
    with_ends: Sequences
    examples: Examples
    plans: PlanModel
    profiler: Profiler
    closing: Closing | None
    clock: Clock | None
    extras: ExtraModels | None
    sizes: Sizes
    train: IntArray
    held_out: IntArray
    options: LSTMOptions
    minor_units: int
    warnings: list[str]

    @property
    def codes(self) -> npt.NDArray[np.float32]:
        """Codes of the training customers; zeros where plan codes are off."""
        codes = self.plans.codes
        return codes if self.options.uses("plan_codes") else np.zeros_like(codes)

    def model(self, network: TransactionLSTM) -> Model:
        """Return the model around a trained network."""
        return Model(
            kinds=self.kinds,
            world=self.world,
            plans=self.plans,
            profiler=self.profiler,
            network=network,
            calibration=None,
            guard=None,
            closing=self.closing,
            clock=self.clock,
            extras=self.extras,
            options=self.options,
            blocks=_block_sizes(self.data.length),
            minor_units=self.minor_units,
            max_rows=int(self.data.length.max() * 1.5) + 5,
            mean_rows=float(self.data.length.mean()),
        )


def draw_up(table: TrainingTable, options: LSTMOptions, seed: int) -> Blueprint:
    """Encode a table and decide sizes, calendars, cells and plans.

    Raises
    ------
    ParameterError
        If there are too few customers, or no category that enough of them share.
    """
    frame, warnings = table.frame, []
    n_customers = frame["customer_id"].nunique()
    _enough(n_customers)
    if n_customers < FEW_CUSTOMERS:
        warnings.append(f"there are only {n_customers} customers; expect a rough likeness and little privacy")
    k = least_customers(n_customers, options)
    kinds = common_kinds(frame, k)
    warnings += _left_out(frame, kinds, k)
    calendar = _calendar(frame["transaction_date"])
    encoded = customers_of(frame, kinds, calendar.first, table.minor_units)
    data, start = encoded.sequences, encoded.start
    _enough(len(start))
    world = build_world(data, start, kinds, calendar, k, shares=options.uses("shares"))
    if world.amounts.n_clipped:
        warnings.append(
            f"{world.amounts.n_clipped:,} amounts beyond what {k} customers of their category reach were "
            "clipped to that"
        )
    rng = np.random.default_rng(seed)
    profiler = Profiler.fit(data, len(kinds))
    exact = exact_parts(data, start, world.sign, calendar.n_days)
    plans = PlanModel.fit(
        exact,
        profiler.codes(data, start, world),
        neighbours=_neighbours(len(start), options),
        n_days=calendar.n_days,
        k=k,
        rng=rng,
    )
    with_ends, ends = data.with_ends()
    n_gaps = _n_gaps(data, calendar.n_days)
    observed = Plans.observed(exact, plans.codes, calendar.n_days)
    examples = record(world, observed, with_ends, ends, n_gaps, fold_of(np.arange(len(start))))
    data = replace(data, due=examples.due[~ends])
    sizes = Sizes(
        n_kinds=len(kinds),
        n_context=examples.context.shape[1],
        n_kind_context=examples.kind_context.shape[1],
        n_code=plans.codes.shape[1],
        n_gaps=n_gaps,
        hidden=options.hidden_size or hidden_size(len(data.kind)),
        dropout=dropout(len(data.kind)) if options.dropout is None else options.dropout,
    )
    train, held_out = _divide(len(start), options.validation_fraction, rng)
    clock = Clock.fit(data.kind, encoded.seconds, data.customer, len(kinds), k)
    rows = Rows.of(data, encoded.seconds, calendar.first, len(kinds))
    extras, notes = ExtraModels.of_table(table, encoded.positions, rows, k)
    warnings += notes
    pairs = list(zip(kinds["type"], kinds["category"], strict=True))
    return Blueprint(
        pairs,
        world,
        data,
        start,
        observed.swing,
        with_ends,
        examples,
        plans,
        profiler,
        Closing.fit(data, start, world, k) if options.uses("closing") else None,
        clock,
        extras,
        sizes,
        train,
        held_out,
        options,
        table.minor_units,
        warnings,
    )


def _enough(n_customers: int) -> None:
    if n_customers < MIN_CUSTOMERS:
        msg = (
            f"There are {n_customers} customers to learn from; a model of fewer than {MIN_CUSTOMERS} would "
            "only copy them.\n\nHint: give a table with more customers, or make one: make_transactions(200)"
        )
        raise ParameterError(msg)


def least_customers(n_customers: int, options: LSTMOptions) -> int:
    """Return k: 5 from 250 customers on, fewer below, never under 3 unless asked for."""
    if options.min_customers is not None:
        return options.min_customers
    return int(np.clip(n_customers // 50, 3, 5))


def dropout(n_rows: int) -> float:
    """Return the share of units left out: the fewer rows, the more."""
    return float(np.interp(n_rows, [3_000, 10_000], [0.5, 0.3]))


def hidden_size(n_rows: int) -> int:
    """Return units of the LSTM: few rows are learned by heart by a large one."""
    return next(
        size for size, limit in ((48, 6_000), (96, 40_000), (128, 150_000), (192, 10**12)) if n_rows <= limit
    )


def _left_out(frame: pd.DataFrame, kinds: pd.DataFrame, k: int) -> list[str]:
    if kinds.empty:
        msg = (
            f"No transaction category is shared by at least {k} customers, so nothing can be learned that is "
            "not about one of them.\n\nHint: merge categories, or TransactionSynthesizer(min_customers=1) if "
            "the data are not secret"
        )
        raise ParameterError(msg)
    kept = set(zip(kinds["type"], kinds["category"], strict=True))
    pairs = list(zip(frame["transaction_type"], frame["transaction_category"], strict=True))
    gone = [pair for pair in pairs if pair not in kept]
    if not gone:
        return []
    names = sorted({f"{category} ({kind})" for kind, category in gone})
    shown = ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
    return [
        f"{len(gone):,} rows ({len(gone) / len(pairs):.1%}) of {len(names)} categories that fewer than {k} "
        f"customers have were left out: {shown}"
    ]


def _calendar(dates: pd.Series[pd.Timestamp]) -> Calendar:
    days = dates.to_numpy().astype("datetime64[D]")
    return Calendar(days.min(), int((days.max() - days.min()).astype(int)) + 1)


def _block_sizes(length: IntArray) -> tuple[int, int]:
    """Return customers of a first block, half the table, and of the largest, about 60,000 rows."""
    largest = int(np.clip(60_000 / length.mean(), 64, 1024))
    return int(np.clip(-(-len(length) // 2), 16, min(128, largest))), largest


def _neighbours(n_customers: int, options: LSTMOptions) -> float:
    if options.plan_neighbours is not None:
        return min(options.plan_neighbours, 0.9 * n_customers)
    return min(float(np.clip(0.1 * n_customers, 25, 50)), n_customers / 3)


def _n_gaps(data: Sequences, n_days: int) -> int:
    """Return the longest gap that can be drawn, plus one: nearly all gaps of the data fit."""
    gaps = np.diff(data.day)
    inside = np.ones(len(gaps), bool)
    inside[data.offset[1:-1] - 1] = False
    longest = float(np.quantile(gaps[inside], 0.9995)) if inside.any() else 0.0
    return int(min(n_days, np.clip(longest + 2, MIN_GAPS, MAX_GAPS)))


def _divide(n: int, fraction: float, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
    """Return customers to train on and customers to stop by."""
    order = rng.permutation(n)
    held = int(np.clip(round(fraction * n), 2, max(n // 4, 2)))
    return np.sort(order[held:]), np.sort(order[:held])


__all__ = ["MIN_CUSTOMERS", "SECONDS", "Blueprint", "draw_up", "hidden_size", "least_customers"]
