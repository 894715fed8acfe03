"""The columns that a bank's export often has beside the six: merchant, channel, currency."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gretel_fin_synth.standin._names import pool
from gretel_fin_synth.standin._table import text_column

if TYPE_CHECKING:
    import pandas as pd

    from gretel_fin_synth.standin._dice import Dice
    from gretel_fin_synth.standin._scene import Catalogue, Floats, Ints
    from gretel_fin_synth.standin._spec import World
    from gretel_fin_synth.standin._table import Rows

EXTRA_COLUMNS = ("merchant", "channel", "currency")


def extra_column(name: str, rows: Rows, catalogue: Catalogue, world: World, dice: Dice) -> pd.Series[str]:
    """Return one extra column of a table.

    Parameters
    ----------
    name : {"merchant", "channel", "currency"}
        Which.
    rows, catalogue, world
        The table's transactions.
    dice : Dice
        Source of the customers' favourite merchants.
    """
    if name == "currency":
        return text_column([world.currency], np.zeros(len(rows.code), dtype=np.int64))
    if name == "channel":
        return _channels(rows, catalogue)
    return _merchants(rows, catalogue, dice)


def _channels(rows: Rows, catalogue: Catalogue) -> pd.Series[str]:
    """Each label's channels, equally common."""
    names = sorted({channel for label in catalogue.labels for channel in label.channels})
    choices = [[names.index(channel) for channel in label.channels] for label in catalogue.labels]
    return text_column(names, _chosen(choices, rows.code, rows.channel))


def _merchants(rows: Rows, catalogue: Catalogue, dice: Dice) -> pd.Series[str]:
    """Favourites of each customer: contracts stay with one firm, habits go mostly to the first ones."""
    pools = [pool(label.category, label.channels) for label in catalogue.labels]
    names = sorted({name for names in pools for name in names})
    choices = [[names.index(name) for name in names_of] for names_of in pools]
    n_customers = int(rows.customer.max()) + 1
    luck = dice.of("extras: favourites").random((n_customers, len(pools)))
    favourite = luck[rows.customer, rows.code] ** 1.4  # the first names of a pool are the popular ones
    sizes = np.array([len(choice) for choice in choices])[rows.code]
    loyal = np.array([not catalogue.is_habit(code) for code in range(len(pools))])[rows.code]
    strays = np.where(loyal, 0, (sizes * rows.merchant**3).astype(np.int64))
    position = ((favourite * sizes).astype(np.int64) + strays) % sizes
    return text_column(names, _chosen(choices, rows.code, (position + 0.5) / sizes))


def _chosen(choices: list[list[int]], codes: Ints, luck: Floats) -> Ints:
    """Pick from the list of each row's code by a number in [0, 1)."""
    sizes = np.array([len(choice) for choice in choices])
    table = np.zeros((len(choices), int(sizes.max())), dtype=np.int64)
    for row, choice in zip(table, choices, strict=True):
        row[: len(choice)] = choice
    picked: Ints = table[codes, (sizes[codes] * luck).astype(np.int64)]
    return picked
