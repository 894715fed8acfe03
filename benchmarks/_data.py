"""The tables that the benchmarks learn from, each with other customers of the same bank beside it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from worlds import RECIPES, WORLDS, make_samples

import gretel_fin_synth as fs
from gretel_fin_synth._io import read_table
from gretel_fin_synth.schema import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

DATA = Path(__file__).parents[2] / "shared" / "data"
REAL = {
    "berka": "a real bank, 250 customers in training and 250 others held out",
    "berka_small": "the same bank, 60 customers and 60 others",
    "seed": "the table of the original run, one half of its customers in training and the other held out",
}
ALL_WORLDS = "all-worlds"
SAMPLES = 7  # of a world: one to learn from, six beside it
NAMES = (*REAL, *WORLDS, ALL_WORLDS)


@dataclass(frozen=True, eq=False)
class Case:
    """One table to learn from.

    Attributes
    ----------
    name, about : str
        Its name, and what it is.
    train, holdout : pandas.DataFrame
        The customers to learn from, and as many others whom no model sees.
    others : tuple of pandas.DataFrame
        Further samples of the same bank, as large: the first shows what the attacks make of an honest table,
        and the fidelity of all is averaged with the holdout's, whose own depends on luck. Empty where there
        is none: then half of the holdout takes the part of the first.
    fixed : bool
        Whether the tables are the same whatever the seed.
    """

    name: str
    about: str
    train: pd.DataFrame
    holdout: pd.DataFrame
    others: tuple[pd.DataFrame, ...] = ()
    fixed: bool = False


def expand(names: Sequence[str]) -> list[str]:
    """Replace ``all-worlds`` by the names of the worlds."""
    each = [known for name in names for known in (WORLDS if name == ALL_WORLDS else (name,))]
    return list(dict.fromkeys(each))


def load(name: str, seed: int) -> Case | None:
    """Return a case; None, and a line on standard output, if its data are not here.

    The real bank's tables are fixed; in all others the seed draws the customers.
    """
    if name in RECIPES:
        train, holdout, *others = make_samples(name, SAMPLES, seed=seed)
        return Case(name, RECIPES[name].about, train, holdout, tuple(others))
    folder = DATA / ("seed" if name == "seed" else "berka_early")
    if not folder.exists():
        print(f"Skipped: the data of {name} ({folder}) are not here.")
        return None
    if name == "seed":
        table = read_table(folder / "transactions_merged.csv")[list(COLUMNS)]
        return Case(name, REAL[name], *fs.split_customers(table, 0.5, seed=seed))
    prefix = "small_" if name == "berka_small" else ""
    train, holdout = (read_table(folder / f"{prefix}{part}.parquet") for part in ("train", "holdout"))
    return Case(name, REAL[name], train, holdout, fixed=True)
