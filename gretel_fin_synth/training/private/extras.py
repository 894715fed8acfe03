"""Extra columns: values by kind of transaction, or by customer for constants, measured like all the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from gretel_fin_synth.training.private.estimates import on_simplex, pooled, smoothed
from gretel_fin_synth.training.private.gateway import Cells, Gateway, Release

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gretel_fin_synth.schema import ExtraColumn
    from gretel_fin_synth.training.private.customers import Customers
    from gretel_fin_synth.training.private.queries import Known

__all__ = ["EXTRA_SHARE", "ExtraFigures", "ExtraModel", "measure_extras"]

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

EXTRA_SHARE = 3.0
MOST_VALUES = 40
SIZES = 10 ** np.arange(-4, 12.01, 1 / 6)
N_SIZES = 2 * len(SIZES) + 3
DECIMALS = 5
LEAST_GONE = 4.0  # noise deviations above which a column has missing values
DELAYS = np.array([-400, -92, -31, -14, -7, -4, -3, -2, -1, 0, 1, 2, 3, 4, 7, 14, 31, 92, 400])


@dataclass(frozen=True)
class ExtraFigures:
    """What was released of one column: ``form`` is ``"labels"``, ``"numbers"`` or ``"delays"``."""

    form: str
    constant: bool
    labels: list[Any]
    table: Release


@dataclass(frozen=True)
class ExtraModel:
    """A column as it is drawn.

    Parameters
    ----------
    form, constant, labels
        As in :class:`ExtraFigures`.
    shares : ndarray of shape (kinds or 1, cells)
        How frequent values are, the last cell standing for a missing one.
    decimals : ndarray of shape (DECIMALS,)
        How many decimals numbers have.
    """

    form: str
    constant: bool
    labels: list[Any]
    shares: FloatArray
    decimals: FloatArray

    @classmethod
    def of(cls, figures: ExtraFigures, totals: FloatArray) -> ExtraModel:
        """Make the best of noisy counts; `totals` are shares of the kinds."""
        sums, sigma = figures.table.sums, figures.table.sigma
        if figures.form == "labels":
            size = max(float(sums.sum()), sigma)
            own = totals * size if len(sums) > 1 else np.array([size])
            if len(figures.labels) and sums[:, -1].sum() < LEAST_GONE * sigma * np.sqrt(len(sums)):
                shares = pooled(sums[:, :-1], sigma, own)
                shares = np.c_[shares, np.zeros(len(shares))]
                return cls("labels", figures.constant, figures.labels, shares, np.ones(1))
            return cls("labels", figures.constant, figures.labels, pooled(sums, sigma, own), np.ones(1))
        n, decimals = sums.shape[1] - 1, np.ones(1)
        if figures.form == "numbers":
            n -= DECIMALS
            places = sums[0, n + 1 :]
            decimals = on_simplex(places / max(float(places.sum()), sigma))
        total = max(float(sums[0, : n + 1].sum()), sigma)
        full = smoothed(sums[0, :n], sigma) if figures.form == "numbers" else on_simplex(sums[0, :n], total)
        gone = float(np.clip(sums[0, n] / total, 0, 1)) if sums[0, n] > LEAST_GONE * sigma else 0.0
        shares = np.r_[full / full.sum() * (1 - gone), gone][None]
        return cls(figures.form, figures.constant, figures.labels, shares, decimals)

    def draw(self, kind: IntArray, day: IntArray, rng: np.random.Generator) -> Any:
        """Draw a value for each row of these kinds and days."""
        cumulative = np.cumsum(self.shares, axis=1)[kind if len(self.shares) > 1 else np.zeros_like(kind)]
        cell = (cumulative[:, :-1] <= rng.random(len(kind))[:, None] * cumulative[:, -1:]).sum(axis=1)
        gone = cell == self.shares.shape[1] - 1
        if self.form == "labels":
            out = np.empty(len(kind), dtype=object)
            out[:] = [None if lost else self.labels[c] for c, lost in zip(cell, gone, strict=True)]
            return out
        if self.form == "numbers":
            return np.where(gone, np.nan, self._numbers(np.minimum(cell, N_SIZES - 1), rng))
        low, high = (
            np.r_[-800, DELAYS][cell.clip(0, len(DELAYS))],
            np.r_[DELAYS, 800][cell.clip(0, len(DELAYS))],
        )
        moment = (day + low + np.floor(rng.random(len(kind)) * (high - low)).astype(np.int64)).astype(
            "datetime64[D]"
        )
        return np.where(gone, np.datetime64("NaT", "s"), moment.astype("datetime64[s]"))

    def _numbers(self, cell: IntArray, rng: np.random.Generator) -> FloatArray:
        ends = np.r_[SIZES[0] / 10, SIZES, SIZES[-1] * 1.5]
        size = np.abs(cell - N_SIZES // 2)
        low, high = np.log(ends[np.maximum(size - 1, 0)]), np.log(ends[np.maximum(size, 1)])
        value = np.sign(cell - N_SIZES // 2) * np.exp(low + rng.random(len(cell)) * (high - low))
        places = (np.cumsum(self.decimals) <= rng.random(len(cell))[:, None] * self.decimals.sum()).sum(
            axis=1
        )
        return np.asarray(np.rint(value * 10.0**places) / 10.0**places)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return {**vars(self), "shares": self.shares.tolist(), "decimals": self.decimals.tolist()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> ExtraModel:
        """Inverse of :meth:`to_dict`."""
        return cls(
            **{**values, "shares": np.array(values["shares"]), "decimals": np.array(values["decimals"])}
        )


def measure_extras(
    gateway: Gateway,
    columns: tuple[ExtraColumn, ...],
    known: Known,
    listed: Mapping[str, list[Any]],
    *,
    rho: float,
    delta: float,
    busy: float,
) -> dict[str, ExtraFigures]:
    """Measure each described column with `rho` of the budget."""
    figures = {}
    for column in columns:
        name, constant = column.name, column.kind == "constant"
        form = {"number": "numbers", "datetime": "delays"}.get(column.kind, "labels")
        left, labels = rho, []
        if form == "labels":
            labels = list(listed.get(name, []))
            if name not in listed:
                left = rho / 2
                shown = gateway.select(
                    f"values of {name}", _owned(name), rho=rho / 2, delta=delta, most=MOST_VALUES
                )
                labels = sorted(shown, key=lambda label: (str(type(label)), label))
        clip = 1.0 if constant else max(1.6 * busy**0.5, 1.0)
        n_kinds = 1 if constant or form != "labels" else known.n_kinds
        query = _query(name, form, labels, n_kinds, constant=constant)
        figures[name] = ExtraFigures(
            form, constant, labels, gateway.measure(name, query, rho=left, clip=clip)
        )
    return figures


def _owned(name: str) -> Callable[[Customers], list[list[Any]]]:
    """Return the query for the values of each customer, the most frequent first."""

    def owned(customers: Customers) -> list[list[Any]]:
        values, out = customers.extra[name], []
        for begin, end in zip(customers.offset[:-1], customers.offset[1:], strict=True):
            counts = pd.Series(values[begin:end]).dropna().value_counts()
            items = [(-int(n), str(value), _scalar(value)) for value, n in counts.items()]
            out.append([value for _, _, value in sorted(items, key=lambda item: item[:2])])
        return out

    return owned


def _query(
    name: str, form: str, labels: list[Any], n_kinds: int, *, constant: bool
) -> Callable[[Customers], Cells]:
    """Return the query for the cells of a column; constants count once a customer."""

    def query(customers: Customers) -> Cells:
        rows = np.arange(len(customers.who))
        if constant:
            rows = customers.offset[:-1][customers.length > 0]
        values, who = customers.extra[name][rows], customers.who[rows]
        lost = np.asarray(pd.isna(values), dtype=np.bool_)
        if form == "labels":
            lookup = {label: code for code, label in enumerate(labels)}
            codes = [
                lookup.get(_scalar(value), len(labels)) if not gone else len(labels)
                for value, gone in zip(values, lost, strict=True)
            ]
            cell, size = np.array(codes, dtype=np.int64), len(labels) + 1
        elif form == "delays":
            moment = pd.to_datetime(pd.Series(values)).dt.tz_localize(None).to_numpy().astype("datetime64[D]")
            delay = np.where(lost, 0, moment.astype(np.int64)) - customers.day[rows]
            size = len(DELAYS) + 2
            cell = np.where(lost, size - 1, np.searchsorted(DELAYS, delay, side="right"))
        else:
            return _number_cells(who, pd.to_numeric(pd.Series(values)).to_numpy(dtype=float), lost)
        kind = customers.kind[rows] if n_kinds > 1 else np.zeros_like(who)
        return Cells.counts(who, kind * size + cell, (n_kinds, size))

    return query


def _number_cells(who: IntArray, values: FloatArray, lost: npt.NDArray[np.bool_]) -> Cells:
    """Return the cells of numbers by sign and size, of missing ones, and of the number of decimals."""
    found = np.where(lost, 0.0, values)
    size = 1 + np.searchsorted(SIZES, np.abs(found))
    cell = np.where(lost, N_SIZES, N_SIZES // 2 + np.sign(found).astype(np.int64) * size)
    places = np.stack(
        [np.abs(found * 10.0**p - np.rint(found * 10.0**p)) < 1e-6 for p in range(DECIMALS - 1)]
    )
    decimals = N_SIZES + 1 + np.where(places.any(axis=0), places.argmax(axis=0), DECIMALS - 1)
    shape = (1, N_SIZES + 1 + DECIMALS)
    return Cells.counts(np.r_[who, who[~lost]], np.r_[cell, decimals[~lost]], shape)


def _scalar(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
