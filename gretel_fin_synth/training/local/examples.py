"""Real sequences turned into what the network is trained on, by replaying them through the history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gretel_fin_synth.training.local.history import DUE, History

if TYPE_CHECKING:
    from gretel_fin_synth.training.local.plans import Plans
    from gretel_fin_synth.training.local.world import World

IntArray = npt.NDArray[np.int64]

NOT_DUE = 0  # what spoke for a payment that nothing was due for
#: The LSTM reads this many transactions in a row; older ones reach it through the history's features.
CHUNK = 200


@dataclass(frozen=True)
class Sequences:
    """Transactions of n customers as flat arrays, customer after customer, chronological.

    ``kind``, ``day``, ``cents`` (minor units) have shape (rows,); ``offset`` (n + 1,) says where customers
    begin. What the network is trained on is ordered by number of rows, longest first. ``due`` (rows,), where
    known, is the class of what spoke for each row's kind on its day (:meth:`.Memory.due_classes`).
    """

    kind: IntArray
    day: IntArray
    cents: IntArray
    offset: IntArray
    due: IntArray | None = None

    @property
    def length(self) -> IntArray:
        """Rows of each customer."""
        return np.diff(self.offset)

    @property
    def customer(self) -> IntArray:
        """Number of each row's customer."""
        return np.repeat(np.arange(len(self.offset) - 1), self.length)

    def kind_counts(self, n_kinds: int) -> IntArray:
        """Return how often each customer has each kind, (customers, kinds)."""
        code = self.customer * n_kinds + self.kind
        return np.bincount(code, minlength=len(self.length) * n_kinds).reshape(-1, n_kinds)

    def by_kind(self) -> tuple[IntArray, IntArray, IntArray, npt.NDArray[np.bool_]]:
        """Return customer, kind and day of the rows, each customer's kind after kind, chronologically.

        And whether each row but the first is of the customer and the kind of the one before, (rows - 1,).
        """
        order = np.lexsort((np.arange(len(self.kind)), self.kind, self.customer))
        customer, kind, day = self.customer[order], self.kind[order], self.day[order]
        return customer, kind, day, (np.diff(kind) == 0) & (np.diff(customer) == 0)

    def kind_before(self, first: int) -> IntArray:
        """Return the customer's kind before each row, ``first`` for a customer's first row."""
        before = np.r_[0, self.kind[:-1]]
        before[self.offset[:-1]] = first
        return before

    def take(self, customers: IntArray) -> Sequences:
        """Return these customers, in this order."""
        length = self.length[customers]
        offset = np.r_[0, np.cumsum(length)]
        rows = np.repeat(self.offset[customers] - offset[:-1], length) + np.arange(offset[-1])
        due = None if self.due is None else self.due[rows]
        return Sequences(self.kind[rows], self.day[rows], self.cents[rows], offset, due)

    def with_last_rows(self, customers: IntArray, kind: IntArray, cents: IntArray) -> Sequences:
        """Return the sequences with one row more of these customers, on their last day, not due."""
        at, more = self.offset[customers + 1], np.zeros(len(self.offset), np.int64)
        more[customers + 1] = 1
        return Sequences(
            np.insert(self.kind, at, kind),
            np.insert(self.day, at, self.day[at - 1]),
            np.insert(self.cents, at, cents),
            self.offset + np.cumsum(more),
            None if self.due is None else np.insert(self.due, at, NOT_DUE),
        )

    def with_ends(self) -> tuple[Sequences, npt.NDArray[np.bool_]]:
        """Return the sequences with one row more a customer, which stands for the end, and where."""
        last = self.offset[1:] - 1
        longer = self.with_last_rows(np.arange(len(self.length)), self.kind[last], self.cents[last])
        ends = np.zeros(len(longer.kind), bool)
        ends[longer.offset[1:] - 1] = True
        return longer, ends

    def rows_of(self, customers: IntArray) -> tuple[IntArray, IntArray]:
        """Return the rows of these customers step by step, and how many pieces each step has.

        Histories are read in pieces of CHUNK rows; this is the layout of a packed sequence, longest piece
        first.
        """
        pieces = -(-self.length[customers] // CHUNK)
        number = np.arange(pieces.sum()) - np.repeat(np.cumsum(pieces) - pieces, pieces)
        first = np.repeat(self.offset[customers], pieces) + number * CHUNK
        length = np.minimum(np.repeat(self.length[customers], pieces) - number * CHUNK, CHUNK)
        order = np.argsort(-length, kind="stable")
        steps = np.arange(length.max())
        active = length[order][None, :] > steps[:, None]
        rows = first[order][None, :] + steps[:, None]
        return rows[active], active.sum(axis=1)


@dataclass(frozen=True)
class Examples:
    """One row per transaction: what is known before it, and what it was. See :mod:`.history`."""

    context: npt.NDArray[np.float32]
    previous: IntArray
    gap_class: IntArray
    kind_classes: npt.NDArray[np.uint8]
    lift: npt.NDArray[np.float32]
    closing: npt.NDArray[np.float32]
    kind: IntArray
    kind_context: npt.NDArray[np.float32]
    day: IntArray
    days_left: IntArray
    stream_kind: npt.NDArray[np.int16]
    stream_times: npt.NDArray[np.uint8]
    stream_gaps: npt.NDArray[np.int16]
    gap: IntArray
    end: npt.NDArray[np.bool_]
    next_day: IntArray
    slot_features: npt.NDArray[np.float32]
    slot_match: npt.NDArray[np.bool_]
    cell: IntArray
    log_in_cell: npt.NDArray[np.float64]
    after: npt.NDArray[np.uint8]
    share_usable: npt.NDArray[np.bool_]
    share_cell: IntArray
    log_in_share: npt.NDArray[np.float64]
    customer: IntArray

    @property
    def due(self) -> IntArray:
        """Class of what spoke for each row's kind on its day, (rows,)."""
        return self.kind_classes[np.arange(len(self.kind)), self.kind, DUE].astype(np.int64)


def record(
    world: World,
    plans: Plans,
    data: Sequences,
    ends: npt.NDArray[np.bool_],
    n_gaps: int,
    fold: IntArray | None = None,
) -> Examples:
    """Replay the sequences, end rows included, and write down what the history says before each row."""
    history = History(world, plans, fold)
    parts: dict[str, npt.NDArray[np.generic]] = {}

    def keep(rows: IntArray, **values: npt.NDArray[np.generic]) -> None:
        for name, value in values.items():
            if name not in parts:
                parts[name] = np.zeros((len(data.kind), *value.shape[1:]), value.dtype)
            parts[name][rows] = value

    length, middles = data.length, cell_middles(world)
    while (a := int((length > history.step).sum())) > 0:
        rows = data.offset[:-1][:a] + history.step
        kind, day, cents = data.kind[rows], data.day[rows], data.cents[rows]
        amounts, slot_features = history.copies(a, kind, day)
        base = history.base(a, kind, day)
        possible = np.concatenate([amounts, middles[kind], world.shares.middles(kind, base)], axis=1)
        share_cell, log_in_share = world.shares.encode(kind, cents, base)
        stream_kind, stream_times, stream_gaps, _ = history.streams(a, n_gaps)
        keep(
            rows,
            context=history.context(a),
            previous=history.kind[:a],
            gap_class=history.gap_class(a),
            kind_classes=history.kind_classes(a, day),
            lift=history.lift(a),
            closing=history.closing(day),
            kind=kind,
            kind_context=history.kind_context(a, kind),
            day=history.day[:a],
            days_left=plans.last_day[:a] - history.day[:a],
            stream_kind=stream_kind.astype(np.int16),
            stream_times=stream_times.astype(np.uint8),
            stream_gaps=stream_gaps,
            gap=day - history.day[:a],
            next_day=day,
            slot_features=slot_features,
            slot_match=(amounts == cents[:, None]) & (amounts > 0),
            after=history.after_classes(day, history.after(a, kind, possible)),
            share_usable=world.shares.usable(kind, base),
            share_cell=share_cell,
            log_in_share=log_in_share,
            customer=np.arange(a),
        )
        history.advance(a, kind, day, cents)
    cell, log_in_cell = world.amounts.encode(data.kind, data.cents)
    return Examples(**parts, end=ends, cell=cell, log_in_cell=log_in_cell)  # type: ignore[arg-type]


def cell_middles(world: World) -> IntArray:
    """Return a typical amount of each cell, (kinds, cells), minor units."""
    table = world.amounts
    return np.rint(np.sqrt(table.low.astype(float) * table.high)).astype(np.int64)
