"""Draw what a bank analyst would look at first, for a world or for any table of transactions.

    python benchmarks/standin_plots.py retail out.png
    python benchmarks/standin_plots.py seasons out.png
    python benchmarks/standin_plots.py ../shared/data/berka_early/train.parquet out.png

Needs matplotlib (``pip install matplotlib``), which the library itself does not use.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from worlds import WORLDS, make_world

from gretel_fin_synth import make_transactions

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BANKS = ("retail", "cards", "business", "passbook")


def load(source: str) -> pd.DataFrame:
    """Return a world of `make_transactions` or of the benchmarks by name, or a table by path."""
    if source in BANKS and source not in WORLDS:
        return make_transactions(100, seed=0, world=source)
    if source in WORLDS:
        return make_world(source)
    path = Path(source)
    frame = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
    return frame.assign(transaction_date=pd.to_datetime(frame["transaction_date"]))


def draw(frame: pd.DataFrame, title: str, target: Path) -> None:
    """Draw twelve panels into one PNG."""
    figure, axes = plt.subplots(4, 3, figsize=(19, 20))
    panels = [
        _amounts,
        _common_amounts,
        _categories,
        _days_of_month,
        _weekdays,
        _months,
        _rows,
        _balances,
        _first_customer,
        _lives,
        _gaps,
        _times,
    ]
    for axis, panel in zip(axes.flat, panels, strict=True):
        panel(frame, axis)
        axis.set_title(panel.__name__.strip("_").replace("_", " "))
    customers = frame["customer_id"].nunique()
    figure.suptitle(f"{title}: {len(frame)} rows, {customers} customers")
    figure.tight_layout(rect=(0, 0, 1, 0.98))
    figure.savefig(target, dpi=60)


def _amounts(frame: pd.DataFrame, axis: Axes) -> None:
    bins = np.logspace(
        np.log10(frame["transaction_amount"].min()), np.log10(frame["transaction_amount"].max()), 150
    )
    for kind, part in frame.groupby("transaction_type")["transaction_amount"]:
        axis.hist(part, bins=bins, alpha=0.6, label=kind)
    axis.set_xscale("log")
    axis.legend()


def _common_amounts(frame: pd.DataFrame, axis: Axes) -> None:
    frame["transaction_amount"].value_counts().head(30).sort_index().plot.barh(ax=axis)


def _categories(frame: pd.DataFrame, axis: Axes) -> None:
    keys = frame["transaction_type"] + " " + frame["transaction_category"]
    keys.value_counts().head(30).plot.barh(ax=axis)


def _days_of_month(frame: pd.DataFrame, axis: Axes) -> None:
    frame["transaction_date"].dt.day.value_counts().sort_index().plot.bar(ax=axis)


def _weekdays(frame: pd.DataFrame, axis: Axes) -> None:
    frame["transaction_date"].dt.day_name().value_counts().plot.bar(ax=axis)


def _months(frame: pd.DataFrame, axis: Axes) -> None:
    frame.groupby(frame["transaction_date"].dt.to_period("M"))["transaction_amount"].agg("size").plot.bar(
        ax=axis
    )


def _rows(frame: pd.DataFrame, axis: Axes) -> None:
    axis.hist(frame.groupby("customer_id").size(), bins=40)


def _balances(frame: pd.DataFrame, axis: Axes) -> None:
    low, high = frame["account_balance"].quantile([0.005, 0.995])
    axis.hist(frame["account_balance"].clip(low, high), bins=100)
    axis.set_xlabel(f"share below zero {(frame['account_balance'] < 0).mean():.3f}")


def _lives(frame: pd.DataFrame, axis: Axes) -> None:
    for customer in frame["customer_id"].unique()[:6]:
        part = frame[frame["customer_id"] == customer]
        axis.step(part["transaction_date"], part["account_balance"], where="post", lw=0.9)
    axis.axhline(0, color="black", lw=0.5)


def _first_customer(frame: pd.DataFrame, axis: Axes) -> None:
    first = frame[frame["customer_id"] == frame["customer_id"].unique()[0]]
    axis.step(first["transaction_date"][:120], first["account_balance"][:120], where="post")
    axis.axhline(0, color="black", lw=0.5)


def _gaps(frame: pd.DataFrame, axis: Axes) -> None:
    days = frame.groupby("customer_id")["transaction_date"].diff().dt.days.dropna()
    axis.hist(days.clip(0, 30), bins=31)


def _times(frame: pd.DataFrame, axis: Axes) -> None:
    axis.hist(frame["transaction_date"].dt.hour, bins=24)


if __name__ == "__main__":
    draw(load(sys.argv[1]), sys.argv[1], Path(sys.argv[2]))
